#include "proxy/context.h"

#include <assert.h>

#include "base/mem.h"
#include "proxy/accepted.h"
#include "proxy/best.h"
#include "proxy/dialog.h"
#include "proxy/edge.h"
#include "proxy/forward.h"
#include "proxy/gate.h"
#include "proxy/merged.h"
#include "proxy/outside.h"
#include "proxy/recurse.h"
#include "proxy/report.h"
#include "sip/build.h"

enum {
	BRANCH_TIMER = ENDPOINT_TIMER_USER,
	PROOF_MAX = 1024,
	REASON_MAX = 1024, /* lines for which there is no room are left out */
};

/* One client transaction of a context, from when its way is looked for. */
struct branch {
	struct link link;
	struct context *context;
	struct target target;
	struct hop_use hop;    /* of a target outside */
	struct client *client; /* NULL until the request is sent */
	struct timer timer;    /* C, of an INVITE (RFC 3261 §16.6 step 11) */
	bool is_done;          /* it has its final response, or will have none */
	bool is_cancelled;
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

/* -- branches --------------------------------------------------------------------------------------------------- */

static bool is_invite(const struct branch *branch)
{
	return branch->client && branch->client->method == SIP_INVITE;
}

static enum err set_timer_c(struct branch *branch, struct now now)
{
	const struct core *core = branch->context->core;

	return timers_set(endpoint_timers(core->endpoint), &branch->timer, now.mono + core->server->timer_c);
}

/* RFC 3261 §16.7 step 2; moving a timer that runs cannot fail. */
static void restart_timer_c(struct branch *branch, struct now now)
{
	enum err err = set_timer_c(branch, now);

	assert(err == OK);
	(void)err;
}

static void clear_timer_c(struct branch *branch)
{
	timers_clear(endpoint_timers(branch->context->core->endpoint), &branch->timer);
}

static void branch_done(struct branch *branch)
{
	if (branch->is_done)
		return;
	branch->is_done = true;
	branch->context->n_pending--;
	clear_timer_c(branch);
}

static struct branch *branch_new(struct context *context, const struct target *target)
{
	struct branch *branch = mem_new(struct branch);

	if (!branch)
		return NULL;
	branch->context = context;
	branch->target = *target;
	branch->timer.kind = BRANCH_TIMER;
	list_append(&context->branches, &branch->link);
	context->n_pending++;
	return branch;
}

static void branch_free(struct branch *branch)
{
	branch_done(branch);
	hop_release(&branch->hop);
	list_remove(&branch->context->branches, &branch->link);
	mem_free(branch);
}

/* Over the flow of the target. On failure the branch is gone. */
static enum err send_branch(struct branch *branch, struct now now)
{
	struct context *context = branch->context;
	enum err err = OK;

	if (context->request->method == SIP_INVITE)
		err = set_timer_c(branch, now);
	if (err == OK)
		err = forward_request(context, &branch->target, branch, now, &branch->client);
	if (err != OK)
		branch_free(branch);
	return err;
}

/*
 * RFC 3261 §18.1.1: "if the attempt to establish the connection generates either an ICMP Protocol Not Supported, or results in a
 * TCP reset, the element SHOULD retry the request, using UDP". Who does not answer in time has not refused.
 */
static bool has_refused_tcp(const struct branch *branch, const struct hop_result *result)
{
	return branch->target.leaves_udp && !result->is_found && result->err == ERR_IO;
}

/* Of the goal that was asked for nothing is left if the configuration has changed meanwhile. */
static bool turn_to_udp(struct branch *branch)
{
	struct target target;

	if (!outside_anew(branch->context, &branch->target, &target))
		return false;
	hop_release(&branch->hop);
	branch->target = target;
	branch->target.any_size = true;
	return true;
}

/* The way outside is found, or there is none, or no more: then the branch is gone. */
static enum err take_hop(struct branch *branch, const struct hop_result *result, struct now now)
{
	struct hop_result over_udp;

	if (has_refused_tcp(branch, result) && turn_to_udp(branch)) {
		if (!hop_ask(branch->context->core, &branch->target.outside, &branch->hop, &over_udp))
			return OK;
		result = &over_udp;
	}
	if (!result->is_found) {
		best_hop(branch->context, result);
		branch_free(branch);
		return OK;
	}
	branch->target.flow = result->flow;
	if (branch->target.require.level == REQUIRE_DOMAIN)
		branch->target.require.domain = hop_domain(&branch->hop);
	if (branch->target.require.level == REQUIRE_LINK)
		branch->target.require.domain = hop_link(&branch->hop);
	return send_branch(branch, now);
}

/* A target may have waited for the one before it while the configuration changed. */
static bool is_there_still(struct branch *branch)
{
	struct target *target = &branch->target;

	return target->path.len == 0 ||
	       edge_target(branch->context->core, branch->context->aor, target->binding, target);
}

/* OK: it is under way, or what became of it has been noted. */
static enum err start_branch(struct context *context, const struct target *target, struct now now)
{
	struct branch *branch = branch_new(context, target);
	struct hop_result result;

