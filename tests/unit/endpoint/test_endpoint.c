#include "bench.h"

#include <string.h>

#include "base/mem.h"
#include "sip/build.h"

static const struct requirement nothing;

/* A server of which 30 connections a second end and come anew must not run out of ids within a year of work. */
static void an_id_says_whose_flow_it_is_however_many_there_were(void **state)
{
	static const uint64_t counters[] = { 1, 0x1fffffff, 0x20000000, 0x1234567890 };

	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		flow_id id = flow_id_of(200, 40000, TRANSPORT_WSS, counters[i]);

		assert_int_equal(flow_worker(id), 200);
		assert_int_equal(flow_start(id), 40000);
		assert_int_equal(flow_transport(id), TRANSPORT_WSS);
		assert_true((id & FLOW_COUNTER_MAX) == counters[i]);
	}
}

/* -- two workers ----------------------------------------------------------------------------------------- */

static void asks_on_another_workers_flow(void **state)
{
	flow_id bob;

	bench_start(2);
	bob = bench_open(1, TRANSPORT_TCP, 5);
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_expect("> 5 INVITE sip:bob@192.0.2.7 SIP/2.0\n");
	assert_non_null(strstr(bench.sent, "\r\nVia: SIP/2.0/TCP proxy.example.org;"));
	bench_input(bob, bench_reply(180));
	bench_input(bob, bench_reply(486));
	bench_expect("response 180\nresponse 486\nclient gone\n> 5 ACK sip:bob@192.0.2.7 SIP/2.0\n");
	assert_int_equal(endpoint_counts(bench.endpoint[0]).clients, 0);
	assert_int_equal(endpoint_counts(bench.endpoint[1]).stray_responses, 0);
	bench_stop();
}

static void cancels_on_another_workers_flow(void **state)
{
	flow_id bob;

	bench_start(2);
	bob = bench_open(1, TRANSPORT_TLS, 5);
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_input(bob, bench_reply(180));
	endpoint_cancel(bench.endpoint[0], bench.client, SLICE(""), bench.now);
	bench_pass(0);
	bench_expect(
		"> 5 INVITE sip:bob@192.0.2.7 SIP/2.0\nresponse 180\n> 5 CANCEL sip:bob@192.0.2.7 SIP/2.0\n");
	bench_stop();
}

static void learns_that_another_workers_flow_is_lost(void **state)
{
	flow_id bob, carol;

	bench_start(2);
	bob = bench_open(1, TRANSPORT_TLS, 5);
	carol = bench_open(1, TRANSPORT_TLS, 6);
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	assert_int_equal(bench_ask(0, SIP_INVITE, carol, nothing), OK);
	bench.log.len = 0;
	bench_flow(bob, FLOW_LOST);
	bench_expect("lost\nfailed flow lost\nfailed flow lost\nclient gone\nclient gone\n");
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench_expect("failed flow lost\nclient gone\n");
	assert_int_equal(endpoint_counts(bench.endpoint[0]).clients, 1);
	bench_stop();
}

static void is_refused_by_the_owner_of_the_flow_and_nobody_else_is(void **state)
{
	struct requirement account = { .level = REQUIRE_ACCOUNT, .account = 7 };
	flow_id bob;

	bench_start(2);
	bob = bench_open(1, TRANSPORT_TLS, 5);
	assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, nothing), OK);
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, account), OK);
	bench_expect("> 5 MESSAGE sip:bob@192.0.2.7 SIP/2.0\nfailed refused\nclient gone\n");
	assert_int_equal(endpoint_counts(bench.endpoint[1]).refused_sends, 1);
	assert_int_equal(endpoint_counts(bench.endpoint[0]).clients, 1);
	assert_true(endpoint_flow_prove(bench.endpoint[1], bob, 7));
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, account), OK);
	bench_expect("> 5 INVITE sip:bob@192.0.2.7 SIP/2.0\n");
	bench_stop();
}

