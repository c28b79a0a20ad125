#include "bench.h"

#include <string.h>

#include "base/mem.h"
#include "endpoint/state.h"

static const struct requirement nothing;
static flow_id bob;

static void start(void)
{
	bench_start(1);
	bob = bench_open(0, TRANSPORT_TLS, 1);
}

/* The branch of what was sent last, and the rest of it around "BRANCH". */
static char branch[64], masked[sizeof(bench.sent)];

static void mask_branch(void)
{
	char *at = strstr(bench.sent, "branch=");
	size_t len;

	assert_non_null(at);
	at += strlen("branch=");
	len = strcspn(at, ";\r");
	assert_true(len < sizeof(branch));
	memcpy(branch, at, len);
	branch[len] = '\0';
	snprintf(masked, sizeof(masked), "%.*sBRANCH%s", (int)(at - bench.sent), bench.sent, at + len);
}

/* -- one transaction ------------------------------------------------------------------------------------- */

static void writes_request_line_and_via_and_then_what_it_was_given(void **state)
{
	start();
	assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, nothing), OK);
	bench_expect("> 1 MESSAGE sip:bob@192.0.2.7 SIP/2.0\n");
	mask_branch();
	assert_string_equal(masked, "MESSAGE sip:bob@192.0.2.7 SIP/2.0\r\n"
				    "Via: SIP/2.0/TLS proxy.example.org:5061;branch=BRANCH\r\n"
				    "Route: <sip:one.example.org;lr>\r\n"
				    "Route: <sip:two.example.org;lr>\r\n"
				    "Max-Forwards: 70\r\n"
				    "From: <sip:alice@example.org>;tag=alice\r\n"
				    "To: <sip:bob@example.org>\r\n"
				    "Call-ID: 1@client.example.org\r\n"
				    "CSeq: 7 MESSAGE\r\n"
				    "Content-Length: 4\r\n"
				    "\r\n"
				    "body");
	bench_stop();
}

/* By it transactions are found in their table, where those that follow one another stand together. */
static void branches_are_counted_up(void **state)
{
	enum { MANY = 70000 }; /* more than two bytes of a counter can tell */
	uint64_t first = 0;
	char buf[BRANCH_SIZE_MAX];
	struct slice made;

	start();
	for (size_t i = 0; i < MANY; i++) {
		assert_true(branch_make(bench.endpoint[0], SLICE("loop"), buf, &made));
		first = i == 0 ? branch_number(made) : first;
		assert_int_equal(branch_number(made), first + i);
	}
	assert_int_equal(branch_number(SLICE("z9hG4bK1")), 0);
	bench_stop();
}

static void never_writes_the_same_branch_twice(void **state)
{
	char first[64];

	start();
	assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, nothing), OK);
	mask_branch();
	memcpy(first, branch, sizeof(first));
	assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, nothing), OK);
	mask_branch();
	assert_string_not_equal(first, branch);
	bench_stop();
}

static void passes_responses_up_to_the_final_one(void **state)
{
	start();
	assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, nothing), OK);
	bench_input(bob, bench_reply(100));
	assert_int_equal(bench.client->status, 100);
	bench_input(bob, bench_reply(200));
	bench_input(bob, bench_reply(200));
	bench_expect("> 1 MESSAGE sip:bob@192.0.2.7 SIP/2.0\nresponse 100\nresponse 200\nclient gone\n");
	assert_int_equal(endpoint_counts(bench.endpoint[0]).stray_responses, 1);
	bench_stop();
}

static void passes_every_2xx_to_an_INVITE_up(void **state)
{
	start();
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_input(bob, bench_reply(180));
	bench_input(bob, bench_reply(200));
	bench_input(bob, bench_reply(200));
	bench_expect("> 1 INVITE sip:bob@192.0.2.7 SIP/2.0\nresponse 180\nresponse 200\nresponse 200\n");
	bench_pass(32000);
	bench_expect("client gone\n");
	bench_stop();
}

static void write_down_response(struct client *client, const struct sip_message *response, struct now now)
{
	(void)now;
	*(unsigned *)client->user = response->status;
}

