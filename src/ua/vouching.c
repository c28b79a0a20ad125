#include "ua/vouching.h"

#include "base/mem.h"
#include "crypto/identity.h"
#include "mime/multipart.h"
#include "mime/smime.h"
#include "sip/address.h"
#include "sip/date.h"
#include "sip/fields.h"

enum { SKEW_SECONDS = 3600 /* how far the Date may be from our clock */ };

static const struct verdict not_signed = {
	.code = "vouching.not-signed",
	.what = "the certificates of {peer} came without the signature of their domain",
	.section = "RFC 6072 §6.8",
	.remedy = "somebody on the way may have taken it off: do not write to {peer} in confidence",
};
static const struct verdict malformed = {
	.code = "vouching.malformed",
	.what = "what the domain has signed for {peer} is no list of certificates: {found}",
	.section = "RFC 6072 §6.4",
	.remedy = "tell the administrator of the domain of {peer}",
};
static const struct verdict other_domain = {
	.code = "vouching.other-domain",
	.what = "the certificates of {peer} were signed by {found}, and not by {expected}",
	.section = "RFC 5922 §7.2",
	.remedy = "somebody on the way may have swapped them: do not trust them",
};
static const struct verdict not_trusted = {
	.code = "vouching.not-trusted",
	.what = "who has signed the certificates of {peer} is not known here: {found}",
	.section = "RFC 5280 §6.1",
	.remedy = "trust the CA of that domain (--ca) if you know it",
};
static const struct verdict other_user = {
	.code = "vouching.other-user",
	.what = "a certificate that came for {peer} is that of {found}",
	.section = "RFC 6072 §6.8",
	.remedy = "somebody on the way may have swapped it: do not trust it",
};
static const struct verdict replayed = {
	.code = "vouching.replayed",
	.what = "what was signed for {peer} was made for another NOTIFY: its {found} is another one",
	.section = "RFC 6072 §10",
	.remedy = "somebody on the way may have kept an older one: do not trust it",
};
static const struct verdict stale = {
	.code = "vouching.stale",
	.what = "what was signed for {peer} is of {found}, too far from now",
	.section = "RFC 3261 §23.4.2",
	.remedy = "set the clock of this machine; if it is good, somebody on the way holds messages back",
};
static const struct verdict expired = {
	.code = "vouching.expired",
	.what = "a certificate that came for {peer} has expired, or is not valid yet",
	.section = "RFC 5280 §6.1.3",
	.remedy = "set the clock of this machine; if it is good, {peer} has to renew it",
};

static void vouched_fini(struct vouched *vouched)
{
	for (size_t i = 0; i < vouched->n; i++)
		certificate_free(vouched->at[i]);
	vouched->n = 0;
}

static enum err deny(const struct vouching_question *question, const struct verdict *template,
		     struct slice found, struct verdict *ret_verdict)
{
	*ret_verdict = *template;
	verdict_text_set(&ret_verdict->peer, question->aor);
	verdict_text_set(&ret_verdict->found, found);
	return ERR_DENIED;
}

/* -- who has signed -------------------------------------------------------------------------------------------- */

static struct slice domain_of(struct slice aor)
{
	return slice_sub(aor, slice_find(aor, '@') + 1, aor.len);
}

static enum err check_signer(const struct vouching_question *question, const struct smime_layer *layer,
			     struct verdict *ret_verdict)
{
	const struct anchors_question leads = { .certificate = layer->signer,
						.others = layer->others,
						.now = question->now };
	char buf[VERDICT_TEXT_MAX];
	struct writer found = writer_of(buf, sizeof buf);
	struct verdict why;
	enum err err = anchors_check(question->anchors, &leads, &why);

	if (err == ERR_DENIED) {
		put_verdict(&found, &why);
		return deny(question, &not_trusted, writer_text(&found), ret_verdict);
	}
	TRY(err);
	if (identity_check(layer->signer, domain_of(question->aor), &why) == OK)
		return OK;
	if (!put_identities(&found, layer->signer))
		put(&found, SLICE("nobody's domain"));
	deny(question, &other_domain, writer_text(&found), ret_verdict);
	verdict_text_set(&ret_verdict->expected, domain_of(question->aor));
	return ERR_DENIED;
}

