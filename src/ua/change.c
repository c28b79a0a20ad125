#include "ua/change.h"

#include "base/mem.h"
#include "ua/callee.h"

enum { LINES_MAX = 1024 };

/* -- theirs ------------------------------------------------------------------------------------------ */

bool change_takes_timer(struct ua *ua, struct server *server, struct session_timer *ret_timer, struct now now)
{
	char lines[64];
	struct writer out = writer_of(lines, sizeof lines);

	switch (session_timer_asked(ret_timer, server->request)) {
	case OK: return true;
	case ERR_LIMIT:
		put_ua_line(&out, SLICE("Min-SE"), SESSION_MIN_SE);
		ua_reply(ua, server, 422, writer_text(&out), now);
		return false;
	default:
		ua_refuse(ua, server, &(struct ua_fault){ 400, 399, SLICE("Session-Expires is malformed") },
			  now);
		return false;
	}
}

static void refuse_for_now(struct call *call, struct server *server, struct now now)
{
	char lines[64];
	struct writer out = writer_of(lines, sizeof lines);
	uint8_t chance;

	/* §14.2: "a Retry-After header field with a randomly chosen value of between 0 and 10 seconds" */
	random_bytes(endpoint_random(call->ua->endpoint), &chance, sizeof chance);
	put_ua_line(&out, SLICE("Retry-After"), chance % 11);
	ua_reply(call->ua, server, 500, writer_text(&out), now);
}

/* What both methods have in common; false if it was refused (and nothing has changed). */
static bool may_change(struct call *call, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;
	struct ua_fault fault = { .status = 0 };
	struct session_timer timer = call->session;

	if (call->invite) {
		ua_reply(call->ua, server, 491, SLICE(""), now);
		return false;
	}
	if (call->asked || call->state != CALL_UP) {
		refuse_for_now(call, server, now);
		return false;
	}
	if (request->body.len > 0)
		fault = description_check(&call->description, request->body);
	if (fault.status != 0) {
		ua_refuse(call->ua, server, &fault, now);
		return false;
	}
	if (!change_takes_timer(call->ua, server, &timer, now))
		return false;
	if (dlg_refresh_target(call->dialog, request) != OK) {
		ua_refuse(call->ua, server,
			  &(struct ua_fault){ 400, 399, SLICE("Contact is not acceptable in this dialog") },
			  now);
		return false;
	}
	call->session = timer;
	call_run_session_timer(call, now);
	return true;
}

void change_invite(struct call *call, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;
	char text[DESCRIPTION_MAX];
	struct writer out = writer_of(text, sizeof text);
	bool has_offer = request->body.len > 0, is_good;
	struct description before;

	if (!may_change(call, server, now))
		return;
	before = call->description;
	is_good = has_offer ? description_answer(&call->description, request->body, &out).status == 0
			    : description_offer(&call->description, &out);
	server->user = call;
	call_ref(call);
	if (!is_good || !callee_send_ok(call, server, writer_text(&out), now)) {
		ua_reply(call->ua, server, 500, SLICE(""), now);
		call->description = before;
	} else if (has_offer) {
		call_tell_media(call, UA_MEDIA);
	}
	description_fini(&before);
	mem_wipe(text, sizeof text);
}

void change_early_target(struct call *call, struct dlg *dialog, struct server *server, struct now now)
{
	struct ua *ua = call->ua;
	char lines[LINES_MAX];
	struct writer out = writer_of(lines, sizeof lines);

	if (dlg_refresh_target(dialog, server->request) != OK) {
		ua_refuse(ua, server,
			  &(struct ua_fault){ 400, 399, SLICE("Contact is not acceptable in this dialog") },
			  now);
		return;
	}
	put_call_contact(&out, call, dialog->sips_contact);
	ua_reply(ua, server, 200, writer_text(&out), now);
}

static void put_update_lines(struct writer *out, const struct call *call, const struct sip_message *request)
{
	put_call_contact(out, call, call->dialog->sips_contact);
	put_session_timer_reply(out, &call->session, request);
	if (request->body.len > 0)
		put(out, SLICE("Content-Type: application/sdp\r\n"));
}

/* Before we have answered their INVITE: its offer waits, so there can be no other (RFC 3311 §5.2). */
static void update_ringing(struct call *call, struct server *server, struct now now)
{
	if (server->request->body.len > 0)
		refuse_for_now(call, server, now);
	else
		change_early_target(call, call->dialog, server, now);
}

