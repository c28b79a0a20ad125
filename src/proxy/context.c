#include "proxy/context.h"

#include <assert.h>

#include "base/mem.h"
#include "proxy/dialog.h"
#include "proxy/forward.h"
#include "proxy/report.h"
#include "sip/build.h"
#include "sip/fields.h"

enum {
	BRANCH_TIMER = ENDPOINT_TIMER_USER,
	CHALLENGES_MAX = 4096,
	BREADTH_DEFAULT = 60, /* RFC 5393 §5.3.3 */
};

/* One client transaction of a context. */
struct branch {
	struct link link;
	struct context *context;
	struct client *client;
	struct timer timer; /* C, of an INVITE (RFC 3261 §16.6 step 11) */
	bool is_done;       /* it has its final response, or will have none */
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
	list_init(&context->branches);
	list_append(&core->contexts, &context->link);
	server->user = context;
	return context;
}

static void context_free(struct context *context)
{
	endpoint_forget(context->core->endpoint, &context->question);
	list_remove(&context->core->contexts, &context->link);
	sip_message_free(context->best_message);
	mem_free(context->challenges);
	mem_free(context->targets);
	aor_unref(context->aor);
	mem_free(context);
}

static void settle(struct context *context)
{
	if (!context->server && context->branches.n == 0)
		context_free(context);
}

void context_refuse(struct context *context, const struct refusal *refusal, struct now now)
{
	if (context->server && !context->server->final)
		core_refuse(context->core, context->server, refusal, now);
}

/* -- branches --------------------------------------------------------------------------------------------------- */