static void write_down_failure(struct client *client, enum client_failure why, struct now now)
{
	(void)why;
	(void)now;
	*(unsigned *)client->user = 1;
}

static void write_down_end(struct client *client)
{
	*(unsigned *)client->user = 2;
}

static void tells_its_new_owner_and_nobody_else(void **state)
{
	static const struct client_owner owner = { write_down_response, write_down_failure, write_down_end };
	unsigned told = 0;

	start();
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_input(bob, bench_reply(200));
	bench_expect("> 1 INVITE sip:bob@192.0.2.7 SIP/2.0\nresponse 200\n");
	endpoint_hand_over(bench.client, &owner, &told);
	bench_input(bob, bench_reply(200));
	assert_int_equal(told, 200);
	bench_flow(bob, FLOW_LOST);
	assert_int_equal(told, 2);
	bench_expect("lost\n");
	bench_stop();
}

static const struct {
	const char *label;
	enum sip_method method;
	bool rings;
	ms_t after; /* 0: never */
} timeouts[] = {
	{ "INVITE, no answer", SIP_INVITE, false, 32000 },
	{ "INVITE, rings for ever", SIP_INVITE, true, 0 },
	{ "MESSAGE, no answer", SIP_MESSAGE, false, 32000 },
	{ "MESSAGE, only 100", SIP_MESSAGE, true, 32000 },
};

static void gives_up_when_nobody_answers(void **state)
{
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		start();
		assert_int_equal(bench_ask(0, timeouts[i].method, bob, nothing), OK);
		if (timeouts[i].rings)
			bench_input(bob, bench_reply(100));
		bench.log.len = 0;
		bench_pass(timeouts[i].after ? timeouts[i].after - 1 : 1000 * 3600);
		bench_expect("");
		bench_pass(1);
		bench_expect(timeouts[i].after ? "failed timeout\nclient gone\n" : "");
		bench_stop();
	}
}

