/* Our side of a call that we begin (RFC 3261 §13.2). */
#include "base/mem.h"
#include "ua/call.h"
#include "ua/enclosed.h"
#include "ua/fork.h"

enum { LINES_MAX = 4096 };

/* -- the INVITE -------------------------------------------------------------------------------------- */

static struct slice put_from(struct writer *out, const struct call *call)
{
	size_t at = out->len;

	put_ua_from(out, call->ua, call->is_anonymous);
	put(out, SLICE(";tag="));
	put(out, ua_token(&call->tag));
	return slice_from(out->buf + at, out->len - at);
}

static void put_invite_lines(struct writer *out, const struct call *call)
{
	put(out, SLICE("From: "));
	put_from(out, call);
	put(out, SLICE("\r\nTo: <"));
	put(out, call->peer);
	put(out, SLICE(">\r\n"));
	put_header(out, SIP_CALL_ID, ua_token(&call->call_id));
	put(out, SLICE("Max-Forwards: 70\r\n"));
	put_call_contact(out, call, call->secure);
	put_ua_privacy(out, call->is_anonymous);
	put_ua_abilities(out, true);
	put_session_timer_wish(out, &call->session);
	if (call->referrer)
		put_refer_lines(out, &call->referrer->refer);
	put_ua_agent(out);
	put(out, SLICE("Content-Type: application/sdp\r\n"));
}

static const struct exchange_user invite_user;

static enum err send_invite(struct call *call, struct now now)
{
	char lines[LINES_MAX], offer[DESCRIPTION_MAX];
	struct writer out = writer_of(lines, sizeof lines), body = writer_of(offer, sizeof offer);
	struct exchange_plan plan = {
		.user = &invite_user,
		.call = call,
		.method = SIP_INVITE,
		.uri = call->peer,
		.cseq = &call->cseq,
		.protect_for = call->is_sealed ? call->peer : SLICE(""),
	};
	enum err err;

	put_invite_lines(&out, call);
	if (out.overflow || !description_offer(&call->description, &body))
		return ERR_LIMIT;
	plan.lines = writer_text(&out);
	plan.body = writer_text(&body);
	if (call->is_sealed)
		plan.also = enclosed_believed(call->ua, call->enclosed, call->peer, now);
	err = exchange_start(call->ua, &plan, now, &call->invite);
	mem_wipe(offer, sizeof offer);
	if (err == OK && call->is_sealed)
		call->ours = call->invite->how;
	return err;
}

/* -- whether it is protected -------------------------------------------------------------------------- */

static void ask(struct call *call, struct slice why)
{
	call->is_asking = true;
	ua_tell(call->ua, &(struct ua_event){
				  .kind = UA_IN_CLEAR,
				  .id = call->id,
				  .text = why,
				  .peer = call->peer,
				  .secure = call->secure,
				  .protection = &call->ours,
			  });
}

/* What was protected once is not made in clear without our user's word, nor at all what was refused for want of protection. */
static enum protect_way choose(struct call *call, struct now now)
{
	const struct protect_wish wish = { call->peer, &call->waiter, call->enclosed, call->is_anonymous };
	enum protect_way way = protect_choose(call->ua, &wish, now, &call->ours);

	if (call->is_upward && way != PROTECT_SEALED && way != PROTECT_WAIT)
		return PROTECT_REFUSED;
	return call->is_sealed && way == PROTECT_CLEAR ? PROTECT_ASK : way;
}

/* OK: it has left, or waits, or has ended. */
static enum err depart(struct call *call, struct now now)
{
	char text[1000];
	struct writer why = writer_of(text, sizeof text);

	switch (choose(call, now)) {
	case PROTECT_WAIT: return OK;
	case PROTECT_ASK:
		put_verdict(&why, &call->ours.verdict);
		ask(call, writer_text(&why));
		return OK;
	case PROTECT_REFUSED:
		put_verdict_advice(&why, &call->ours.verdict);
		call_end(call, UA_NOT_SECURE, 0, writer_text(&why), now);
		return OK;
	case PROTECT_SEALED: call->is_sealed = true; break;
	case PROTECT_CLEAR: break;
	}
	call->description.local.srtp = call_srtp(call);
	return send_invite(call, now);
}

static void end_unsent(struct call *call, enum err err, struct now now)
{
	if (err == ERR_CLOSED)
		call_end(call, UA_SERVER_GONE, 0, SLICE("the connection to the server is lost"), now);
	else if (err == ERR_NOT_FOUND || err == ERR_DENIED)
		call_end(call, UA_NOT_SECURE, 0,
			 SLICE("there is no certificate any more that it could be encrypted to"), now);
	else if (err != OK)
		call_end(call, UA_FAILED, 0, SLICE("the call could not be made"), now);
}

