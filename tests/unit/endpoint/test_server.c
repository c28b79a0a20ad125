#include "bench.h"

#include <string.h>

enum { TAG_MAX = 32 };

static flow_id alice;

static void start(void)
{
	bench_start(1);
	alice = bench_open(0, TRANSPORT_TLS, 1);
}

/* -- one transaction ------------------------------------------------------------------------------------- */

static void hands_a_request_to_the_transaction_user_and_forgets_it_when_answered(void **state)
{
	start();
	bench_input(alice, bench_request("OPTIONS", "z9hG4bK1"));
	bench_expect("request OPTIONS\n");
	assert_int_equal(endpoint_counts(bench.endpoint[0]).pending, 1);
	bench_respond(200);
	assert_int_equal(endpoint_counts(bench.endpoint[0]).pending, 0);
	assert_int_equal(bench.server->final, 200);
	bench_pass(0);
	bench_expect("> 1 SIP/2.0 200 OK\nserver gone\n");
	assert_int_equal(endpoint_counts(bench.endpoint[0]).servers, 0);
	bench_stop();
}

static void puts_a_tag_of_its_own_behind_To_once_and_for_all(void **state)
{
	char tag[64], *at;

	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_respond(180);
	at = strstr(bench.sent, "To: <sip:bob@example.org>;tag=");
	assert_non_null(at);
	memcpy(tag, at, 46);
	tag[46] = '\0';
	bench_respond(486);
	assert_non_null(strstr(bench.sent, tag));
	bench_stop();
}

static void absorbs_a_retransmission_with_the_last_response(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_expect("request INVITE\n");
	bench_respond(180);
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_expect("> 1 SIP/2.0 180 Ringing\n> 1 SIP/2.0 180 Ringing\n");
	bench_respond(486);
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_expect("> 1 SIP/2.0 486 Busy Here\n> 1 SIP/2.0 486 Busy Here\n");
	bench_stop();
}

static void absorbs_a_retransmission_after_200_without_a_word(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_respond(200);
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_respond(200);
	bench_respond(180);
	bench_respond(486);
	bench_expect("request INVITE\n> 1 SIP/2.0 200 OK\n> 1 SIP/2.0 200 OK\n");
	bench_pass(31999);
	bench_expect("");
	bench_pass(1);
	bench_expect("server gone\n");
	bench_stop();
}

static void forgets_the_request_of_an_accepted_INVITE_and_takes_what_comes_all_the_same(void **state)
{
	char tag[TAG_MAX] = "";

	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_respond(200);
	snprintf(tag, sizeof(tag), "%.21s", strstr(strstr(bench.sent, "\r\nTo: "), ";tag="));
	bench.server->user = &bench;
	endpoint_forget_request(bench.server);
	assert_null(bench.server->request);
	assert_null(bench.server->user);
	bench.log.len = 0;
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_expect("");
	bench_input(alice, bench_request("CANCEL", "z9hG4bK1"));
	bench_expect("> 1 SIP/2.0 200 OK\n");
	assert_non_null(strstr(bench.sent, tag));
	bench_input(alice, bench_request("ACK", "z9hG4bK1"));
	bench_expect("ack\n");
	bench_flow(alice, FLOW_LOST);
	bench_expect("server lost\nlost\nserver gone\n");
	bench_stop();
}

static void says_100_when_the_transaction_user_takes_its_time(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_pass(199);
	bench_expect("request INVITE\n");
	bench_pass(1);
	bench_expect("> 1 SIP/2.0 100 Trying\n");
	assert_null(strstr(bench.sent, "To: <sip:bob@example.org>;tag="));
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_expect("> 1 SIP/2.0 100 Trying\n");
	bench_pass(1000 * 3600);
	bench_expect("");
	bench_stop();
}

/* RFC 4320 */
static void keeps_other_requests_than_INVITE_short(void **state)
{
	start();
	bench_input(alice, bench_request("MESSAGE", "z9hG4bK1"));
	bench_respond(180);
	bench_expect("request MESSAGE\n");
	bench_pass(3500);
	bench_expect("> 1 SIP/2.0 100 Trying\n");
	bench_pass(28499);
	bench_expect("");
	bench_pass(1);
	bench_expect("server gone\n");

	bench_input(alice, bench_request("MESSAGE", "z9hG4bK2"));
	bench_respond(408);
	bench_respond(500);
	bench_pass(0);
	assert_int_equal(endpoint_counts(bench.endpoint[0]).pending, 0);
	bench_expect("request MESSAGE\nserver gone\n");

	bench_input(alice, bench_request("INVITE", "z9hG4bK3"));
	bench_respond(408);
	bench_expect("request INVITE\n> 1 SIP/2.0 408 Request Timeout\n");
	bench_stop();
}

