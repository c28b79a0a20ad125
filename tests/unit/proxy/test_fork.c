/* A call to several phones: forking, the best response, breadth (RFC 3261 §16.7, RFC 5393 §5.3). */
#include "call.h"

static void the_first_to_answer_has_the_call(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);
	struct slice got;

	assert_has(first->text, "Max-Breadth: 30\r\n");
	world_respond(world, BOB_PHONE, first, "180 Ringing", "");
	world_respond(world, BOB_OTHER, second, "180 Ringing", "");
	assert_int_equal(count(world_passed(world, ALICE_PHONE), "SIP/2.0 180"), 2);
	world_respond(world, BOB_OTHER, second, "200 OK", "");
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 OK");
	got = world_passed(world, BOB_PHONE);
	assert_has(got, "CANCEL sip:bob@192.0.2.20");
	assert_has(got, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n");
	world_respond(world, BOB_PHONE, first, "487 Request Terminated", "");
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static void two_that_answer_at_once_both_reach_the_caller(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);

	world_respond(world, BOB_PHONE, first, "200 OK", "X-Phone: one\r\n");
	world_respond(world, BOB_OTHER, second, "200 OK", "X-Phone: two\r\n");
	assert_int_equal(count(world_passed(world, ALICE_PHONE), "SIP/2.0 200 OK"), 2);
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

/* What is remembered of a call is not what is being set up. */
static void an_answered_call_lets_the_account_make_the_next(void **state)
{
	static const char *const answers[] = { "200 OK", "486 Busy Here" };

	for (size_t i = 0; i < 2; i++) {
		struct world *world = world_new();
		struct sip_message *at_bob;

		world->server.calls_max = 1;
		world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
		world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
		at_bob = world_one(world, BOB_PHONE);
		world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
		assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 503 ");
		world_respond(world, BOB_PHONE, at_bob, answers[i], "");
		(void)world_passed(world, ALICE_PHONE);
		(void)world_passed(world, BOB_PHONE);
		world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
		assert_has(world_passed(world, BOB_PHONE), "INVITE ");
		sip_message_free(at_bob);
		world_end(world);
	}
}

/* RFC6026:8.3 */
static void a_2xx_reaches_the_caller_when_the_transaction_is_forgotten(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);
	struct slice got;

	world_respond(world, BOB_OTHER, second, "180 Ringing", "");
	world_respond(world, BOB_PHONE, first, "200 OK", "");
	world_pass(world, 31000);
	world_respond(world, BOB_OTHER, second, "200 OK", "X-Phone: two\r\n");
	world_pass(world, 5000);
	(void)world_passed(world, ALICE_PHONE);
	world_respond(world, BOB_OTHER, second, "200 OK", "X-Phone: two\r\n");
	got = world_passed(world, ALICE_PHONE);
	assert_int_equal(count(got, "SIP/2.0 200 OK"), 1);
	assert_has(got, "X-Phone: two\r\n");
	assert_int_equal(count(got, "Via: "), 1);
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static const struct {
	const char *label, *first, *second, *result;
} best[] = {
	{ "a 6xx before all", "486 Busy Here", "603 Decline", "SIP/2.0 603 Decline" },
	{ "the lowest class", "503 No", "486 Busy Here", "SIP/2.0 486 Busy Here" },
	{ "3xx before 4xx", "404 No", "302 Moved", "SIP/2.0 302 Moved" },
	{ "what tells how to ask again", "486 Busy Here", "415 Media", "SIP/2.0 415 Media" },
	{ "the first of equals", "480 Away", "486 Busy Here", "SIP/2.0 480 Away" },
	{ "not a 503 if there is another", "503 No", "500 No", "SIP/2.0 500 " },
};

static void the_best_response_goes_up_when_all_are_there(void **state)
{
	for (size_t i = 0; i < sizeof best / sizeof best[0]; i++) {
		struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
		struct sip_message *first = world_one(world, BOB_PHONE),
				   *second = world_one(world, BOB_OTHER);
		struct slice got;

		world_respond(world, BOB_PHONE, first, best[i].first, "");
		assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
		world_respond(world, BOB_OTHER, second, best[i].second, "");
		got = world_passed(world, ALICE_PHONE);
		if (!slice_starts(got, slice_of(best[i].result)))
			fail_msg("%s: %.*s", best[i].label, SLICE_FMT(got));
		sip_message_free(first);
		sip_message_free(second);
		world_end(world);
	}
}

/* RFC3261:16.7 step 5: "it MUST NOT create any new branches in this context" */
static void after_a_6xx_no_other_flow_of_a_phone_is_tried(void **state)
{
	static const struct ask ask = { .method = "MESSAGE" };
	static const char *const failures[] = { "430 Flow Failed", NULL };

	for (size_t i = 0; i < 2; i++) {
		struct world *world = world_new();
		struct sip_message *at_bob, *at_other;

		world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
		world_bind(world, BOB, BOB_OTHER, "sip:bob@192.0.2.21", 1000);
		world_bind(world, BOB, CAROL_PHONE, "sip:bob@192.0.2.22", 1000);
		world->accounts[BOB].bindings[0].instance = SLICE("urn:x");
		world->accounts[BOB].bindings[1].instance = SLICE("urn:x");
		world->accounts[BOB].bindings[1].expires -= 100;
		world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
		at_bob = world_one(world, BOB_PHONE);
		at_other = world_one(world, CAROL_PHONE);
		world_respond(world, CAROL_PHONE, at_other, "603 Decline", "");
		if (failures[i])
			world_respond(world, BOB_PHONE, at_bob, failures[i], "");
		else
			world_lose(world, BOB_PHONE);
		assert_int_equal(world_passed(world, BOB_OTHER).len, 0);
		assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 603 ");
		sip_message_free(at_bob);
		sip_message_free(at_other);
		world_end(world);
	}
}

static void a_6xx_stops_the_others_and_goes_up_when_they_have_ended(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);

	world_respond(world, BOB_OTHER, second, "180 Ringing", "");
	world_passed(world, ALICE_PHONE);
	world_respond(world, BOB_PHONE, first, "600 Busy Everywhere", "");
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	assert_has(world_passed(world, BOB_OTHER), "CANCEL sip:bob@192.0.2.21");
	world_respond(world, BOB_OTHER, second, "487 Request Terminated", "");
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 600 Busy Everywhere");
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static void the_challenges_of_all_branches_are_collected(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);
	struct slice got;

	world_respond(world, BOB_PHONE, first, "407 No",
		      "Proxy-Authenticate: Digest realm=\"one\", nonce=\"1\"\r\n");
	world_respond(world, BOB_OTHER, second, "401 No",
		      "WWW-Authenticate: Digest realm=\"two\", nonce=\"1\"\r\n");
	got = world_passed(world, ALICE_PHONE);
	assert_has(got, "SIP/2.0 407 No");
	assert_int_equal(count(got, "realm=\"one\""), 1);
	assert_int_equal(count(got, "realm=\"two\""), 1);
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static void phones_of_lower_q_are_tried_afterwards(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 500);
	struct sip_message *first = world_one(world, BOB_PHONE), *second;

	assert_int_equal(world_passed(world, BOB_OTHER).len, 0);
	world_respond(world, BOB_PHONE, first, "486 Busy Here", "");
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	second = world_one(world, BOB_OTHER);
	world_respond(world, BOB_OTHER, second, "200 OK", "");
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 OK");
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static void breadth_bounds_how_many_ring_at_once(void **state) /* RFC5393:5.3.3 */
{
	struct world *world = world_new();
	const struct ask one = { .headers = "Max-Breadth: 1\r\n" },
			 none = { .headers = "Max-Breadth: 0\r\n" };
	struct sip_message *first;

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_bind(world, BOB, BOB_OTHER, "sip:bob@192.0.2.21", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &one);
	first = world_one(world, BOB_PHONE);
	assert_has(first->text, "Max-Breadth: 1\r\n");
	assert_int_equal(world_passed(world, BOB_OTHER).len, 0);
	world_respond(world, BOB_PHONE, first, "486 Busy Here", "");
	assert_has(world_passed(world, BOB_OTHER), "INVITE sip:bob@192.0.2.21");
	sip_message_free(first);

	world_passed(world, ALICE_PHONE);
	world_ask_proven(world, ALICE_PHONE, ALICE, &none);
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 440 Max-Breadth Exceeded");
	world_end(world);
}

static void a_wish_for_more_breadth_than_we_allow_is_cut(void **state) /* RFC5393:5.3.3 */
{
	struct world *world = world_new();
	const struct ask many = { .headers = "Max-Breadth: 4000000000\r\n" };
	struct sip_message *first;

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &many);
	first = world_one(world, BOB_PHONE);
	assert_has(first->text, "Max-Breadth: 60\r\n");
	sip_message_free(first);
	world_end(world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_first_to_answer_has_the_call),
	cmocka_unit_test(two_that_answer_at_once_both_reach_the_caller),
	cmocka_unit_test(an_answered_call_lets_the_account_make_the_next),
	cmocka_unit_test(a_2xx_reaches_the_caller_when_the_transaction_is_forgotten),
	cmocka_unit_test(the_best_response_goes_up_when_all_are_there),
	cmocka_unit_test(after_a_6xx_no_other_flow_of_a_phone_is_tried),
	cmocka_unit_test(a_6xx_stops_the_others_and_goes_up_when_they_have_ended),
	cmocka_unit_test(the_challenges_of_all_branches_are_collected),
	cmocka_unit_test(phones_of_lower_q_are_tried_afterwards),
	cmocka_unit_test(breadth_bounds_how_many_ring_at_once),
	cmocka_unit_test(a_wish_for_more_breadth_than_we_allow_is_cut),
};

TEST_MAIN(tests)
