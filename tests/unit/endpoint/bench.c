#include "bench.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "sip/message.h"

struct bench bench;
struct endpoint_limits bench_limits;
enum report_level bench_level;

static void note(const char *text)
{
	put(&bench.log, slice_of(text));
	put_char(&bench.log, '\n');
	assert_false(bench.log.overflow);
}

static void note_slice(const char *what, struct slice text)
{
	put(&bench.log, slice_of(what));
	put_char(&bench.log, ' ');
	put(&bench.log, text);
	put_char(&bench.log, '\n');
}

/* -- the transaction user -------------------------------------------------------------------------------- */

static void on_request(void *self, struct server *server, struct now now)
{
	bench.server = server;
	note_slice("request", server->request->method_name);
}

static void on_cancelled(void *self, struct server *server, const struct sip_message *cancel, struct now now)
{
	note("cancelled");
}

static void on_ack(void *self, flow_id from, const struct sip_message *ack, struct slice via, struct now now)
{
	note("ack");
}

static void on_response(void *self, struct client *client, const struct sip_message *response, struct now now)
{
	char text[32];

	snprintf(text, sizeof(text), "response %u", response->status);
	note(text);
}

static void on_failed(void *self, struct client *client, enum client_failure why, struct now now)
{
	static const char *const names[] = {
		[CLIENT_TIMEOUT] = "failed timeout",     [CLIENT_FLOW_LOST] = "failed flow lost",
		[CLIENT_TOO_LARGE] = "failed too large", [CLIENT_REFUSED] = "failed refused",
		[CLIENT_NO_MEMORY] = "failed no memory",
	};

	note(names[why]);
}

static void on_server_lost(void *self, struct server *server, struct now now)
{
	note("server lost");
}

static void on_server_gone(void *self, struct server *server)
{
	if (bench.server == server)
		bench.server = NULL;
	note("server gone");
}

static void on_client_gone(void *self, struct client *client)
{
	if (bench.client == client)
		bench.client = NULL;
	note("client gone");
}

static void on_answer(void *self, struct question *question, const struct answer *answer, struct now now)
{
	note_slice("answer", slice_of(err_text(answer->err)));
}

static void on_flow(void *self, flow_id flow, const struct flow_facts *facts, struct now now)
{
	if (facts->event == FLOW_LOST)
		note("lost");
}

static void on_timer(void *self, struct timer *timer, struct now now)
{
	note("timer");
}

static void on_pong(void *self, flow_id flow, struct now now)
{
	char text[32];

	snprintf(text, sizeof(text), "pong %u", (unsigned)(flow & FLOW_COUNTER_MAX));
	note(text);
}

static const struct endpoint_user recorder = {
	.request = on_request,
	.cancelled = on_cancelled,
	.ack = on_ack,
	.response = on_response,
	.failed = on_failed,
	.server_lost = on_server_lost,
	.server_gone = on_server_gone,
	.client_gone = on_client_gone,
	.answer = on_answer,
	.flow = on_flow,
	.timer = on_timer,
	.pong = on_pong,
};

/* -- the world ------------------------------------------------------------------------------------------- */

static void sent(flow_id flow, struct slice bytes)
{
	char prefix[32];

	assert_true(bytes.len < sizeof(bench.sent));
	memcpy(bench.sent, bytes.ptr, bytes.len);
	bench.sent[bytes.len] = '\0';
	snprintf(prefix, sizeof(prefix), "> %" PRIu64, flow & FLOW_COUNTER_MAX);
	note_slice(prefix, slice_sub(bytes, 0, slice_find(bytes, '\r')));
}

