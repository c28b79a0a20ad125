#include "ua/opening.h"

#include "base/mem.h"
#include "mime/smime.h"
#include "sip/date.h"
#include "sip/fields.h"
#include "ua/content.h"
#include "ua/protect.h"
#include "ua/state.h"
#include "ua/tunnel.h"

/* -- what can be wrong ------------------------------------------------------------------------------------- */

static const struct verdict another_message = {
	.code = "smime.header-mismatch",
	.what = "the protected header fields are those of another message",
	.section = "RFC 3261 §23.4.1.1",
	.remedy = "trust nothing of it; ask {peer} by another way what was sent",
};
static const struct verdict bad_tunnel = {
	.code = "smime.bad-header",
	.what = "the protected header fields are no good: {found}",
	.section = "RFC 3261 §23.4.2",
	.remedy = "ask {peer} to use another phone",
};
static const struct verdict replayed = {
	.code = "smime.replay",
	.what = "this message of {peer} was taken before, and somebody has sent it again",
	.section = "RFC 3261 §23.4.2",
	.remedy = "take it for what it is: an old message",
};
static const struct verdict untimely = {
	.code = "smime.untimely",
	.what = "this message of {peer} was signed at another time: it is an old one that was sent again, or a "
		"clock is wrong",
	.section = "RFC 3261 §23.4.2",
	.remedy = "set the clock of this machine, or trust nothing of it",
};
static const struct verdict not_asked = {
	.code = "smime.not-asked",
	.what = "nobody could be asked whose certificate it is that {peer} has signed with",
	.section = "RFC 6072 §3",
	.remedy = "try again when there is a connection to the server",
};
static const struct verdict too_many = {
	.code = "smime.too-many-strangers",
	.what = "the domain of {peer} was not asked whose certificate it is: too many strangers write within a minute ({found} so far "
		"had to do without)",
	.section = "RFC 6072 §3",
	.remedy = "trust it the less; look who writes so much, or allow more with --smime-strangers",
};

static void break_off(struct arrival *arrival, unsigned status, const struct verdict *why)
{
	arrival->protection.is_broken = true;
	protect_doubt(&arrival->protection, why, slice_from(arrival->from, arrival->from_len));
	arrival->status = status;
}

static void set_from(struct arrival *arrival, struct slice uri)
{
	struct writer out = writer_of(arrival->from, sizeof arrival->from);

	put(&out, uri);
	arrival->from_len = out.len;
}

/* A sentence about what was changed; what does not fit is left out whole. */
static void note(struct ua_protection *protection, const struct tunnel_difference *difference)
{
	struct writer out = writer_of(protection->notes, sizeof protection->notes);

	out.len = protection->notes_len;
	put_tunnel_difference(&out, difference);
	put_char(&out, '\n');
	if (!out.overflow)
		protection->notes_len = (uint16_t)out.len;
}

/* -- opening ----------------------------------------------------------------------------------------------- */

struct opening {
	struct ua *ua;
	const struct sip_message *outside;
	struct now now;
	struct arrival *arrival;
	struct smime_opened opened;
	struct smime_layer *signature; /* the innermost one; NULL: there is none */
	bool may_wait;                 /* for the signer's certificate */
};

bool opening_is_for(const struct sip_message *message)
{
	struct mime_entity entity = { .encoding = MIME_AS_IS };

	return protect_is_between_phones(message->method) && message->body.len > 0 &&
	       sip_media_type_parse(sip_message_value(message, SIP_CONTENT_TYPE), &entity.type) &&
	       smime_is_protected(&entity);
}

static unsigned status_of(enum err err)
{
	switch (err) {
	case ERR_LIMIT: return 413;
	case ERR_SYNTAX: return 400;
	default: return 493; /* Undecipherable (RFC 3261 §23.2) */
	}
}

/* What the layers say, whoever the signer is. */
static void read_layers(struct opening *opening)
{
	struct ua_protection *protection = &opening->arrival->protection;

	for (size_t i = 0; i < opening->opened.n_layers; i++) {
		struct smime_layer *layer = &opening->opened.layers[i];

		if (layer->is_encrypted) {
			protection->is_encrypted = true;
			protection->cipher = cms_cipher_name(layer->cipher);
			protection->is_weak = !cms_cipher_is_authenticated(layer->cipher);
			continue;
		}
		protection->is_signed = true;
		protection->algorithm = layer->algorithm;
		protection->signed_at = layer->signing_time;
		opening->signature = layer;
	}
}

static enum err unwrap(struct opening *opening, const struct mime_entity *entity)
{
	struct ua *ua = opening->ua;
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	struct credentials_found found = { .n = 0 };
	struct smime_keys keys = { .own = own };
	struct verdict why = bad_tunnel;
	enum err err;

