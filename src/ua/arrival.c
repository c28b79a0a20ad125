#include "ua/arrival.h"

#include "base/mem.h"
#include "mime/smime.h"
#include "sip/date.h"
#include "sip/fields.h"
#include "ua/call.h"
#include "ua/content.h"
#include "ua/fork.h"
#include "ua/protect.h"
#include "ua/request.h"
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
static const struct verdict unprotected = {
	.code = "smime.unprotected",
	.what = "it is not signed and encrypted from end to end, as this phone requires of {peer}",
	.section = "RFC 8591 §8",
	.remedy = "have {peer} use S/MIME, or allow less with --smime prefer",
};

static void break_off(struct arrival *arrival, unsigned status, const struct verdict *why)
{
	struct ua_protection *protection = &arrival->protection;

	protection->is_broken = true;
	protection->has_verdict = true;
	protection->verdict = *why;
	if (protection->verdict.peer.len == 0)
		verdict_text_set(&protection->verdict.peer, slice_from(arrival->from, arrival->from_len));
	arrival->status = status;
}

static void doubt(struct ua_protection *protection, const struct verdict *why, struct slice peer)
{
	protection->has_verdict = true;
	protection->verdict = *why;
	if (protection->verdict.peer.len == 0)
		verdict_text_set(&protection->verdict.peer, peer);
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
	char aor[CREDENTIALS_AOR_MAX]; /* of who has to have signed it */
	size_t aor_len;
};

