#include "ua/protect.h"

#include "base/mem.h"
#include "mime/smime.h"
#include "sip/build.h"
#include "sip/date.h"
#include "ua/enclosed.h"
#include "ua/state.h"

/* -- what our user wants --------------------------------------------------------------------------------- */

struct slice put_protect_aor(struct writer *out, struct slice uri)
{
	struct sip_uri parsed;

	if (sip_uri_parse(uri, &parsed) &&
	    (parsed.scheme == SIP_SCHEME_SIP || parsed.scheme == SIP_SCHEME_SIPS) && parsed.user.len > 0)
		put_aor(out, &parsed);
	return out->overflow ? SLICE("") : writer_text(out);
}

bool protect_is_same(struct slice a, struct slice b)
{
	char left[CREDENTIALS_AOR_MAX], right[CREDENTIALS_AOR_MAX];
	struct writer l = writer_of(left, sizeof left), r = writer_of(right, sizeof right);
	struct slice aor = put_protect_aor(&l, a);

	return aor.len > 0 && slice_eq(aor, put_protect_aor(&r, b));
}

bool protect_is_of(struct slice uri, struct slice aor)
{
	char buffer[CREDENTIALS_AOR_MAX];
	struct writer out = writer_of(buffer, sizeof buffer);

	return aor.len > 0 && slice_eq(put_protect_aor(&out, uri), aor);
}

bool protect_is_between_phones(enum sip_method method)
{
	return method != SIP_NOTIFY && method != SIP_SUBSCRIBE && method != SIP_PUBLISH &&
	       method != SIP_REGISTER;
}

bool protect_can_read(const struct ua *ua)
{
	struct cms_recipient own[CREDENTIALS_OWN_MAX];

	return credentials_own(ua->credentials, own) > 0;
}

/* What counts for whom the URI names. */
static struct contact_policy policy_for(const struct ua *ua, struct slice uri)
{
	char buffer[CONTACTS_AOR_MAX];
	struct writer out = writer_of(buffer, sizeof buffer);
	struct contact_policy policy = { ua->smime, false };

	(void)contacts_find(ua->contacts, put_protect_aor(&out, uri), &policy);
	return policy;
}

enum ua_smime protect_policy(const struct ua *ua, struct slice uri)
{
	return policy_for(ua, uri).smime;
}

static enum cms_cipher cipher_for(const struct ua *ua, struct slice uri)
{
	return policy_for(ua, uri).cbc ? CMS_AES128_CBC : ua->smime_cipher;
}

/* -- how it leaves ----------------------------------------------------------------------------------------- */

static const struct verdict no_key = {
	.code = "smime.no-own-certificate",
	.what = "this phone has no certificate of its own to sign with",
	.section = "RFC 8591 §4.1",
	.remedy = "look with sealphone cert show; the domain may not give any out",
};
static const struct verdict no_user = {
	.code = "smime.no-user",
	.what = "there is nobody who could have a certificate behind {peer}",
	.section = "RFC 6072 §3",
	.remedy = "use an address with a user in it",
};
static const struct verdict cannot_ask = {
	.code = "smime.cannot-ask",
	.what = "nobody could be asked for the certificates of {peer} now",
	.section = "RFC 6072 §3",
	.remedy = "try again when there is a connection to the server",
};

static const struct verdict signs_nothing = {
	.code = "smime.anonymous",
	.what = "what names nobody is not signed: {peer} would see by whom",
	.section = "RFC 3261 §23.4.3",
	.remedy = "let it be seen who sends it, or go without protection from end to end (--smime)",
};

void protect_doubt(struct ua_protection *how, const struct verdict *why, struct slice peer)
{
	how->has_verdict = true;
	how->verdict = *why;
	if (how->verdict.peer.len == 0)
		verdict_text_set(&how->verdict.peer, peer);
}

/* It cannot be protected, and nobody has tampered with anything. */
static enum protect_way lacking(enum ua_smime policy, bool was_protected)
{
	if (policy == UA_SMIME_REQUIRE)
		return PROTECT_REFUSED;
	/* who could be written to under protection is not written to without because of a server's word */
	return was_protected ? PROTECT_ASK : PROTECT_CLEAR;
}

