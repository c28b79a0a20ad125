#include "ua/transfer.h"

#include "base/ascii.h"
#include "sip/fields.h"
#include "ua/call.h"

enum { LINES_MAX = 4096, EXPIRES_MAX = 600 };

/* -- REFER ------------------------------------------------------------------------------------------- */

static void fail(struct call *call, enum ua_cause cause, unsigned status, struct slice text)
{
	call->transfer.is_pending = false;
	ua_clear_timer(call->ua, &call->transfer.timer);
	ua_tell(call->ua, &(struct ua_event){
				  .kind = UA_TRANSFER_FAILED,
				  .id = call->id,
				  .cause = cause,
				  .status = status,
				  .text = text,
			  });
}

static void on_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct call *call = exchange->call;

	call->transfer.cseq = exchange->number; /* another one, if it was challenged */
	if (response->status < 300 || !call->transfer.is_pending)
		return; /* whatever 2xx it is, NOTIFY tells the rest */
	fail(call, ua_cause_of(response->status), response->status, ua_why_of(response));
	if (response->status == 481 || response->status == 408) /* RFC 5057 §5.1: the dialog is no more */
		call_leave(call, UA_HUNG_UP_THERE, SLICE("the other side knows nothing of the call any more"),
			   now);
}

static void on_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	(void)now;
	if (exchange->call->transfer.is_pending)
		fail(exchange->call, cause, 0, why);
}

static const struct exchange_user refer_user = { on_response, on_failed };

/* What may stand in the header part of a URI only escaped (RFC 3261 §25.1, hvalue). */
static void put_hvalue(struct writer *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (ascii_is_alnum(text.ptr[i]) || slice_find(SLICE("-_.!~*'()"), text.ptr[i]) < 9) {
			put_char(out, text.ptr[i]);
			continue;
		}
		put_char(out, '%');
		put_hex(out, text.ptr + i, 1);
	}
}

/* RFC 3891 §6.1: the tags as the one who is to have its call replaced sees them. */
static void put_replaces(struct writer *out, const struct dlg *dialog)
{
	put(out, SLICE("?Replaces="));
	put_hvalue(out, dialog->call_id);
	put_hvalue(out, SLICE(";to-tag="));
	put_hvalue(out, dialog->remote_tag);
	put_hvalue(out, SLICE(";from-tag="));
	put_hvalue(out, dialog->local_tag);
}

static enum err send_refer(struct call *call, struct slice uri, const struct dlg *replaced, struct now now)
{
	char lines[LINES_MAX];
	struct writer out = writer_of(lines, sizeof lines);
	struct call_request refer = { .user = &refer_user, .method = SIP_REFER };
	struct exchange *exchange;

	put(&out, SLICE("Refer-To: <"));
	put(&out, uri);
	if (replaced)
		put_replaces(&out, replaced);
	put(&out, SLICE(">\r\n"));
	if (!call->is_anonymous) {
		put(&out, SLICE("Referred-By: <"));
		put(&out, call->ua->aor);
		put(&out, SLICE(">\r\n"));
	}
	put_call_contact(&out, call, call->dialog->sips_contact);
	if (out.overflow)
		return ERR_LIMIT;
	refer.lines = writer_text(&out);
	TRY(call_send(call, &refer, now, &exchange));
	call->transfer = (struct transfer){
		.is_pending = true,
		.cseq = exchange->number,
		.n = call->transfer.n + 1,
	};
	/* RFC 6665 §4.1.2.4, timer N: the first NOTIFY has to come by then */
	ua_set_timer(call->ua, &call->transfer.timer, UA_TIMER_TRANSFER, now.mono + UA_GIVE_UP);
	return OK;
}

/* Who is called by a sips call is not passed on to a way in clear. */
static enum err may_transfer(const struct call *call, struct slice uri)
{
	struct sip_uri parsed;

	if (!call || call->state != CALL_UP)
		return ERR_NOT_FOUND;
	if (call->transfer.is_pending)
		return ERR_AGAIN;
	if (!ua_can_reach(uri, &parsed))
		return ERR_SYNTAX;
	return call->secure && parsed.scheme != SIP_SCHEME_SIPS ? ERR_DENIED : OK;
}