	if (!branch)
		return ERR_NOMEM;
	if (!is_there_still(branch)) {
		best_failure(context, CLIENT_FLOW_LOST);
		branch_free(branch);
		return OK;
	}
	if (!branch->target.is_outside)
		return send_branch(branch, now);
	if (hop_ask(context->core, &branch->target.outside, &branch->hop, &result))
		return take_hop(branch, &result, now);
	return OK;
}

/*
 * RFC 5626 §7: "replace the failed branch with another target … having the same AOR and instance-id, but a different
 * reg-id".
 */
static void try_spare(struct branch *branch, struct now now)
{
	struct context *context = branch->context;
	size_t before = context->n_pending;

	for (size_t i = 0; i < context->n_spares; i++) {
		struct target *spare = &context->targets[context->n_targets + i], target = *spare;

		if (!spare->binding || !slice_eq(spare->binding->instance, branch->target.binding->instance))
			continue;
		spare->binding = NULL;
		if (start_branch(context, &target, now) == OK && context->n_pending > before)
			return;
	}
}

/*
 * RFC 3263 §4.3: a request that one server has not served goes to the next, as a new transaction, if there is one. What
 * has failed is in the context already.
 */
static void ask_next_server(struct branch *branch, bool was_answered, struct now now)
{
	struct context *context = branch->context;
	struct branch *next = branch_new(context, &branch->target);
	struct hop_result result;

	if (!next)
		return;
	hop_move(&branch->hop, &next->hop);
	if (!hop_ask_other(context->core, &next->hop, was_answered, &result))
		return;
	if (!result.is_found)
		branch_free(next);
	else if (take_hop(next, &result, now) != OK)
		best_failure(context, CLIENT_NO_MEMORY);
}

/* Nothing else is tried in its place. RFC 3261 §16.7 step 5: after a 6xx the proxy "MUST NOT create any new branches in this context". */
static bool is_over(const struct branch *branch)
{
	const struct context *context = branch->context;

	return !context->server || context->is_answered || branch->is_cancelled || context->best >= 600;
}

static void fail_over(struct branch *branch, bool was_answered, struct now now)
{
	if (is_over(branch))
		return;
	if (branch->target.binding)
		try_spare(branch, now);
	else if (branch->target.is_outside)
		ask_next_server(branch, was_answered, now);
}

static void cancel_branch(struct branch *branch, struct slice reason, struct now now)
{
	if (!branch->client) {
		branch_free(branch); /* nobody was sent anything */
		return;
	}
	if (branch->is_done || branch->is_cancelled || !is_invite(branch))
		return;
	branch->is_cancelled = true;
	clear_timer_c(branch);
	endpoint_cancel(branch->context->core->endpoint, branch->client, reason, now);
}

/* RFC 3261 §16.7 step 10 */
static void cancel_pending(struct context *context, struct slice reason, struct now now)
{
	context->next = context->n_targets;
	recurse_stop(context);
	LIST_EACH (branch, &context->branches, struct branch, link)
		cancel_branch(branch, reason, now);
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
		if (start_branch(context, &context->targets[context->next++], now) != OK)
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
	if (start_branch(context, target, now) != OK)
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

/* The connection by which an edge has brought a registration is gone, and another worker's, so that nobody knew: then over a new one. */
static bool dial_edge(struct branch *branch, struct now now)
{
	struct target target = branch->target;

	if (!target.binding || !target.path.len || target.is_outside || is_over(branch))
		return false;
	target.is_outside = true;
	return start_branch(branch->context, &target, now) == OK;
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
		if (is_invite(branch) && !branch->is_cancelled)
			restart_timer_c(branch, now);
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
	if (!is_over(branch) && recurse_take(context, response)) {
		context_proceed(context, now);
		return;
	}
	best_challenges(context, response);
	best_response(context, response);
	if (is_worth_another(branch, response->status))
		fail_over(branch, true, now);
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
	return why == CLIENT_FLOW_LOST || (why == CLIENT_TIMEOUT && is_invite(branch));
}

/*
 * RFC 3261 §18.1.1: what is too large for UDP "MUST be sent using an RFC 2914 congestion controlled transport protocol, such as
 * TCP". False: it is for no peer that is reached over UDP.
 */
static bool leave_udp(struct branch *branch, struct now now)
{
	struct context *context = branch->context;
	struct target target;

	if (is_over(branch) || branch->target.binding || !outside_anew(context, &branch->target, &target) ||
	    !outside_leave_udp(&target))
		return false;
	return start_branch(context, &target, now) == OK;
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
	if ((why == CLIENT_TOO_LARGE && leave_udp(branch, now)) ||
	    (why == CLIENT_FLOW_LOST && dial_edge(branch, now))) {
		context_proceed(context, now);
		return;
	}
	if (why == CLIENT_FLOW_LOST && branch->target.is_outside && !context->in_dialog)
		best_lost(context, hop_domain(&branch->hop));
	else
		best_failure(context, why);
	if (is_other_server_next(branch, why))
		fail_over(branch, false, now);
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

	if (take_hop(branch, result, now) != OK)
		best_failure(context, CLIENT_NO_MEMORY);
	context_proceed(context, now);
}

/* RFC 3261 §16.8. A phone that does not answer the CANCEL either is given up by the endpoint (§9.1). */
void context_timer(struct timer *timer, struct now now)
{
	cancel_branch(CONTAINER_OF(timer, struct branch, timer), (struct slice){ 0 }, now);
}