struct choice {
	struct ua *ua;
	const struct protect_wish *wish;
	enum ua_smime policy;
	struct slice aor;
	struct now now;
	struct ua_protection *how;
};

/* PROTECT_SEALED: there is an answer, look again. */
static enum protect_way wait_for(const struct choice *choice, struct slice aor, bool was_protected)
{
	switch (credentials_want(choice->ua->credentials, aor, choice->wish->waiter, choice->now)) {
	case OK: return PROTECT_WAIT;
	case ERR_EXISTS: return PROTECT_SEALED;
	default: protect_doubt(choice->how, &cannot_ask, aor); return lacking(choice->policy, was_protected);
	}
}

static enum protect_way choose_signer(const struct choice *choice)
{
	struct credentials *credentials = choice->ua->credentials;
	const struct verdict *why = NULL;
	struct credentials_found found;
	struct cms_recipient own;

	credentials_of(credentials, choice->aor, choice->now.wall, &found);
	switch (credentials_signer(credentials, choice->now.wall, &own, &why)) {
	case CREDENTIALS_KNOWN: return PROTECT_SEALED;
	case CREDENTIALS_ASKED: return wait_for(choice, credentials_aor(credentials), found.was_protected);
	default:
		protect_doubt(choice->how, why ? why : &no_key, choice->aor);
		return lacking(choice->policy, found.was_protected);
	}
}

/* By certificates that are known. */
static enum protect_way choose_known(const struct choice *choice, bool may_wait)
{
	struct credentials_found found;

	credentials_of(choice->ua->credentials, choice->aor, choice->now.wall, &found);
	switch (found.state) {
	case CREDENTIALS_KNOWN: return PROTECT_SEALED;
	case CREDENTIALS_UNKNOWN:
	case CREDENTIALS_ASKED:
		if (may_wait)
			return wait_for(choice, choice->aor, found.was_protected);
		protect_doubt(choice->how, &cannot_ask, choice->aor);
		return lacking(choice->policy, found.was_protected);
	case CREDENTIALS_REFUSED:
		protect_doubt(choice->how, found.verdict ? found.verdict : &cannot_ask, choice->aor);
		return PROTECT_REFUSED;
	default:
		protect_doubt(choice->how, found.verdict ? found.verdict : &cannot_ask, choice->aor);
		return lacking(choice->policy, found.was_protected);
	}
}

/* Where none is known, one that came with a refusal may be as good: who vouches for it is asked as of any other. */
static enum protect_way choose_recipients(const struct choice *choice, bool may_wait)
{
	enum protect_way way = choose_known(choice, may_wait);

	if (way == PROTECT_SEALED || way == PROTECT_WAIT)
		return way;
	return enclosed_believed(choice->ua, choice->wish->enclosed, choice->wish->uri, choice->now)
		       ? PROTECT_SEALED
		       : way;
}

/* Each of the two may turn out to be known when it is asked for. */
static enum protect_way decide(const struct choice *choice)
{
	const struct credentials *credentials = choice->ua->credentials;
	struct credentials_found found;
	enum protect_way way = choose_signer(choice);

	if (way != PROTECT_SEALED)
		return way;
	way = choose_recipients(choice, true);
	if (way != PROTECT_SEALED)
		return way;
	credentials_of(credentials, choice->aor, choice->now.wall, &found);
	return found.state == CREDENTIALS_KNOWN ? PROTECT_SEALED : choose_recipients(choice, false);
}

enum protect_way protect_choose(struct ua *ua, const struct protect_wish *wish, struct now now,
				struct ua_protection *ret_how)
{
	char buffer[CREDENTIALS_AOR_MAX];
	struct writer out = writer_of(buffer, sizeof buffer);
	const struct choice choice = {
		.ua = ua,
		.wish = wish,
		.policy = protect_policy(ua, wish->uri),
		.aor = put_protect_aor(&out, wish->uri),
		.now = now,
		.how = ret_how,
	};

