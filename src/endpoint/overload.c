/*
 * Which requests may begin a transaction: each costs memory until it is forgotten, what is refused without a proof until its ACK has
 * come. Whoever is turned away learns when to come again.
 */
#include "endpoint/refusal.h"
#include "endpoint/state.h"

enum { RETRY_AFTER = 10 /* seconds */ };

static const struct refusal connection_full = {
	.status = 503,
	.code = "connection.overload",
	.warning = "as many requests are under way on this connection as one may have",
	.section = "RFC 3261 §21.5.4",
	.remedy = "wait for answers, and for a while where many were asked for",
	.retry_after = RETRY_AFTER,
};

static const struct refusal strangers_full = {
	.status = 503,
	.code = "server.strangers",
	.warning = "as many requests are under way as the server keeps of those who have proven nothing",
	.section = "RFC 3261 §21.5.4",
	.remedy = "try again later",
	.retry_after = RETRY_AFTER,
};

static const struct refusal server_full = {
	.status = 503,
	.code = "server.overload",
	.warning = "as many requests are under way as the server keeps",
	.section = "RFC 3261 §21.5.4",
	.remedy = "try again later",
	.retry_after = RETRY_AFTER,
};

const struct refusal overload_no_memory = {
	.status = 503,
	.code = "server.no-memory",
	.warning = "the server has no memory for this request",
	.section = "RFC 3261 §21.5.4",
	.remedy = "try again later",
	.retry_after = RETRY_AFTER,
};

static size_t most_on(const struct endpoint *endpoint, const struct flow *flow)
{
	const struct endpoint_limits *limits = &endpoint->limits;

	if (flow->view.is_peer)
		return limits->per_peer;
	if (flow_is_strange(flow))
		return limits->per_stranger;
	return flow->n_pending < limits->per_flow ? limits->per_sender : 0;
}

/*
 * The last eighth is for requests within dialogs, from somebody who is known: so a call can be ended when no other can begin. What a request
 * is passed on by is looked at, too, since one may become many (RFC 3261 §16.6). And strangers, however many there are, get half of all at most.
 */
const struct refusal *overload_object(const struct endpoint *endpoint, const struct flow *flow,
				      const struct sip_message *request)
{
	size_t all = endpoint->limits.transactions;
	size_t servers = map_count(endpoint->servers), clients = map_count(endpoint->clients);
	bool is_strange = flow_is_strange(flow);
	size_t reserve = is_strange || !request->to.tag.ptr ? all / 8 : 0;

	if (flow->servers.n >= most_on(endpoint, flow))
		return &connection_full;
	if (is_strange && endpoint->n_strange >= all / 2)
		return &strangers_full;
	return (servers > clients ? servers : clients) >= all - reserve ? &server_full : NULL;
}

/* Not each of them: they come by thousands. */
static void report(struct endpoint *endpoint, const struct flow *flow, const struct sip_message *request,
		   const struct refusal *refusal, struct now now)
{
	char buf[1000];
	struct writer out = writer_of(buf, sizeof buf);
	struct verdict verdict;

	if (!endpoint_reports(endpoint, REPORT_WARNING))
		return;
	if (!quota_take(&endpoint->refusals, 1, now.mono)) {
		endpoint->unreported++;
		return;
	}
	put(&out, SLICE(" status="));
	put_number(&out, refusal->status);
	put_fact(&out, "method", request->method_name);
	refusal_verdict(refusal, &verdict);
	put_verdict_fields(&out, &verdict);
	if (endpoint->unreported > 0) {
		put(&out, SLICE(" unlogged="));
		put_number(&out, endpoint->unreported);
		endpoint->unreported = 0;
	}
	endpoint_report(endpoint, &(struct report){
					  .level = REPORT_WARNING,
					  .event = "request.refused",
					  .flow = flow->id,
					  .call_id = request->call_id,
					  .text = writer_text(&out),
				  });
}

void overload_refuse(struct endpoint *endpoint, const struct flow *flow, const struct sip_message *request,
		     const struct refusal *refusal, struct now now)
{
	char buf[1000];
	struct writer headers = writer_of(buf, sizeof buf);

	endpoint_count(endpoint, REASON_OVERLOAD);
	report(endpoint, flow, request, refusal, now);
	put_refusal(&headers, refusal, endpoint->via.host);
	server_answer(endpoint, flow, request,
		      &(struct sip_reply){ .status = refusal->status, .headers = writer_text(&headers) });
}