static void perform(const struct action *action)
{
	char prefix[32];

	switch (action->kind) {
	case ACTION_SEND:
		bench.port = action->send.port;
		sent(action->send.flow, action->send.bytes);
		break;
	case ACTION_CLOSE:
		snprintf(prefix, sizeof(prefix), "close %" PRIu64, action->close.flow & FLOW_COUNTER_MAX);
		note_slice(prefix, slice_of(action->close.why));
		break;
	case ACTION_RESOLVE: note_slice("resolve", action->resolve.name); break;
	case ACTION_CONNECT: note_slice("connect", action->connect.host); break;
	case ACTION_LOOKUP: note_slice("lookup", action->lookup.aor); break;
	case ACTION_STORE: note_slice("store", action->store.wanted->bindings[0].contact); break;
	case ACTION_CERTIFY: note_slice("certify", action->certify.aor); break;
	case ACTION_VOUCH: note_slice("vouch", action->vouch.domain); break;
	case ACTION_POST:
		assert_ptr_not_equal(bench.endpoint[action->post->to], NULL);
		bench.n_letters++;
		endpoint_letter(bench.endpoint[action->post->to], action->post, bench.now);
		break;
	case ACTION_BLAME: bench.n_blamed++; break;
	case ACTION_REPORT: note_slice(action->report.event, action->report.text); break;
	}
	if (action->question)
		bench.asked = action->question;
}

static void settle(void)
{
	struct action action;
	bool again;

	do {
		again = false;
		for (unsigned i = 0; i < 2; i++)
			while (bench.endpoint[i] && endpoint_output(bench.endpoint[i], &action)) {
				perform(&action);
				again = true;
			}
	} while (again);
}

void bench_start(unsigned n_workers)
{
	static const uint8_t branch_key[32] = "the same for all of the workers";
	static const uint16_t ports[TRANSPORT_WS + 1] = { [TRANSPORT_TLS] = 5061, [TRANSPORT_UDP] = 5070 };

	bench = (struct bench){ .now = { .mono = 1000, .wall = 1700000000 } };
	bench.log = writer_of(bench.log_text, sizeof(bench.log_text) - 1);
	bench_limits = (struct endpoint_limits){
		.sip = sip_limits_default,
		.flows = 100,
		.transactions = 100,
		.per_flow = 10,
		.per_sender = 12,
		.per_peer = 14,
		.per_stranger = 4,
		.output = 1 << 20,
	};
	bench.crypto = crypto_new();
	assert_non_null(bench.crypto);
	bench.random = random_new_predictable(1);
	assert_non_null(bench.random);
	for (unsigned i = 0; i < n_workers; i++) {
		struct endpoint_config config = {
			.worker = i,
			.n_workers = n_workers,
			.limits = bench_limits,
			.branch_key = branch_key,
			.random = bench.random,
			.crypto = bench.crypto,
			.sent_by = SLICE("proxy.example.org:5061"),
			.ports = ports,
			.level = bench_level,
			.user = &recorder,
		};
		assert_int_equal(endpoint_new(&config, &bench.endpoint[i]), OK);
	}
}

void bench_stop(void)
{
	for (unsigned i = 0; i < 2; i++)
		endpoint_free(bench.endpoint[i]);
	random_free(bench.random);
	crypto_free(bench.crypto);
	bench = (struct bench){ 0 };
}

static struct endpoint *owner(flow_id flow)
{
	return bench.endpoint[flow_worker(flow)];
}

static flow_id open_flow(flow_id flow, const char *domain)
{
	struct flow_facts facts = {
		.event = FLOW_OPENED,
		.transport = flow_transport(flow),
		.peer = { .family = ADDRESS_V4, .port = 5061, .ip = { 192, 0, 2, (uint8_t)flow } },
		.verified = slice_of(domain),
		.tls_version = SLICE("TLSv1.3"),
	};

	endpoint_flow(owner(flow), flow, &facts, bench.now);
	settle();
	return flow;
}

flow_id bench_open(unsigned worker, enum transport_protocol transport, unsigned counter)
{
	return open_flow(flow_id_of(worker, 1, transport, counter), "");
}

flow_id bench_open_verified(unsigned worker, unsigned counter, const char *domain)
{
	return open_flow(flow_id_of(worker, 1, TRANSPORT_TLS, counter), domain);
}

void bench_open_as(flow_id flow, const struct flow_facts *facts)
{
	endpoint_flow(owner(flow), flow, facts, bench.now);
	settle();
}

