#include "ua/call.h"

#include "base/mem.h"
#include "ua/arrival.h"
#include "ua/callee.h"
#include "ua/change.h"
#include "ua/departure.h"
#include "ua/enclosed.h"
#include "ua/fork.h"

struct call *call_new(struct ua *ua, struct slice peer)
{
	struct call *call = mem_new(struct call);

	if (!call)
		return NULL;
	call->peer_text = mem_alloc(peer.len + 1);
	if (!call->peer_text) {
		mem_free(call);
		return NULL;
	}
	memcpy(call->peer_text, peer.ptr, peer.len);
	call->peer = slice_from(call->peer_text, peer.len);
	call->ua = ua;
	call->id = ++ua->next_id;
	call->call_id = ua_token_make(ua);
	call->tag = ua_token_make(ua);
	call->leaving = UA_CANCELLED;
	call->before = SDP_SENDRECV;
	list_init(&call->forks);
	session_timer_init(&call->session, ua->session);
	list_append(&ua->calls, &call->link);
	return call;
}

static void stop_waiting(struct call *call)
{
	call->is_asking = false;
	credentials_cease(call->ua->credentials, &call->waiter);
}

static void call_free(struct call *call)
{
	stop_waiting(call);
	list_remove(&call->ua->calls, &call->link);
	description_fini(&call->description);
	refer_fini(&call->refer);
	forks_free(call);
	dlg_free(call->dialog);
	chain_free(call->enclosed);
	mem_free(call->repeat.text);
	mem_free(call->peer_text);
	mem_free(call);
}

size_t calls_count(const struct ua *ua)
{
	size_t n = 0;

	LIST_EACH (call, &ua->calls, struct call, link)
		n += call->state != CALL_ENDED;
	return n;
}

struct call *call_find(const struct ua *ua, uint64_t id)
{
	LIST_EACH (call, &ua->calls, struct call, link)
		if (call->id == id && call->state != CALL_ENDED)
			return call;
	return NULL;
}

struct call *call_find_dialog(const struct ua *ua, const struct sip_message *request)
{
	LIST_EACH (call, &ua->calls, struct call, link)
		if (call->state != CALL_ENDED && call->dialog && dlg_has_request(call->dialog, request))
			return call;
	return NULL;
}

void call_ref(struct call *call)
{
	call->refs++;
}

void call_drop_exchange(struct call *call, struct exchange *exchange)
{
	if (call->invite == exchange)
		call->invite = NULL;
	call->refs--;
}

void call_server_gone(struct call *call, struct server *server)
{
	if (call->asked == server)
		call->asked = NULL;
	call->refs--;
}

enum ua_cause call_media_cause(const struct call *call)
{
	bool must = call->is_sealed || call->theirs.is_broken ||
		    call->description.local.srtp == SDP_SRTP_REQUIRED ||
		    (call->description.has_media && call->description.media.secure);

	return must ? UA_NOT_SECURE : UA_NOT_ACCEPTABLE;
}

void call_tell_media(struct call *call, enum ua_event_kind kind)
{
	struct ua_event event = {
		.kind = kind,
		.id = call->id,
		.peer = call->peer,
		.secure = call->secure,
		.has_media = true,
		.media = call->description.media,
	};

	ua_tell(call->ua, &event);
	sdp_media_wipe(&event.media);
}

void call_end(struct call *call, enum ua_cause cause, unsigned status, struct slice text, struct now now)
{
	struct ua *ua = call->ua;
	const struct ua_event event = {
		.kind = UA_ENDED,
		.id = call->id,
		.cause = cause,
		.status = status,
		.text = text,
		.peer = call->peer,
		.secure = call->secure,
		.protection = call->theirs.has_verdict ? &call->theirs : NULL,
		.seconds = call->since ? (unsigned)((now.mono - call->since) / 1000) : 0,
	};

	if (call->state == CALL_ENDED)
		return;
	refer_progress(call, status >= 300 ? status : cause == UA_CANCELLED ? 487 : 0, now);
	ua_tell(ua, &event);
	call->state = CALL_ENDED;
	stop_waiting(call);
	call_stop_repeating(call);
	ua_clear_timer(ua, &call->ring_timer);
	ua_clear_timer(ua, &call->change_timer);
	ua_clear_timer(ua, &call->session_timer);
	ua_clear_timer(ua, &call->transfer.timer);
	ua_clear_timer(ua, &call->refer.timer);
	description_fini(&call->description);
}