static void gives_up_when_no_ACK_comes(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_respond(404);
	bench_expect("request INVITE\n> 1 SIP/2.0 404 Not Found\n");
	bench_pass(31999);
	bench_expect("");
	bench_pass(1);
	bench_expect("server gone\n");
	bench_stop();
}

static void repeats_a_refusal_over_udp_until_the_ACK(void **state)
{
	flow_id flow;

	start();
	flow = bench_open(0, TRANSPORT_UDP, 2);
	bench_input(flow, bench_request("INVITE", "z9hG4bK1"));
	bench_respond(404);
	bench_pass(1500);
	bench_expect(
		"request INVITE\n> 2 SIP/2.0 404 Not Found\n> 2 SIP/2.0 404 Not Found\n> 2 SIP/2.0 404 Not Found\n");
	bench_input(flow, bench_request("ACK", "z9hG4bK1"));
	bench_pass(4999);
	bench_expect("");
	bench_pass(1);
	bench_expect("server gone\n");
	bench_stop();
}

/* RFC 3261 §18.2.2, RFC 3581 §4 */
static void a_response_over_udp_goes_to_the_port_of_the_via(void **state)
{
	static const struct {
		enum transport_protocol transport;
		const char *via;
		unsigned port; /* 0: where the request came from */
	} rows[] = {
		{ TRANSPORT_UDP, "SIP/2.0/UDP client.example.org:5070;branch=z9hG4bK1", 5070 },
		{ TRANSPORT_UDP, "SIP/2.0/UDP client.example.org;branch=z9hG4bK1", 5060 },
		{ TRANSPORT_UDP, "SIP/2.0/UDP client.example.org:5070;rport;branch=z9hG4bK1", 0 },
		{ TRANSPORT_TCP, "SIP/2.0/TCP client.example.org:5070;branch=z9hG4bK1", 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[1024];

		bench_start(1);
		alice = bench_open(0, rows[i].transport, 1);
		snprintf(text, sizeof text,
			 "OPTIONS sip:bob@example.org SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\n"
			 "From: <sip:alice@example.org>;tag=alice\r\nTo: <sip:bob@example.org>\r\n"
			 "Call-ID: 1@client.example.org\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
			 rows[i].via);
		bench_input(alice, text);
		bench_respond(200);
		assert_int_equal(bench.port, rows[i].port);
		bench_stop();
	}
}

/* -- ACK ------------------------------------------------------------------------------------------------- */

static void absorbs_the_ACK_to_a_refusal(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_respond(486);
	bench_input(alice, bench_request("ACK", "z9hG4bK1"));
	bench_expect("request INVITE\n> 1 SIP/2.0 486 Busy Here\nserver gone\n");
	bench_stop();
}

static void passes_the_ACK_to_a_2xx_on(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_respond(200);
	bench_input(alice, bench_request("ACK", "z9hG4bK2"));
	bench_input(alice, bench_request("ACK", "z9hG4bK1"));
	bench_expect("request INVITE\n> 1 SIP/2.0 200 OK\nack\nack\n");
	bench_stop();
}

static void drops_an_ACK_to_nothing_yet(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_input(alice, bench_request("ACK", "z9hG4bK1"));
	bench_expect("request INVITE\n");
	assert_int_equal(endpoint_counts(bench.endpoint[0]).stray_acks, 1);
	bench_stop();
}

/* -- CANCEL ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *label, *method; /* of the request to cancel; NULL: there is none */
	unsigned status;            /* sent before, or 0 */
	const char *branch, *log;   /* of the CANCEL; what happens then */
} cancels[] = {
	{ "nothing", NULL, 0, "z9hG4bK1", "> 1 SIP/2.0 481 Call/Transaction Does Not Exist\n" },
	{ "another branch", "INVITE", 0, "z9hG4bK2", "> 1 SIP/2.0 481 Call/Transaction Does Not Exist\n" },
	{ "an INVITE", "INVITE", 0, "z9hG4bK1", "cancelled\n> 1 SIP/2.0 200 OK\n" },
	{ "a ringing INVITE", "INVITE", 180, "z9hG4bK1", "cancelled\n> 1 SIP/2.0 200 OK\n" },
	{ "an accepted INVITE", "INVITE", 200, "z9hG4bK1", "> 1 SIP/2.0 200 OK\n" },
	{ "a refused INVITE", "INVITE", 486, "z9hG4bK1", "> 1 SIP/2.0 200 OK\n" },
	{ "a MESSAGE", "MESSAGE", 0, "z9hG4bK1", "> 1 SIP/2.0 200 OK\n" },
};