/* RFC 3261 §18.1.1: the port of sent-by is where a response over that transport could come to. */
static void names_the_listener_of_the_transport_in_its_via(void **state)
{
	static const struct {
		enum transport_protocol transport;
		const char *via;
	} rows[] = {
		{ TRANSPORT_TLS, "Via: SIP/2.0/TLS proxy.example.org:5061;branch=" },
		{ TRANSPORT_TCP, "Via: SIP/2.0/TCP proxy.example.org;branch=" },
		{ TRANSPORT_UDP, "Via: SIP/2.0/UDP proxy.example.org:5070;branch=" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		flow_id flow;

		bench_start(1);
		flow = bench_open(0, rows[i].transport, 2);
		assert_int_equal(bench_ask(0, SIP_MESSAGE, flow, nothing), OK);
		assert_non_null(strstr(bench.sent, rows[i].via));
		bench_input(flow, bench_reply(200));
		assert_non_null(strstr(bench.log_text, "response 200\n"));
		bench_stop();
	}
}

static void repeats_itself_over_udp(void **state)
{
	flow_id flow;
	char first[sizeof(bench.sent)];

	start();
	flow = bench_open(0, TRANSPORT_UDP, 2);
	assert_int_equal(bench_ask(0, SIP_MESSAGE, flow, nothing), OK);
	assert_non_null(strstr(bench.sent, "Via: SIP/2.0/UDP proxy.example.org:5070;"));
	assert_non_null(strstr(bench.sent, ";rport\r\n"));
	memcpy(first, bench.sent, sizeof(first));
	bench_pass(1500);
	bench_expect("> 2 MESSAGE sip:bob@192.0.2.7 SIP/2.0\n"
		     "> 2 MESSAGE sip:bob@192.0.2.7 SIP/2.0\n"
		     "> 2 MESSAGE sip:bob@192.0.2.7 SIP/2.0\n");
	assert_string_equal(bench.sent, first);
	bench_stop();
}

/* -- ACK and CANCEL -------------------------------------------------------------------------------------- */

static void acknowledges_a_refusal(void **state)
{
	char invite_branch[64];

	start();
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	mask_branch();
	memcpy(invite_branch, branch, sizeof(branch));
	bench_input(bob, bench_reply(486));
	bench_expect("> 1 INVITE sip:bob@192.0.2.7 SIP/2.0\nresponse 486\nclient gone\n"
		     "> 1 ACK sip:bob@192.0.2.7 SIP/2.0\n");
	mask_branch();
	assert_string_equal(branch, invite_branch);
	assert_string_equal(masked, "ACK sip:bob@192.0.2.7 SIP/2.0\r\n" /* RFC3261:17.1.1.3 */
				    "Via: SIP/2.0/TLS proxy.example.org:5061;branch=BRANCH\r\n"
				    "Route: <sip:one.example.org;lr>\r\n"
				    "Route: <sip:two.example.org;lr>\r\n"
				    "Max-Forwards: 70\r\n"
				    "From: <sip:alice@example.org>;tag=alice\r\n"
				    "To: <sip:bob@example.org>;tag=bob\r\n"
				    "Call-ID: 1@client.example.org\r\n"
				    "CSeq: 7 ACK\r\n"
				    "Content-Length: 0\r\n"
				    "\r\n");
	bench_stop();
}

static void cancels_a_ringing_call(void **state)
{
	char invite_branch[64];

	start();
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	mask_branch();
	memcpy(invite_branch, branch, sizeof(branch));
	bench_input(bob, bench_reply(180));
	bench.log.len = 0;
	endpoint_cancel(bench.endpoint[0], bench.client, SLICE("Reason: SIP;cause=200\r\n"), bench.now);
	endpoint_cancel(bench.endpoint[0], bench.client, SLICE(""), bench.now);
	bench_pass(0);
	bench_expect("> 1 CANCEL sip:bob@192.0.2.7 SIP/2.0\n");
	mask_branch();
	assert_string_equal(branch, invite_branch);
	assert_string_equal(masked, "CANCEL sip:bob@192.0.2.7 SIP/2.0\r\n" /* RFC3261:9.1 */
				    "Via: SIP/2.0/TLS proxy.example.org:5061;branch=BRANCH\r\n"
				    "Route: <sip:one.example.org;lr>\r\n"
				    "Route: <sip:two.example.org;lr>\r\n"
				    "Max-Forwards: 70\r\n"
				    "From: <sip:alice@example.org>;tag=alice\r\n"
				    "To: <sip:bob@example.org>\r\n"
				    "Call-ID: 1@client.example.org\r\n"
				    "CSeq: 7 CANCEL\r\n"
				    "Reason: SIP;cause=200\r\n"
				    "Content-Length: 0\r\n"
				    "\r\n");
	bench_input(bob, bench_reply(200)); /* to the CANCEL: nobody else's business */
	bench_expect("");
	bench_stop();
}

static void waits_with_the_CANCEL_for_a_provisional_response(void **state)
{
	char ringing[1024];

	start();
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	snprintf(ringing, sizeof(ringing), "%s", bench_reply(180));
	bench.log.len = 0;
	endpoint_cancel(bench.endpoint[0], bench.client, SLICE(""), bench.now);
	bench_pass(100);
	bench_expect("");
	bench_input(bob, ringing);
	bench_input(bob, ringing);
	bench_expect("response 180\n> 1 CANCEL sip:bob@192.0.2.7 SIP/2.0\nresponse 180\n");
	bench_stop();
}

static void does_not_cancel_what_is_answered(void **state)
{
	start();
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_input(bob, bench_reply(200));
	bench.log.len = 0;
	endpoint_cancel(bench.endpoint[0], bench.client, SLICE(""), bench.now);
	bench_pass(0);
	bench_expect("");
	bench_stop();
}

static void gives_a_cancelled_call_up_when_no_final_response_comes(void **state)
{
	start();
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_input(bob, bench_reply(180));
	endpoint_cancel(bench.endpoint[0], bench.client, SLICE(""), bench.now);
	bench_pass(31999);
	bench.log.len = 0;
	bench_pass(1);
	bench_expect("failed timeout\nclient gone\n");
	assert_int_equal(endpoint_counts(bench.endpoint[0]).clients, 0);
	bench_stop();
}

/* -- who may answer -------------------------------------------------------------------------------------- */

/* RFC 3261 §18.1.1: "a new connection to the address in the top Via" */
static void takes_a_response_on_a_connection_that_proves_as_much(void **state)
{
	const struct requirement require = { .level = REQUIRE_DOMAIN, .domain = SLICE("b.example") };
	char reply[1024];

	bench_start(1);
	bob = bench_open_verified(0, 1, "b.example");
	assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, require), OK);
	snprintf(reply, sizeof(reply), "%s", bench_reply(200));
	bench.log.len = 0;
	bench_input(bench_open_verified(0, 2, "c.example"), reply);
	bench_expect("");
	bench_input(bench_open_verified(0, 3, "b.example"), reply);
	bench_expect("response 200\nclient gone\n");
	bench_stop();
}