enum sdp_srtp_policy call_srtp(const struct call *call)
{
	if (call->secure || call->must_encrypt || (call->is_sealed && call->ua->srtp != SDP_SRTP_NEVER))
		return SDP_SRTP_REQUIRED;
	return call->ua->srtp;
}

void put_call_contact(struct writer *out, const struct call *call, bool sips)
{
	put(out, SLICE("Contact: "));
	if (call->is_anonymous)
		put_ua_contact_of_nobody(out, call->ua, sips);
	else
		put_ua_contact(out, call->ua, sips);
	put(out, SLICE("\r\n"));
}

/* -- requests in the dialog -------------------------------------------------------------------------- */

static bool is_target_refresh(enum sip_method method)
{
	return method == SIP_INVITE || method == SIP_UPDATE;
}

enum err call_send(struct call *call, const struct call_request *request, struct now now,
		   struct exchange **ret_exchange)
{
	size_t size = 64 * 1024;
	struct writer out = writer_of(mem_alloc(size), size);
	struct dlg *dialog = request->dialog ? request->dialog : call->dialog;
	struct exchange_plan plan = {
		.user = request->user,
		.call = call,
		.method = request->method,
		.uri = dlg_request_uri(dialog),
		.body = request->body,
		.cseq = &dialog->local_cseq,
		.in_dialog = true,
	};
	enum err err;

	if (!out.buf)
		return ERR_NOMEM;
	if (call->is_sealed && protect_is_between_phones(request->method) &&
	    (request->body.len > 0 || request->method == SIP_REFER))
		plan.protect_for = call->peer;
	if (plan.protect_for.len > 0)
		plan.also = enclosed_believed(call->ua, call->enclosed, call->peer, now);
	put_dlg_headers(&out, dialog);
	put_ua_privacy(&out, call->is_anonymous);
	if (is_target_refresh(request->method)) {
		put_call_contact(&out, call, dialog->sips_contact);
		put_ua_abilities(&out, false);
		put_session_timer_request(&out, &call->session);
	}
	put_ua_agent(&out);
	put(&out, request->lines);
	plan.lines = writer_text(&out);
	err = out.overflow ? ERR_LIMIT : exchange_start(call->ua, &plan, now, ret_exchange);
	mem_free(out.buf);
	return err;
}

void call_send_ack(struct ua *ua, const struct dlg *dialog, const struct exchange *invite, struct now now)
{
	size_t size = 64 * 1024;
	struct writer out = writer_of(mem_alloc(size), size);
	struct outgoing outgoing = {
		.method = SIP_ACK,
		.uri = dlg_request_uri(dialog),
		.flow = ua->flow,
	};

	if (!out.buf || ua->flow == 0) {
		mem_free(out.buf);
		return; /* the 2xx will come again */
	}
	if (transport_is_secure(ua->transport))
		outgoing.require = (struct requirement){ .level = REQUIRE_DOMAIN, .domain = ua->first_hop };
	put_dlg_headers(&out, dialog);
	put(&out, SLICE("CSeq: "));
	put_number(&out, invite->number);
	put(&out, SLICE(" ACK\r\n"));
	/* RFC 3261 §13.2.2.4: "the ACK MUST be issued with the same credentials as the INVITE" */
	put(&out, exchange_credentials(invite));
	put_body(&out, SLICE(""));
	outgoing.rest = writer_text(&out);
	if (!out.overflow && !endpoint_send(ua->endpoint, &outgoing, now))
		endpoint_report(ua->endpoint, &(struct report){
						      .level = REPORT_WARNING,
						      .event = "ack.too-large",
						      .flow = ua->flow,
					      });
	mem_free(out.buf);
}

static void bye_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	(void)exchange, (void)response, (void)now; /* RFC 3261 §15.1.1: whatever comes, the session is over */
}

