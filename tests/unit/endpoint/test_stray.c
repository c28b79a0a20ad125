/* A request that comes on another connection than its INVITE: whose it may be, and who is asked about it. */
#include "bench.h"

#include <string.h>

enum proof { NOBODY, AN_ACCOUNT, A_DOMAIN };

struct meeting {
	unsigned n_workers, visited; /* the worker of the other connection; the INVITE came to worker 0 */
	enum proof home, visitor;
	account_id account; /* of the visitor; the INVITE's is 7 */
	const char *domain; /* that the visitor has proven; the INVITE's is a.example */
};

static flow_id home, visitor;

static flow_id open_one(unsigned worker, unsigned counter, enum proof proof, account_id account,
			const char *domain)
{
	flow_id flow = bench_open_verified(worker, counter, proof == A_DOMAIN ? domain : "");

	if (proof == AN_ACCOUNT)
		assert_true(endpoint_flow_prove(bench.endpoint[worker], flow, account));
	return flow;
}

/* The INVITE has come, and is answered with status unless that is 0. */
static void meet(const struct meeting *meeting, unsigned status)
{
	bench_start(meeting->n_workers);
	home = open_one(0, 1, meeting->home, 7, "a.example");
	visitor = open_one(meeting->visited, 2, meeting->visitor, meeting->account, meeting->domain);
	bench_input(home, bench_request("INVITE", "z9hG4bK1"));
	if (status)
		bench_respond(status);
	bench.log.len = 0;
	bench.n_letters = 0;
}

static const struct {
	const char *label;
	struct meeting meeting;
	bool is_theirs;
	unsigned n_letters; /* for a CANCEL: there, and its response or itself back */
} rows[] = {
	{ "one account, one worker", { 1, 0, AN_ACCOUNT, AN_ACCOUNT, 7, NULL }, true, 0 },
	{ "one account, two workers", { 2, 1, AN_ACCOUNT, AN_ACCOUNT, 7, NULL }, true, 2 },
	{ "one domain, one worker", { 1, 0, A_DOMAIN, A_DOMAIN, 0, "a.example" }, true, 0 },
	{ "one domain, two workers", { 2, 1, A_DOMAIN, A_DOMAIN, 0, "a.example" }, true, 2 },
	{ "another account, one worker", { 1, 0, AN_ACCOUNT, AN_ACCOUNT, 8, NULL }, false, 0 },
	{ "another account, two workers", { 2, 1, AN_ACCOUNT, AN_ACCOUNT, 8, NULL }, false, 2 },
	{ "another domain", { 2, 1, A_DOMAIN, A_DOMAIN, 0, "b.example" }, false, 2 },
	{ "an account and a domain", { 2, 1, A_DOMAIN, AN_ACCOUNT, 7, NULL }, false, 2 },
	{ "nobody, where nobody is proven", { 1, 0, NOBODY, NOBODY, 0, NULL }, false, 0 },
	{ "nobody is not asked about", { 2, 1, AN_ACCOUNT, NOBODY, 0, NULL }, false, 0 },
};

static void only_its_own_client_cancels(void **state) /* RFC3261:9.2 */
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("# %s\n", rows[i].label);
		meet(&rows[i].meeting, 0);
		bench_input(visitor, bench_request("CANCEL", "z9hG4bK1"));
		bench_expect(rows[i].is_theirs ? "cancelled\n> 2 SIP/2.0 200 OK\n"
					       : "> 2 SIP/2.0 481 Call/Transaction Does Not Exist\n");
		assert_int_equal(bench.n_letters, rows[i].n_letters);
		bench_stop();
	}
}

static void the_ACK_to_a_refusal_is_taken(void **state) /* RFC3261:17.2.1 */
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("# %s\n", rows[i].label);
		meet(&rows[i].meeting, 486);
		bench_input(visitor, bench_request("ACK", "z9hG4bK1"));
		bench_expect(rows[i].is_theirs ? "server gone\n" : "ack\n");
		bench_stop();
	}
}

static const struct {
	const char *label, *route;
	unsigned n_letters; /* there and back */
} routes[] = {
	{ "a token", "<sip:token@server.example.org;lr>", 0 },
	{ "a token behind a name", "\"server\" <sip:token@server.example.org;lr>, <sip:b.example;lr>", 0 },
	{ "a name with what looks like one", "\"o\\\"brien@home>\" <sip:server.example.org;lr>", 2 },
	{ "a token behind such a name", "\"a>b\" <sip:token@server.example.org;lr>", 0 },
	{ "another's token behind ours", "<sip:server.example.org;lr>, <sip:token@b.example;lr>", 2 },
	{ "none", "<sip:server.example.org;lr>", 2 },
};

/* With a token in its Route it is that to a 2xx, and of no transaction. */
static void the_ACK_of_a_dialog_is_asked_about_nowhere(void **state) /* RFC6026:7.1 */
{
	static const struct meeting two = { 2, 1, AN_ACCOUNT, AN_ACCOUNT, 8, NULL };

	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		const char *ack = bench_request("ACK", "z9hG4bK2"), *rest = strstr(ack, "Max-Forwards");
		char text[1024];

		print_message("# %s\n", routes[i].label);
		snprintf(text, sizeof text, "%.*sRoute: %s\r\n%s", (int)(rest - ack), ack, routes[i].route,
			 rest);
		meet(&two, 486);
		bench_input(visitor, text);
		bench_expect("ack\n");
		assert_int_equal(bench.n_letters, routes[i].n_letters);
		bench_stop();
	}
}

static void an_INVITE_once_more_is_no_new_call(void **state) /* RFC3261:17.2.3 */
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("# %s\n", rows[i].label);
		meet(&rows[i].meeting, 180);
		bench_input(visitor, bench_request("INVITE", "z9hG4bK1"));
		bench_expect(rows[i].is_theirs ? "> 2 SIP/2.0 180 Ringing\n" : "request INVITE\n");
		bench_stop();
	}
}

/* RFC 3261 §17.2.1: no transaction is older than 64*T1 before its first answer, so that nobody is asked. */
static void an_INVITE_of_an_old_connection_is_a_new_one(void **state)
{
	static const struct meeting two = { 2, 1, AN_ACCOUNT, AN_ACCOUNT, 8, NULL };

	meet(&two, 486);
	bench_pass(31999);
	bench_input(visitor, bench_request("INVITE", "z9hG4bK2"));
	assert_int_equal(bench.n_letters, 2);
	bench_pass(1);
	bench_input(visitor, bench_request("INVITE", "z9hG4bK3"));
	assert_int_equal(bench.n_letters, 2);
	bench_stop();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(only_its_own_client_cancels),
	cmocka_unit_test(the_ACK_to_a_refusal_is_taken),
	cmocka_unit_test(the_ACK_of_a_dialog_is_asked_about_nowhere),
	cmocka_unit_test(an_INVITE_once_more_is_no_new_call),
	cmocka_unit_test(an_INVITE_of_an_old_connection_is_a_new_one),
};
TEST_MAIN(tests)
