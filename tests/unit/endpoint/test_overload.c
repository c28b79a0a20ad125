/* Which requests may begin a transaction when there are many, and what the others are told. */
#include "bench.h"

static unsigned counter; /* of flows */

static size_t refused(void)
{
	return endpoint_counts(bench.endpoint[0]).reasons[REASON_OVERLOAD];
}

static flow_id open_strange(void)
{
	return bench_open(0, TRANSPORT_TLS, ++counter);
}

static flow_id open_known(void)
{
	flow_id flow = open_strange();

	assert_true(endpoint_flow_prove(bench.endpoint[0], flow, counter));
	return flow;
}

static void start(void)
{
	counter = 0;
	bench_start(1);
}

/* So many INVITEs, on as many flows as it takes; true if the last one began a transaction. */
static bool invite(size_t n, flow_id (*open)(void), size_t per_flow)
{
	flow_id flow = 0;

	for (size_t i = 0; i < n; i++) {
		char branch[32];

		if (i % per_flow == 0)
			flow = open();
		bench.log.len = 0;
		snprintf(branch, sizeof(branch), "z9hG4bK%zu", i);
		bench_input(flow, bench_request("INVITE", branch));
	}
	return slice_starts(writer_text(&bench.log), SLICE("request INVITE\n"));
}

/* With calls of those who are known. */
static void fill_to_seven_eighths(void)
{
	start();
	assert_true(invite(bench_limits.transactions - bench_limits.transactions / 8, open_known,
			   bench_limits.per_flow));
}

/* The same in a dialog. */
static const char *within_dialog(const char *method, const char *branch)
{
	static char text[1100];
	const char *request = bench_request(method, branch), *end = strstr(request, "\r\nCall-ID:");

	snprintf(text, sizeof(text), "%.*s;tag=bob%s", (int)(end - request), request, end);
	return text;
}

static void expect_503(const char *code)
{
	char advice[100];

	assert_true(slice_starts(slice_of(bench.sent), SLICE("SIP/2.0 503 Service Unavailable\r\n")));
	assert_non_null(strstr(bench.sent, "\r\nRetry-After: 10\r\n"));
	assert_non_null(
		strstr(bench.sent, "\r\nWarning: 399 proxy.example.org \"as many requests are under way"));
	snprintf(advice, sizeof(advice), " [%s]\"\r\n", code);
	assert_non_null(strstr(bench.sent, advice));
}

static void begins_nothing_new_past_seven_eighths(void **state)
{
	flow_id flow;

	fill_to_seven_eighths();
	flow = open_known();
	bench_input(flow, bench_request("INVITE", "z9hG4bKmore"));
	expect_503("server.overload");
	assert_int_equal(refused(), 1);
	bench_stop();
}

static void keeps_the_rest_for_dialogs_of_who_is_known(void **state)
{
	flow_id flow;

	fill_to_seven_eighths();
	flow = open_strange();
	bench_input(flow, within_dialog("BYE", "z9hG4bKstrange"));
	expect_503("server.overload");
	for (size_t i = 0; i < bench_limits.transactions / 8; i++) {
		char branch[32];

		if (i % bench_limits.per_flow == 0)
			flow = open_known();
		snprintf(branch, sizeof(branch), "z9hG4bKbye%zu", i);
		bench.log.len = 0;
		bench_input(flow, within_dialog("BYE", branch));
		bench_expect("request BYE\n");
	}
	flow = open_known();
	bench_input(flow, within_dialog("BYE", "z9hG4bKmore"));
	expect_503("server.overload");
	/* what needs no transaction gets through */
	bench.log.len = 0;
	bench_input(flow, within_dialog("ACK", "z9hG4bKmore"));
	bench_expect("ack\n");
	assert_int_equal(refused(), 2);
	bench_stop();
}

static void gives_strangers_half_and_leaves_the_others_to_who_is_known(void **state)
{
	start();
	assert_true(invite(bench_limits.transactions / 2, open_strange, bench_limits.per_stranger));
	assert_false(invite(1, open_strange, 1));
	expect_503("server.strangers");
	assert_true(invite(1, open_known, 1));
	bench_stop();
}

static void forgets_strangers_with_their_transactions(void **state)
{
	start();
	assert_true(invite(bench_limits.transactions / 2, open_strange, bench_limits.per_stranger));
	bench_respond(407);
	bench.log.len = 0;
	bench_flow(flow_id_of(0, 1, TRANSPORT_TLS, counter), FLOW_LOST); /* with the one that was answered */
	assert_true(invite(1, open_strange, 1));
	assert_false(invite(1, open_strange, 1));
	bench_stop();
}

/* One that was proven meanwhile was a stranger's when it began. */
static void forgets_what_began_before_its_sender_was_known(void **state)
{
	flow_id flow;

	start();
	flow = open_strange();
	bench_input(flow, bench_request("OPTIONS", "z9hG4bK1"));
	assert_true(endpoint_flow_prove(bench.endpoint[0], flow, 7));
	bench_respond(200);
	assert_true(invite(bench_limits.transactions / 2, open_strange, bench_limits.per_stranger));
	assert_false(invite(1, open_strange, 1));
	bench_stop();
}

static void looks_at_what_was_asked_of_others_too(void **state)
{
	const struct requirement none = { 0 };
	flow_id phone, flow;

	start();
	phone = open_known();
	for (size_t i = 0; i < bench_limits.transactions - bench_limits.transactions / 8; i++)
		assert_int_equal(bench_ask(0, SIP_INVITE, phone, none), OK);
	flow = open_known();
	bench_input(flow, bench_request("INVITE", "z9hG4bKmore"));
	expect_503("server.overload");
	bench.log.len = 0;
	bench_input(flow, within_dialog("BYE", "z9hG4bKmore"));
	bench_expect("request BYE\n");
	bench_stop();
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

static void reports_some_and_counts_the_others(void **state)
{
	enum report_level before = bench_level;
	flow_id flow;

	bench_level = REPORT_WARNING;
	start();
	flow = open_strange();
	for (size_t i = 0; i < bench_limits.per_stranger + 25; i++) {
		char branch[32];

		snprintf(branch, sizeof(branch), "z9hG4bK%zu", i);
		bench_input(flow, bench_request("INVITE", branch));
	}
	expect_503("connection.overload");
	assert_int_equal(refused(), 25);
	bench.log_text[bench.log.len] = '\0';
	assert_int_equal(count(bench.log_text, "request.refused "), 10);
	bench.log.len = 0;
	bench_pass(1000);
	bench.log.len = 0;
	bench_input(flow, bench_request("INVITE", "z9hG4bKmore"));
	bench.log_text[bench.log.len] = '\0';
	assert_int_equal(count(bench.log_text, " unlogged=15\n"), 1);
	bench_stop();
	bench_level = before;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(begins_nothing_new_past_seven_eighths),
	cmocka_unit_test(keeps_the_rest_for_dialogs_of_who_is_known),
	cmocka_unit_test(gives_strangers_half_and_leaves_the_others_to_who_is_known),
	cmocka_unit_test(forgets_strangers_with_their_transactions),
	cmocka_unit_test(forgets_what_began_before_its_sender_was_known),
	cmocka_unit_test(looks_at_what_was_asked_of_others_too),
	cmocka_unit_test(reports_some_and_counts_the_others),
};

TEST_MAIN(tests)
