/*
 * Two workers' endpoints, a few flows, and a transaction user that answers, forwards and cancels as the input says.
 * The input is a list of steps, one byte each that says what, and what it needs after it. Whatever came, no table
 * grows past its limit, and once the transaction user has said its last word, time alone ends every transaction.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "endpoint/endpoint.h"
#include "sip/build.h"

/* A transaction user is told more than this one wants to know. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

enum { N_WORKERS = 2, N_FLOWS = 4, TRANSACTIONS_MAX = 32, N_KEPT = 2 * N_WORKERS * TRANSACTIONS_MAX };

static struct {
	struct endpoint *endpoint[N_WORKERS];
	struct now now;
	struct server *servers[N_KEPT];
	struct client *clients[N_KEPT];
	struct endpoint *asked[N_KEPT]; /* whose those are */
	const uint8_t *at, *end;
} world;

static unsigned next_byte(void)
{
	return world.at < world.end ? *world.at++ : 0;
}

static flow_id flow_of(unsigned byte)
{
	unsigned i = byte % N_FLOWS;
	static const enum transport_protocol transports[N_FLOWS] = { TRANSPORT_TLS, TRANSPORT_UDP,
								     TRANSPORT_TCP, TRANSPORT_WSS };

	return flow_id_of(i % N_WORKERS, 1, transports[i], i + 1);
}

static struct endpoint *owner(flow_id flow)
{
	return world.endpoint[flow_worker(flow)];
}

/* -- the transaction user: what it does next is in the input -------------------------------------------------- */

static void forward(struct endpoint *endpoint, const struct sip_message *request, struct now now)
{
	static char rest[1 << 17];
	struct writer out = writer_of(rest, sizeof(rest));
	struct sip_edits edits = { .max_forwards = 3 };
	struct client *client;
	struct outgoing outgoing = {
		.method = request->method,
		.method_name = request->method_name,
		.uri = request->uri_text,
		.flow = flow_of(next_byte()),
		.require = { .level = (enum require_level)(next_byte() % 3), .account = 1 },
	};

	put_forwarded(&out, request, &edits);
	outgoing.rest = writer_text(&out);
	outgoing.any_size = out.len % 2;
	if (endpoint_request(endpoint, &outgoing, now, &client) == OK) {
		unsigned i = 0;

		while (world.clients[i])
			i++;
		world.asked[i] = endpoint;
		world.clients[i] = client;
	}
}

static void on_request(void *self, struct server *server, struct now now)
{
	struct endpoint *endpoint = owner(server->flow);
	unsigned what = next_byte(), i = 0;

	while (world.servers[i])
		i++;
	world.servers[i] = server;
	if (what & 1)
		forward(endpoint, server->request, now);
	if (what & 2)
		endpoint_respond(endpoint, server, &(struct sip_reply){ .status = 100 + what * 2 }, now);
}

static void on_cancelled(void *self, struct server *server, const struct sip_message *cancel, struct now now)
{
	endpoint_respond(owner(server->flow), server, &(struct sip_reply){ .status = 487 }, now);
}

static void on_ack(void *self, flow_id from, const struct sip_message *ack, struct slice via, struct now now)
{
	struct outgoing outgoing = {
		.method = SIP_ACK,
		.uri = ack->uri_text,
		.rest = SLICE("CSeq: 1 ACK\r\n\r\n"),
		.flow = flow_of(next_byte()),
	};

	if (!endpoint_send(owner(from), &outgoing, now))
		return; /* too large for UDP */
}

static void on_response(void *self, struct client *client, const struct sip_message *response, struct now now)
{
	struct sip_edits edits = { .max_forwards = -1 };
	struct server *server = world.servers[next_byte() % N_KEPT];

	if (server)
		endpoint_respond_with(owner(server->flow), server, response, &edits, now);
}

static void on_failed(void *self, struct client *client, enum client_failure why, struct now now)
{
}

static void on_server_gone(void *self, struct server *server)
{
	for (unsigned i = 0; i < N_KEPT; i++)
		if (world.servers[i] == server)
			world.servers[i] = NULL;
}

static void on_client_gone(void *self, struct client *client)
{
	for (unsigned i = 0; i < N_KEPT; i++)
		if (world.clients[i] == client)
			world.clients[i] = NULL;
}

static void on_answer(void *self, struct question *question, const struct answer *answer, struct now now)
{
}

static void on_flow(void *self, flow_id flow, const struct flow_facts *facts, struct now now)
{
}

static void on_timer(void *self, struct timer *timer, struct now now)
{
}

static const struct endpoint_user user = {
	.request = on_request,
	.cancelled = on_cancelled,
	.ack = on_ack,
	.response = on_response,
	.failed = on_failed,
	.server_gone = on_server_gone,
	.client_gone = on_client_gone,
	.answer = on_answer,
	.flow = on_flow,
	.timer = on_timer,
};

/* -- the world ------------------------------------------------------------------------------------------------- */

/* What is sent comes back changed a little, or not: so that responses find their transactions. */
static void perform(const struct action *action)
{
	static char echo[1 << 17];

	if (action->kind == ACTION_POST) {
		endpoint_letter(world.endpoint[action->post->to % N_WORKERS], action->post, world.now);
	} else if (action->kind == ACTION_SEND && (next_byte() & 1)) {
		struct writer out = writer_of(echo, sizeof(echo));
		struct sip_message *request;
		struct sip_fault fault;

		if (sip_message_parse(action->send.bytes, &sip_limits_default, &request, &fault) != OK)
			return;
		if (request->kind == SIP_REQUEST && !request->fault.status)
			put_reply(&out, request, &(struct sip_reply){ .status = 100 + 2 * next_byte() });
		sip_message_free(request);
		endpoint_input(owner(action->send.flow), action->send.flow, writer_text(&out), world.now);
	}
}