	keys.n_own = credentials_own(ua->credentials, own);
	credentials_of(ua->credentials, arrival_aor(opening->arrival), opening->now.wall, &found);
	keys.known = found.at;
	keys.n_known = found.n;
	err = smime_open(ua->auth.crypto, &keys, entity, &opening->opened, &why);
	if (err == ERR_NOMEM)
		return err;
	if (err != OK)
		break_off(opening->arrival, status_of(err), &why);
	else
		read_layers(opening);
	return OK;
}

/* -- who has signed it ------------------------------------------------------------------------------------- */

/* A request is from whom From names, a response from whom it was asked of. */
static void set_aor(struct opening *opening, const struct sip_message *message)
{
	const struct sip_uri *uri = message->kind == SIP_REQUEST ? &message->from.uri : &message->to.uri;
	struct arrival *arrival = opening->arrival;
	struct writer out = writer_of(arrival->aor, sizeof arrival->aor);

	if (uri->scheme == SIP_SCHEME_SIP || uri->scheme == SIP_SCHEME_SIPS)
		put_aor(&out, uri);
	arrival->aor_len = out.overflow ? 0 : out.len;
}

static void put_count(struct verdict_text *text, unsigned n)
{
	char digits[16];
	struct writer out = writer_of(digits, sizeof digits);

	put_number(&out, n);
	verdict_text_set(text, writer_text(&out));
}

static enum err judge(struct opening *opening)
{
	struct arrival *arrival = opening->arrival;
	struct ua_protection *protection = &arrival->protection;
	const struct credentials_question question = {
		.certificate = opening->signature->signer,
		.others = opening->signature->others,
		.aor = arrival_aor(arrival),
		.now = opening->now,
		.may_wait = opening->may_wait,
	};
	struct credentials_judgement judgement;
	struct verdict why;
	enum err err;

	verdict_text_set(&protection->signer, question.aor);
	if (!certificate_key_id(question.certificate, protection->key))
		return ERR_NOMEM;
	err = credentials_judge(opening->ua->credentials, &question, &judgement, &why);
	if (err == ERR_NOMEM || (err == ERR_AGAIN && opening->may_wait))
		return err;
	if (err != OK) {
		protect_doubt(protection,
			      err != ERR_AGAIN      ? &why
			      : arrival->is_unasked ? &too_many
						    : &not_asked,
			      question.aor);
		if (arrival->is_unasked)
			put_count(&protection->verdict.found, opening->ua->n_unasked);
		return OK;
	}
	protection->is_believed = true;
	protection->trust = credentials_trust_name(judgement.trust);
	arrival->signer = TAKE(opening->signature->signer);
	return OK;
}

/* -- whether it was taken before --------------------------------------------------------------------------- */

static enum err remember(struct opening *opening, const struct slice what[3], utc_t date)
{
	utc_t now = opening->now.wall;

	if (date < now - TUNNEL_WINDOW || date > now + TUNNEL_WINDOW) {
		break_off(opening->arrival, 403, &untimely);
		return OK;
	}
	switch (replay_note(&opening->ua->replay, opening->ua->auth.crypto, what, date,
			    now - TUNNEL_WINDOW)) {
	case REPLAY_NEW: return OK;
	case REPLAY_KNOWN: break_off(opening->arrival, 403, &replayed); return OK;
	case REPLAY_NO_MEMORY: break;
	}
	return ERR_NOMEM;
}

/* Only what somebody who is believed has signed is worth being remembered; responses belong to our requests. */
static bool is_replayable(const struct opening *opening)
{
	return opening->arrival->protection.is_believed && opening->outside->kind == SIP_REQUEST &&
	       opening->outside->method != SIP_ACK;
}

/* -- what is inside ---------------------------------------------------------------------------------------- */

/* Whoever could read it can encrypt to us what its sender has signed for him. In a dialog the tags say that it is meant for us. */
static void note_reader(struct opening *opening, const struct sip_message *inside)
{
	if (inside->kind != SIP_REQUEST || inside->to.tag.len > 0 ||
	    protect_is_of(inside->to.uri.text, credentials_aor(opening->ua->credentials)))
		return;
	note(&opening->arrival->protection,
	     &(struct tunnel_difference){
		     .name = sip_header_name(SIP_TO),
		     .what = "it was written to {inside}, and somebody has passed it on to this phone",
		     .inside = inside->to.uri.text,
	     });
}

/* RFC 3261 §23.4: the header fields travel inside. */
static enum err take_tunnel(struct opening *opening, const struct tunnel *tunnel)
{
	struct arrival *arrival = opening->arrival;
	const struct sip_message *inside = tunnel->message;
	struct tunnel_findings findings;
	enum err err;

