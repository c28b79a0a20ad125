#include "bench.h"

#include <string.h>

static void takes_messages_in_pieces_of_any_size(void **state)
{
	char stream[4096];
	size_t len;

	snprintf(stream, sizeof(stream), "%s\r\n\r\n", bench_request("OPTIONS", "z9hG4bKone"));
	len = strlen(stream);
	snprintf(stream + len, sizeof(stream) - len, "%s", bench_request("INFO", "z9hG4bKtwo"));
	len = strlen(stream);
	for (size_t piece = 1; piece <= len; piece += piece < 32 ? 1 : 97) {
		flow_id flow;

		bench_start(1);
		flow = bench_open(0, TRANSPORT_TLS, 1);
		for (size_t at = 0; at < len; at += piece)
			bench_input_bytes(flow, slice_from(stream + at, piece < len - at ? piece : len - at));
		assert_non_null(strstr(bench.log_text, "request OPTIONS\n"));
		assert_non_null(strstr(bench.log_text, "> 1 \nrequest INFO\n")); /* the ping is answered */
		bench_stop();
	}
}

static void answers_a_ping_in_one_piece_or_two(void **state)
{
	flow_id flow;

	bench_start(1);
	flow = bench_open(0, TRANSPORT_TLS, 1);
	bench_input(flow, "\r\n\r\n");
	assert_string_equal(bench.sent, "\r\n");
	bench_expect("> 1 \n");
	bench_input(flow, "\r\n");
	bench_expect("");
	bench_input(flow, "\r\n");
	bench_expect("> 1 \n");
	bench_input(flow, "\r\n"); /* before a message a line end means nothing (RFC 3261 §7.5) */
	bench_input(flow, bench_request("OPTIONS", "z9hG4bKone"));
	bench_input(flow, "\r\n");
	bench_expect("request OPTIONS\n");
	bench_stop();
}

static void tells_of_the_answer_to_its_ping(void **state)
{
	flow_id flow;

	bench_start(1);
	flow = bench_open(0, TRANSPORT_TLS, 1);
	assert_int_equal(endpoint_ping(bench.endpoint[0], flow), OK);
	bench_pass(0);
	assert_string_equal(bench.sent, "\r\n\r\n");
	bench_expect("> 1 \n");
	bench_input(flow, "\r\n");
	bench_expect("pong 1\n");
	bench_input(flow, "\r\n"); /* one answer to each, and no more */
	bench_expect("");
	bench_flow(flow, FLOW_LOST);
	assert_int_equal(endpoint_ping(bench.endpoint[0], flow), ERR_CLOSED);
	flow = bench_open(0, TRANSPORT_UDP, 2);
	assert_int_equal(endpoint_ping(bench.endpoint[0], flow), ERR_CLOSED); /* RFC5626:4.4.1 */
	bench_stop();
}

#define HEAD                                                      \
	"Via: SIP/2.0/TLS client.example.org;branch=z9hG4bK1\r\n" \
	"From: <sip:alice@example.org>;tag=alice\r\n"             \
	"To: <sip:bob@example.org>\r\n"                           \
	"Call-ID: 1\r\n"

