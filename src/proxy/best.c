#include "proxy/best.h"

#include "base/mem.h"
#include "proxy/forward.h"
#include "sip/build.h"

enum { CHALLENGES_MAX = 4096 };

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
	/* "another flow" would have been worth a try (RFC 5626 §7): they tell nothing of the phone */
	case 408:
	case 430: return 4 * 16 + 2;
	/* so would another server (RFC 3263 §4.3), and we would not pass it on as such */
	case 503: return 5 * 16 + 2;
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

/* NULL: it has none. Without memory what is left is the status. */
static void set_why(struct context *context, const struct verdict *why)
{
	mem_free(context->why);
	context->why = why ? mem_new(struct verdict) : NULL;
	if (context->why)
		*context->why = *why;
	else if (why)
		context->failure = CLIENT_NO_MEMORY;
}

void best_response(struct context *context, const struct sip_message *message)
{
	struct sip_message *copy;

	if (!is_better(context, message->status, message))
		return;
	if (sip_message_copy(message, &copy) != OK) {
		copy = NULL;
		context->failure = CLIENT_NO_MEMORY;
	}
	sip_message_free(context->best_message);
	set_why(context, NULL);
	context->best_message = copy;
	context->best = message->status;
}

/* No phone said it. */
static void set_failure(struct context *context, unsigned status, const struct verdict *why)
{
	sip_message_free(context->best_message);
	context->best_message = NULL;
	context->best = status;
	set_why(context, why);
}

/* In a dialog a flow that is gone is that: RFC 5626 §5.3.1. */
void best_failure(struct context *context, enum client_failure why)
{
	static const unsigned statuses[] = {
		[CLIENT_TIMEOUT] = 408, /* to other than INVITE the endpoint keeps silent instead: RFC 4320 §4.2 */
		[CLIENT_FLOW_LOST] = 480, [CLIENT_TOO_LARGE] = 513,
		[CLIENT_REFUSED] = 480,   [CLIENT_NO_MEMORY] = 503,
	};
	unsigned status = context->in_dialog && why == CLIENT_FLOW_LOST ? 430 : statuses[why];

	if (!is_better(context, status, NULL))
		return;
	set_failure(context, status, NULL);
	context->failure = why;
}

static const struct verdict connection_lost = {
	.code = "domain.lost",
	.what = "the connection to {expected} broke before the request was answered",
	.section = "RFC 3263 §4.3",
	.remedy = "try again later",
};

void best_lost(struct context *context, struct slice domain)
{
	struct verdict why = connection_lost;

	if (!is_better(context, 500, NULL))
		return;
	verdict_text_set(&why.expected, domain);
	set_failure(context, 500, &why);
}

/*
 * Once a connection has broken, what the search for another one found is told only if it is worse: that somebody else
 * answers there. That there is no further server is not why the request failed.
 */
static bool is_told(const struct context *context, const struct hop_result *result, unsigned status)
{
	if (context->why && context->why->code == connection_lost.code)
		return result->err == ERR_DENIED;
	return is_better(context, status, NULL);
}

/* RFC 3261 §16.9: what cannot be sent counts as a 503, which we do not pass on as such (§16.7 step 6). */
void best_hop(struct context *context, const struct hop_result *result)
{
	unsigned status = result->err == ERR_NOT_FOUND || result->err == ERR_SYNTAX ? 404
			  : result->err == ERR_DENIED                               ? 502
			  : result->err == ERR_AGAIN                                ? 504
			  : result->err == ERR_NOMEM || result->err == ERR_LIMIT    ? 503
										    : 500;

	if (is_told(context, result, status))
		set_failure(context, status, result->why);
}

/* RFC 3261 §16.7 step 7: the challenges of all branches are answered at once. */
void best_challenges(struct context *context, const struct sip_message *response)
{
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
		if (forward_keeps_challenge(context->core, header))
			put_header(&out, header->id, header->value);
		if (!out.overflow)
			context->challenges_len = out.len;
	}
}

/* For a branch that no phone answered. */
static void answer_with_failure(struct context *context, struct now now)
{
	static const enum refused reasons[] = {
		[CLIENT_TIMEOUT] = REFUSED_TIMEOUT,     [CLIENT_FLOW_LOST] = REFUSED_FLOW_LOST,
		[CLIENT_TOO_LARGE] = REFUSED_TOO_LARGE, [CLIENT_REFUSED] = REFUSED_UNPROTECTED,
		[CLIENT_NO_MEMORY] = REFUSED_OVERLOAD,
	};
	struct refusal refusal = proxy_refusals[reasons[context->failure]];

	if (context->why)
		refusal = (struct refusal){ .verdict = context->why };
	else if (context->failure == CLIENT_FLOW_LOST)
		refusal.retry_after = context->core->server->retry_after;
	refusal.status = context->best;
	if (refusal.status == 503)
		refusal.retry_after = proxy_refusals[REFUSED_OVERLOAD].retry_after;
	context_refuse(context, &refusal, now);
}

/* Without one that it may answer the caller could make nothing of a 401 or 407 (RFC 3261 §22.1, §22.3). */
static void refuse_hidden_challenge(struct context *context, struct now now)
{
	endpoint_count(context->core->endpoint, REASON_HIDDEN_CHALLENGE);
	context_refuse(context, &proxy_refusals[REFUSED_HIDDEN_CHALLENGE], now);
}

void best_answer(struct context *context, struct now now)
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
		context_refuse(context, &proxy_refusals[REFUSED_PHONE_OVERLOADED], now);
		return;
	}
	if (best->status == 401 || best->status == 407) {
		if (!context->challenges_len) {
			refuse_hidden_challenge(context, now);
			return;
		}
		edits = forward_challenge_edits(core,
						slice_from(context->challenges, context->challenges_len));
	}
	endpoint_respond_with(core->endpoint, context->server, best, &edits, now);
}