static void cancels_what_can_be_cancelled(void **state)
{
	for (size_t i = 0; i < sizeof(cancels) / sizeof(cancels[0]); i++) {
		start();
		if (cancels[i].method)
			bench_input(alice, bench_request(cancels[i].method, "z9hG4bK1"));
		if (cancels[i].status)
			bench_respond(cancels[i].status);
		bench.log.len = 0;
		bench_input(alice, bench_request("CANCEL", cancels[i].branch));
		bench_expect(cancels[i].log);
		bench_stop();
	}
}

static void answers_a_repeated_CANCEL_alike_and_cancels_once(void **state)
{
	char first[sizeof(bench.sent)];

	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_input(alice, bench_request("CANCEL", "z9hG4bK1"));
	bench_expect("request INVITE\ncancelled\n> 1 SIP/2.0 200 OK\n");
	memcpy(first, bench.sent, sizeof(first));
	bench_input(alice, bench_request("CANCEL", "z9hG4bK1"));
	bench_expect("> 1 SIP/2.0 200 OK\n");
	assert_string_equal(bench.sent, first);
	bench_stop();
}

static void lets_nobody_cancel_what_came_on_another_flow(void **state)
{
	flow_id mallory;

	start();
	mallory = bench_open(0, TRANSPORT_TLS, 2);
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_input(mallory, bench_request("CANCEL", "z9hG4bK1"));
	bench_expect("request INVITE\n> 2 SIP/2.0 481 Call/Transaction Does Not Exist\n");
	bench_input(mallory, bench_request("INVITE", "z9hG4bK1"));
	bench_expect("request INVITE\n");
	bench_stop();
}

/* -- limits and losses ----------------------------------------------------------------------------------- */

static void lets_a_stranger_have_fewer_transactions(void **state)
{
	flow_id mallory;

	start();
	mallory = bench_open(0, TRANSPORT_TLS, 2);
	for (unsigned i = 0; i < bench_limits.per_stranger; i++) {
		char branch[32];

		snprintf(branch, sizeof(branch), "z9hG4bK%u", i);
		bench_input(mallory, bench_request("INVITE", branch));
		bench_respond(407);
	}
	bench.log.len = 0;
	bench_input(mallory, bench_request("INVITE", "z9hG4bKmore"));
	bench_expect("> 2 SIP/2.0 503 Service Unavailable\n");
	assert_true(endpoint_flow_prove(bench.endpoint[0], mallory, 7));
	bench_input(mallory, bench_request("INVITE", "z9hG4bKmore"));
	bench_expect("request INVITE\n");
	bench_stop();
}

static void lets_one_flow_have_only_so_many_transactions(void **state)
{
	start();
	assert_true(endpoint_flow_prove(bench.endpoint[0], alice, 7));
	for (unsigned i = 0; i < bench_limits.per_flow; i++) {
		char branch[32];

		snprintf(branch, sizeof(branch), "z9hG4bK%u", i);
		bench_input(alice, bench_request("INVITE", branch));
	}
	bench.log.len = 0;
	bench_input(alice, bench_request("INVITE", "z9hG4bKmore"));
	bench_expect("> 1 SIP/2.0 503 Service Unavailable\n");
	assert_non_null(strstr(bench.sent, "\r\nRetry-After: 10\r\n"));
	bench_input(bench_open(0, TRANSPORT_TLS, 2), bench_request("INVITE", "z9hG4bKmore"));
	bench_expect("request INVITE\n");
	bench_stop();
}