static void takes_a_response_only_from_whom_it_asked(void **state)
{
	flow_id mallory;
	char reply[1024], *at;

	start();
	mallory = bench_open(0, TRANSPORT_TLS, 2);
	assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, nothing), OK);
	bench.log.len = 0;
	snprintf(reply, sizeof(reply), "%s", bench_reply(200));

	bench_input(mallory, reply);
	at = strstr(reply, "branch=z9hG4bK") + strlen("branch=z9hG4bK");
	*at = 'B';
	bench_input(bob, reply);
	*at = 'A'; /* as it begins with worker 0 */
	at = strstr(reply, "proxy.example.org");
	*at = 'P'; /* the case of a host does not matter */
	bench_expect("");
	assert_int_equal(endpoint_counts(bench.endpoint[0]).stray_responses, 2);
	bench_input(bob, reply);
	bench_expect("response 200\nclient gone\n");
	bench_stop();
}

static void takes_no_response_whose_via_is_not_ours(void **state)
{
	char reply[1024];

	start();
	assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, nothing), OK);
	bench.log.len = 0;
	snprintf(reply, sizeof(reply), "%s", bench_reply(200));
	*strstr(reply, "proxy.example.org") = 'x';
	bench_input(bob, reply);
	bench_expect("");
	bench_stop();
}

/* -- failure --------------------------------------------------------------------------------------------- */

static void fails_when_the_flow_is_lost(void **state)
{
	start();
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_input(bob, bench_reply(180));
	bench.log.len = 0;
	bench_flow(bob, FLOW_LOST);
	bench_expect("lost\nfailed flow lost\nclient gone\n");

	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_expect(""); /* never from within the call */
	assert_int_equal(endpoint_due(bench.endpoint[0]), 1);
	bench_pass(0);
	bench_expect("failed flow lost\nclient gone\n");
	bench_stop();
}

static void says_nothing_of_a_lost_flow_after_the_final_response(void **state)
{
	start();
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_input(bob, bench_reply(200));
	bench.log.len = 0;
	bench_flow(bob, FLOW_LOST);
	bench_expect("lost\nclient gone\n");
	bench_stop();
}

static void begins_nothing_on_a_flow_that_is_blocked_or_closed(void **state)
{
	start();
	bench_flow(bob, FLOW_BLOCKED);
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_pass(0);
	bench_expect("failed flow lost\nclient gone\n");
	bench_flow(bob, FLOW_UNBLOCKED);
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_expect("> 1 INVITE sip:bob@192.0.2.7 SIP/2.0\n");
	endpoint_flow_close(bench.endpoint[0], bob, "enough");
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_pass(0);
	bench_expect("close 1 enough\nfailed flow lost\nclient gone\n");
	bench_stop();
}