static void takes_a_forwarded_response_only_from_the_flow_that_was_asked(void **state)
{
	flow_id bob, mallory;

	bench_start(2);
	bob = bench_open(1, TRANSPORT_TLS, 5);
	mallory = bench_open(1, TRANSPORT_TLS, 6);
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench.log.len = 0;
	bench_input(mallory, bench_reply(200));
	bench_expect("");
	assert_int_equal(endpoint_counts(bench.endpoint[0]).stray_responses, 1);
	bench_stop();
}

/* Writes a 200 to the request that was sent last; returns the place of a character of its branch. */
static char *in_branch(char reply[1024], size_t n)
{
	snprintf(reply, 1024, "%s", bench_reply(200));
	return strstr(reply, "branch=z9hG4bK") + strlen("branch=z9hG4bK") + n;
}

static void does_not_forward_a_response_with_a_made_up_branch(void **state)
{
	char reply[1024], *at;
	flow_id bob;

	bench_start(2);
	bob = bench_open(1, TRANSPORT_TLS, 5);
	assert_int_equal(bench_ask(0, SIP_INVITE, bob, nothing), OK);
	bench.log.len = 0;
	at = in_branch(reply, 20);
	*at = *at == 'x' ? 'y' : 'x';
	bench_input(bob, reply);
	bench_expect("");
	assert_int_equal(endpoint_counts(bench.endpoint[1]).stray_responses, 1);
	bench_stop();
}

/* Two branches that follow each other have their checks from one HMAC (endpoint/branch.c); 4: the lowest bit of the counter. */
static void a_branch_is_good_under_its_own_check_alone(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char reply[1024], *at;
	flow_id bob;

	bench_start(2);
	bob = bench_open(1, TRANSPORT_TLS, 5);
	for (unsigned n = 1; n <= 5; n++) {
		assert_int_equal(bench_ask(0, SIP_MESSAGE, bob, nothing), OK);
		bench.log.len = 0;
		at = in_branch(reply, 2);
		*at = digits[(strchr(digits, *at) - digits) ^ 4];
		bench_input(bob, reply);
		bench_expect("");
		assert_int_equal(endpoint_counts(bench.endpoint[1]).stray_responses, n);
		bench_input(bob, bench_reply(200));
		bench_expect("response 200\nclient gone\n");
	}
	bench_stop();
}

static void sends_to_no_worker_that_does_not_exist(void **state)
{
	bench_start(2);
	assert_int_equal(bench_ask(0, SIP_INVITE, flow_id_of(9, 1, TRANSPORT_TLS, 1), nothing), OK);
	bench_pass(0);
	bench_expect("failed flow lost\nclient gone\n");
	bench_stop();
}

static void closes_the_flows_of_an_account_that_is_dropped(void **state)
{
	struct letter *letter;
	flow_id flow[3];

	bench_start(1);
	for (unsigned i = 0; i < 3; i++)
		flow[i] = bench_open(0, TRANSPORT_TLS, i + 1);
	assert_true(endpoint_flow_prove(bench.endpoint[0], flow[0], 7));
	assert_true(endpoint_flow_prove(bench.endpoint[0], flow[1], 8));
	letter = letter_new(&(struct letter){ .kind = LETTER_DROP_ACCOUNT, .account = 7 });
	assert_non_null(letter);
	endpoint_letter(bench.endpoint[0], letter, bench.now);
	bench_pass(0);
	bench_expect("close 1 account removed or changed\n");
	assert_false(endpoint_flow_has(bench.endpoint[0], flow[0], 7));
	assert_true(endpoint_flow_has(bench.endpoint[0], flow[1], 8));
	bench_stop();
}

/* -- flows ----------------------------------------------------------------------------------------------- */

static void remembers_who_is_proven_on_a_flow(void **state)
{
	const struct flow_view *view;
	flow_id flow;

	bench_start(1);
	flow = bench_open_verified(0, 1, "b.example");
	assert_false(endpoint_flow_has(bench.endpoint[0], flow, 1));
	for (account_id account = 1; account <= 8; account++)
		assert_true(endpoint_flow_prove(bench.endpoint[0], flow, account));
	assert_true(endpoint_flow_prove(bench.endpoint[0], flow, 8));
	assert_false(endpoint_flow_prove(bench.endpoint[0], flow, 9));
	assert_true(endpoint_flow_has(bench.endpoint[0], flow, 1));
	view = endpoint_flow_view(bench.endpoint[0], flow);
	assert_non_null(view);
	assert_int_equal(view->n_accounts, 8);
	assert_int_equal(view->transport, TRANSPORT_TLS);
	assert_true(slice_eq(view->verified, SLICE("b.example")));
	assert_true(slice_eq(view->tls_version, SLICE("TLSv1.3")));
	bench_flow(flow, FLOW_LOST);
	assert_false(endpoint_flow_has(bench.endpoint[0], flow, 1));
	assert_false(endpoint_flow_prove(bench.endpoint[0], flow, 1));
	assert_null(endpoint_flow_view(bench.endpoint[0], flow));
	bench_stop();
}