/* -- what ties it to this NOTIFY ------------------------------------------------------------------------------- */

/* The value of a line of the fragment; absent if there is none or more than one. */
static struct slice line_of(struct slice fragment, struct slice name)
{
	struct slice found = { NULL, 0 };

	while (fragment.len > 0) {
		size_t end = slice_find_text(fragment, SLICE("\r\n"));
		struct slice line = slice_sub(fragment, 0, end);
		size_t colon = slice_find(line, ':');

		fragment = slice_sub(fragment, end + 2, fragment.len);
		if (!slice_eq_nocase(slice_trim(slice_sub(line, 0, colon)), name))
			continue;
		if (found.ptr)
			return (struct slice){ NULL, 0 };
		found = slice_trim(slice_sub(line, colon + 1, line.len));
	}
	return found;
}

static bool is_aor(struct slice value, struct slice aor)
{
	char buf[CREDENTIALS_AOR_MAX];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_address address;

	if (!sip_address_parse(value, &address))
		return false;
	put_aor(&out, &address.uri);
	return !out.overflow && slice_eq(writer_text(&out), aor);
}

static bool is_cseq(struct slice value, const struct sip_message *notify)
{
	char buf[32];
	struct writer out = writer_of(buf, sizeof buf);

	put_number(&out, notify->cseq.number);
	put(&out, SLICE(" NOTIFY"));
	return slice_eq(value, writer_text(&out));
}

static bool is_to_us(struct slice value, const struct sip_message *notify)
{
	struct sip_address to;

	return sip_address_parse(value, &to) && slice_eq(to.tag, notify->to.tag);
}

static bool is_event(struct slice value)
{
	struct sip_event event;

	return sip_event_parse(value, &event) && slice_eq(event.package, SLICE("certificate"));
}

static enum err check_fragment(const struct vouching_question *question, struct slice fragment,
			       struct verdict *ret_verdict)
{
	const struct sip_message *notify = question->notify;
	struct slice date = line_of(fragment, SLICE("Date"));
	const struct {
		struct slice name;
		bool ok;
	} ties[] = {
		{ SLICE("Call-ID"), slice_eq(line_of(fragment, SLICE("Call-ID")), notify->call_id) },
		{ SLICE("To"), is_to_us(line_of(fragment, SLICE("To")), notify) },
		{ SLICE("CSeq"), is_cseq(line_of(fragment, SLICE("CSeq")), notify) },
		{ SLICE("Event"), is_event(line_of(fragment, SLICE("Event"))) },
	};
	struct slice from = line_of(fragment, SLICE("From"));
	utc_t when;

	if (!is_aor(from, question->aor))
		return deny(question, &other_user, from, ret_verdict);
	for (size_t i = 0; i < sizeof ties / sizeof ties[0]; i++)
		if (!ties[i].ok)
			return deny(question, &replayed, ties[i].name, ret_verdict);
	if (!sip_date_parse(date, &when) || when > question->now + SKEW_SECONDS ||
	    when < question->now - SKEW_SECONDS)
		return deny(question, &stale, date.len > 0 ? date : SLICE("no day"), ret_verdict);
	return OK;
}

/* -- the certificates ------------------------------------------------------------------------------------------ */

static enum err take_certificate(const struct vouching_question *question, const struct mime_entity *part,
				 struct vouched *vouched, struct verdict *ret_verdict)
{
	AUTO(certificate) struct certificate *certificate = NULL;
	struct verdict why;
	enum err err;

