#include "proxy/context.h"

#include "base/mem.h"
#include "proxy/accepted.h"
#include "proxy/best.h"
#include "proxy/branch.h"
#include "proxy/dialog.h"
#include "proxy/edge.h"
#include "proxy/forward.h"
#include "proxy/gate.h"
#include "proxy/merged.h"
#include "proxy/recurse.h"
#include "proxy/report.h"
#include "sip/build.h"

enum {
	PROOF_MAX = 1024,
	REASON_MAX = 1024, /* lines for which there is no room are left out */
};

/* -- life ------------------------------------------------------------------------------------------------------- */

struct context *context_new(struct core *core, struct server *server)
{
	struct context *context = mem_new(struct context);

	if (!context)
		return NULL;
	context->core = core;
	context->server = server;
	context->request = server->request;
	context->flow = server->flow;
	list_init(&context->branches);
	server->user = context;
	return context;
}

/* A call that is answered, one way or the other, is no longer being set up. */
static void end_set_up(struct context *context)
{
	allowance_end_call(context->caller);
	context->caller = NULL;
}

static void context_free(struct context *context)
{
	end_set_up(context);
	endpoint_forget(context->core->endpoint, &context->question);
	sip_message_free(context->preprocessed);
	sip_message_free(context->best_message);
	mem_free(context->why);
	mem_free(context->challenges);
	mem_free(context->targets);
	recurse_free(context);
	aor_unref(context->aor);
	aor_unref(context->sender);
	mem_free(context);
}

static void settle(struct context *context)
{
	if (!context->server && context->branches.n == 0)
		context_free(context);
}

void context_refuse(struct context *context, const struct refusal *refusal, struct now now)
{
	end_set_up(context);
	if (context->server && !context->server->final)
		core_refuse(context->core, context->server, refusal, now);
}

void context_refuse_as(struct context *context, enum refused why, struct slice found, struct slice headers,
		       struct now now)
{
	struct refusal refusal = proxy_refusals[why];

	refusal.found = found;
	refusal.headers = headers;
	context_refuse(context, &refusal, now);
}

/* RFC 3261 §16.7 step 10 */
static void cancel_pending(struct context *context, struct slice reason, struct now now)
{
	context->next = context->n_targets;
	recurse_stop(context);
	LIST_EACH (branch, &context->branches, struct branch, link)
		branch_cancel(branch, reason, now);
}

/* -- forking ------------------------------------------------------------------------------------------------------ */

static uint16_t q_of(const struct target *target)
{
	return target->binding ? target->binding->q : 0;
}

/* Starts the next targets of one q, as many at once as Max-Breadth allows (RFC 5393 §5.3.3). */
static void start_group(struct context *context, struct now now)
{
	unsigned breadth = check_breadth(context->request);
	size_t n = 1;

	while (context->next + n < context->n_targets &&
	       q_of(&context->targets[context->next + n]) == q_of(&context->targets[context->next]))
		n++;
	if (n > breadth)
		n = breadth;
	context->breadth = n ? breadth / (unsigned)n : 0;
	for (size_t i = 0; i < n; i++)
		if (branch_start(context, &context->targets[context->next++], now) != OK)
			best_failure(context, CLIENT_NO_MEMORY);
}

/* RFC 3261 §16.7 step 5: when all branches have ended the best response goes upstream. */
void context_proceed(struct context *context, struct now now)
{
	do {
		while (context->n_pending == 0 && context->next < context->n_targets && context->best < 600)
			start_group(context, now);
	} while (context->n_pending == 0 && context->best < 600 && context->server && !context->is_answered &&
		 recurse_next(context, now));
	if (context->n_pending > 0 || context->question.id || context->is_answered || !context->server ||
	    !context->best)
		return;
	context->is_answered = true;
	end_set_up(context);
	report_call_failed(context);
	if (context->request->method == SIP_REGISTER)
		edge_failed(context);
	best_answer(context, now);
}

/* False: it is refused. */
static bool begin_forwarding(struct context *context, struct now now)
{
	if (check_breadth(context->request) == 0) {
		context_refuse(context, &proxy_refusals[REFUSED_BREADTH], now);
		return false;
	}
	if (!forward_has_room_for_names(context)) {
		context_refuse(context, &proxy_refusals[REFUSED_PARTY_SIZE], now);
		return false;
	}
	if (context->n_redirections == 0)
		report_call_started(context);
	return true;
}