enum err ua_transfer(struct ua *ua, uint64_t id, struct slice uri, struct now now)
{
	struct call *call = call_find(ua, id);

	TRY(may_transfer(call, uri));
	return send_refer(call, uri, NULL, now);
}

enum err ua_transfer_to(struct ua *ua, uint64_t id, uint64_t other_id, struct now now)
{
	struct call *call = call_find(ua, id), *other = call_find(ua, other_id);

	if (!other || other == call || other->state != CALL_UP)
		return ERR_NOT_FOUND;
	TRY(may_transfer(call, other->peer));
	return send_refer(call, other->peer, other->dialog, now);
}

/* -- NOTIFY ------------------------------------------------------------------------------------------ */

/* message/sipfrag (RFC 3420): its status line is what counts (RFC 3515 §2.4.5). */
static bool parse_status(struct slice body, unsigned *ret_status, struct slice *ret_reason)
{
	struct slice line = slice_sub(body, 0, slice_find(body, '\n'));
	struct scan in;
	uint64_t status;

	if (!slice_starts_nocase(line, SLICE("SIP/2.0 ")))
		return false;
	in = scan_of(slice_sub(line, 8, line.len));
	if (!scan_number(&in, 699, &status) || status < 100)
		return false;
	*ret_status = (unsigned)status;
	*ret_reason = slice_trim(slice_from(in.at, (size_t)(in.end - in.at)));
	return true;
}

/* It is about the REFER that is out: that of no id can only be the first one. */
static bool is_ours(const struct transfer *transfer, const struct sip_message *request)
{
	struct sip_event event;
	struct scan in;
	uint64_t id;

	if (!sip_event_parse(sip_message_value(request, SIP_EVENT), &event) ||
	    !slice_eq(event.package, SLICE("refer")) || !transfer->is_pending)
		return false;
	if (!event.id.ptr)
		return transfer->n == 1;
	in = scan_of(event.id);
	return scan_number(&in, UINT32_MAX, &id) && scan_done(&in) && id == transfer->cseq;
}

static void conclude(struct call *call, unsigned status, struct slice reason, struct now now)
{
	if (status >= 300) {
		fail(call, ua_cause_of(status), status, reason);
		return;
	}
	call->transfer.is_pending = false;
	ua_clear_timer(call->ua, &call->transfer.timer);
	ua_tell(call->ua, &(struct ua_event){ .kind = UA_TRANSFERRED, .id = call->id, .status = status });
	call_leave(call, UA_MOVED, SLICE("the other side is with somebody else now"), now);
}

void transfer_notify(struct call *call, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;
	struct sip_subscription_state state;
	struct slice reason = SLICE("");
	unsigned status = 0;

	if (!is_ours(&call->transfer, request)) {
		ua_reply(call->ua, server, 481, SLICE(""), now);
		return;
	}
	if (!sip_subscription_state_parse(sip_message_value(request, SIP_SUBSCRIPTION_STATE), &state) ||
	    (request->body.len > 0 && !parse_status(request->body, &status, &reason))) {
		ua_refuse(call->ua, server,
			  &(struct ua_fault){ 400, 399, SLICE("no good Subscription-State or sipfrag") },
			  now);
		return;
	}
	ua_reply(call->ua, server, 200, SLICE(""), now);
	if (status >= 200) {
		conclude(call, status, reason, now);
	} else if (slice_eq_nocase(state.state, SLICE("terminated"))) {
		fail(call, UA_REFUSED, 0, SLICE("the other side does not tell what became of it"));
	} else {
		unsigned seconds = state.has_expires && state.expires < EXPIRES_MAX ? state.expires
										    : EXPIRES_MAX;

		ua_set_timer(call->ua, &call->transfer.timer, UA_TIMER_TRANSFER,
			     now.mono + (ms_t)seconds * 1000 + UA_GIVE_UP);
		ua_tell(call->ua,
			&(struct ua_event){
				.kind = UA_TRANSFER, .id = call->id, .status = status, .text = reason });
	}
}

void transfer_due(struct call *call, struct now now)
{
	(void)now;
	fail(call, UA_TIMEOUT, 0, SLICE("the other side does not tell what became of it"));
}