static void bye_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	(void)why, (void)now;
	if (cause == UA_SERVER_GONE)
		exchange->call->bye_owed = true;
}

static const struct exchange_user bye_user = { bye_response, bye_failed };

static void send_bye(struct call *call, struct now now)
{
	const struct call_request bye = { .user = &bye_user, .method = SIP_BYE };
	struct exchange *exchange;

	call->bye_owed = call_send(call, &bye, now, &exchange) == ERR_CLOSED;
}

void call_leave(struct call *call, enum ua_cause cause, struct slice text, struct now now)
{
	struct ua *ua = call->ua;

	switch (call->state) {
	case CALL_CALLING:
		if (!call->invite) { /* it waits, and nothing has left */
			call_end(call, cause == UA_HUNG_UP ? UA_CANCELLED : cause, 0, text, now);
			break;
		}
		call->state = CALL_LEAVING;
		call->leaving = cause == UA_HUNG_UP ? UA_CANCELLED : cause;
		if (call->invite->client)
			endpoint_cancel(ua->endpoint, call->invite->client, SLICE(""), now);
		ua_set_timer(ua, &call->ring_timer, UA_TIMER_RING, now.mono + UA_GIVE_UP);
		break;
	case CALL_RINGING:
		callee_refuse(call, cause == UA_BUSY ? 486 : cause == UA_DECLINED ? 603 : 480, now);
		call_end(call, cause == UA_HUNG_UP ? UA_DECLINED : cause, 0, text, now);
		break;
	case CALL_ANSWERED:
		call->leave_when_acked = true; /* §15: no BYE before the ACK */
		call->leaving = cause;
		break;
	case CALL_UP:
		send_bye(call, now);
		call_end(call, cause, 0, text, now);
		break;
	case CALL_LEAVING:
	case CALL_ENDED: break;
	}
}

void ua_hangup(struct ua *ua, uint64_t id, struct now now)
{
	struct call *call = call_find(ua, id);

	if (call)
		call_leave(call, UA_HUNG_UP, SLICE("we hung up"), now);
}

bool ua_call_view(const struct ua *ua, uint64_t id, struct ua_call_view *ret_view)
{
	const struct call *call = call_find(ua, id);

	if (!call)
		return false;
	*ret_view = (struct ua_call_view){
		.incoming = call->incoming,
		.secure = call->secure,
		.established = call->state == CALL_UP,
		.on_hold = call->description.wish == SDP_SENDONLY,
		.peer = call->peer,
		.beyond = call->secure ? UA_CLAIMED : UA_UNKNOWN,
		.since = call->since,
		.sealed = call->is_sealed,
		.ours = &call->ours,
		.theirs = &call->theirs,
	};
	return true;
}

bool ua_call_media(const struct ua *ua, uint64_t id, struct sdp_media *ret_media)
{
	const struct call *call = call_find(ua, id);

	if (!call || !call->description.has_media)
		return false;
	*ret_media = call->description.media;
	ret_media->on_hold = call->description.wish == SDP_SENDONLY;
	return true;
}

/* -- protection from end to end ---------------------------------------------------------------------- */

struct ua_fault call_check_answer(struct call *call, const struct sip_message *message)
{
	static const struct ua_fault broken = {
		488, 399,
		SLICE_INIT("the answer came protected, and cannot be opened or is not what was protected")
	};
	static const struct ua_fault open = {
		488, 399, SLICE_INIT("the call is protected from end to end, and its answer is not")
	};
	static const struct ua_fault another = { 488, 399,
						 SLICE_INIT("the answer is signed by somebody else") };
	const struct arrival *arrival = arrival_current(call->ua);

	if (!arrival && message->body.len == 0)
		return (struct ua_fault){ .status = 0 };
	call->theirs = arrival ? arrival->protection : (struct ua_protection){ .is_encrypted = false };
	if (call->theirs.is_broken)
		return broken;
	if (call->is_sealed && !ua_protection_is_good(&call->theirs))
		return open;
	if (call->is_sealed && !(arrival && protect_is_of(call->peer, arrival_aor(arrival))))
		return another;
	return (struct ua_fault){ .status = 0 };
}