	*ret_how = (struct ua_protection){ .is_encrypted = false };
	if (choice.policy == UA_SMIME_OFF)
		return PROTECT_CLEAR;
	if (wish->is_anonymous) {
		protect_doubt(ret_how, &signs_nothing, wish->uri);
		return lacking(choice.policy, false);
	}
	if (choice.aor.len == 0) {
		protect_doubt(ret_how, &no_user, wish->uri);
		return lacking(choice.policy, false);
	}
	return decide(&choice);
}

/* -- doing it ------------------------------------------------------------------------------------------------ */

void protected_fini(struct protected *what)
{
	secret_free(what->lines);
	secret_free(what->body);
	*what = (struct protected){ NULL, NULL };
}

/* Theirs and our own, so that what was sent can be read again. */
struct recipients {
	const struct certificate *at[CREDENTIALS_DEVICES_MAX + 2];
	size_t n, n_theirs;
};

/* A device whose certificate is for signatures alone reads nothing, and does not keep the others from reading. */
static void add_recipient(struct recipients *recipients, const struct certificate *certificate)
{
	if (cms_can_encrypt_to(certificate))
		recipients->at[recipients->n++] = certificate;
}

static bool is_among(const struct recipients *recipients, const struct certificate *certificate)
{
	for (size_t i = 0; i < recipients->n; i++)
		if (certificate_eq(recipients->at[i], certificate))
			return true;
	return false;
}

static void find_recipients(const struct ua *ua, const struct protect_order *order,
			    const struct cms_recipient *own, struct recipients *ret_recipients)
{
	char buffer[CREDENTIALS_AOR_MAX];
	struct writer out = writer_of(buffer, sizeof buffer);
	struct credentials_found found;

	*ret_recipients = (struct recipients){ .n = 0 };
	credentials_of(ua->credentials, put_protect_aor(&out, order->uri), order->now, &found);
	if (found.state == CREDENTIALS_KNOWN)
		for (size_t i = 0; i < found.n; i++)
			add_recipient(ret_recipients, found.at[i]);
	if (order->also && !is_among(ret_recipients, order->also))
		add_recipient(ret_recipients, order->also);
	ret_recipients->n_theirs = ret_recipients->n;
	add_recipient(ret_recipients, own->certificate);
}

/* The entity that is protected. It is wiped by who gets it. */
static enum err write_inside(const struct tunnel_order *message, struct secret **ret_inside)
{
	size_t size = message->start.len + message->identity.len + message->lines.len + message->body.len +
		      256;
	struct writer out = writer_of(mem_alloc(size), size);
	enum err err = ERR_LIMIT;

	if (!out.buf)
		return ERR_NOMEM;
	put_tunnel(&out, message);
	if (!out.overflow) {
		*ret_inside = secret_new(writer_text(&out));
		err = *ret_inside ? OK : ERR_NOMEM;
	}
	mem_wipe(out.buf, out.len);
	mem_free(out.buf);
	return err;
}

static enum err seal(struct ua *ua, const struct cms_signer *signer, const struct cms_envelope *envelope,
		     const struct tunnel_order *message, struct secret **ret_entity)
{
	AUTO(secret) struct secret *inside = NULL, *signed_entity = NULL;

	TRY(write_inside(message, &inside));
	TRY(smime_sign(ua->auth.crypto, signer, secret_slice(inside), &signed_entity));
	return smime_encrypt(ua->auth.crypto, envelope, secret_slice(signed_entity), ret_entity);
}

/* The entity's own header fields become those of the message; RFC 3261 §23.3 has it say that it must be understood. */
static enum err write_outside(const struct tunnel_order *message, struct slice entity,
			      struct protected *ret_what)
{
	size_t end = slice_find_text(entity, SLICE("\r\n\r\n")) + 2, size = message->lines.len + end + 128;
	struct writer out = writer_of(mem_alloc(size), size);

	if (!out.buf)
		return ERR_NOMEM;
	put_tunnel_outside(&out, message);
	put(&out, slice_sub(entity, 0, end));
	put(&out, SLICE("Content-Disposition: attachment;handling=required;filename=smime.p7m\r\n"));
	ret_what->lines = out.overflow ? NULL : secret_new(writer_text(&out));
	ret_what->body = secret_new(slice_sub(entity, end + 2, entity.len));
	mem_free(out.buf);
	if (ret_what->lines && ret_what->body)
		return OK;
	protected_fini(ret_what);
	return ERR_NOMEM;
}

