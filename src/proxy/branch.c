#include "proxy/branch.h"

#include <assert.h>

#include "base/mem.h"
#include "proxy/best.h"
#include "proxy/edge.h"
#include "proxy/forward.h"
#include "proxy/outside.h"

enum { BRANCH_TIMER = ENDPOINT_TIMER_USER };

bool branch_is_invite(const struct branch *branch)
{
	return branch->client && branch->client->method == SIP_INVITE;
}

static enum err set_timer_c(struct branch *branch, struct now now)
{
	const struct core *core = branch->context->core;

	return timers_set(endpoint_timers(core->endpoint), &branch->timer, now.mono + core->server->timer_c);
}

void branch_restart_timer_c(struct branch *branch, struct now now)
{
	enum err err = set_timer_c(branch, now);

	assert(err == OK);
	(void)err;
}

static void clear_timer_c(struct branch *branch)
{
	timers_clear(endpoint_timers(branch->context->core->endpoint), &branch->timer);
}

void branch_done(struct branch *branch)
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

void branch_free(struct branch *branch)
{
	branch_done(branch);
	hop_release(&branch->hop);
	list_remove(&branch->context->branches, &branch->link);
	mem_free(branch);
}

/* Over the flow of the target. On failure the branch is gone. */
static enum err send_on_way(struct branch *branch, struct now now)
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

enum err branch_take_hop(struct branch *branch, const struct hop_result *result, struct now now)
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
	return send_on_way(branch, now);
}

/* A target may have waited for the one before it while the configuration changed. */
static bool is_there_still(struct branch *branch)
{
	struct target *target = &branch->target;

	return target->path.len == 0 ||
	       edge_target(branch->context->core, branch->context->aor, target->binding, target);
}

enum err branch_start(struct context *context, const struct target *target, struct now now)
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
		return send_on_way(branch, now);
	if (hop_ask(context->core, &branch->target.outside, &branch->hop, &result))
		return branch_take_hop(branch, &result, now);
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
		if (branch_start(context, &target, now) == OK && context->n_pending > before)
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
	else if (branch_take_hop(next, &result, now) != OK)
		best_failure(context, CLIENT_NO_MEMORY);
}

bool branch_is_over(const struct branch *branch)
{
	const struct context *context = branch->context;

	return !context->server || context->is_answered || branch->is_cancelled || context->best >= 600;
}

void branch_fail_over(struct branch *branch, bool was_answered, struct now now)
{
	if (branch_is_over(branch))
		return;
	if (branch->target.binding)
		try_spare(branch, now);
	else if (branch->target.is_outside)
		ask_next_server(branch, was_answered, now);
}

void branch_cancel(struct branch *branch, struct slice reason, struct now now)
{
	if (!branch->client) {
		branch_free(branch); /* nobody was sent anything */
		return;
	}
	if (branch->is_done || branch->is_cancelled || !branch_is_invite(branch))
		return;
	branch->is_cancelled = true;
	clear_timer_c(branch);
	endpoint_cancel(branch->context->core->endpoint, branch->client, reason, now);
}

bool branch_dial_edge(struct branch *branch, struct now now)
{
	struct target target = branch->target;

	if (!target.binding || !target.path.len || target.is_outside || branch_is_over(branch))
		return false;
	target.is_outside = true;
	return branch_start(branch->context, &target, now) == OK;
}

bool branch_leave_udp(struct branch *branch, struct now now)
{
	struct context *context = branch->context;
	struct target target;

	if (branch_is_over(branch) || branch->target.binding ||
	    !outside_anew(context, &branch->target, &target) || !outside_leave_udp(&target))
		return false;
	return branch_start(context, &target, now) == OK;
}