/* What the endpoint writes by itself, for the copy inside (RFC 3261 §8.2.6.2). */
static void put_identity(struct writer *out, const struct call *call, const struct sip_message *request)
{
	put_header(out, SIP_FROM, sip_message_value(request, SIP_FROM));
	put(out, SLICE("To: "));
	put(out, sip_message_value(request, SIP_TO));
	if (request->to.tag.len == 0) {
		put(out, SLICE(";tag="));
		put(out, ua_token(&call->tag));
	}
	put(out, SLICE("\r\n"));
	put_header(out, SIP_CALL_ID, request->call_id);
	put_header(out, SIP_CSEQ, sip_message_value(request, SIP_CSEQ));
}

static enum err wrap_reply(struct call *call, const struct server *server, const struct sip_reply *reply,
			   struct now now, struct protected *ret_what)
{
	const struct sip_message *request = server->request;
	const struct arrival *arrival = arrival_of(call->ua, server);
	size_t size = request->text.len + 256;
	char start[64], *identity = mem_alloc(size);
	struct writer line = writer_of(start, sizeof start), out = writer_of(identity, size);
	struct protect_order order = {
		.uri = call->peer,
		.also = arrival ? arrival->signer : NULL,
		.now = now.wall,
	};
	enum err err;

	if (!identity)
		return ERR_NOMEM;
	put_status_line(&line, reply->status, slice_from(NULL, 0));
	put_identity(&out, call, request);
	order.message = (struct tunnel_order){ writer_text(&line), writer_text(&out), reply->headers,
					       reply->body };
	err = out.overflow ? ERR_LIMIT : protect_wrap(call->ua, &order, ret_what, &call->ours);
	mem_free(identity);
	return err;
}

bool call_protect_reply(struct call *call, const struct server *server, struct sip_reply *reply,
			struct now now, struct protected *ret_what)
{
	*ret_what = (struct protected){ NULL, NULL };
	if (!call->is_sealed || reply->body.len == 0)
		return true;
	if (wrap_reply(call, server, reply, now, ret_what) != OK)
		return false;
	reply->headers = secret_slice(ret_what->lines);
	reply->body = secret_slice(ret_what->body);
	return true;
}

bool call_answer_change(struct call *call, struct server *server, struct sip_reply *reply, struct now now)
{
	struct protected sealed;
	bool is_sent = call_protect_reply(call, server, reply, now, &sealed);

	if (is_sent)
		endpoint_respond(call->ua->endpoint, server, reply, now);
	else
		ua_reply(call->ua, server, 500, SLICE(""), now);
	protected_fini(&sealed);
	return is_sent;
}

enum err ua_in_clear(struct ua *ua, uint64_t id, bool yes, struct now now)
{
	struct call *call = call_find(ua, id);

	if (!call)
		return departure_in_clear(ua, id, yes, now);
	if (!call->is_asking)
		return ERR_NOT_FOUND;
	caller_in_clear(call, yes, now);
	return OK;
}

/* -- responses that are repeated --------------------------------------------------------------------- */

static void send_repeat(struct call *call, struct now now)
{
	const struct repeat *repeat = &call->repeat;
	const struct sip_reply reply = {
		.status = repeat->status,
		.to_tag = call->incoming ? ua_token(&call->tag) : slice_from(NULL, 0),
		.headers = slice_from(repeat->text, repeat->headers_len),
		.body = slice_from(repeat->text + repeat->headers_len, repeat->body_len),
	};

	endpoint_respond(call->ua->endpoint, call->asked, &reply, now);
}

bool call_respond_until(struct call *call, struct server *server, const struct sip_reply *reply,
			struct now now)
{
	struct repeat *repeat = &call->repeat;
	char *text = mem_alloc(reply->headers.len + reply->body.len + 1);

	if (!text)
		return false;
	call_stop_repeating(call);
	memcpy(text, reply->headers.ptr, reply->headers.len);
	if (reply->body.len > 0)
		memcpy(text + reply->headers.len, reply->body.ptr, reply->body.len);
	repeat->text = text;
	repeat->headers_len = reply->headers.len;
	repeat->body_len = reply->body.len;
	repeat->status = reply->status;
	repeat->interval = UA_T1;
	repeat->until = now.mono + UA_GIVE_UP;
	call->asked = server;
	ua_set_timer(call->ua, &repeat->timer, UA_TIMER_REPEAT, now.mono + repeat->interval);
	send_repeat(call, now);
	return true;
}

