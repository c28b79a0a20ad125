/* Where messages leave: the one place that lets one onto a flow. */
#include "base/mem.h"
#include "endpoint/state.h"

/* "If a request is within 200 bytes of the path MTU, or if it is larger than 1300 bytes and the path MTU is
 * unknown": it always is. */
enum { UDP_REQUEST_MAX = 1300 };

bool send_fits(flow_id flow, struct slice request)
{
	return transport_is_reliable(flow_transport(flow)) || request.len <= UDP_REQUEST_MAX;
}

/* The verdict of a flow against what a message demands (see enum require_level). */
bool flow_meets(const struct flow *flow, const struct requirement *require)
{
	if (require->level == REQUIRE_NOTHING)
		return true;
	if (require->level == REQUIRE_LINK)
		return require->domain.len > 0 && slice_eq(flow->view.link, require->domain);
	if (!transport_is_secure(flow_transport(flow->id)))
		return false;
	switch (require->level) {
	case REQUIRE_TLS: return true;
	case REQUIRE_ACCOUNT: return require->account != 0 && flow_has(flow, require->account);
	case REQUIRE_DOMAIN: return flow_proves(flow, require->domain);
	default: return false;
	}
}

static void report_refusal(struct endpoint *endpoint, const struct sending *sending)
{
	static const char *const texts[] = {
		[REQUIRE_NOTHING] = "",
		[REQUIRE_TLS] = " want=tls",
		[REQUIRE_ACCOUNT] = " want=account",
		[REQUIRE_DOMAIN] = " want=domain",
		[REQUIRE_LINK] = " want=link",
	};

	endpoint_report(endpoint, &(struct report){
					  .level = REPORT_WARNING,
					  .event = "send.refused",
					  .flow = sending->flow,
					  .text = slice_of(texts[sending->require.level]),
				  });
}

/* What the log's ladder of a call is drawn from. */
static void report_message(struct endpoint *endpoint, const struct sending *sending)
{
	struct sip_message *message;
	struct sip_fault fault;

	if (!endpoint_reports(endpoint, REPORT_DEBUG) ||
	    sip_message_parse(sending->bytes, &own_limits, &message, &fault) != OK)
		return;
	report_passing(endpoint, "message.out", sending->flow, message);
	sip_message_free(message);
}

/* The no-downgrade check: nothing else queues an ACTION_SEND. */
static enum err send_on_own(struct endpoint *endpoint, const struct sending *sending)
{
	const struct flow *flow = sending->own ? sending->own : flow_find(endpoint, sending->flow);

	if (!flow || flow->why || (flow->blocked && sending->transaction.len > 0))
		return ERR_CLOSED;
	if (!flow_meets(flow, &sending->require)) {
		endpoint->counts.refused_sends++;
		report_refusal(endpoint, sending);
		return ERR_DENIED;
	}
	TRY(outbox_send(endpoint, sending));
	endpoint->counts.messages_out++;
	report_message(endpoint, sending);
	return OK;
}

static enum err post(struct endpoint *endpoint, const struct sending *sending)
{
	struct letter *letter = letter_new(&(struct letter){
		.kind = LETTER_SEND,
		.from = endpoint->worker,
		.to = flow_worker(sending->flow),
		.flow = sending->flow,
		.require = sending->require,
		.text = sending->bytes,
		.transaction = sending->transaction,
	});

	if (!letter)
		return ERR_NOMEM;
	outbox_post(endpoint, letter);
	return OK;
}

enum err send_on(struct endpoint *endpoint, const struct sending *sending)
{
	unsigned owner = flow_worker(sending->flow);

	if (owner == endpoint->worker)
		return send_on_own(endpoint, sending);
	return owner < endpoint->n_workers ? post(endpoint, sending) : ERR_CLOSED;
}