void bench_flow(flow_id flow, enum flow_event event)
{
	endpoint_flow(owner(flow), flow, &(struct flow_facts){ .event = event }, bench.now);
	settle();
}

void bench_input_bytes(flow_id flow, struct slice bytes)
{
	endpoint_input(owner(flow), flow, bytes, bench.now);
	settle();
}

void bench_input(flow_id flow, const char *text)
{
	bench_input_bytes(flow, slice_of(text));
}

/* When the first of the endpoints has something to do; 0: never. */
static ms_t next_due(void)
{
	ms_t first = 0;

	for (unsigned i = 0; i < 2; i++) {
		ms_t due = bench.endpoint[i] ? endpoint_due(bench.endpoint[i]) : 0;

		if (due && (!first || due < first))
			first = due;
	}
	return first;
}

static void tick(void)
{
	for (unsigned i = 0; i < 2; i++)
		if (bench.endpoint[i])
			endpoint_tick(bench.endpoint[i], bench.now);
	settle();
}

void bench_pass(ms_t time)
{
	ms_t end = bench.now.mono + time;

	for (ms_t due = next_due(); due && due <= end; due = next_due()) {
		if (due > bench.now.mono)
			bench.now.mono = due;
		tick();
	}
	bench.now.mono = end;
	settle();
}

/* -- messages -------------------------------------------------------------------------------------------- */

const char *bench_request(const char *method, const char *branch)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "%s sip:bob@example.org SIP/2.0\r\n"
		 "Via: SIP/2.0/TLS client.example.org;branch=%s\r\n"
		 "Max-Forwards: 70\r\n"
		 "From: <sip:alice@example.org>;tag=alice\r\n"
		 "To: <sip:bob@example.org>\r\n"
		 "Call-ID: 1@client.example.org\r\n"
		 "CSeq: 1 %s\r\n"
		 "Content-Length: 0\r\n"
		 "\r\n",
		 method, branch, method);
	return text;
}

const char *bench_reply(unsigned status)
{
	static char text[1024];
	struct sip_reply reply = { .status = status, .to_tag = SLICE("bob") };
	struct writer out = writer_of(text, sizeof(text) - 1);
	struct sip_message *request;
	struct sip_fault fault;

	assert_int_equal(sip_message_parse(slice_of(bench.sent), &sip_limits_default, &request, &fault), OK);
	put_reply(&out, request, &reply);
	sip_message_free(request);
	assert_false(out.overflow);
	text[out.len] = '\0';
	return text;
}

enum err bench_ask(unsigned worker, enum sip_method method, flow_id flow, struct requirement require)
{
	char rest[1024];
	struct outgoing outgoing = {
		.method = method,
		.uri = SLICE("sip:bob@192.0.2.7"),
		.flow = flow,
		.require = require,
	};
	enum err err;
	int n;

	n = snprintf(rest, sizeof(rest),
		     "Route: <sip:one.example.org;lr>\r\n"
		     "Route: <sip:two.example.org;lr>\r\n"
		     "Max-Forwards: 70\r\n"
		     "From: <sip:alice@example.org>;tag=alice\r\n"
		     "To: <sip:bob@example.org>\r\n"
		     "Call-ID: 1@client.example.org\r\n"
		     "CSeq: 7 %.*s\r\n"
		     "Content-Length: 4\r\n"
		     "\r\n"
		     "body",
		     SLICE_FMT(sip_method_name(method)));
	outgoing.rest = slice_from(rest, (size_t)n);
	err = endpoint_request(bench.endpoint[worker], &outgoing, bench.now, &bench.client);
	settle();
	return err;
}

void bench_respond(unsigned status)
{
	assert_non_null(bench.server);
	endpoint_respond(bench.endpoint[flow_worker(bench.server->flow)], bench.server,
			 &(struct sip_reply){ .status = status }, bench.now);
	settle();
}

void bench_expect(const char *log)
{
	bench.log_text[bench.log.len] = '\0';
	assert_string_equal(bench.log_text, log);
	bench.log.len = 0;
}