void call_stop_repeating(struct call *call)
{
	struct repeat *repeat = &call->repeat;

	ua_clear_timer(call->ua, &repeat->timer);
	if (repeat->text)
		mem_wipe(repeat->text, repeat->headers_len + repeat->body_len); /* there may be keys in it */
	mem_free(repeat->text);
	repeat->text = NULL;
}

static void repeat_due(struct call *call, struct now now)
{
	struct repeat *repeat = &call->repeat;

	if (!call->asked || now.mono >= repeat->until) {
		callee_not_acknowledged(call, now);
		return;
	}
	send_repeat(call, now);
	/* RFC 3261 §13.3.1.4: "an interval that starts at T1 seconds and doubles … until it reaches T2 seconds" */
	repeat->interval = 2 * repeat->interval < UA_T2 || repeat->status < 200 ? 2 * repeat->interval
										: UA_T2;
	ua_set_timer(call->ua, &repeat->timer, UA_TIMER_REPEAT, now.mono + repeat->interval);
}

/* -- time and flows ---------------------------------------------------------------------------------- */

static void ring_due(struct call *call, struct now now)
{
	if (call->state == CALL_CALLING)
		call_leave(call, UA_NO_ANSWER, SLICE("nobody answered"), now);
	else
		call_end(call, call->leaving, 0,
			 SLICE("the other side did not confirm that the call is cancelled"), now);
}

void call_run_session_timer(struct call *call, struct now now)
{
	if (call->session.interval == 0)
		ua_clear_timer(call->ua, &call->session_timer);
	else
		ua_set_timer(call->ua, &call->session_timer, UA_TIMER_SESSION,
			     now.mono + session_timer_wait(&call->session));
}

void call_timer(struct timer *timer, struct now now)
{
	switch ((enum ua_timer)timer->kind) {
	case UA_TIMER_REPEAT: repeat_due(CONTAINER_OF(timer, struct call, repeat.timer), now); break;
	case UA_TIMER_RING: ring_due(CONTAINER_OF(timer, struct call, ring_timer), now); break;
	case UA_TIMER_TRANSFER: transfer_due(CONTAINER_OF(timer, struct call, transfer.timer), now); break;
	case UA_TIMER_REFER: refer_due(CONTAINER_OF(timer, struct call, refer.timer), now); break;
	case UA_TIMER_SESSION:
		change_session_due(CONTAINER_OF(timer, struct call, session_timer), now);
		break;
	default: change_again(CONTAINER_OF(timer, struct call, change_timer), now); break;
	}
}

void calls_flow_lost(struct ua *ua, struct now now)
{
	LIST_EACH (call, &ua->calls, struct call, link)
		if (call->state == CALL_RINGING) {
			callee_refuse(call, 480, now); /* nobody hears it, but the transaction ends */
			call_end(call, UA_SERVER_GONE, 0, SLICE("the connection to the server is lost"), now);
		}
}

void calls_registered(struct ua *ua, struct now now)
{
	LIST_EACH (call, &ua->calls, struct call, link) {
		if (call->bye_owed)
			send_bye(call, now);
		change_registered(call, now);
	}
}

void calls_hangup(struct ua *ua, struct now now)
{
	LIST_EACH (call, &ua->calls, struct call, link)
		call_leave(call, UA_HUNG_UP, SLICE("we hung up"), now);
}

void calls_forget(struct ua *ua, struct now now)
{
	LIST_EACH (call, &ua->calls, struct call, link)
		call_end(call, call->leaving, 0, SLICE("the other side did not confirm the end"), now);
}

void calls_sweep(struct ua *ua)
{
	LIST_EACH (call, &ua->calls, struct call, link)
		if (call->state == CALL_ENDED && call->refs == 0 && !call->bye_owed)
			call_free(call);
}

void calls_free(struct ua *ua)
{
	LIST_EACH (call, &ua->calls, struct call, link)
		call_free(call);
}