void context_forward(struct context *context, struct aor *aor, struct target *targets, size_t n_targets,
		     struct now now)
{
	mem_free(context->targets);
	aor_unref(context->aor);
	context->aor = aor_ref(aor);
	context->targets = targets;
	context->n_targets = n_targets;
	context->next = 0;
	if (begin_forwarding(context, now))
		context_proceed(context, now);
}

/* Nothing more is tried; the context of a call stays for a while (RFC 6026 §7.1). */
static void forget_targets(struct context *context)
{
	mem_free(context->targets);
	context->targets = NULL;
	context->n_targets = context->next = context->n_spares = 0;
}

void context_forward_to(struct context *context, const struct target *target, struct now now)
{
	forget_targets(context);
	if (!begin_forwarding(context, now))
		return;
	context->breadth = check_breadth(context->request);
	if (branch_start(context, target, now) != OK)
		best_failure(context, CLIENT_NO_MEMORY);
	context_proceed(context, now);
}

/* -- events ------------------------------------------------------------------------------------------------------- */

/* With a success goes our own proof to who gave us credentials. */
static void pass_up(struct context *context, const struct sip_message *response, struct now now)
{
	struct sip_edits edits = forward_success_edits(context->core, context->account);
	char buf[PROOF_MAX];
	struct writer proof = writer_of(buf, sizeof buf);

	if (response->status >= 200 && response->status < 300)
		put_gate_proof(&proof, context, response->body, now);
	if (!proof.overflow)
		edits.top = writer_text(&proof);
	if (context->server)
		endpoint_respond_with(context->core->endpoint, context->server, response, &edits, now);
	else if (response->method == SIP_INVITE && response->status >= 200 && response->status < 300)
		endpoint_respond_stateless(context->core->endpoint, context->flow, response, &edits);
}

/*
 * RFC 3261 §16.7 step 5: "any 2xx response to an INVITE request" goes up at once, and so does the first other
 * 2xx.
 */
static void take_success(struct context *context, const struct sip_message *response, struct now now)
{
	if (context->is_answered && response->method != SIP_INVITE)
		return;
	if (!context->is_answered)
		report_call_answered(context);
	if (response->method == SIP_REGISTER && context->server)
		edge_answered(context);
	context->is_answered = true;
	end_set_up(context);
	pass_up(context, response, now);
	cancel_pending(context, SLICE("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"), now);
	forget_targets(context);
}

/* Whether such an answer lets the request go on to the domain's next server, or over the phone's next flow. */
static bool is_worth_another(const struct branch *branch, unsigned status)
{
	return branch->target.is_outside && !branch->target.binding ? status == 503
								    : status == 408 || status == 430;
}

/*
 * A call that has its answer, with no branch that could still bring another: what stays for 64*T1 is accepted.h. Over UDP the answer may
 * have been lost, and the next one has to be as good.
 */
static bool is_accepted(const struct context *context)
{
	const struct server *server = context->server;

	return context->n_pending == 0 && server && server->final >= 200 && server->final < 300 &&
	       server->request->method == SIP_INVITE && transport_is_reliable(flow_transport(context->flow));
}

/* After an event of a branch: without memory the context stays as it is. */
static void let_go(struct context *context)
{
	struct server *server = context->server;

	if (!is_accepted(context))
		return;
	LIST_EACH (branch, &context->branches, struct branch, link) {
		if (!accepted_take_over(context, branch->client))
			return;
		branch_free(branch);
	}
	endpoint_forget_request(server);
	context_server_gone(context);
}

static void take_response(struct branch *branch, const struct sip_message *response, struct now now)
{
	struct context *context = branch->context;

	if (response->status < 200) {
		if (response->status == 100 || branch->is_done)
			return;
		if (branch_is_invite(branch) && !branch->is_cancelled)
			branch_restart_timer_c(branch, now);
		if (!context->is_answered)
			pass_up(context, response, now);
		return;
	}
	if (response->status < 300) {
		branch_done(branch);
		take_success(context, response, now);
		return;
	}
	if (branch->is_done)
		return;
	branch_done(branch);
	if (!branch_is_over(branch) && recurse_take(context, response)) {
		context_proceed(context, now);
		return;
	}
	best_challenges(context, response);
	best_response(context, response);
	if (is_worth_another(branch, response->status))
		branch_fail_over(branch, true, now);
	if (response->status >= 600)
		cancel_pending(context, (struct slice){ 0 }, now);
	context_proceed(context, now);
}