static const struct {
	const char *label;
	enum transport_protocol transport;
	const char *domain; /* that the peer's certificate proved */
	account_id account; /* that proved itself */
	struct requirement require;
	bool passes;
} requirements[] = {
	{ "anything goes in clear", TRANSPORT_TCP, "", 0, { .level = REQUIRE_NOTHING }, true },
	{ "TLS on TCP", TRANSPORT_TCP, "", 0, { .level = REQUIRE_TLS }, false },
	{ "TLS on UDP", TRANSPORT_UDP, "", 0, { .level = REQUIRE_TLS }, false },
	{ "TLS on WS", TRANSPORT_WS, "", 0, { .level = REQUIRE_TLS }, false },
	{ "TLS on TLS", TRANSPORT_TLS, "", 0, { .level = REQUIRE_TLS }, true },
	{ "TLS on WSS", TRANSPORT_WSS, "", 0, { .level = REQUIRE_TLS }, true },
	{ "an account on TLS alone",
	  TRANSPORT_TLS,
	  "",
	  0,
	  { .level = REQUIRE_ACCOUNT, .account = 7 },
	  false },
	{ "an account that is another",
	  TRANSPORT_TLS,
	  "",
	  8,
	  { .level = REQUIRE_ACCOUNT, .account = 7 },
	  false },
	{ "an account that is proven",
	  TRANSPORT_TLS,
	  "",
	  7,
	  { .level = REQUIRE_ACCOUNT, .account = 7 },
	  true },
	{ "an account that is proven in clear",
	  TRANSPORT_TCP,
	  "",
	  7,
	  { .level = REQUIRE_ACCOUNT, .account = 7 },
	  false },
	{ "no account is no proof", TRANSPORT_TLS, "", 0, { .level = REQUIRE_ACCOUNT, .account = 0 }, false },
	{ "a domain for an account",
	  TRANSPORT_TLS,
	  "b.example",
	  0,
	  { .level = REQUIRE_ACCOUNT, .account = 7 },
	  false },
	{ "a domain on TLS alone",
	  TRANSPORT_TLS,
	  "",
	  0,
	  { .level = REQUIRE_DOMAIN, .domain = SLICE_INIT("b.example") },
	  false },
	{ "another domain",
	  TRANSPORT_TLS,
	  "c.example",
	  0,
	  { .level = REQUIRE_DOMAIN, .domain = SLICE_INIT("b.example") },
	  false },
	{ "the domain",
	  TRANSPORT_TLS,
	  "b.example",
	  0,
	  { .level = REQUIRE_DOMAIN, .domain = SLICE_INIT("b.example") },
	  true },
	{ "no domain is no proof", TRANSPORT_TLS, "", 0, { .level = REQUIRE_DOMAIN }, false },
	{ "an account for a domain",
	  TRANSPORT_TLS,
	  "",
	  7,
	  { .level = REQUIRE_DOMAIN, .domain = SLICE_INIT("b.example") },
	  false },
};

/* What is declared is no proof, and what is proven is not what was declared. */
static const struct {
	const char *label;
	enum transport_protocol transport;
	const char *link, *verified;
	struct requirement require;
	bool passes;
} link_requirements[] = {
	{ "the link",
	  TRANSPORT_TCP,
	  "vault",
	  "",
	  { .level = REQUIRE_LINK, .domain = SLICE_INIT("vault") },
	  true },
	{ "another link",
	  TRANSPORT_TCP,
	  "wire",
	  "",
	  { .level = REQUIRE_LINK, .domain = SLICE_INIT("vault") },
	  false },
	{ "other letters",
	  TRANSPORT_TCP,
	  "Vault",
	  "",
	  { .level = REQUIRE_LINK, .domain = SLICE_INIT("vault") },
	  false },
	{ "no link", TRANSPORT_TCP, "", "", { .level = REQUIRE_LINK, .domain = SLICE_INIT("vault") }, false },
	{ "no name of one", TRANSPORT_TCP, "", "", { .level = REQUIRE_LINK }, false },
	{ "a domain of that name",
	  TRANSPORT_TLS,
	  "",
	  "vault",
	  { .level = REQUIRE_LINK, .domain = SLICE_INIT("vault") },
	  false },
	{ "the link for a domain",
	  TRANSPORT_TCP,
	  "b.example",
	  "",
	  { .level = REQUIRE_DOMAIN, .domain = SLICE_INIT("b.example") },
	  false },
	{ "the link for TLS", TRANSPORT_TCP, "vault", "", { .level = REQUIRE_TLS }, false },
	{ "the link for an account",
	  TRANSPORT_TCP,
	  "vault",
	  "",
	  { .level = REQUIRE_ACCOUNT, .account = 7 },
	  false },
	{ "anything on the link", TRANSPORT_TCP, "vault", "", { .level = REQUIRE_NOTHING }, true },
};

