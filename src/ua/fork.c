#include "ua/fork.h"

#include "base/mem.h"
#include "sip/fields.h"
#include "ua/change.h"

enum { LINES_MAX = 1024 };

struct fork *fork_find(const struct call *call, const struct sip_message *response)
{
	LIST_EACH (fork, &call->forks, struct fork, link)
		if (dlg_has_response(fork->dialog, response))
			return fork;
	return NULL;
}

struct fork *fork_find_request(const struct ua *ua, const struct sip_message *request, struct call **ret_call)
{
	LIST_EACH (call, &ua->calls, struct call, link) {
		if (call->state != CALL_CALLING && call->state != CALL_LEAVING)
			continue;
		LIST_EACH (fork, &call->forks, struct fork, link) {
			if (!dlg_has_request(fork->dialog, request))
				continue;
			*ret_call = call;
			return fork;
		}
	}
	return NULL;
}

struct fork *fork_new(struct call *call, struct dlg *dialog)
{
	struct fork *fork = call->forks.n < FORKS_MAX ? mem_new(struct fork) : NULL;

	if (!fork) {
		dlg_free(dialog);
		return NULL;
	}
	fork->dialog = dialog;
	fork->description = call->description;
	list_append(&call->forks, &fork->link);
	return fork;
}

void forks_free(struct call *call)
{
	LIST_EACH (fork, &call->forks, struct fork, link) {
		list_remove(&call->forks, &fork->link);
		description_fini(&fork->description);
		dlg_free(fork->dialog);
		mem_free(fork);
	}
}

void fork_choose(struct call *call, struct fork *fork)
{
	call->dialog = fork->dialog; /* and not freed, so that a PRACK under way may go on counting in it */
	if (fork->is_answered) {
		description_fini(&call->description);
		call->description = fork->description;
	}
	description_fini(&fork->description);
	list_remove(&call->forks, &fork->link);
	mem_free(fork);
}

/* -- reliable responses (RFC 3262 §4) ---------------------------------------------------------------- */

static void prack_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	(void)exchange, (void)response,
		(void)now; /* a refusal: the INVITE's own end tells what became of it */
}

static void prack_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	(void)exchange, (void)cause, (void)why, (void)now;
}

static const struct exchange_user prack_user = { prack_response, prack_failed };

/* RAck: the number of the response, and the CSeq of what it responds to (RFC 3262 §7.2) */
static void send_prack(struct call *call, struct fork *fork, const struct sip_message *response,
		       struct now now)
{
	char lines[128];
	struct writer out = writer_of(lines, sizeof lines);
	struct call_request prack = { .user = &prack_user, .method = SIP_PRACK, .dialog = fork->dialog };
	struct exchange *exchange;

	put(&out, SLICE("RAck: "));
	put_number(&out, fork->rseq);
	put_char(&out, ' ');
	put_number(&out, response->cseq.number);
	put(&out, SLICE(" INVITE\r\n"));
	prack.lines = writer_text(&out);
	if (call_send(call, &prack, now, &exchange) != OK)
		return; /* the response will come again, but is no news then; the other side ends the call */
}

bool fork_is_reliable(const struct sip_message *response)
{
	uint32_t rseq;

	return sip_message_lists(response, SIP_REQUIRE, SLICE("100rel")) &&
	       sip_rseq_parse(sip_message_value(response, SIP_RSEQ), &rseq);
}

bool fork_take_reliable(struct call *call, struct fork *fork, const struct sip_message *response,
			struct now now, struct ua_fault *ret_fault)
{
	struct ua_fault fault = { .status = 0 };
	uint32_t rseq;

	if (!sip_rseq_parse(sip_message_value(response, SIP_RSEQ), &rseq) ||
	    (fork->rseq != 0 && rseq != fork->rseq + 1))
		return false;
	fork->rseq = rseq;
	if (response->body.len > 0 && !fork->is_answered)
		fault = call_check_answer(call, response);
	if (response->body.len > 0 && !fork->is_answered && fault.status == 0) {
		fault = description_accept(&fork->description, response->body);
		fork->is_answered = fault.status == 0;
	}
	send_prack(call, fork, response, now);
	*ret_fault = fault;
	return true;
}

/* -- changes before the answer (RFC 3311) ------------------------------------------------------------ */

static void tell_progress(struct call *call, const struct fork *fork)
{
	struct ua_event event = {
		.kind = UA_PROGRESS,
		.id = call->id,
		.peer = call->peer,
		.secure = call->secure,
		.has_media = true,
		.media = fork->description.media,
	};

	ua_tell(call->ua, &event);
	sdp_media_wipe(&event.media);
}

static void take_offer(struct call *call, struct fork *fork, struct server *server, struct now now)
{
	char text[DESCRIPTION_MAX], lines[LINES_MAX];
	struct writer body = writer_of(text, sizeof text), out = writer_of(lines, sizeof lines);
	struct description before = fork->description;
	struct ua_fault fault = { .status = 0 };

	if (dlg_refresh_target(fork->dialog, server->request) != OK)
		fault = (struct ua_fault){ 400, 399, SLICE("Contact is not acceptable in this dialog") };
	else
		fault = description_answer(&fork->description, server->request->body, &body);
	if (fault.status != 0) {
		ua_refuse(call->ua, server, &fault, now);
		description_fini(&before);
		return;
	}
	put_call_contact(&out, call, fork->dialog->sips_contact);
	put(&out, SLICE("Content-Type: application/sdp\r\n"));
	struct sip_reply reply = { .status = 200, .headers = writer_text(&out), .body = writer_text(&body) };
	if (!call_answer_change(call, server, &reply, now))
		fork->description = before;
	else if (call->state == CALL_CALLING)
		tell_progress(call, fork);
	description_fini(&before);
	mem_wipe(text, sizeof text);
}

static void take_update(struct call *call, struct fork *fork, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;

	if (request->body.len > 0 && !fork->is_answered) {
		/* RFC 3311 §5.2: ours is not answered yet */
		ua_reply(call->ua, server, 491, SLICE(""), now);
		return;
	}
	if (request->body.len > 0)
		take_offer(call, fork, server, now);
	else
		change_early_target(call, fork->dialog, server, now);
}

bool fork_take(struct call *call, struct fork *fork, struct server *server, struct now now)
{
	switch (server->request->method) {
	case SIP_UPDATE: take_update(call, fork, server, now); return true;
	case SIP_BYE:
		/* RFC 3261 §15: "the callee's UA MUST NOT send a BYE on an early dialog"; our INVITE goes on */
		ua_reply(call->ua, server, 481, SLICE(""), now);
		return true;
	case SIP_INVITE: /* §14.2: while our own is under way */
		ua_reply(call->ua, server, 491, SLICE(""), now);
		return true;
	default: return false;
	}
}