static bool is_invite(const struct branch *branch)
{
	return branch->client->method == SIP_INVITE;
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

static enum err start_branch(struct context *context, const struct target *target, struct now now)
{
	struct branch *branch = mem_new(struct branch);
	enum err err = OK;

	if (!branch)
		return ERR_NOMEM;
	branch->context = context;
	branch->timer.kind = BRANCH_TIMER;
	if (context->server->request->method == SIP_INVITE)
		err = set_timer_c(branch, now);
	if (err == OK)
		err = forward_request(context, target, branch, now, &branch->client);
	if (err != OK) {
		clear_timer_c(branch);
		mem_free(branch);
		return err;
	}
	list_append(&context->branches, &branch->link);
	context->n_pending++;
	return OK;
}

static void cancel_branch(struct branch *branch, struct slice reason, struct now now)
{
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
	LIST_EACH (branch, &context->branches, struct branch, link)
		cancel_branch(branch, reason, now);
}

/* -- choosing the best response (RFC 3261 §16.7 step 6) ------------------------------------------------------------ */

/* The lower the better. */
static unsigned rank_of(unsigned status)
{
	if (status >= 600)
		return 0;
	switch (status) {
	/* "responses that provide information affecting resubmission of this request" */
	case 401:
	case 407:
	case 415:
	case 420:
	case 484: return 4 * 16;
	default: return status / 100 * 16 + 1;
	}
}

/* Whether it replaces the best so far; of the same rank a phone's own word is better. */
static bool is_better(const struct context *context, unsigned status, const struct sip_message *message)
{
	unsigned rank = rank_of(status), best = rank_of(context->best);

	if (!context->best || rank < best)
		return true;
	return rank == best && message && !context->best_message;
}

static void consider_response(struct context *context, const struct sip_message *message)
{
	struct sip_message *copy;
	struct sip_fault fault;

	if (!is_better(context, message->status, message))
		return;
	if (sip_message_parse(message->text, &sip_limits_default, &copy, &fault) != OK) {
		copy = NULL;
		context->failure = CLIENT_NO_MEMORY;
	}
	sip_message_free(context->best_message);
	context->best_message = copy;
	context->best = message->status;
}

/* In a dialog a flow that is gone is that: RFC 5626 §5.3.1. */
static void consider_failure(struct context *context, enum client_failure why)
{
	static const unsigned statuses[] = {
		[CLIENT_TIMEOUT] = 408, /* to other than INVITE the endpoint keeps silent instead: RFC 4320 §4.2 */
		[CLIENT_FLOW_LOST] = 480, [CLIENT_TOO_LARGE] = 513,
		[CLIENT_REFUSED] = 480,   [CLIENT_NO_MEMORY] = 503,
	};
	unsigned status = context->in_dialog && why == CLIENT_FLOW_LOST ? 430 : statuses[why];

	if (!is_better(context, status, NULL))
		return;
	sip_message_free(context->best_message);
	context->best_message = NULL;
	context->best = status;
	context->failure = why;
}

/* RFC 3261 §16.7 step 7: the challenges of all branches are answered at once. */
static void collect_challenges(struct context *context, const struct sip_message *response)
{
	struct sip_edits edits = forward_response_edits(context->core);
	struct writer out;
	char *lines;

	if (response->status != 401 && response->status != 407)
		return;
	lines = mem_resize(context->challenges, CHALLENGES_MAX);
	if (!lines)
		return;
	context->challenges = lines;
	out = writer_of(lines, CHALLENGES_MAX);
	out.len = context->challenges_len;
	for (size_t i = 0; i < response->n_headers; i++) {
		const struct sip_header *header = &response->headers[i];

		if (header->id != SIP_WWW_AUTHENTICATE && header->id != SIP_PROXY_AUTHENTICATE)
			continue;
		if (edits.keep(header, edits.keep_arg))
			put_header(&out, header->id, header->value);
		if (!out.overflow)
			context->challenges_len = out.len;
	}
}

/* The collected ones are put on top instead. */
static bool keep_without_challenges(const struct sip_header *header, void *arg)
{
	struct sip_edits edits = forward_response_edits(arg);

	return header->id != SIP_WWW_AUTHENTICATE && header->id != SIP_PROXY_AUTHENTICATE &&
	       edits.keep(header, edits.keep_arg);
}

/* For a branch that no phone answered. */
static void answer_with_failure(struct context *context, struct now now)
{
	struct refusal refusal = { .status = context->best };

	switch (context->failure) {
	case CLIENT_TIMEOUT: break;
	case CLIENT_FLOW_LOST:
		refusal.warning = "the phone's connection is gone";
		refusal.retry_after = context->core->server->retry_after;
		break;
	case CLIENT_TOO_LARGE:
		refusal.warning = "the phone is reached over UDP, which takes no more than 1300 bytes";
		break;
	case CLIENT_REFUSED:
		refusal.warning = "the phone's connection is not protected as the request demands";
		break;
	case CLIENT_NO_MEMORY: refusal = refusal_overload; break;
	}
	context_refuse(context, &refusal, now);
}

static void answer_with_best(struct context *context, struct now now)
{
	struct core *core = context->core;
	struct sip_edits edits = forward_response_edits(core);
	const struct sip_message *best = context->best_message;

	if (!best) {
		answer_with_failure(context, now);
		return;
	}
	/* RFC 3261 §16.7 step 6: a phone's 503 says nothing about the next request through us */
	if (best->status == 503) {
		context_refuse(context,
			       &(struct refusal){ .status = 500, .warning = "the phone is overloaded" }, now);
		return;
	}
	if (best->status == 401 || best->status == 407) {
		edits.keep = keep_without_challenges;
		edits.top = slice_from(context->challenges, context->challenges_len);
	}
	endpoint_respond_with(core->endpoint, context->server, best, &edits, now);
}

/* -- forking ------------------------------------------------------------------------------------------------------ */

static unsigned max_breadth(const struct sip_message *request)
{
	uint32_t breadth;

	return sip_delta_parse(sip_message_value(request, SIP_MAX_BREADTH), &breadth) ? breadth
										      : BREADTH_DEFAULT;
}

static uint16_t q_of(const struct target *target)
{
	return target->binding ? target->binding->q : 0;
}

/* Starts the next targets of one q, as many at once as Max-Breadth allows (RFC 5393 §5.3.3). */
static void start_group(struct context *context, struct now now)
{
	unsigned breadth = max_breadth(context->server->request);
	size_t n = 1;

	while (context->next + n < context->n_targets &&
	       q_of(&context->targets[context->next + n]) == q_of(&context->targets[context->next]))
		n++;
	if (n > breadth)
		n = breadth;
	context->breadth = context->aor && n ? breadth / (unsigned)n : 0;
	for (size_t i = 0; i < n; i++)
		if (start_branch(context, &context->targets[context->next++], now) != OK)
			consider_failure(context, CLIENT_NO_MEMORY);
}

/* RFC 3261 §16.7 step 5: when all branches have ended the best response goes upstream. */
static void proceed(struct context *context, struct now now)
{
	while (context->n_pending == 0 && context->next < context->n_targets && context->best < 600)
		start_group(context, now);
	if (context->n_pending > 0 || context->is_answered || !context->server || !context->best)
		return;
	context->is_answered = true;
	report_call_failed(context);
	answer_with_best(context, now);
}

void context_forward(struct context *context, struct aor *aor, struct target *targets, size_t n_targets,
		     struct now now)
{
	mem_free(context->targets);
	context->aor = aor ? aor_ref(aor) : NULL;
	context->targets = targets;
	context->n_targets = n_targets;
	context->next = 0;
	if (aor && max_breadth(context->server->request) == 0) {
		context_refuse(context, &(struct refusal){ .status = 440, .reason = "Max-Breadth Exceeded" },
			       now);
		return;
	}
	report_call_started(context);
	proceed(context, now);
}

/* -- events ------------------------------------------------------------------------------------------------------- */

static void pass_up(struct context *context, const struct sip_message *response, struct now now)
{
	struct sip_edits edits = forward_response_edits(context->core);

	if (context->server)
		endpoint_respond_with(context->core->endpoint, context->server, response, &edits, now);
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
	context->is_answered = true;
	pass_up(context, response, now);
	cancel_pending(context, SLICE("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"), now);
}

void context_response(struct client *client, const struct sip_message *response, struct now now)
{
	struct branch *branch = client->user;
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
	collect_challenges(context, response);
	consider_response(context, response);
	if (response->status >= 600)
		cancel_pending(context, (struct slice){ 0 }, now);
	proceed(context, now);
}

void context_failed(struct client *client, enum client_failure why, struct now now)
{
	struct branch *branch = client->user;
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
	consider_failure(context, why);
	proceed(context, now);
}

void context_client_gone(struct client *client)
{
	struct branch *branch = client->user;
	struct context *context = branch->context;

	branch_done(branch);
	list_remove(&context->branches, &branch->link);
	mem_free(branch);
	settle(context);
}

void context_cancelled(struct context *context, struct now now)
{
	if (context->n_pending == 0) {
		endpoint_forget(context->core->endpoint, &context->question);
		context_refuse(context, &(struct refusal){ .status = 487 }, now);
		return;
	}
	cancel_pending(context, (struct slice){ 0 }, now);
}

void context_flow_lost(struct context *context, flow_id flow, struct now now)
{
	if (context->server && context->server->flow == flow && !context->is_answered)
		cancel_pending(context, (struct slice){ 0 }, now);
}

void context_server_gone(struct context *context)
{
	context->server = NULL;
	context->next = context->n_targets;
	settle(context);
}

/* RFC 3261 §16.8. A phone that does not answer the CANCEL either is given up by the endpoint (§9.1). */
void context_timer(struct timer *timer, struct now now)
{
	cancel_branch(CONTAINER_OF(timer, struct branch, timer), (struct slice){ 0 }, now);
}