static void tells_a_declared_link_from_a_proof(void **state)
{
	for (size_t i = 0; i < sizeof link_requirements / sizeof *link_requirements; i++) {
		const char *expected = link_requirements[i].passes ? "> 2 INVITE sip:bob@192.0.2.7 SIP/2.0\n"
								   : "failed refused\nclient gone\n";
		struct flow_facts facts = {
			.event = FLOW_OPENED,
			.transport = link_requirements[i].transport,
			.link = slice_of(link_requirements[i].link),
			.verified = slice_of(link_requirements[i].verified),
		};
		flow_id flow = flow_id_of(0, 1, facts.transport, 2);
		const struct flow_view *view;

		start();
		bench_open_as(flow, &facts);
		view = endpoint_flow_view(bench.endpoint[0], flow);
		assert_non_null(view);
		assert_true(slice_eq(view->link, facts.link));
		assert_int_equal(bench_ask(0, SIP_INVITE, flow, link_requirements[i].require), OK);
		bench_pass(0);
		bench.log_text[bench.log.len] = '\0';
		if (strcmp(bench.log_text, expected) != 0)
			fail_msg("%s: %s", link_requirements[i].label, bench.log_text);
		assert_int_equal(endpoint_counts(bench.endpoint[0]).refused_sends,
				 !link_requirements[i].passes);
		bench.log.len = 0;
		bench_stop();
	}
}

static void sends_nothing_on_a_flow_that_does_not_meet_the_requirement(void **state)
{
	for (size_t i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++) {
		flow_id flow;
		const char *expected = requirements[i].passes ? "> 2 INVITE sip:bob@192.0.2.7 SIP/2.0\n"
							      : "failed refused\nclient gone\n";

		start();
		flow = requirements[i].domain[0] ? bench_open_verified(0, 2, requirements[i].domain)
						 : bench_open(0, requirements[i].transport, 2);
		if (requirements[i].account)
			assert_true(endpoint_flow_prove(bench.endpoint[0], flow, requirements[i].account));
		assert_int_equal(bench_ask(0, SIP_INVITE, flow, requirements[i].require), OK);
		bench_pass(0);
		bench.log_text[bench.log.len] = '\0';
		if (strcmp(bench.log_text, expected) != 0)
			fail_msg("%s: %s", requirements[i].label, bench.log_text);
		assert_int_equal(endpoint_counts(bench.endpoint[0]).refused_sends, !requirements[i].passes);
		bench.log.len = 0;
		bench_stop();
	}
}

static void starts_no_more_than_allowed(void **state)
{
	start();
	for (size_t i = 0; i < bench_limits.transactions; i++)
		assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, nothing), OK);
	assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, nothing), ERR_LIMIT);
	bench_stop();
}

static void fails_what_does_not_fit_into_the_outbox(void **state)
{
	static char rest[60000];
	struct outgoing outgoing = {
		.method = SIP_MESSAGE,
		.uri = SLICE("sip:bob@192.0.2.7"),
		.rest = { rest, sizeof(rest) },
		.flow = 0,
	};
	size_t n_failed = 0;

	memset(rest, 'x', sizeof(rest));
	start();
	outgoing.flow = bob;
	for (int i = 0; i < 20; i++)
		assert_int_equal(endpoint_request(bench.endpoint[0], &outgoing, bench.now, &bench.client),
				 OK);
	bench_pass(0);
	bench.log_text[bench.log.len] = '\0';
	for (const char *at = bench.log_text; (at = strstr(at, "failed flow lost")); at++)
		n_failed++;
	assert_int_equal(n_failed, 3); /* 1 MiB holds seventeen of them */
	bench_stop();
}

