#include "ua/callee.h"

#include "base/mem.h"
#include "sip/fields.h"
#include "ua/arrival.h"
#include "ua/change.h"
#include "ua/replaces.h"

enum { HEADERS_MAX = 24 * 1024 };

/* -- whether it may ring at all ---------------------------------------------------------------------- */

/* RFC 3261 §8.2.2.2: the same request by another way. */
static bool is_merged(const struct ua *ua, const struct sip_message *request)
{
	LIST_EACH (call, &ua->calls, struct call, link)
		if (call->incoming && call->state != CALL_ENDED && call->dialog &&
		    slice_eq(call->dialog->call_id, request->call_id) &&
		    slice_eq(call->dialog->remote_tag, request->from.tag) &&
		    call->dialog->remote_cseq == request->cseq.number)
			return true;
	return false;
}

unsigned callee_unable(const struct ua *ua)
{
	return ua->is_stopping ? 480 : calls_count(ua) >= UA_MAX_CALLS ? 486 : 0;
}

/* Answers what cannot become a call; true if it was answered. */
static bool refuse_at_once(struct ua *ua, struct server *server, struct now now)
{
	unsigned status = is_merged(ua, server->request) ? 482 : callee_unable(ua);

	if (status != 0)
		ua_reply(ua, server, status, SLICE(""), now);
	return status != 0;
}

static void refuse_dialog(struct ua *ua, struct server *server, enum err err, struct now now)
{
	if (err == ERR_DENIED) /* RFC 5630 §5.1.1.4 */
		ua_refuse(ua, server,
			  &(struct ua_fault){ 480, 381,
					      SLICE("SIPS Required: Contact or Record-Route is not sips") },
			  now);
	else if (err == ERR_NOMEM)
		ua_reply(ua, server, 500, SLICE(""), now);
	else
		ua_refuse(ua, server,
			  &(struct ua_fault){ 400, 399, SLICE("no good Contact or Record-Route") }, now);
}

static enum err prepare(struct call *call, struct server *server)
{
	const struct sip_message *request = server->request;
	struct ua *ua = call->ua;
	const struct ua_protection *protection = arrival_protection(ua, server);

	if (protection) {
		call->theirs = *protection;
		call->is_sealed = ua_protection_is_good(protection);
	}
	call->incoming = true;
	call->secure = request->uri.scheme == SIP_SCHEME_SIPS;
	call->state = CALL_RINGING;
	call->can_update = sip_message_lists(request, SIP_ALLOW, SLICE("UPDATE"));
	description_init(&call->description, endpoint_random(ua->endpoint), &ua->local, call_srtp(call));
	return dlg_new_uas(request, ua_token(&call->tag), call->secure, &call->dialog);
}

/* -- ringing ----------------------------------------------------------------------------------------- */

static void put_record_route(struct writer *out, const struct sip_message *request)
{
	const struct sip_header *header = sip_message_header(request, SIP_RECORD_ROUTE);

	for (; header; header = sip_message_next(request, header))
		put_header(out, SIP_RECORD_ROUTE, header->value);
}

/* What a response has that makes a dialog (RFC 3261 §12.1.1). */
static void put_dialog_lines(struct writer *out, const struct call *call, const struct sip_message *request)
{
	put_record_route(out, request);
	put_call_contact(out, call, call->dialog->sips_contact);
}

/* RFC 3262 §3: reliably if that is demanded; not at all if there is no offer to go with it. */
static void ring(struct call *call, struct server *server, struct now now)
{
	struct ua *ua = call->ua;
	const struct sip_message *request = server->request;
	bool reliable = sip_message_lists(request, SIP_REQUIRE, SLICE("100rel"));
	struct writer out = writer_of(mem_alloc(HEADERS_MAX), HEADERS_MAX);
	struct sip_reply reply = { .status = 180, .to_tag = ua_token(&call->tag) };

	if (!out.buf || (reliable && request->body.len == 0)) {
		mem_free(out.buf);
		return;
	}
	put_dialog_lines(&out, call, request);
	if (reliable) {
		uint16_t chance;

		random_bytes(endpoint_random(ua->endpoint), &chance, sizeof chance);
		call->rseq = 1 + chance;
		put_ua_line(&out, SLICE("RSeq"), call->rseq);
		put(&out, SLICE("Require: 100rel\r\n"));
	}
	reply.headers = writer_text(&out);
	if (out.overflow)
		callee_refuse(call, 500, now);
	else if (!reliable)
		endpoint_respond(ua->endpoint, server, &reply, now);
	else if (!call_respond_until(call, server, &reply, now))
		call->rseq = 0;
	mem_free(out.buf);
}