static void has_room_for_what_its_user_keeps_of_a_flow(void **state)
{
	flow_id flow;
	void **slot;

	bench_start(1);
	flow = bench_open(0, TRANSPORT_TLS, 1);
	slot = endpoint_flow_slot(bench.endpoint[0], flow, mem_free);
	assert_non_null(slot);
	assert_null(*slot);
	*slot = mem_alloc(10);
	assert_ptr_equal(endpoint_flow_slot(bench.endpoint[0], flow, mem_free), slot);
	bench_flow(flow, FLOW_LOST);
	assert_null(endpoint_flow_slot(bench.endpoint[0], flow, mem_free));
	bench_stop();
}

static void takes_no_more_flows_than_allowed(void **state)
{
	bench_start(1);
	for (unsigned i = 0; i < bench_limits.flows; i++)
		bench_open(0, TRANSPORT_TLS, i + 1);
	bench_expect("");
	bench_open(0, TRANSPORT_TLS, 999);
	bench_expect("close 999 too many connections\n");
	bench_stop();
}

/* -- questions and timers -------------------------------------------------------------------------------- */

static void asks_and_hands_the_answer_to_who_asked(void **state)
{
	struct binding binding = { .contact = SLICE("sip:bob@192.0.2.7") };
	static const struct account bob;
	AUTO(aor) struct aor *wanted = aor_new(SLICE("bob@example.org"), 1, &bob, &binding, 1);
	struct store_question store = { .wanted = wanted };
	struct connect_question connect = { .transport = TRANSPORT_TLS, .host = SLICE("sip.example.org") };
	struct dns_question resolve = { SLICE("_sips._tcp.example.org"), DNS_SRV };
	struct question question = { 0 };

	assert_non_null(wanted);
	bench_start(1);
	assert_int_equal(endpoint_lookup(bench.endpoint[0], &question, SLICE("bob@example.org")), OK);
	bench_pass(0);
	bench_expect("lookup bob@example.org\n");
	endpoint_answer(bench.endpoint[0], &(struct answer){ .question = bench.asked, .err = ERR_NOT_FOUND },
			bench.now);
	bench_expect("answer not found\n");
	assert_int_equal(question.id, 0);
	endpoint_answer(bench.endpoint[0], &(struct answer){ .question = bench.asked }, bench.now);
	bench_expect("");

	assert_int_equal(endpoint_store(bench.endpoint[0], &question, &store), OK);
	bench_pass(0);
	bench_expect("store sip:bob@192.0.2.7\n");
	endpoint_forget(bench.endpoint[0], &question);
	endpoint_forget(bench.endpoint[0], &question);
	endpoint_answer(bench.endpoint[0], &(struct answer){ .question = bench.asked }, bench.now);
	bench_expect("");

	assert_int_equal(endpoint_connect(bench.endpoint[0], &question, &connect), OK);
	bench_pass(0);
	bench_expect("connect sip.example.org\n");
	endpoint_forget(bench.endpoint[0], &question);

	assert_int_equal(endpoint_resolve(bench.endpoint[0], &question, &resolve), OK);
	bench_pass(0);
	bench_expect("resolve _sips._tcp.example.org\n");

	/* what is wanted is the endpoint's until the next action is taken, or until it goes itself */
	endpoint_forget(bench.endpoint[0], &question);
	assert_int_equal(wanted->refs, 1);
	assert_int_equal(endpoint_store(bench.endpoint[0], &question, &store), OK);
	assert_int_equal(wanted->refs, 2);
	bench_stop();
	assert_int_equal(wanted->refs, 1);
}