void change_update(struct call *call, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;
	char text[DESCRIPTION_MAX], lines[LINES_MAX];
	struct writer body = writer_of(text, sizeof text), out = writer_of(lines, sizeof lines);
	struct ua_fault fault = { .status = 0 };
	struct description before;

	if (call->state == CALL_RINGING) {
		update_ringing(call, server, now);
		return;
	}
	if (!may_change(call, server, now))
		return;
	before = call->description;
	if (request->body.len > 0)
		fault = description_answer(&call->description, request->body, &body);
	if (fault.status != 0) {
		ua_refuse(call->ua, server, &fault, now);
		description_fini(&before);
		return;
	}
	put_update_lines(&out, call, request);
	struct sip_reply reply = { .status = 200, .headers = writer_text(&out), .body = writer_text(&body) };
	if (!call_answer_change(call, server, &reply, now))
		call->description = before;
	else if (request->body.len > 0)
		call_tell_media(call, UA_MEDIA);
	description_fini(&before);
	mem_wipe(text, sizeof text);
}

/* -- ours -------------------------------------------------------------------------------------------- */

static const struct exchange_user invite_user, update_user;

/* A re-INVITE with an offer of what is wished for. */
static enum err send_invite(struct call *call, struct now now)
{
	char text[DESCRIPTION_MAX];
	struct writer out = writer_of(text, sizeof text);
	struct call_request request = {
		.user = &invite_user,
		.method = SIP_INVITE,
		.lines = SLICE("Content-Type: application/sdp\r\n"),
	};
	enum err err;

	if (!description_offer(&call->description, &out))
		return ERR_LIMIT;
	request.body = writer_text(&out);
	err = call_send(call, &request, now, &call->invite);
	mem_wipe(text, sizeof text);
	if (err != OK)
		description_withdraw(&call->description);
	return err;
}

/* It was our turn, and it failed: the call lives until the interval is over (RFC 4028 §10), if we do not make up for it. */
static void refresh_failed(struct call *call, struct now now)
{
	struct session_timer *session = &call->session;
	ms_t passed = session_timer_wait(session);

	if (session->is_overdue)
		return; /* and its end stands */
	session->is_overdue = true;
	ua_set_timer(call->ua, &call->session_timer, UA_TIMER_SESSION,
		     now.mono + session_timer_wait(session) - passed);
}

static void go_back(struct call *call, enum ua_cause cause, unsigned status, struct slice text,
		    struct now now)
{
	const struct ua_event event = {
		.kind = UA_MEDIA_REFUSED,
		.id = call->id,
		.cause = cause,
		.status = status,
		.text = text,
	};

	description_withdraw(&call->description);
	call->description.wish = call->before;
	if (call->is_refresh)
		refresh_failed(call, now);
	else
		ua_tell(call->ua, &event);
}

enum err ua_hold(struct ua *ua, uint64_t id, bool hold, struct now now)
{
	struct call *call = call_find(ua, id);
	enum err err;

	if (!call || call->state != CALL_UP)
		return ERR_NOT_FOUND;
	if (call->invite || call->asked || call->change_timer.slot != 0)
		return ERR_AGAIN;
	call->is_refresh = false;
	call->before = call->description.wish;
	call->description.wish = hold ? SDP_SENDONLY : SDP_SENDRECV;
	err = send_invite(call, now);
	if (err != OK)
		call->description.wish = call->before;
	return err;
}

/* §14.1: after 491, who has made the Call-ID waits 2.1 to 4 s, the other 0 to 2 s. */
static void try_again_later(struct call *call, struct now now)
{
	ms_t wait;
	uint8_t chance;

	random_bytes(endpoint_random(call->ua->endpoint), &chance, sizeof chance);
	wait = call->incoming ? (ms_t)(chance % 201) * 10 : 2100 + (ms_t)(chance % 191) * 10;
	ua_set_timer(call->ua, &call->change_timer, UA_TIMER_CHANGE, now.mono + wait);
}

void change_again(struct call *call, struct now now)
{
	if (call->state != CALL_UP)
		return;
	if (call->invite || call->asked)
		try_again_later(call, now);
	else if (send_invite(call, now) != OK)
		go_back(call, UA_FAILED, 0, SLICE("the change could not be sent"), now);
}

static void agree(struct call *call, struct exchange *exchange, const struct sip_message *response,
		  struct now now)
{
	struct ua_fault fault;