	tunnel_compare(tunnel, opening->outside, opening->now.wall, &findings);
	for (size_t i = 0; i < findings.n; i++)
		note(&arrival->protection, &findings.at[i]);
	if (findings.is_breach) {
		break_off(arrival, 403, &another_message);
		return OK;
	}
	set_aor(opening, inside);
	if (opening->signature)
		TRY(judge(opening));
	if (arrival->protection.is_believed) {
		set_from(arrival, inside->from.uri.text);
		note_reader(opening, inside);
	}
	if (is_replayable(opening)) {
		const struct slice what[3] = { inside->call_id, sip_message_value(inside, SIP_CSEQ),
					       sip_message_value(inside, SIP_DATE) };
		utc_t date = 0;

		if (sip_date_parse(what[2], &date))
			TRY(remember(opening, what, date));
	}
	arrival->protection.is_whole = true;
	err = tunnel_join(tunnel, opening->outside, &arrival->message);
	return err == ERR_NOMEM ? err : err == OK ? OK : ERR_SYNTAX;
}

/* What others write: a body alone, which could stand in any message (RFC 8591 §4). */
static enum err take_body(struct opening *opening)
{
	const struct mime_entity *entity = &opening->opened.entity;
	struct arrival *arrival = opening->arrival;
	AUTO(arena) struct arena *arena = arena_new(sip_limits_default.message);
	struct slice content;

	if (!arena)
		return ERR_NOMEM;
	if (opening->signature)
		TRY(judge(opening));
	if (is_replayable(opening)) {
		/* not as From is written, which anybody may write otherwise */
		const struct slice what[3] = { arrival_aor(arrival), entity->text,
					       slice_from(&arrival->protection.signed_at, sizeof(utc_t)) };

		TRY(remember(opening, what, arrival->protection.signed_at));
	}
	TRY(mime_entity_decode(entity, arena, &content));
	return tunnel_replace(entity, content, opening->outside, &arrival->message);
}

static enum err take_inside(struct opening *opening)
{
	struct tunnel tunnel = { NULL, false };
	struct verdict why = bad_tunnel;
	const char *what = "its body cannot be read";
	enum err err;

	if (!tunnel_is_one(&opening->opened.entity)) {
		err = take_body(opening);
	} else {
		err = tunnel_parse(&opening->opened.entity, opening->outside, &tunnel, &what);
		if (err == OK)
			err = take_tunnel(opening, &tunnel);
	}
	tunnel_fini(&tunnel);
	if (err == OK || err == ERR_NOMEM || err == ERR_AGAIN)
		return err;
	verdict_text_set(&why.found, slice_of(what));
	break_off(opening->arrival, 400, &why);
	return OK;
}

void opening_forget(struct arrival *arrival)
{
	sip_message_free(arrival->message);
	arrival->message = NULL;
	certificate_free(arrival->signer);
	arrival->signer = NULL;
	arrival->protection = (struct ua_protection){ .is_encrypted = false };
}

/* What was protected may have several parts itself; none of them can be protected once more. */
static enum err choose_inside(struct arrival *arrival)
{
	struct sip_message *chosen;

	TRY(content_choose(arrival->message, CONTENT_CLEAR, &chosen));
	if (!chosen)
		return OK;
	sip_message_free(arrival->message);
	arrival->message = chosen;
	return OK;
}

enum err opening_do(struct arrival *arrival, const struct sip_message *outside, bool may_wait, struct now now)
{
	struct opening opening = {
		.ua = arrival->ua, .outside = outside, .now = now, .arrival = arrival, .may_wait = may_wait
	};
	struct mime_entity entity;
	struct slice text;
	char *buffer = content_entity(outside, &text);
	enum err err;

	if (!buffer)
		return ERR_NOMEM;
	opening_forget(arrival);
	set_from(arrival, outside->from.uri.text);
	set_aor(&opening, outside);
	if (mime_entity_parse(text, &entity) != OK) {
		break_off(arrival, 400, &bad_tunnel);
		err = OK;
	} else {
		err = unwrap(&opening, &entity);
	}
	if (err == OK && !arrival->protection.is_broken)
		err = take_inside(&opening);
	if (err == OK && arrival->protection.is_broken) {
		sip_message_free(arrival->message);
		arrival->message = NULL;
		err = tunnel_strip(outside, &arrival->message) == OK ? OK : ERR_NOMEM;
	}
	smime_opened_fini(&opening.opened);
	mem_free(buffer);
	return err == OK && !arrival->protection.is_broken ? choose_inside(arrival) : err;
}