static void tell_incoming(struct call *call, const struct sip_message *request,
			  const struct replacement *replacement)
{
	ua_tell(call->ua,
		&(struct ua_event){
			.kind = UA_INCOMING,
			.id = call->id,
			.other = call->replaces,
			.consented = replacement->consented,
			.peer = call->peer,
			.text = request->from.display,
			.secure = call->secure,
			.protection = call->theirs.is_encrypted || call->theirs.is_signed ? &call->theirs
											  : NULL,
		});
}

/* The person hears of it: the caller may have meant well. */
static void refuse_media(struct call *call, struct server *server, const struct ua_fault *fault,
			 struct now now)
{
	const struct ua_event event = {
		.kind = UA_INCOMING_REFUSED,
		.cause = call_media_cause(call),
		.status = fault->status,
		.text = fault->text,
		.peer = call->peer,
		.secure = call->secure,
	};

	ua_refuse(call->ua, server, fault, now);
	ua_tell(call->ua, &event);
}

void callee_invite(struct ua *ua, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;
	struct replacement replacement;
	struct ua_fault fault;
	struct call *call;
	enum err err;

	if (refuse_at_once(ua, server, now))
		return;
	fault = replaces_find(ua, server, &replacement);
	if (fault.status != 0) {
		ua_refuse(ua, server, &fault, now);
		return;
	}
	call = call_new(ua, arrival_from(ua, server));
	if (!call) {
		ua_reply(ua, server, 500, SLICE(""), now);
		return;
	}
	if (replacement.call) {
		call->replaces = replacement.call->id;
		call->must_encrypt = replacement.call->description.has_media &&
				     replacement.call->description.media.secure;
	}
	err = prepare(call, server);
	if (err == OK && request->body.len > 0)
		fault = description_check(&call->description, request->body);
	if (err != OK || fault.status != 0 || !change_takes_timer(ua, server, &call->session, now)) {
		if (err != OK)
			refuse_dialog(ua, server, err, now);
		else if (fault.status != 0)
			refuse_media(call, server, &fault, now);
		call->state = CALL_ENDED; /* never told of */
		return;
	}
	server->user = call;
	call_ref(call);
	call->asked = server;
	ring(call, server, now);
	if (call->state == CALL_RINGING)
		tell_incoming(call, request, &replacement);
}

void callee_refuse(struct call *call, unsigned status, struct now now)
{
	call_stop_repeating(call);
	if (call->asked)
		ua_reply(call->ua, call->asked, status, SLICE(""), now);
	call->asked = NULL;
}

enum err ua_reject(struct ua *ua, uint64_t id, unsigned status, struct now now)
{
	struct call *call = call_find(ua, id);

	if (!call || call->state != CALL_RINGING)
		return ERR_NOT_FOUND;
	callee_refuse(call, status, now);
	call_end(call, ua_cause_of(status), status, SLICE("we did not take the call"), now);
	return OK;
}

void call_cancelled(struct call *call, struct server *server, struct now now)
{
	if (call->asked != server || call->state != CALL_RINGING)
		return; /* RFC 3261 §9.2: a final response was sent; the CANCEL changes nothing */
	callee_refuse(call, 487, now);
	call_end(call, UA_CANCELLED, 487, SLICE("the caller gave up"), now);
}

/* -- answering --------------------------------------------------------------------------------------- */

/* Our side of the session: the answer to their offer, or an offer that their ACK answers. */
static struct ua_fault describe(struct call *call, const struct sip_message *request, struct writer *out)
{
	if (request->body.len > 0)
		return description_answer(&call->description, request->body, out);
	if (description_offer(&call->description, out))
		return (struct ua_fault){ .status = 0 };
	return (struct ua_fault){ 500, 399, SLICE("no offer can be made") };
}

bool callee_send_ok(struct call *call, struct server *server, struct slice description, struct now now)
{
	const struct sip_message *request = server->request;
	struct writer out = writer_of(mem_alloc(HEADERS_MAX), HEADERS_MAX);
	struct sip_reply reply = { .status = 200, .to_tag = ua_token(&call->tag), .body = description };
	struct protected sealed = { NULL, NULL };
	bool is_sent;

	if (!out.buf)
		return false;
	put_dialog_lines(&out, call, request);
	put_ua_abilities(&out, true);
	put_session_timer_reply(&out, &call->session, request);
	put_ua_agent(&out);
	put(&out, SLICE("Content-Type: application/sdp\r\n"));
	reply.headers = writer_text(&out);
	is_sent = !out.overflow && call_protect_reply(call, server, &reply, now, &sealed) &&
		  call_respond_until(call, server, &reply, now);
	protected_fini(&sealed);
	mem_free(out.buf);
	return is_sent;
}