/* What was answered is remembered for up to 64*T1, so there are more of these than of those that are not. */
static void lets_a_proven_sender_and_a_peer_have_more(void **state)
{
	static const struct {
		bool is_peer;
		size_t n;
	} rows[] = { { false, 12 }, { true, 14 } };

	for (size_t row = 0; row < 2; row++) {
		const struct flow_view *view;
		flow_id trunk;

		bench_start(1);
		assert_true(bench_limits.per_sender == rows[0].n && bench_limits.per_peer == rows[1].n);
		trunk = bench_open(0, TRANSPORT_UDP, 3);
		assert_true(endpoint_flow_prove(bench.endpoint[0], trunk, 7));
		if (rows[row].is_peer)
			endpoint_flow_is_peer(bench.endpoint[0], trunk);
		view = endpoint_flow_view(bench.endpoint[0], trunk);
		assert_non_null(view);
		assert_true(view->is_peer == rows[row].is_peer);
		for (size_t i = 0; i <= rows[row].n; i++) {
			char branch[32];

			bench.log.len = 0;
			snprintf(branch, sizeof(branch), "z9hG4bK%zu", i);
			bench_input(trunk, bench_request("OPTIONS", branch));
			if (i < rows[row].n) {
				bench_expect("request OPTIONS\n");
				bench_respond(200);
			}
		}
		bench_expect("> 3 SIP/2.0 503 Service Unavailable\n");
		bench_stop();
	}
}

static void keeps_a_transaction_whose_flow_is_lost_until_it_is_answered(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_flow(alice, FLOW_LOST);
	bench_expect("request INVITE\nserver lost\nlost\n");
	bench_respond(180);
	bench_expect("");
	bench_respond(486);
	bench_pass(1);
	bench_expect("server gone\n");
	bench_stop();
}

static void ends_a_transaction_that_is_answered_with_its_flow(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_respond(407);
	bench.log.len = 0;
	bench_flow(alice, FLOW_LOST);
	bench_expect("server lost\nlost\nserver gone\n");
	bench_stop();
}

static void tells_of_the_transactions_of_a_lost_flow_and_of_no_others(void **state)
{
	flow_id bob;

	start();
	bob = bench_open(0, TRANSPORT_TLS, 10);
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	bench_input(alice, bench_request("INVITE", "z9hG4bK2"));
	bench_input(bob, bench_request("INVITE", "z9hG4bK3"));
	bench.log.len = 0;
	bench_flow(bob, FLOW_LOST);
	bench_expect("server lost\nlost\n");
	bench_flow(alice, FLOW_LOST);
	bench_expect("server lost\nserver lost\nlost\n");
	bench_stop();
}

static void answers_500_instead_of_what_is_too_large(void **state)
{
	static char huge[100000];
	struct sip_reply reply = { .status = 200, .body = { huge, sizeof(huge) } };

	memset(huge, 'x', sizeof(huge));
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	assert_non_null(bench.server);
	endpoint_respond(bench.endpoint[0], bench.server, &reply, bench.now);
	bench_pass(0);
	bench_expect("request INVITE\nresponse.too-large \n> 1 SIP/2.0 500 Response Too Large\n");
	bench_stop();
}