static void drops_what_is_sent_without_a_transaction_and_cannot_leave(void **state)
{
	struct outgoing ack = {
		.method = SIP_ACK,
		.uri = SLICE("sips:bob@192.0.2.7"),
		.rest = SLICE("CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"),
		.require = { .level = REQUIRE_ACCOUNT, .account = 7 },
	};
	char first[64];

	start();
	ack.flow = bob;
	assert_true(endpoint_send(bench.endpoint[0], &ack, bench.now));
	bench_pass(0);
	bench_expect("");
	assert_true(endpoint_flow_prove(bench.endpoint[0], bob, 7));
	assert_true(endpoint_send(bench.endpoint[0], &ack, bench.now));
	bench_pass(0);
	bench_expect("> 1 ACK sips:bob@192.0.2.7 SIP/2.0\n");

	mask_branch();
	memcpy(first, branch, sizeof(first));
	assert_true(endpoint_send(bench.endpoint[0], &ack, bench.now));
	bench_pass(0);
	mask_branch();
	assert_string_not_equal(first, branch);
	bench_stop();
}

/* RFC3261:18.1.1 */
static void what_is_too_large_for_udp_leaves_over_it_only_if_it_may(void **state)
{
	char rest[1400];
	struct writer out = writer_of(rest, sizeof rest);
	struct outgoing large = { .method = SIP_MESSAGE, .uri = SLICE("sip:bob@192.0.2.7") };
	struct client *client;

	bench_start(1);
	large.flow = bench_open(0, TRANSPORT_UDP, 1);
	put(&out,
	    SLICE("From: <sip:alice@example.org>;tag=a\r\nTo: <sip:bob@example.org>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\nX: "));
	while (out.len < 1300)
		put_char(&out, 'x');
	put(&out, SLICE("\r\nContent-Length: 0\r\n\r\n"));
	large.rest = writer_text(&out);

	assert_int_equal(endpoint_request(bench.endpoint[0], &large, bench.now, &client), OK);
	bench_pass(0);
	bench_expect("failed too large\nclient gone\n");
	assert_false(endpoint_send(bench.endpoint[0], &large, bench.now));
	bench_pass(0);
	bench_expect("");

	large.any_size = true;
	assert_int_equal(endpoint_request(bench.endpoint[0], &large, bench.now, &client), OK);
	bench_pass(0);
	bench_expect("> 1 MESSAGE sip:bob@192.0.2.7 SIP/2.0\n");
	bench_pass(500);
	bench_expect("> 1 MESSAGE sip:bob@192.0.2.7 SIP/2.0\n");
	bench_stop();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(writes_request_line_and_via_and_then_what_it_was_given),
	cmocka_unit_test(branches_are_counted_up),
	cmocka_unit_test(never_writes_the_same_branch_twice),
	cmocka_unit_test(passes_responses_up_to_the_final_one),
	cmocka_unit_test(passes_every_2xx_to_an_INVITE_up),
	cmocka_unit_test(tells_its_new_owner_and_nobody_else),
	cmocka_unit_test(gives_up_when_nobody_answers),
	cmocka_unit_test(names_the_listener_of_the_transport_in_its_via),
	cmocka_unit_test(repeats_itself_over_udp),
	cmocka_unit_test(acknowledges_a_refusal),
	cmocka_unit_test(cancels_a_ringing_call),
	cmocka_unit_test(waits_with_the_CANCEL_for_a_provisional_response),
	cmocka_unit_test(does_not_cancel_what_is_answered),
	cmocka_unit_test(gives_a_cancelled_call_up_when_no_final_response_comes),
	cmocka_unit_test(takes_a_response_on_a_connection_that_proves_as_much),
	cmocka_unit_test(takes_a_response_only_from_whom_it_asked),
	cmocka_unit_test(takes_no_response_whose_via_is_not_ours),
	cmocka_unit_test(fails_when_the_flow_is_lost),
	cmocka_unit_test(says_nothing_of_a_lost_flow_after_the_final_response),
	cmocka_unit_test(begins_nothing_on_a_flow_that_is_blocked_or_closed),
	cmocka_unit_test(tells_a_declared_link_from_a_proof),
	cmocka_unit_test(sends_nothing_on_a_flow_that_does_not_meet_the_requirement),
	cmocka_unit_test(starts_no_more_than_allowed),
	cmocka_unit_test(fails_what_does_not_fit_into_the_outbox),
	cmocka_unit_test(what_is_too_large_for_udp_leaves_over_it_only_if_it_may),
	cmocka_unit_test(drops_what_is_sent_without_a_transaction_and_cannot_leave),
};

TEST_MAIN(tests)