static void check_bounds(void)
{
	for (unsigned i = 0; i < N_WORKERS; i++) {
		struct endpoint_counts counts = endpoint_counts(world.endpoint[i]);

		assert(counts.flows <= N_FLOWS && counts.servers <= TRANSACTIONS_MAX &&
		       counts.clients <= TRANSACTIONS_MAX && counts.pending <= counts.servers);
	}
}

static void settle(void)
{
	struct action action;

	for (unsigned n = 0, i = 0; n < 1000 && i < N_WORKERS; n++) {
		if (endpoint_output(world.endpoint[i], &action))
			perform(&action);
		else
			i++;
	}
}

static void change_flow(flow_id flow, unsigned event)
{
	struct flow_facts facts = { .event = (enum flow_event)(event % 4),
				    .transport = flow_transport(flow) };

	endpoint_flow(owner(flow), flow, &facts, world.now);
}

static void step(unsigned what)
{
	flow_id flow = flow_of(what >> 3);
	size_t n;

	switch (what & 7) {
	case 0: change_flow(flow, next_byte()); break;
	case 1:
		world.now.mono += (ms_t)next_byte() * 257;
		for (unsigned i = 0; i < N_WORKERS; i++)
			endpoint_tick(world.endpoint[i], world.now);
		break;
	case 2:
		if (world.clients[what >> 3])
			endpoint_cancel(world.asked[what >> 3], world.clients[what >> 3], SLICE(""),
					world.now);
		break;
	case 3: endpoint_flow_prove(owner(flow), flow, 1); break;
	case 4: endpoint_flow_close(owner(flow), flow, "fuzz"); break;
	default:
		n = next_byte() << 8 | next_byte();
		if (n > (size_t)(world.end - world.at))
			n = (size_t)(world.end - world.at);
		endpoint_input(owner(flow), flow, slice_from(world.at, n), world.now);
		world.at += n;
	}
	settle();
	check_bounds();
}

static ms_t due(void)
{
	ms_t first = 0;

	for (unsigned i = 0; i < N_WORKERS; i++) {
		ms_t one = endpoint_due(world.endpoint[i]);

		if (one != 0 && (first == 0 || one < first))
			first = one;
	}
	return first;
}

/* What a transaction user owes to each transaction in the end: an answer, or a CANCEL (RFC 3261 §16.7, timer C). */
static void say_last_words(void)
{
	for (unsigned i = 0; i < N_KEPT; i++)
		if (world.servers[i] && !world.servers[i]->final)
			endpoint_respond(owner(world.servers[i]->flow), world.servers[i],
					 &(struct sip_reply){ .status = 480 }, world.now);
	for (unsigned i = 0; i < N_KEPT; i++)
		if (world.clients[i])
			endpoint_cancel(world.asked[i], world.clients[i], SLICE(""), world.now);
	settle();
}

static void let_everything_end(void)
{
	enum { FIRINGS_MAX = 10000 };
	ms_t next;

	world.at = world.end; /* from here on nobody sends anything back */
	say_last_words();
	for (unsigned n = 0; (next = due()) != 0; n++) {
		assert(n < FIRINGS_MAX);
		if (next > world.now.mono)
			world.now.mono = next;
		for (unsigned i = 0; i < N_WORKERS; i++)
			endpoint_tick(world.endpoint[i], world.now);
		say_last_words();
	}
	for (unsigned i = 0; i < N_WORKERS; i++) {
		struct endpoint_counts counts = endpoint_counts(world.endpoint[i]);

		assert(counts.servers == 0 && counts.clients == 0 && counts.pending == 0);
	}
}

static bool start(struct crypto *crypto, struct random *random)
{
	static const uint8_t branch_key[32];

	for (unsigned i = 0; i < N_WORKERS; i++) {
		struct endpoint_config config = {
			.worker = i,
			.n_workers = N_WORKERS,
			.limits = { .sip = sip_limits_default,
				    .flows = N_FLOWS,
				    .transactions = TRANSACTIONS_MAX,
				    .per_flow = 16,
				    .per_sender = 16,
				    .per_peer = 16,
				    .per_stranger = 4,
				    .output = 1 << 18 },
			.branch_key = branch_key,
			.random = random,
			.crypto = crypto,
			.sent_by = SLICE("proxy.example.org"),
			.level = REPORT_DEBUG,
			.user = &user,
		};
		if (endpoint_new(&config, &world.endpoint[i]) != OK)
			return false;
	}
	for (unsigned i = 0; i < N_FLOWS; i++)
		change_flow(flow_of(i), FLOW_OPENED);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct crypto *crypto;
	struct random *random = random_new_predictable(1);

	if (!crypto)
		crypto = crypto_new();
	memset(&world, 0, sizeof(world));
	world.at = data;
	world.end = data + size;
	world.now.mono = 1;
	if (start(crypto, random)) {
		while (world.at < world.end)
			step(next_byte());
		let_everything_end();
	}
	for (unsigned i = 0; i < N_WORKERS; i++)
		endpoint_free(world.endpoint[i]);
	random_free(random);
	return 0;
}
