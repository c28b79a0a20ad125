/* A call that has its 2xx: what still comes of it, and what is remembered (RFC 6026). */
#include "call.h"

/* Alice has her answer, and our proof with it. */
static struct world *accepted_call(struct sip_message **ret_at_bob)
{
	struct world *world = call(ret_at_bob);
	struct slice got;

	world_respond(world, BOB_PHONE, *ret_at_bob, "200 OK", "");
	got = world_passed(world, ALICE_PHONE);
	assert_has(got, "SIP/2.0 200 OK\r\n");
	assert_has(got, "Proxy-Authentication-Info: ");
	return world;
}

static void what_comes_again_goes_up_for_32_seconds(void **state) /* RFC6026:7.2 */
{
	struct sip_message *at_bob;
	struct world *world = accepted_call(&at_bob);
	struct slice got;

	world_pass(world, 31000);
	world_respond(world, BOB_PHONE, at_bob, "200 OK",
		      "X-A: b\r\nProxy-Authentication-Info: rspauth=\"1\"\r\n");
	got = world_passed(world, ALICE_PHONE);
	assert_int_equal(count(got, "SIP/2.0 200 OK\r\n"), 1);
	assert_has(got, "X-A: b\r\n");
	assert_int_equal(count(got, "Via: "), 1);
	assert_lacks(got, "Proxy-Authentication-Info"); /* of a phone: it is no proof of ours */
	world_respond(world, BOB_PHONE, at_bob, "486 Busy Here", "");
	world_respond(world, BOB_PHONE, at_bob, "180 Ringing", "");
	world_pass(world, 2000);
	world_respond(world, BOB_PHONE, at_bob, "200 OK", "");
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	sip_message_free(at_bob);
	world_end(world);
}

static void a_late_cancel_is_answered_and_goes_nowhere(void **state) /* RFC3261:9.2 */
{
	struct sip_message *at_bob;
	struct world *world = accepted_call(&at_bob);

	world->n_sent--; /* the branch of the INVITE */
	world_ask(world, ALICE_PHONE, &(struct ask){ .method = "CANCEL" }, (struct slice){ 0 });
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 OK\r\n");
	world->n_sent--;
	world_ask(world, ALICE_PHONE, &invite, (struct slice){ 0 });
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	assert_int_equal(world_passed(world, BOB_PHONE).len, 0);
	sip_message_free(at_bob);
	world_end(world);
}

static void who_is_lost_meanwhile_is_told_nothing(void **state)
{
	static const enum peer lost[] = { ALICE_PHONE, BOB_PHONE };

	for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++) {
		struct sip_message *at_bob;
		struct world *world = accepted_call(&at_bob);

		world_lose(world, lost[i]);
		if (lost[i] == ALICE_PHONE)
			world_respond(world, BOB_PHONE, at_bob, "200 OK", "");
		assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
		assert_int_equal(world_passed(world, BOB_PHONE).len, 0);
		sip_message_free(at_bob);
		world_end(world);
	}
}

/* The first one's 2xx, the end of the other branch, and the first one's 2xx once more. */
static void a_fork_is_over_with_its_last_branch(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);

	world_respond(world, BOB_OTHER, second, "180 Ringing", "");
	world_respond(world, BOB_PHONE, first, "200 OK", "");
	assert_has(world_passed(world, BOB_OTHER), "CANCEL ");
	world_respond(world, BOB_PHONE, first, "200 OK", "");
	assert_int_equal(count(world_passed(world, ALICE_PHONE), "Proxy-Authentication-Info: "), 2);
	world_respond(world, BOB_OTHER, second, "487 Request Terminated", "");
	assert_has(world_passed(world, BOB_OTHER), "ACK ");
	world_respond(world, BOB_PHONE, first, "200 OK", "");
	assert_int_equal(count(world_passed(world, ALICE_PHONE), "SIP/2.0 200 OK\r\n"), 1);
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static void the_server_may_end_after_an_answer(void **state)
{
	struct sip_message *at_bob;
	struct world *world = accepted_call(&at_bob);

	sip_message_free(at_bob);
	world_free(world);
}

/* A busy server remembers the calls of half a minute. Beside the transactions it has room in five tables for them. */
static void a_call_that_is_answered_leaves_less_than_a_kilobyte(void **state)
{
	enum { CALLS = 8 };
	struct sip_message *at_bob;
	struct world *world = accepted_call(&at_bob);
	size_t before;

	sip_message_free(at_bob);
	before = harness_allocated();
	for (size_t i = 0; i < CALLS; i++) {
		char buf[2048];
		struct writer credentials = writer_of(buf, sizeof buf);

		world_put_credentials(world, &credentials, ALICE, &invite);
		world_ask(world, ALICE_PHONE, &invite, writer_text(&credentials));
		at_bob = world_one(world, BOB_PHONE);
		world_respond(world, BOB_PHONE, at_bob, "200 OK", "");
		sip_message_free(at_bob);
		assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 OK\r\n");
	}
	assert_in_range(harness_allocated() - before, 0, CALLS * 1000);
	world_end(world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_comes_again_goes_up_for_32_seconds),
	cmocka_unit_test(a_late_cancel_is_answered_and_goes_nowhere),
	cmocka_unit_test(who_is_lost_meanwhile_is_told_nothing),
	cmocka_unit_test(a_fork_is_over_with_its_last_branch),
	cmocka_unit_test(the_server_may_end_after_an_answer),
	cmocka_unit_test(a_call_that_is_answered_leaves_less_than_a_kilobyte),
};

TEST_MAIN(tests)