static void on_come(struct credentials_waiter *waiter, struct now now)
{
	struct call *call = CONTAINER_OF(waiter, struct call, waiter);

	end_unsent(call, depart(call, now), now);
}

void caller_in_clear(struct call *call, bool yes, struct now now)
{
	call->is_asking = false;
	if (!yes) {
		call_end(call, UA_NOT_SECURE, 0,
			 SLICE("the call was not made, since it could not be protected"), now);
		return;
	}
	call->is_sealed = false;
	call->ours.is_encrypted = call->ours.is_signed = false;
	call->description.local.srtp = call_srtp(call);
	/* until now nothing has rung */
	ua_set_timer(call->ua, &call->ring_timer, UA_TIMER_RING, now.mono + call->ua->ring);
	end_unsent(call, send_invite(call, now), now);
}

/* The INVITE is over, and another one may follow. */
static void withdraw(struct call *call)
{
	description_withdraw(&call->description);
	call->invite = NULL;
}

/* Protected where it was not, or to certificates of whom there is news. */
static bool make_again(struct call *call, const struct sip_message *response, struct now now)
{
	struct ua *ua = call->ua;
	AUTO(chain) struct chain *enclosed = NULL;
	bool is_news;

	if (call->is_again || call->is_anonymous || protect_policy(ua, call->peer) == UA_SMIME_OFF)
		return false;
	enclosed = enclosed_read(ua, response);
	is_news = call->is_sealed ? enclosed_is_news(ua, enclosed, call->peer, now)
				  : enclosed || enclosed_wants_protection(response);
	if (!is_news)
		return false;
	withdraw(call);
	call->is_again = true;
	call->is_upward = !call->is_sealed;
	call->enclosed = TAKE(enclosed);
	end_unsent(call, depart(call, now), now);
	return true;
}

/*
 * RFC 3261 §23.2: the other side cannot read it, or not as it was. It is tried again with more protection, or to another certificate; in clear
 * only if our user says so.
 */
static bool try_otherwise(struct call *call, const struct sip_message *response, struct now now)
{
	unsigned status = response->status;

	if ((status != 415 && status != 493 && status != 488) || call->state != CALL_CALLING ||
	    call->forks.n > 0)
		return false;
	if (make_again(call, response, now))
		return true;
	if (!call->is_sealed || protect_policy(call->ua, call->peer) == UA_SMIME_REQUIRE)
		return false;
	withdraw(call);
	ask(call, ua_why_of(response));
	return true;
}

enum err caller_begin(struct ua *ua, const struct call_begin *begin, struct now now, uint64_t *ret_call)
{
	struct sip_uri parsed;
	struct call *call;
	enum err err;

	if (!ua_can_reach(begin->uri, &parsed))
		return ERR_SYNTAX;
	if (parsed.scheme == SIP_SCHEME_SIPS && !transport_is_secure(ua->transport))
		return ERR_DENIED;
	if (ua->flow == 0 || ua->is_stopping)
		return ERR_CLOSED;
	if (calls_count(ua) >= UA_MAX_CALLS)
		return ERR_LIMIT;
	call = call_new(ua, begin->uri);
	if (!call)
		return ERR_NOMEM;
	call->secure = parsed.scheme == SIP_SCHEME_SIPS;
	call->must_encrypt = begin->must_encrypt;
	call->referrer = begin->referrer;
	call->is_anonymous = ua->is_anonymous || (begin->referrer && begin->referrer->is_anonymous);
	description_init(&call->description, endpoint_random(ua->endpoint), begin->media, call_srtp(call));
	call->waiter.come = on_come;
	if (call->referrer)
		call_ref(call->referrer);
	err = depart(call, now);
	if (err == ERR_NOT_FOUND || err == ERR_DENIED) {
		end_unsent(call, err, now);
		err = OK;
	}
	if (err != OK) {
		if (call->referrer)
			call->referrer->refs--;
		call->state = CALL_ENDED; /* never told of, so nothing is told */
		call->referrer = NULL;
		return err;
	}
	if (call->state != CALL_ENDED)
		ua_set_timer(ua, &call->ring_timer, UA_TIMER_RING, now.mono + ua->ring);
	*ret_call = call->id;
	return OK;
}