static const struct {
	const char *label, *text, *log;
} bad_input[] = {
	{ "another protocol", "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "close 1 malformed stream\n" },
	{ "binary", "\x16\x03\x01\x02\x00", "close 1 malformed stream\n" },
	{ "no Content-Length on a stream", "OPTIONS sip:a SIP/2.0\r\n" HEAD "CSeq: 1 OPTIONS\r\n\r\n",
	  "> 1 SIP/2.0 400 Bad Request - no Content-Length on a stream (byte 175)\nclose 1 malformed stream\n" },
	{ "a Content-Length that is no number",
	  "OPTIONS sip:a SIP/2.0\r\n" HEAD "CSeq: 1 OPTIONS\r\nContent-Length: -1\r\n\r\n",
	  "> 1 SIP/2.0 400 Bad Request - Content-Length is not a number (byte 173)\nclose 1 malformed stream\n" },
	{ "larger than allowed",
	  "OPTIONS sip:a SIP/2.0\r\n" HEAD "CSeq: 1 OPTIONS\r\nContent-Length: 99999999\r\n\r\n",
	  "> 1 SIP/2.0 413 Request Entity Too Large - the message is longer than allowed (byte 201)\n"
	  "close 1 malformed stream\n" },
	{ "another version, and the stream goes on",
	  "OPTIONS sip:a SIP/7.0\r\n" HEAD "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	  "\r\n\r\n",
	  "> 1 SIP/2.0 505 Version Not Supported" },
	{ "methods that differ", "OPTIONS sip:a SIP/2.0\r\n" HEAD "CSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n",
	  "> 1 SIP/2.0 400 Bad Request - " },
	{ "a faulty ACK is not answered",
	  "ACK sip:a SIP/2.0\r\n" HEAD "CSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n", "" },
	{ "a response to nobody", "SIP/2.0 200 OK\r\n" HEAD "CSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n", "" },
};

static void refuses_what_is_not_sip_and_says_why(void **state)
{
	for (size_t i = 0; i < sizeof(bad_input) / sizeof(bad_input[0]); i++) {
		size_t len = strlen(bad_input[i].log);

		bench_start(1);
		bench_input(bench_open(0, TRANSPORT_TLS, 1), bad_input[i].text);
		bench.log_text[bench.log.len] = '\0';
		if (len ? strncmp(bench.log_text, bad_input[i].log, len) != 0 : bench.log.len > 0)
			fail_msg("%s: %s", bad_input[i].label, bench.log_text);
		bench_stop();
	}
}

/* RFC3261:21.4.11, of what has no end of its own to go on from */
static void answers_a_datagram_that_is_too_long(void **state)
{
	static char text[70000] = "OPTIONS sip:a SIP/2.0\r\n" HEAD
				  "CSeq: 1 OPTIONS\r\nContent-Length: 69000\r\n\r\n";

	memset(text + strlen(text), '.', sizeof(text) - 1 - strlen(text));
	bench_start(1);
	bench_input(bench_open(0, TRANSPORT_UDP, 1), text);
	bench_expect(
		"> 1 SIP/2.0 413 Request Entity Too Large - the message is longer than allowed (byte 65536)\n");
	bench_stop();
}

static void counts_what_it_drops(void **state)
{
	struct endpoint_counts counts;

	bench_start(1);
	bench_input(bench_open(0, TRANSPORT_TLS, 1), bad_input[1].text);
	bench_input(bench_open(0, TRANSPORT_TLS, 2), bad_input[8].text);
	counts = endpoint_counts(bench.endpoint[0]);
	assert_int_equal(counts.malformed, 1);
	assert_int_equal(counts.stray_responses, 1);
	assert_int_equal(counts.messages_in, 1);
	assert_int_equal(counts.flows, 2);
	bench_stop();
}

static void reads_nothing_more_of_a_flow_that_it_closes(void **state)
{
	flow_id flow;

	bench_start(1);
	flow = bench_open(0, TRANSPORT_TLS, 1);
	bench_input(flow, "\x01");
	bench_expect("close 1 malformed stream\n");
	bench_input(flow, bench_request("OPTIONS", "z9hG4bKone"));
	bench_expect("");
	bench_flow(flow, FLOW_LOST);
	bench_expect("lost\n");
	bench_stop();
}

static void keeps_no_more_than_a_message_of_a_flow(void **state)
{
	flow_id flow;

	bench_start(1);
	flow = bench_open(0, TRANSPORT_TLS, 1);
	bench_input(flow, "OPTIONS sip:a SIP/2.0\r\n");
	for (size_t n = 0; n < 2 * bench_limits.sip.header_area && bench.log.len == 0; n += 16)
		bench_input(flow, "Subject: hello\r\n");
	bench_expect("close 1 malformed stream\n");
	bench_stop();
}

static const struct {
	const char *label, *via, *expected;
} via_cases[] = {
	{ "a name", "SIP/2.0/TLS a.example;branch=z9hG4bK1",
	  "SIP/2.0/TLS a.example;branch=z9hG4bK1;received=192.0.2.1" },
	{ "its address", "SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1", "SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1" },
	{ "another address", "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bK1",
	  "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bK1;received=192.0.2.1" },
	{ "rport", "SIP/2.0/TLS 192.0.2.1;rport;branch=z9hG4bK1",
	  "SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1;received=192.0.2.1;rport=5061" },
	{ "a made-up received", "SIP/2.0/TLS a.example;received=10.1.1.1;branch=z9hG4bK1;rport=9",
	  "SIP/2.0/TLS a.example;branch=z9hG4bK1;received=192.0.2.1;rport=5061" },
	{ "a semicolon in quotes", "SIP/2.0/TLS a.example;x=\"a;received=1\";branch=z9hG4bK1",
	  "SIP/2.0/TLS a.example;x=\"a;received=1\";branch=z9hG4bK1;received=192.0.2.1" },
};

static void fills_in_where_a_request_came_from(void **state)
{
	for (size_t i = 0; i < sizeof(via_cases) / sizeof(via_cases[0]); i++) {
		char text[1024], via[256];

		bench_start(1);
		snprintf(text, sizeof(text),
			 "OPTIONS sip:a SIP/2.0\r\nVia: %s\r\nFrom: <sip:alice@example.org>;tag=1\r\n"
			 "To: <sip:bob@example.org>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\n"
			 "Content-Length: 0\r\n\r\n",
			 via_cases[i].via);
		bench_input(bench_open(0, TRANSPORT_TLS, 1), text);
		bench_respond(200);
		snprintf(via, sizeof(via), "Via: %s\r\n", via_cases[i].expected);
		if (!strstr(bench.sent, via))
			fail_msg("%s: %s", via_cases[i].label, bench.sent);
		bench_stop();
	}
}

static void takes_a_datagram_whole(void **state)
{
	flow_id flow;

	bench_start(1);
	flow = bench_open(0, TRANSPORT_UDP, 1);
	bench_input(flow, "\r\n\r\n");
	bench_input(flow, "OPTIONS");
	bench_expect("");
	bench_input(flow, bench_request("OPTIONS", "z9hG4bKone"));
	bench_expect("request OPTIONS\n");
	bench_stop();
}

static void closes_what_it_does_not_know(void **state)
{
	bench_start(1);
	bench_input(flow_id_of(0, 1, TRANSPORT_TLS, 9), "x");
	bench_expect("close 9 unknown connection\n");
	bench_stop();
}

static void reports_every_message_when_asked_to(void **state)
{
	bench_level = REPORT_DEBUG;
	bench_start(1);
	bench_level = REPORT_ERROR;
	bench_input(bench_open(0, TRANSPORT_TLS, 1), bench_request("OPTIONS", "z9hG4bKone"));
	bench_expect("request OPTIONS\n"
		     "message.in  start=\"OPTIONS sip:bob@example.org SIP/2.0\" cseq=\"1 OPTIONS\"\n");
	bench_stop();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(takes_messages_in_pieces_of_any_size),
	cmocka_unit_test(answers_a_ping_in_one_piece_or_two),
	cmocka_unit_test(tells_of_the_answer_to_its_ping),
	cmocka_unit_test(refuses_what_is_not_sip_and_says_why),
	cmocka_unit_test(answers_a_datagram_that_is_too_long),
	cmocka_unit_test(counts_what_it_drops),
	cmocka_unit_test(reads_nothing_more_of_a_flow_that_it_closes),
	cmocka_unit_test(keeps_no_more_than_a_message_of_a_flow),
	cmocka_unit_test(fills_in_where_a_request_came_from),
	cmocka_unit_test(takes_a_datagram_whole),
	cmocka_unit_test(closes_what_it_does_not_know),
	cmocka_unit_test(reports_every_message_when_asked_to),
};

TEST_MAIN(tests)