enum err ua_answer(struct ua *ua, uint64_t id, const struct address *media, struct now now)
{
	struct call *call = call_find(ua, id), *replaced;
	char text[DESCRIPTION_MAX];
	struct writer out = writer_of(text, sizeof text);
	struct ua_fault fault;
	bool is_sent;

	if (!call || call->state != CALL_RINGING || !call->asked)
		return ERR_NOT_FOUND;
	description_init(&call->description, endpoint_random(ua->endpoint), media, call_srtp(call));
	fault = describe(call, call->asked->request, &out);
	if (fault.status != 0) {
		callee_refuse(call, fault.status, now);
		call_end(call, UA_NOT_ACCEPTABLE, fault.status, fault.text, now);
		return OK;
	}
	is_sent = callee_send_ok(call, call->asked, writer_text(&out), now);
	mem_wipe(text, sizeof text);
	if (!is_sent)
		return ERR_NOMEM;
	dlg_confirm_uas(call->dialog);
	call->state = CALL_ANSWERED;
	replaced = call_find(ua, call->replaces);
	if (replaced) /* RFC 3891 §3: BYE or CANCEL; its media goes before that of the new one comes */
		call_leave(replaced, UA_MOVED, SLICE("another call has taken its place"), now);
	if (!call->description.offering)
		call_tell_media(call, UA_PROGRESS); /* the caller may speak as soon as it has our answer */
	return OK;
}

/* -- acknowledgements -------------------------------------------------------------------------------- */

void call_acked(struct call *call, const struct sip_message *ack, struct now now)
{
	bool is_first = call->state == CALL_ANSWERED;
	struct ua_fault fault = { .status = 0 };

	if (!call->asked || call->asked->request->cseq.number != ack->cseq.number)
		return; /* one that came again */
	call_stop_repeating(call);
	call->asked = NULL;
	call->state = CALL_UP;
	if (is_first)
		call->since = now.mono;
	if (call->description.offering) {
		fault = call_check_answer(call, ack);
		if (fault.status == 0)
			fault = description_accept(&call->description, ack->body);
		if (fault.status == 0 && !is_first)
			call_tell_media(call, UA_MEDIA);
	}
	if (call->leave_when_acked)
		call_leave(call, call->leaving, SLICE("we hung up"), now);
	else if (fault.status != 0)
		call_leave(call, call_media_cause(call), fault.text, now);
	else if (is_first)
		call_tell_media(call, UA_ESTABLISHED);
	if (is_first && call->state == CALL_UP)
		call_run_session_timer(call, now);
}

void callee_not_acknowledged(struct call *call, struct now now)
{
	if (call->state == CALL_RINGING) { /* RFC 3262 §3 */
		callee_refuse(call, 504, now);
		call_end(call, UA_TIMEOUT, 504, SLICE("the caller did not confirm that it rings"), now);
		return;
	}
	/* RFC 3261 §13.3.1.4: "the dialog is confirmed, but the session SHOULD be terminated" */
	call_stop_repeating(call);
	call->asked = NULL;
	call->state = CALL_UP;
	call_leave(call, UA_TIMEOUT, SLICE("the other side did not confirm our answer"), now);
}

/* RFC 3262 §7.2: RAck names the response, and the INVITE that it was for. */
static bool acknowledges(const struct call *call, const struct sip_message *prack)
{
	struct sip_rack rack;

	return sip_rack_parse(sip_message_value(prack, SIP_RACK), &rack) && rack.rseq == call->rseq &&
	       rack.cseq.method == SIP_INVITE && rack.cseq.number == call->asked->request->cseq.number;
}

void callee_prack(struct call *call, struct server *server, struct now now)
{
	if (!call->asked || call->rseq == 0 || !acknowledges(call, server->request)) {
		ua_reply(call->ua, server, 481, SLICE(""), now);
		return;
	}
	call->rseq = 0;
	if (call->state == CALL_RINGING)
		call_stop_repeating(call);
	ua_reply(call->ua, server, 200, SLICE(""), now);
}