static void questions_have_their_answers_in_any_order(void **state)
{
	enum { OLDEST, FORGOTTEN, NEWEST, QUESTIONS };
	static const int order[QUESTIONS] = { NEWEST, FORGOTTEN, OLDEST };
	struct question questions[QUESTIONS] = { 0 };
	uint64_t ids[QUESTIONS];

	bench_start(1);
	for (size_t i = 0; i < QUESTIONS; i++) {
		assert_int_equal(endpoint_lookup(bench.endpoint[0], &questions[i], SLICE("bob@example.org")),
				 OK);
		ids[i] = questions[i].id;
	}
	bench_pass(0);
	bench_expect("lookup bob@example.org\nlookup bob@example.org\nlookup bob@example.org\n");
	endpoint_forget(bench.endpoint[0], &questions[FORGOTTEN]);
	for (size_t i = 0; i < QUESTIONS; i++) {
		endpoint_answer(bench.endpoint[0],
				&(struct answer){ .question = ids[order[i]], .err = ERR_NOT_FOUND },
				bench.now);
		bench_expect(order[i] == FORGOTTEN ? "" : "answer not found\n");
		assert_int_equal(questions[order[i]].id, 0);
	}
	bench_stop();
}

static void runs_the_timers_of_its_user(void **state)
{
	struct timer timer = { .kind = ENDPOINT_TIMER_USER };

	bench_start(1);
	assert_int_equal(endpoint_due(bench.endpoint[0]), 0);
	assert_int_equal(timers_set(endpoint_timers(bench.endpoint[0]), &timer, bench.now.mono + 10), OK);
	assert_int_equal(endpoint_due(bench.endpoint[0]), bench.now.mono + 10);
	bench_pass(9);
	bench_expect("");
	bench_pass(1);
	bench_expect("timer\n");
	bench_stop();
}

static void refuses_to_begin_with_a_name_that_is_none(void **state)
{
	static const uint8_t branch_key[32];
	struct endpoint *endpoint;
	struct endpoint_config config = {
		.n_workers = 1,
		.branch_key = branch_key,
		.sent_by = SLICE("proxy.example.org;x"),
	};

	bench_start(1);
	config.limits = bench_limits;
	config.random = bench.random;
	config.crypto = bench.crypto;
	assert_int_equal(endpoint_new(&config, &endpoint), ERR_SYNTAX);
	config.sent_by = SLICE("[2001:db8::1]:5061");
	config.worker = 3;
	assert_int_equal(endpoint_new(&config, &endpoint), OK);
	assert_int_equal(endpoint_worker(endpoint), 3);
	assert_ptr_equal(endpoint_random(endpoint), bench.random);
	endpoint_free(endpoint);
	bench_stop();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(asks_on_another_workers_flow),
	cmocka_unit_test(cancels_on_another_workers_flow),
	cmocka_unit_test(learns_that_another_workers_flow_is_lost),
	cmocka_unit_test(is_refused_by_the_owner_of_the_flow_and_nobody_else_is),
	cmocka_unit_test(takes_a_forwarded_response_only_from_the_flow_that_was_asked),
	cmocka_unit_test(does_not_forward_a_response_with_a_made_up_branch),
	cmocka_unit_test(a_branch_is_good_under_its_own_check_alone),
	cmocka_unit_test(sends_to_no_worker_that_does_not_exist),
	cmocka_unit_test(closes_the_flows_of_an_account_that_is_dropped),
	cmocka_unit_test(remembers_who_is_proven_on_a_flow),
	cmocka_unit_test(has_room_for_what_its_user_keeps_of_a_flow),
	cmocka_unit_test(an_id_says_whose_flow_it_is_however_many_there_were),
	cmocka_unit_test(takes_no_more_flows_than_allowed),
	cmocka_unit_test(asks_and_hands_the_answer_to_who_asked),
	cmocka_unit_test(questions_have_their_answers_in_any_order),
	cmocka_unit_test(runs_the_timers_of_its_user),
	cmocka_unit_test(refuses_to_begin_with_a_name_that_is_none),
};

TEST_MAIN(tests)