enum err ua_call(struct ua *ua, struct slice uri, const struct address *media, struct now now,
		 uint64_t *ret_call)
{
	return caller_begin(ua, &(struct call_begin){ .uri = uri, .media = media }, now, ret_call);
}

/* -- its responses ----------------------------------------------------------------------------------- */

static enum err make_dialog(const struct call *call, const struct exchange *invite,
			    const struct sip_message *response, bool secure, struct dlg **ret_dialog)
{
	char from[512];
	struct writer out = writer_of(from, sizeof from);
	const struct dlg_sent sent = {
		.call_id = ua_token(&call->call_id),
		.from_tag = ua_token(&call->tag),
		.from = put_from(&out, call),
		.cseq = invite->number,
		.secure = secure,
	};

	return out.overflow ? ERR_LIMIT : dlg_new_uac(&sent, response, ret_dialog);
}

/* The early dialog of a 1xx, new or known; NULL: the 2xx will have to do better. */
static struct fork *take_fork(struct call *call, const struct exchange *invite,
			      const struct sip_message *response)
{
	struct fork *fork = fork_find(call, response);
	struct dlg *dialog;

	if (fork || response->to.tag.len == 0)
		return fork;
	if (make_dialog(call, invite, response, call->secure, &dialog) != OK)
		return NULL;
	return fork_new(call, dialog);
}

static void tell_provisional(struct call *call, const struct sip_message *response,
			     const struct sdp_media *media)
{
	struct ua_event event = {
		.kind = response->status == 180 ? UA_RINGING : UA_PROGRESS,
		.id = call->id,
		.status = response->status,
		.text = response->reason,
		.peer = call->peer,
		.secure = call->secure,
		.has_media = media != NULL,
	};

	if (event.kind == UA_RINGING && !media && call->rang)
		return;
	if (media)
		event.media = *media;
	call->rang = call->rang || event.kind == UA_RINGING;
	ua_tell(call->ua, &event);
	sdp_media_wipe(&event.media);
}

/* Its answer counts; what is wrong with it ends the call (RFC 3262 §5). */
static void on_reliable(struct call *call, struct fork *fork, const struct sip_message *response,
			struct now now)
{
	struct ua_fault fault;

	if (!fork_take_reliable(call, fork, response, now, &fault) || call->state != CALL_CALLING)
		return;
	if (fault.status != 0)
		call_leave(call, call_media_cause(call), fault.text, now);
	else {
		refer_progress(call, response->status, now);
		tell_provisional(call, response,
				 response->body.len > 0 && fork->is_answered ? &fork->description.media
									     : NULL);
	}
}

/* What makes a dialog (RFC 3261 §12.1.2). In a 1xx a Contact is optional (§20, table 2), and it rings all the same. */
static bool names_a_way(const struct sip_message *response)
{
	return response->to.tag.len > 0 && sip_message_header(response, SIP_CONTACT);
}

/* 18x: it rings, or something is to be heard already. */
static void on_provisional(struct call *call, const struct exchange *invite,
			   const struct sip_message *response, struct now now)
{
	struct fork *fork = response->status == 100 ? NULL : take_fork(call, invite, response);
	struct sdp_media media;
	bool has_media = false;

	if (response->status == 100)
		return;
	if (fork && fork_is_reliable(response)) {
		on_reliable(call, fork, response, now);
		return;
	}
	if (call->state != CALL_CALLING || (!fork && names_a_way(response)))
		return;
	if (response->body.len > 0 && !(fork && fork->is_answered) &&
	    call_check_answer(call, response).status == 0)
		has_media = description_preview(&call->description, response->body, &media);
	tell_provisional(call, response, has_media ? &media : NULL);
	refer_progress(call, response->status, now);
	if (has_media)
		sdp_media_wipe(&media);
}

/* The dialog of a 2xx becomes that of the call (§13.2.2.4). */
static enum err take_dialog(struct call *call, const struct exchange *invite,
			    const struct sip_message *response)
{
	struct fork *fork = fork_find(call, response);

	if (!fork)
		return make_dialog(call, invite, response, call->secure, &call->dialog);
	TRY(dlg_confirm_uac(fork->dialog, response));
	fork_choose(call, fork);
	return OK;
}

static void on_bye_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	(void)exchange, (void)response, (void)now;
}

static void on_bye_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	(void)exchange, (void)cause, (void)why, (void)now;
}

static const struct exchange_user bye_user = { on_bye_response, on_bye_failed };

