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

void best_response(struct context *context, const struct sip_message *message)
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
	context->why[0] = '\0';
	context->best_message = copy;
	context->best = message->status;
}

/* No phone said it. */
static void set_failure(struct context *context, unsigned status, struct slice why)
{
	struct writer out = writer_of(context->why, sizeof context->why - 1);

	sip_message_free(context->best_message);
	context->best_message = NULL;
	context->best = status;
	put(&out, slice_sub(why, 0, sizeof context->why - 1));
	context->why[out.len] = '\0';
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
	set_failure(context, status, SLICE(""));
	context->failure = why;
}

/* RFC 3261 §16.9: what cannot be sent counts as a 503, which we do not pass on as such (§16.7 step 6). */
void best_hop(struct context *context, const struct hop_result *result)
{
	unsigned status = result->err == ERR_NOT_FOUND || result->err == ERR_SYNTAX ? 404
			  : result->err == ERR_DENIED                               ? 502
			  : result->err == ERR_AGAIN                                ? 504
			  : result->err == ERR_NOMEM || result->err == ERR_LIMIT    ? 503
										    : 500;

	if (is_better(context, status, NULL))
		set_failure(context, status, result->why);
}

/* RFC 3261 §16.7 step 7: the challenges of all branches are answered at once. */
void best_challenges(struct context *context, const struct sip_message *response)
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

	if (context->why[0]) {
		refusal.warning = context->why;
		context_refuse(context, &refusal, now);
		return;
	}
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