static bool is_protected(const struct sip_message *message)
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
	credentials_of(ua->credentials, slice_from(opening->aor, opening->aor_len), opening->now.wall,
		       &found);
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
	struct writer out = writer_of(opening->aor, sizeof opening->aor);

	if (uri->scheme == SIP_SCHEME_SIP || uri->scheme == SIP_SCHEME_SIPS)
		put_aor(&out, uri);
	opening->aor_len = out.overflow ? 0 : out.len;
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
		.aor = slice_from(opening->aor, opening->aor_len),
		.now = opening->now,
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
		doubt(protection,
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
	if (arrival->protection.is_believed)
		set_from(arrival, inside->from.uri.text);
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
		const struct slice what[3] = { opening->outside->from.uri.text, entity->text,
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

static void arrival_reset(struct arrival *arrival)
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

/* ERR_AGAIN: whether the signer is to be believed has to be asked first. Else the errors of content_choose() for what is inside. */
static enum err open_message(struct arrival *arrival, const struct sip_message *outside, bool may_wait,
			     struct now now)
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
	arrival_reset(arrival);
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

/* -- requests ---------------------------------------------------------------------------------------------- */

static void arrival_free(struct arrival *arrival)
{
	if (!arrival)
		return;
	credentials_cease(arrival->ua->credentials, &arrival->waiter);
	list_remove(&arrival->ua->arrivals, &arrival->link);
	arrival_reset(arrival);
	sip_message_free(arrival->part);
	mem_free(arrival);
}

static struct arrival *find_any(const struct ua *ua, const struct server *server)
{
	LIST_EACH (arrival, &ua->arrivals, struct arrival, link)
		if (arrival->server == server)
			return arrival;
	return NULL;
}

/* One that came protected. */
static struct arrival *find(const struct ua *ua, const struct server *server)
{
	struct arrival *arrival = find_any(ua, server);

	return arrival && !arrival->is_plain ? arrival : NULL;
}

const struct arrival *arrival_of(const struct ua *ua, const struct server *server)
{
	return find(ua, server);
}

const struct arrival *arrival_current(const struct ua *ua)
{
	return ua->arrival;
}

struct slice arrival_from(const struct ua *ua, const struct server *server)
{
	const struct arrival *arrival = find(ua, server);

	return arrival ? slice_from(arrival->from, arrival->from_len) : server->request->from.uri.text;
}

const struct ua_protection *arrival_protection(const struct ua *ua, const struct server *server)
{
	const struct arrival *arrival = find(ua, server);

	return arrival ? &arrival->protection : NULL;
}

static void tell_refusal(struct ua *ua, const struct server *server, unsigned status,
			 const struct ua_protection *protection)
{
	const struct sip_message *request = server->request;
	bool is_call = request->method == SIP_INVITE && request->to.tag.len == 0;
	char text[1000];
	struct writer out = writer_of(text, sizeof text);

	put_verdict(&out, &protection->verdict);
	ua_tell(ua, &(struct ua_event){
			    .kind = is_call ? UA_INCOMING_REFUSED : UA_NOT_TAKEN,
			    .cause = UA_NOT_SECURE,
			    .status = status,
			    .text = writer_text(&out),
			    .state = request->method_name,
			    .peer = request->from.uri.text,
			    .secure = request->uri.scheme == SIP_SCHEME_SIPS,
			    .protection = protection,
		    });
}

/* RFC 3261 §23.2: with 415 and 493 goes the certificate to be encrypted to; with 415 and 488, what is read here. */
static void refuse(struct ua *ua, struct server *server, unsigned status,
		   const struct ua_protection *protection, struct now now)
{
	char text[1000], lines[2200];
	struct writer why = writer_of(text, sizeof text), out = writer_of(lines, sizeof lines);

	put_verdict_advice(&why, &protection->verdict);
	if (status != 493)
		put(&out, SLICE("Accept: " PROTECT_ACCEPT "\r\n"));
	put_ua_warning(&out, 399, writer_text(&why));
	if (status == 493 || status == 415)
		protect_reply_certificates(ua, server, status, writer_text(&out), now);
	else
		ua_reply(ua, server, status, writer_text(&out), now);
	tell_refusal(ua, server, status, protection);
}

static const struct call *call_of(const struct ua *ua, const struct sip_message *request)
{
	struct call *call = call_find_dialog(ua, request);

	if (!call && !fork_find_request(ua, request, &call))
		return NULL;
	return call;
}

/* What a request of this kind could do or show that nobody has protected. */
static bool is_effective(const struct sip_message *request, bool in_call)
{
	switch (request->method) {
	case SIP_MESSAGE:
	case SIP_REFER: return true;
	case SIP_INVITE: return !in_call || request->body.len > 0;
	case SIP_UPDATE:
	case SIP_PRACK:
	case SIP_INFO: return request->body.len > 0;
	default: return false;
	}
}

/* As our user wants it, and in a protected call only by its other side. */
static bool is_acceptable(struct ua *ua, const struct server *server, const struct arrival *arrival)
{
	const struct sip_message *request = server->request;
	const struct call *call = call_of(ua, request);
	struct slice from = arrival_from(ua, server);
	bool is_good = arrival && ua_protection_is_good(&arrival->protection);

	if (!is_effective(request, call != NULL))
		return true;
	/* its answer has keys in it, and there is nobody to encrypt that to */
	if (!call && request->method == SIP_INVITE && arrival && arrival->protection.is_encrypted && !is_good)
		return false;
	if (call && call->is_sealed)
		return is_good && protect_is_same(from, call->peer);
	return is_good || protect_policy(ua, from) != UA_SMIME_REQUIRE;
}

static bool check_policy(struct ua *ua, struct server *server, struct arrival *arrival, struct now now)
{
	struct ua_protection plain = { .is_encrypted = false };
	struct ua_protection *protection = arrival ? &arrival->protection : &plain;
	unsigned status = server->request->method == SIP_MESSAGE ? 415 : 488;

	if (is_acceptable(ua, server, arrival))
		return true;
	if (!protection->has_verdict)
		doubt(protection, &unprotected, arrival_from(ua, server));
	refuse(ua, server, protection->is_believed || !arrival ? status : 403, protection, now);
	return false;
}

/* What it holds is nothing that this phone could take, whoever sent it. */
static void refuse_content(struct ua *ua, struct server *server, enum err err, struct now now)
{
	static const struct ua_fault malformed = { 400, 399,
						   SLICE_INIT("the parts of its body cannot be told apart") };
	static const struct ua_fault too_many_parts = { 413, 399, SLICE_INIT("its body has too many parts") };
	char lines[512];
	struct writer out = writer_of(lines, sizeof lines);

	switch (err) {
	case ERR_DENIED:
		put_content_accepted(&out, server->request->method, protect_can_read(ua));
		ua_reply(ua, server, 415, writer_text(&out), now);
		break;
	case ERR_SYNTAX: ua_refuse(ua, server, &malformed, now); break;
	case ERR_LIMIT: ua_refuse(ua, server, &too_many_parts, now); break;
	default: ua_reply(ua, server, 500, SLICE(""), now); break;
	}
}

/*
 * Whoever writes has us ask his domain, so that many who are unknown would have us ask without end. Who was known before is not counted, nor
 * is whom our user writes to.
 */
static enum err ask_for(struct arrival *arrival, struct slice aor, struct now now)
{
	enum { EACH = 60 /* of a quota that is refilled by the second, with so many a minute */ };
	struct ua *ua = arrival->ua;
	struct credentials_found found;

	credentials_of(ua->credentials, aor, now.wall, &found);
	if (found.state == CREDENTIALS_UNKNOWN && !found.was_protected &&
	    !quota_take(&ua->strangers, EACH, now.mono)) {
		arrival->is_unasked = true;
		ua->n_unasked++;
		return ERR_LIMIT;
	}
	return credentials_want(ua->credentials, aor, &arrival->waiter, now);
}

static bool proceed(struct arrival *arrival, bool may_wait, struct now now)
{
	struct ua *ua = arrival->ua;
	struct server *server = arrival->server;
	const struct sip_message *outside = arrival->part ? arrival->part : server->request;
	enum err err = open_message(arrival, outside, may_wait, now);

	if (err == ERR_AGAIN) {
		char aor[CREDENTIALS_AOR_MAX];
		struct slice signer = verdict_text(&arrival->protection.signer);
		struct writer out = writer_of(aor, sizeof aor);

		put(&out, signer);
		err = ask_for(arrival, writer_text(&out), now);
		return err == OK ? false : proceed(arrival, false, now);
	}
	if (err != OK) {
		refuse_content(ua, server, err, now);
		return false;
	}
	if (arrival->protection.is_broken) {
		refuse(ua, server, arrival->status, &arrival->protection, now);
		return false;
	}
	server->request = arrival->message;
	return check_policy(ua, server, arrival, now);
}

static void on_come(struct credentials_waiter *waiter, struct now now)
{
	struct arrival *arrival = CONTAINER_OF(waiter, struct arrival, waiter);

	if (proceed(arrival, false, now))
		request_take_opened(arrival->ua, arrival->server, now);
}

static enum content_reach reach_of(const struct ua *ua)
{
	return protect_can_read(ua) ? CONTENT_SEALED : CONTENT_SIGNED;
}

/* part is taken over. */
static struct arrival *arrival_new(struct ua *ua, struct server *server, struct sip_message *part)
{
	struct arrival *arrival = mem_new(struct arrival);

	if (!arrival) {
		sip_message_free(part);
		return NULL;
	}
	arrival->ua = ua;
	arrival->server = server;
	arrival->part = part;
	arrival->is_plain = !is_protected(part ? part : server->request);
	arrival->waiter.come = on_come;
	list_append(&ua->arrivals, &arrival->link);
	return arrival;
}

bool arrival_take(struct ua *ua, struct server *server, struct now now)
{
	struct arrival *arrival;
	struct sip_message *part;
	enum err err = content_choose(server->request, reach_of(ua), &part);

	if (err != OK) {
		refuse_content(ua, server, err, now);
		return false;
	}
	if (!part && !is_protected(server->request))
		return check_policy(ua, server, NULL, now);
	arrival = arrival_new(ua, server, part);
	if (!arrival) {
		ua_reply(ua, server, 500, SLICE(""), now);
		return false;
	}
	if (!part || !arrival->is_plain)
		return proceed(arrival, true, now);
	server->request = part;
	return check_policy(ua, server, NULL, now);
}

bool arrival_cancelled(struct ua *ua, struct server *server, struct now now)
{
	const struct arrival *arrival = find(ua, server);

	if (!arrival || arrival->message || server->final != 0)
		return false;
	ua_reply(ua, server, 487, SLICE(""), now);
	arrival_gone(ua, server);
	return true;
}

void arrival_gone(struct ua *ua, struct server *server)
{
	arrival_free(find_any(ua, server));
}

void arrivals_free(struct ua *ua)
{
	LIST_EACH (arrival, &ua->arrivals, struct arrival, link)
		arrival_free(arrival);
	replay_fini(&ua->replay);
}

/* -- responses and ACKs ------------------------------------------------------------------------------------ */

/* A body that cannot be taken is none: there is nobody to refuse it to. */
static enum err choose_part(struct ua *ua, const struct sip_message *message, struct sip_message **ret_part)
{
	enum err err;

	*ret_part = NULL;
	if (message->kind == SIP_RESPONSE && message->status >= 300)
		return OK; /* why it was refused is for who reads that (ua/enclosed.h) */
	err = content_choose(message, reach_of(ua), ret_part);
	return err == OK || err == ERR_NOMEM ? err : tunnel_strip(message, ret_part);
}

static enum err open_answer(struct arrival *arrival, const struct sip_message *message, struct now now)
{
	enum err err = open_message(arrival, message, false, now);

	if (err == OK || err == ERR_NOMEM)
		return err;
	sip_message_free(arrival->message);
	arrival->message = NULL;
	return tunnel_strip(message, &arrival->message);
}

bool arrival_begin(struct ua *ua, const struct sip_message *message, struct now now,
		   struct arrival *ret_arrival, const struct sip_message **ret_message)
{
	struct sip_message *part;

	*ret_arrival = (struct arrival){ .ua = NULL };
	if (choose_part(ua, message, &part) != OK)
		return false;
	ret_arrival->part = part;
	*ret_message = part ? part : message;
	if (!is_protected(*ret_message))
		return true;
	ret_arrival->ua = ua;
	if (open_answer(ret_arrival, *ret_message, now) != OK) {
		arrival_reset(ret_arrival);
		sip_message_free(part);
		return false;
	}
	ua->arrival = ret_arrival;
	*ret_message = ret_arrival->message;
	return true;
}

void arrival_end(struct ua *ua, struct arrival *arrival)
{
	if (arrival->ua) {
		ua->arrival = NULL;
		arrival_reset(arrival);
	}
	sip_message_free(arrival->part);
}