/*
 * A 2xx whose dialog is not to be: another branch of a forked INVITE answered too (§13.2.2.4), or what it says is not
 * acceptable. It is acknowledged, so that it is not sent again, and ended at once.
 */
static void refuse_dialog(struct call *call, const struct exchange *invite,
			  const struct sip_message *response, struct now now)
{
	AUTO(dlg) struct dlg *dialog = NULL;
	char lines[LINES_MAX];
	struct writer out = writer_of(lines, sizeof lines);
	struct exchange_plan bye = { .user = &bye_user, .method = SIP_BYE, .in_dialog = true };
	struct exchange *exchange;

	/* what is not sips in it counts no more: nothing but its end goes there, over the flow that is verified */
	if (make_dialog(call, invite, response, false, &dialog) != OK)
		return;
	call_send_ack(call->ua, dialog, invite, now);
	put_dlg_headers(&out, dialog);
	bye.uri = dlg_request_uri(dialog);
	bye.lines = writer_text(&out);
	bye.after = invite->number;
	if (out.overflow || exchange_start(call->ua, &bye, now, &exchange) != OK)
		return; /* the other side ends it when no media comes */
}

static void establish(struct call *call, struct exchange *invite, const struct sip_message *response,
		      struct now now)
{
	struct ua_fault fault;

	call->invite = NULL;
	call->state = CALL_UP;
	call->since = now.mono;
	call->can_update = sip_message_lists(response, SIP_ALLOW, SLICE("UPDATE"));
	session_timer_told(&call->session, response);
	call_send_ack(call->ua, call->dialog, invite, now);
	fault = call_check_answer(call, response);
	if (fault.status == 0 && call->description.offering) /* else it was answered reliably before */
		fault = description_accept(&call->description, response->body);
	if (fault.status != 0) {
		call_leave(call, call_media_cause(call), fault.text, now);
		return;
	}
	refer_progress(call, 200, now);
	call_run_session_timer(call, now);
	call_tell_media(call, UA_ESTABLISHED);
}

static void on_success(struct call *call, struct exchange *invite, const struct sip_message *response,
		       struct now now)
{
	enum ua_cause leaving = call->leaving;
	enum err err;

	ua_clear_timer(call->ua, &call->ring_timer);
	if (call->state == CALL_LEAVING) {
		refuse_dialog(call, invite, response, now);
		call_end(call, leaving, 0, SLICE("the call was answered while we gave it up, and ended"),
			 now);
		return;
	}
	err = take_dialog(call, invite, response);
	if (err == OK) {
		establish(call, invite, response, now);
		return;
	}
	refuse_dialog(call, invite, response, now);
	if (err == ERR_DENIED)
		call_end(call, UA_NOT_SECURE, response->status,
			 SLICE("the call was answered by a way that is not sips all along"), now);
	else
		call_end(call, UA_FAILED, response->status, SLICE("the answer cannot be understood"), now);
}

/* Not the first 2xx: the same again, since our ACK was lost, or that of another branch. */
static void on_further_success(struct call *call, struct exchange *invite, const struct sip_message *response,
			       struct now now)
{
	if (call->dialog && dlg_has_response(call->dialog, response))
		call_send_ack(call->ua, call->dialog, invite, now);
	else
		refuse_dialog(call, invite, response, now);
}

/* RFC 4028 §7.3: somebody on the way wants a longer interval, and may have it. */
static bool ask_for_longer(struct call *call, const struct sip_message *response, struct now now)
{
	if (response->status != 422 || call->state != CALL_CALLING || call->forks.n > 0 ||
	    !session_timer_raise(&call->session, response))
		return false;
	description_withdraw(&call->description);
	return send_invite(call, now) == OK;
}

static void on_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct call *call = exchange->call;
	bool waits = call->state == CALL_CALLING || call->state == CALL_LEAVING;
	struct slice why = ua_why_of(response);

	if (response->status < 200)
		on_provisional(call, exchange, response, now);
	else if (response->status < 300 && waits)
		on_success(call, exchange, response, now);
	else if (response->status < 300)
		on_further_success(call, exchange, response, now);
	else if (call->state == CALL_LEAVING && response->status == 487)
		call_end(call, call->leaving, response->status, why, now);
	else if (!try_otherwise(call, response, now) && !ask_for_longer(call, response, now))
		call_end(call, ua_cause_by(response), response->status, why, now);
}

static void on_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	struct call *call = exchange->call;

	call_end(call, call->state == CALL_LEAVING ? call->leaving : cause, 0, why, now);
}

static const struct exchange_user invite_user = { on_response, on_failed };