	call->invite = NULL;
	if (dlg_refresh_target(call->dialog, response) != OK) {
		call_send_ack(call->ua, call->dialog, exchange, now);
		call_leave(call, UA_NOT_SECURE, SLICE("the other side moved to a way that is not acceptable"),
			   now);
		return;
	}
	call_send_ack(call->ua, call->dialog, exchange, now);
	fault = call_check_answer(call, response);
	if (fault.status == 0)
		fault = description_accept(&call->description, response->body);
	if (fault.status != 0) { /* the other side believes in what we cannot have */
		call_leave(call, call_media_cause(call), fault.text, now);
		return;
	}
	call->before = call->description.wish;
	session_timer_told(&call->session, response);
	call_run_session_timer(call, now);
	call_tell_media(call, UA_MEDIA);
}

/* RFC 3261 §12.2.1.2: after these the dialog is over. */
static bool ends_dialog(unsigned status)
{
	return status == 481 || status == 408;
}

static void on_invite_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct call *call = exchange->call;
	unsigned status = response->status;

	if (status < 200)
		return;
	if (status < 300 && call->invite != exchange) {
		call_send_ack(call->ua, call->dialog, exchange, now); /* it came again */
		return;
	}
	if (call->state != CALL_UP) {
		if (status < 300)
			call_send_ack(call->ua, call->dialog, exchange, now);
		return;
	}
	if (status < 300) {
		agree(call, exchange, response, now);
		return;
	}
	call->invite = NULL;
	if (status == 422 && session_timer_raise(&call->session, response)) {
		description_withdraw(&call->description);
		change_again(call, now);
	} else if (status == 491) {
		description_withdraw(&call->description);
		try_again_later(call, now);
	} else if (ends_dialog(status)) {
		call_leave(call, UA_HUNG_UP_THERE, SLICE("the other side knows nothing of the call any more"),
			   now);
	} else {
		go_back(call, ua_cause_of(status), status, ua_why_of(response), now);
	}
}

static void on_invite_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	struct call *call = exchange->call;

	call->invite = NULL;
	if (call->state != CALL_UP)
		return;
	if (cause == UA_TIMEOUT)
		call_leave(call, cause, why, now);
	else
		go_back(call, cause, 0, why, now);
}

static const struct exchange_user invite_user = { on_invite_response, on_invite_failed };

/* -- the session timer ------------------------------------------------------------------------------- */

static void refresh(struct call *call, struct now now);

static void on_update_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct call *call = exchange->call;

	if (response->status < 200)
		return;
	call->invite = NULL;
	if (call->state != CALL_UP)
		return;
	if (response->status == 422 && session_timer_raise(&call->session, response)) {
		refresh(call, now);
	} else if (response->status == 491) {
		try_again_later(call, now); /* and a re-INVITE refreshes as well */
	} else if (response->status < 300 && dlg_refresh_target(call->dialog, response) == OK) {
		session_timer_told(&call->session, response);
		call_run_session_timer(call, now);
	} else if (ends_dialog(response->status)) {
		call_leave(call, UA_HUNG_UP_THERE, SLICE("the other side knows nothing of the call any more"),
			   now);
	} else {
		refresh_failed(call, now);
	}
}

static void on_update_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	struct call *call = exchange->call;

	(void)cause, (void)why;
	call->invite = NULL;
	if (call->state == CALL_UP)
		refresh_failed(call, now);
}

static const struct exchange_user update_user = { on_update_response, on_update_failed };

static void refresh(struct call *call, struct now now)
{
	const struct call_request update = { .user = &update_user, .method = SIP_UPDATE };
	enum err err;

	call->is_refresh = true;
	err = call->can_update ? call_send(call, &update, now, &call->invite) : send_invite(call, now);
	if (err != OK)
		refresh_failed(call, now);
}

void change_session_due(struct call *call, struct now now)
{
	if (!call->session.we_refresh || call->session.is_overdue) {
		call_leave(call, UA_TIMEOUT, SLICE("the call was not refreshed in time"), now);
		return;
	}
	if (call->invite || call->asked) { /* a change is under way, and is a refresh itself */
		call_run_session_timer(call, now);
		return;
	}
	refresh(call, now);
}

void change_registered(struct call *call, struct now now)
{
	if (call->state == CALL_UP && call->session.is_overdue && !call->invite && !call->asked &&
	    call->change_timer.slot == 0)
		refresh(call, now);
}