void context_response(struct client *client, const struct sip_message *response, struct now now)
{
	struct branch *branch = client->user;
	struct context *context = branch->context;

	take_response(branch, response, now);
	let_go(context);
}

/*
 * "A SIP entity SHOULD consider a transport failure, a timeout or a 503 to be a failure" (RFC 3263 §4.3). Where a request
 * other than INVITE has timed out, nobody waits for its answer any more.
 */
static bool is_other_server_next(const struct branch *branch, enum client_failure why)
{
	return why == CLIENT_FLOW_LOST || (why == CLIENT_TIMEOUT && branch_is_invite(branch));
}

static void take_failure(struct branch *branch, enum client_failure why, struct now now)
{
	struct context *context = branch->context;

	if (branch->is_done)
		return;
	branch_done(branch);
	/* the flow was another worker's, and gone already when the request got there */
	if (context->in_dialog && why == CLIENT_FLOW_LOST && context->server && !branch->is_cancelled &&
	    !context->asked_for_peer) {
		dialog_flow_gone(context, now);
		return;
	}
	if ((why == CLIENT_TOO_LARGE && branch_leave_udp(branch, now)) ||
	    (why == CLIENT_FLOW_LOST && branch_dial_edge(branch, now))) {
		context_proceed(context, now);
		return;
	}
	if (why == CLIENT_FLOW_LOST && branch->target.is_outside && !context->in_dialog)
		best_lost(context, hop_domain(&branch->hop));
	else
		best_failure(context, why);
	if (is_other_server_next(branch, why))
		branch_fail_over(branch, false, now);
	context_proceed(context, now);
}

void context_failed(struct client *client, enum client_failure why, struct now now)
{
	struct branch *branch = client->user;
	struct context *context = branch->context;

	take_failure(branch, why, now);
	let_go(context);
}

void context_client_gone(struct client *client)
{
	struct branch *branch = client->user;
	struct context *context = branch->context;

	branch_free(branch);
	settle(context);
}

/* RFC 3326 §2: "Proxies generating a CANCEL request upon reception of a CANCEL … that contains a Reason header field SHOULD copy it". */
void context_cancelled(struct context *context, const struct sip_message *cancel, struct now now)
{
	const struct sip_header *it = sip_message_header(cancel, SIP_REASON);
	char buf[REASON_MAX];
	struct writer reason = writer_of(buf, sizeof buf);

	for (; it; it = sip_message_next(cancel, it))
		put_header(&reason, SIP_REASON, it->value);
	cancel_pending(context, writer_text(&reason), now);
	if (context->n_pending > 0)
		return;
	endpoint_forget(context->core->endpoint, &context->question);
	context_refuse(context, &proxy_refusals[REFUSED_CANCELLED], now);
}

void context_flow_lost(struct context *context, struct now now)
{
	if (context->is_answered)
		return;
	cancel_pending(context, (struct slice){ 0 }, now);
	if (context->n_pending == 0 && !context->question.id)
		context_refuse(context, &proxy_refusals[REFUSED_SENDER_GONE], now);
}

static void drop_unsent(struct context *context)
{
	context->next = context->n_targets;
	recurse_stop(context);
	LIST_EACH (branch, &context->branches, struct branch, link)
		if (!branch->client)
			branch_free(branch);
}

void context_server_gone(struct context *context)
{
	merged_forget(context);
	context->server = NULL;
	context->request = NULL;
	end_set_up(context);
	drop_unsent(context);
	settle(context);
}

void context_hop_found(struct hop_use *use, const struct hop_result *result, struct now now)
{
	struct branch *branch = CONTAINER_OF(use, struct branch, hop);
	struct context *context = branch->context;

	if (branch_take_hop(branch, result, now) != OK)
		best_failure(context, CLIENT_NO_MEMORY);
	context_proceed(context, now);
}

/* RFC 3261 §16.8. A phone that does not answer the CANCEL either is given up by the endpoint (§9.1). */
void context_timer(struct timer *timer, struct now now)
{
	branch_cancel(CONTAINER_OF(timer, struct branch, timer), (struct slice){ 0 }, now);
}