static void passes_a_response_on_without_our_via(void **state)
{
	struct sip_edits edits = { .top = SLICE("Record-Route: <sip:x;lr>\r\n"), .max_forwards = -1 };
	struct sip_message *response;
	struct sip_fault fault;

	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	assert_int_equal(
		sip_message_parse(
			SLICE("SIP/2.0 183 Wait\r\nVia: SIP/2.0/TLS proxy.example.org;branch=z9hG4bKp\r\n"
			      "Via: SIP/2.0/TLS client.example.org;branch=z9hG4bK1\r\n"
			      "From: <sip:alice@example.org>;tag=alice\r\n"
			      "To: <sip:bob@example.org>;tag=bob\r\n"
			      "Call-ID: 1@client.example.org\r\nCSeq: 1 INVITE\r\n"
			      "Content-Length: 0\r\n\r\n"),
			&sip_limits_default, &response, &fault),
		OK);
	assert_non_null(bench.server);
	endpoint_respond_with(bench.endpoint[0], bench.server, response, &edits, bench.now);
	sip_message_free(response);
	bench_pass(0);
	assert_string_equal(bench.sent,
			    "SIP/2.0 183 Wait\r\nRecord-Route: <sip:x;lr>\r\n"
			    "Via: SIP/2.0/TLS client.example.org;branch=z9hG4bK1\r\n"
			    "From: <sip:alice@example.org>;tag=alice\r\nTo: <sip:bob@example.org>;tag=bob\r\n"
			    "Call-ID: 1@client.example.org\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
	bench_stop();
}

/* What a peer answers that has taken the caller's Via off. */
static void pass_on_without_another_via(const char *status_line)
{
	struct sip_edits edits = { .max_forwards = -1 };
	struct sip_message *response;
	struct sip_fault fault;
	char text[512];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: SIP/2.0/TLS proxy.example.org;branch=z9hG4bKp\r\n"
		 "From: <sip:alice@example.org>;tag=alice\r\nTo: <sip:bob@example.org>;tag=bob\r\n"
		 "Call-ID: 1@client.example.org\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
		 status_line);
	assert_int_equal(sip_message_parse(slice_of(text), &sip_limits_default, &response, &fault), OK);
	assert_non_null(bench.server);
	endpoint_respond_with(bench.endpoint[0], bench.server, response, &edits, bench.now);
	sip_message_free(response);
	bench_pass(0);
}

static void passes_nothing_on_that_has_no_other_via(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	pass_on_without_another_via("183 Wait");
	assert_string_equal(bench.sent, "");
	pass_on_without_another_via("200 OK");
	assert_true(slice_starts(slice_of(bench.sent), SLICE("SIP/2.0 502 ")));
	assert_int_equal(bench.server->final, 502);
	bench_stop();
}

static void tells_of_every_transaction_that_goes_when_it_ends(void **state)
{
	start();
	bench_input(alice, bench_request("INVITE", "z9hG4bK1"));
	endpoint_free(bench.endpoint[0]);
	bench.endpoint[0] = NULL;
	bench_expect("request INVITE\nserver gone\n");
	bench_stop();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(hands_a_request_to_the_transaction_user_and_forgets_it_when_answered),
	cmocka_unit_test(puts_a_tag_of_its_own_behind_To_once_and_for_all),
	cmocka_unit_test(absorbs_a_retransmission_with_the_last_response),
	cmocka_unit_test(absorbs_a_retransmission_after_200_without_a_word),
	cmocka_unit_test(forgets_the_request_of_an_accepted_INVITE_and_takes_what_comes_all_the_same),
	cmocka_unit_test(says_100_when_the_transaction_user_takes_its_time),
	cmocka_unit_test(keeps_other_requests_than_INVITE_short),
	cmocka_unit_test(gives_up_when_no_ACK_comes),
	cmocka_unit_test(repeats_a_refusal_over_udp_until_the_ACK),
	cmocka_unit_test(a_response_over_udp_goes_to_the_port_of_the_via),
	cmocka_unit_test(absorbs_the_ACK_to_a_refusal),
	cmocka_unit_test(passes_the_ACK_to_a_2xx_on),
	cmocka_unit_test(drops_an_ACK_to_nothing_yet),
	cmocka_unit_test(cancels_what_can_be_cancelled),
	cmocka_unit_test(answers_a_repeated_CANCEL_alike_and_cancels_once),
	cmocka_unit_test(lets_nobody_cancel_what_came_on_another_flow),
	cmocka_unit_test(lets_a_stranger_have_fewer_transactions),
	cmocka_unit_test(lets_one_flow_have_only_so_many_transactions),
	cmocka_unit_test(lets_a_proven_sender_and_a_peer_have_more),
	cmocka_unit_test(keeps_a_transaction_whose_flow_is_lost_until_it_is_answered),
	cmocka_unit_test(ends_a_transaction_that_is_answered_with_its_flow),
	cmocka_unit_test(tells_of_the_transactions_of_a_lost_flow_and_of_no_others),
	cmocka_unit_test(answers_500_instead_of_what_is_too_large),
	cmocka_unit_test(passes_a_response_on_without_our_via),
	cmocka_unit_test(passes_nothing_on_that_has_no_other_via),
	cmocka_unit_test(tells_of_every_transaction_that_goes_when_it_ends),
};

TEST_MAIN(tests)