	if (!sip_media_type_is(&part->type, SLICE("application"), SLICE("pkix-cert")) ||
	    part->encoding != MIME_AS_IS)
		return deny(question, &malformed, SLICE("a part is no certificate"), ret_verdict);
	if (vouched->n == CREDENTIALS_DEVICES_MAX)
		return deny(question, &malformed, SLICE("there are too many"), ret_verdict);
	err = certificate_parse_der(question->crypto, part->body, &certificate);
	if (err == ERR_NOMEM)
		return err;
	if (err != OK)
		return deny(question, &malformed, SLICE("a certificate cannot be read"), ret_verdict);
	if (credentials_are_for(certificate, question->aor, &why) != OK)
		return deny(question, &other_user, verdict_text(&why.found), ret_verdict);
	if (certificate_not_before(certificate) > question->now ||
	    certificate_not_after(certificate) < question->now)
		return deny(question, &expired, SLICE(""), ret_verdict);
	vouched->at[vouched->n++] = TAKE(certificate);
	return OK;
}

static enum err next_part(struct multipart *parts, struct mime_entity *ret_part)
{
	struct slice text;

	TRY(multipart_next(parts, &text));
	return mime_entity_parse(text, ret_part) == OK ? OK : ERR_SYNTAX;
}

static enum err read_parts(const struct vouching_question *question, const struct mime_entity *list,
			   struct vouched *vouched, struct verdict *ret_verdict)
{
	struct multipart parts;
	struct mime_entity part;
	enum err err;

	if (!sip_media_type_is(&list->type, SLICE("multipart"), SLICE("mixed")) ||
	    multipart_begin(list, &parts) != OK || next_part(&parts, &part) != OK ||
	    !sip_media_type_is(&part.type, SLICE("message"), SLICE("sipfrag")))
		return deny(question, &malformed, SLICE("it does not say what it was made for"), ret_verdict);
	TRY(check_fragment(question, part.body, ret_verdict));
	while ((err = next_part(&parts, &part)) == OK)
		TRY(take_certificate(question, &part, vouched, ret_verdict));
	if (err != ERR_NOT_FOUND)
		return deny(question, &malformed, SLICE("a part is broken"), ret_verdict);
	return OK;
}

/* -- the whole ------------------------------------------------------------------------------------------------- */

static enum err read_opened(const struct vouching_question *question, const struct smime_opened *opened,
			    struct vouched *ret_vouched, struct verdict *ret_verdict)
{
	struct vouched vouched = { .n = 0 };
	enum err err;

	if (opened->n_layers != 1 || opened->layers[0].is_encrypted)
		return deny(question, &not_signed, SLICE(""), ret_verdict);
	TRY(check_signer(question, &opened->layers[0], ret_verdict));
	err = read_parts(question, &opened->entity, &vouched, ret_verdict);
	if (err != OK)
		vouched_fini(&vouched);
	else
		*ret_vouched = vouched;
	return err;
}

static enum err open_entity(const struct vouching_question *question, struct slice text,
			    struct smime_opened *ret_opened, struct verdict *ret_verdict)
{
	const struct smime_keys none = { .n_own = 0 };
	struct mime_entity entity;
	enum err err;

	if (mime_entity_parse(text, &entity) != OK)
		return deny(question, &not_signed, SLICE(""), ret_verdict);
	err = smime_open(question->crypto, &none, &entity, ret_opened, ret_verdict);
	return err == OK || err == ERR_NOMEM ? err : ERR_DENIED;
}

enum err vouching_read(const struct vouching_question *question, struct vouched *ret_vouched,
		       struct verdict *ret_verdict)
{
	struct slice type = sip_message_value(question->notify, SIP_CONTENT_TYPE);
	size_t size = type.len + question->notify->body.len + 32;
	struct smime_opened opened = { .n_layers = 0 };
	struct writer text = writer_of(mem_alloc(size), size);
	enum err err;

	if (!text.buf)
		return ERR_NOMEM;
	put(&text, SLICE("Content-Type: "));
	put(&text, type);
	put(&text, SLICE("\r\n\r\n"));
	put(&text, question->notify->body);
	err = open_entity(question, writer_text(&text), &opened, ret_verdict);
	if (err == OK)
		err = read_opened(question, &opened, ret_vouched, ret_verdict);
	smime_opened_fini(&opened);
	mem_free(text.buf);
	return err;
}