static void tell_how(struct ua *ua, enum cms_cipher cipher, const struct cms_recipient *own,
		     const struct recipients *recipients, struct ua_protection *ret_how)
{
	*ret_how = (struct ua_protection){
		.is_encrypted = true,
		.is_believed = true,
		.is_whole = true,
		.cipher = cms_cipher_name(cipher),
		.is_weak = !cms_cipher_is_authenticated(cipher),
		.n_recipients = (unsigned)recipients->n_theirs,
	};
	verdict_text_set(&ret_how->signer, credentials_aor(ua->credentials));
	ret_how->is_signed = certificate_key_id(own->certificate, ret_how->key);
}

static enum err wrap(struct ua *ua, const struct protect_order *order, const struct cms_recipient *own,
		     const struct recipients *recipients, struct protected *ret_what)
{
	const struct cms_signer signer = {
		.certificate = own->certificate,
		.key = own->key,
		.now = order->now,
		.chain = credentials_own_chain(ua->credentials),
	};
	const struct cms_envelope envelope = { recipients->at, recipients->n, cipher_for(ua, order->uri) };
	struct tunnel_order message = order->message;
	AUTO(secret) struct secret *entity = NULL;
	size_t size = message.lines.len + 64;
	struct writer out = writer_of(mem_alloc(size), size);
	enum err err;

	if (!out.buf)
		return ERR_NOMEM;
	put(&out, message.lines);
	put(&out, SLICE("Date: "));
	put_date(&out, order->now);
	put(&out, SLICE("\r\n"));
	message.lines = writer_text(&out);
	err = seal(ua, &signer, &envelope, &message, &entity);
	if (err == OK)
		err = write_outside(&message, secret_slice(entity), ret_what);
	mem_free(out.buf);
	return err;
}

enum err protect_wrap(struct ua *ua, const struct protect_order *order, struct protected *ret_what,
		      struct ua_protection *ret_how)
{
	const struct verdict *why;
	struct recipients recipients;
	struct cms_recipient own;

	if (credentials_signer(ua->credentials, order->now, &own, &why) != CREDENTIALS_KNOWN)
		return ERR_NOT_FOUND;
	find_recipients(ua, order, &own, &recipients);
	if (recipients.n_theirs == 0)
		return ERR_NOT_FOUND;
	*ret_what = (struct protected){ NULL, NULL };
	TRY(wrap(ua, order, &own, &recipients, ret_what));
	tell_how(ua, cipher_for(ua, order->uri), &own, &recipients, ret_how);
	return OK;
}

/* Ours, and where it was imported those of its issuers: who cannot ask our domain may trust one of them. */
static enum err write_certificates(struct ua *ua, struct secret **ret_der)
{
	const struct certificate *at[CMS_OTHERS_MAX];
	const struct chain *chain = credentials_own_chain(ua->credentials);
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	size_t n = 0;

	if (credentials_own(ua->credentials, own) == 0)
		return ERR_NOT_FOUND;
	at[n++] = own[0].certificate;
	for (size_t i = 1; chain && i < chain_length(chain) && n < CMS_OTHERS_MAX; i++)
		at[n++] = chain_at(chain, i);
	return cms_certificates(ua->auth.crypto, at, n, ret_der);
}

void protect_reply_certificates(struct ua *ua, struct server *server, unsigned status, struct slice lines,
				struct now now)
{
	size_t size = lines.len + 256;
	struct writer out = writer_of(mem_alloc(size), size);
	AUTO(secret) struct secret *der = NULL;

	if (out.buf && write_certificates(ua, &der) == OK) {
		put(&out, lines);
		put(&out,
		    SLICE("Content-Type: application/pkcs7-mime;smime-type=certs-only;name=smime.p7c\r\n"
			  "Content-Transfer-Encoding: binary\r\n"));
		const struct sip_reply reply = { .status = status,
						 .headers = writer_text(&out),
						 .body = secret_slice(der) };
		endpoint_respond(ua->endpoint, server, &reply, now);
	} else {
		ua_reply(ua, server, status, lines, now);
	}
	mem_free(out.buf);
}
