/* A call to one phone: responses, CANCEL, timers, what is lost (RFC 3261 §16.7 to §16.10). */
#include "call.h"

/* -- where nobody is ------------------------------------------------------------------------------------------------- */

static void says_why_nobody_can_be_reached(void **state)
{
	struct world *world = world_new();
	struct slice got;

	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	got = world_passed(world, ALICE_PHONE);
	assert_has(got, "SIP/2.0 480 ");
	assert_lacks(got, "Retry-After");

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_lose(world, BOB_PHONE);
	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	got = world_passed(world, ALICE_PHONE);
	assert_has(got, "SIP/2.0 480 ");
	assert_has(got, "Retry-After: 30\r\n");

	/* a binding from before the restart */
	world_bind(world, BOB, BOB_OTHER, "sip:bob@192.0.2.20", 1000);
	world->accounts[BOB].bindings[0].flow = flow_id_of(0, START - 1, TRANSPORT_TLS, 1);
	world->accounts[BOB].bindings[1].expires = world->now.wall;
	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	assert_has(world_passed(world, ALICE_PHONE), "Retry-After: 30\r\n");
	world_end(world);
}

/* -- RFC 3261 §16.7: one branch -------------------------------------------------------------------------------------- */

static void responses_go_up_and_a_dialog_goes_on(void **state)
{
	struct sip_message *at_bob, *ok, *bye;
	struct world *world = call(&at_bob);
	char route[512];
	struct writer out = writer_of(route, sizeof route);
	struct slice got;

	world_respond(world, BOB_PHONE, at_bob, "100 Trying", "");
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	world_respond(world, BOB_PHONE, at_bob, "180 Ringing", "X-A: b\r\n");
	got = world_passed(world, ALICE_PHONE);
	assert_has(got, "SIP/2.0 180 Ringing\r\n");
	assert_has(
		got,
		"Via: SIP/2.0/TLS 192.0.2.99:1234;branch=z9hG4bK-test-2;received=192.0.2.99;rport=1234\r\n");
	assert_has(got, "X-A: b\r\n");
	assert_lacks(got, "Via: SIP/2.0/TLS sip.example.org");

	char record_route[512];
	snprintf(record_route, sizeof record_route, "Contact: <sip:bob@192.0.2.20>\r\nRecord-Route: %.*s\r\n",
		 SLICE_FMT(sip_message_value(at_bob, SIP_RECORD_ROUTE)));
	world_respond(world, BOB_PHONE, at_bob, "200 OK", record_route);
	ok = world_one(world, ALICE_PHONE);
	assert_int_equal(ok->status, 200);

	put(&out, SLICE("Route: "));
	put(&out, sip_message_value(ok, SIP_RECORD_ROUTE));
	put(&out, SLICE("\r\n"));
	world_ask(world, ALICE_PHONE,
		  &(struct ask){ .method = "ACK",
				 .uri = "sip:bob@192.0.2.20",
				 .to = "<sip:bob@example.org>;tag=callee",
				 .cseq = 2 },
		  writer_text(&out));
	got = world_passed(world, BOB_PHONE);
	assert_has(got, "ACK sip:bob@192.0.2.20 SIP/2.0\r\nVia: SIP/2.0/TLS sip.example.org;");
	assert_lacks(got, "Route:");

	world_ask(world, BOB_PHONE,
		  &(struct ask){ .method = "BYE",
				 .uri = "sip:alice@192.0.2.10",
				 .from = "<sip:bob@example.org>;tag=callee",
				 .to = "<sip:alice@example.org>;tag=a" },
		  writer_text(&out));
	bye = world_one(world, ALICE_PHONE);
	assert_int_equal(bye->method, SIP_BYE);
	world_respond(world, ALICE_PHONE, bye, "200 OK", "");
	assert_has(world_passed(world, BOB_PHONE), "SIP/2.0 200 OK");
	assert_has(world_log(world), "call.started");
	assert_has(world_log(world), "call.answered");
	assert_has(world_log(world), "call.ended");
	sip_message_free(bye);
	sip_message_free(ok);
	sip_message_free(at_bob);
	world_end(world);
}

static const struct {
	const char *label, *status, *headers, *result, *present, *absent;
} finals[] = {
	{ "busy", "486 Busy Here", "X-Why: meeting\r\n", "SIP/2.0 486 Busy Here", "X-Why: meeting", NULL },
	{ "moved", "302 Moved", "Contact: <sip:b@example.net>\r\n", "SIP/2.0 302 Moved",
	  "Contact: <sip:b@example.net>", NULL },
	{ "declined", "603 Decline", "", "SIP/2.0 603 Decline", NULL, NULL },
	{ "the phone's 503 is not ours", "503 Overload", "Retry-After: 600\r\n", "SIP/2.0 500 ", NULL,
	  "Retry-After" },
	{ "a challenge of the phone's own realm", "407 No",
	  "Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"1\"\r\n", "SIP/2.0 407 No", "realm=\"pbx\"",
	  NULL },
	/* a phone must not have the caller's phone hand out its credentials */
	{ "a challenge for our realm", "407 No",
	  "Proxy-Authenticate: Digest realm=\"example.org\", nonce=\"1\"\r\nWWW-Authenticate: Digest realm=\"pbx\", nonce=\"2\"\r\n",
	  "SIP/2.0 407 No", "realm=\"pbx\"", "realm=\"example.org\"" },
};

static void final_responses_go_up(void **state)
{
	for (size_t i = 0; i < sizeof finals / sizeof finals[0]; i++) {
		struct sip_message *at_bob;
		struct world *world = call(&at_bob);
		struct slice got;

		world_respond(world, BOB_PHONE, at_bob, finals[i].status, finals[i].headers);
		got = world_passed(world, ALICE_PHONE);
		if (!slice_starts(got, slice_of(finals[i].result)))
			fail_msg("%s: %.*s", finals[i].label, SLICE_FMT(got));
		if (finals[i].present)
			assert_has(got, finals[i].present);
		if (finals[i].absent)
			assert_lacks(got, finals[i].absent);
		assert_has(world_passed(world, BOB_PHONE), "ACK sip:bob@192.0.2.20 SIP/2.0");
		sip_message_free(at_bob);
		world_end(world);
	}
}

static void the_callers_cancel_reaches_the_phone(void **state) /* RFC3261:16.10 */
{
	struct sip_message *at_bob, *cancel;
	struct world *world = call(&at_bob);

	world_respond(world, BOB_PHONE, at_bob, "180 Ringing", "");
	world_passed(world, ALICE_PHONE);
	world->n_sent--;
	world_ask(world, ALICE_PHONE, &(struct ask){ .method = "CANCEL", .cseq = 2 }, SLICE(""));
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 OK");
	cancel = world_one(world, BOB_PHONE);
	assert_int_equal(cancel->method, SIP_CANCEL);
	world_respond(world, BOB_PHONE, cancel, "200 OK", "");
	world_respond(world, BOB_PHONE, at_bob, "487 Request Terminated", "");
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 487 ");
	sip_message_free(cancel);
	sip_message_free(at_bob);
	world_end(world);
}

static void a_phone_that_ignores_the_cancel_is_waited_for_32_seconds(void **state)
{
	struct sip_message *at_bob;
	struct world *world = call(&at_bob);

	world_respond(world, BOB_PHONE, at_bob, "180 Ringing", "");
	world_passed(world, ALICE_PHONE);
	world->n_sent--;
	world_ask(world, ALICE_PHONE, &(struct ask){ .method = "CANCEL", .cseq = 2 }, SLICE(""));
	world_passed(world, ALICE_PHONE);
	world_pass(world, 31000);
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	world_pass(world, 1000);
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 408 ");
	sip_message_free(at_bob);
	world_end(world);
}

static void timer_c_ends_a_call_that_only_ever_rings(void **state) /* RFC3261:16.8 */
{
	struct sip_message *at_bob, *cancel;
	struct world *world = call(&at_bob);

	world_respond(world, BOB_PHONE, at_bob, "180 Ringing", "");
	world_pass(world, world->server.timer_c - 1000);
	world_respond(world, BOB_PHONE, at_bob, "180 Ringing", "");
	world_passed(world, ALICE_PHONE);
	world_pass(world, world->server.timer_c - 1);
	assert_int_equal(world_passed(world, BOB_PHONE).len, 0);
	world_pass(world, 1);
	cancel = world_one(world, BOB_PHONE);
	assert_int_equal(cancel->method, SIP_CANCEL);
	world_respond(world, BOB_PHONE, cancel, "200 OK", "");
	world_respond(world, BOB_PHONE, at_bob, "487 Request Terminated", "");
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 487 ");
	sip_message_free(cancel);
	sip_message_free(at_bob);
	world_end(world);
}

static void a_phone_that_never_answers_times_out(void **state)
{
	struct sip_message *at_bob;
	struct world *world = call(&at_bob);

	world_pass(world, 32000);
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 408 ");
	sip_message_free(at_bob);
	world_end(world);
}

static void no_408_is_sent_to_other_than_invite(void **state) /* RFC4320:4.2 */
{
	struct world *world = world_new();

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &(struct ask){ .method = "MESSAGE" });
	world_passed(world, ALICE_PHONE);
	world_pass(world, 64000);
	assert_lacks(world_passed(world, ALICE_PHONE), "SIP/2.0 408");
	world_end(world);
}

static void a_phone_whose_flow_breaks_is_unavailable(void **state)
{
	struct sip_message *at_bob;
	struct world *world = call(&at_bob);
	struct slice got;

	world_lose(world, BOB_PHONE);
	world_pass(world, 0);
	got = world_passed(world, ALICE_PHONE);
	assert_has(got, "SIP/2.0 480 ");
	assert_has(got, "Retry-After: 30\r\n");
	sip_message_free(at_bob);
	world_end(world);
}

static void a_caller_who_is_gone_calls_nobody_any_more(void **state)
{
	struct sip_message *at_bob, *cancel;
	struct world *world = call(&at_bob);

	world_respond(world, BOB_PHONE, at_bob, "180 Ringing", "");
	world_lose(world, ALICE_PHONE);
	cancel = world_one(world, BOB_PHONE);
	assert_int_equal(cancel->method, SIP_CANCEL);
	sip_message_free(cancel);
	sip_message_free(at_bob);
	world_end(world);
}

/* Alice's INVITE with credentials, of which the look-up of the callee is still out. */
static struct world *call_in_look_up(void)
{
	struct world *world = world_new();
	char buf[2048];
	struct writer out = writer_of(buf, sizeof buf);

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_ask(world, ALICE_PHONE, &invite, SLICE(""));
	world_challenged(world, ALICE_PHONE, ALICE);
	world_put_credentials(world, &out, ALICE, &invite);
	world->holds_answers = true;
	world_ask(world, ALICE_PHONE, &invite, writer_text(&out));
	world_release(world);
	assert_string_equal(world->held_aor, "bob@example.org");
	return world;
}

static void a_cancel_in_the_midst_of_a_look_up_ends_it(void **state)
{
	struct world *world = call_in_look_up();
	struct slice got;

	world->n_sent--;
	world_ask(world, ALICE_PHONE, &(struct ask){ .method = "CANCEL", .cseq = 2 }, SLICE(""));
	got = world_passed(world, ALICE_PHONE);
	assert_has(got, "SIP/2.0 200 OK");
	assert_has(got, "SIP/2.0 487 ");
	world_release(world);
	assert_int_equal(world_passed(world, BOB_PHONE).len, 0);
	world_end(world);
}

static void a_look_up_that_fails_is_told(void **state)
{
	struct world *world = world_new();

	world->bob_err = ERR_IO;
	world_ask_proven(world, ALICE_PHONE, ALICE, &(struct ask){ 0 });
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 500 ");
	world_end(world);
}

/* It has just started, and reads what is stored. */
static void whoever_was_not_read_yet_is_to_be_called_again(void **state)
{
	struct world *world = world_new();
	struct slice got;

	world->bob_err = ERR_AGAIN;
	world_ask_proven(world, ALICE_PHONE, ALICE, &(struct ask){ 0 });
	got = world_passed(world, ALICE_PHONE);
	assert_has(got, "SIP/2.0 480 ");
	assert_has(got, "Retry-After: 5\r\n");
	world_end(world);
}

static void a_caller_who_is_gone_before_the_look_up_is_answered_calls_nobody(void **state)
{
	struct world *world = call_in_look_up();

	world_lose(world, ALICE_PHONE);
	world_release(world);
	assert_int_equal(world_passed(world, BOB_PHONE).len, 0);
	world_end(world);
}

static void a_caller_who_is_gone_before_the_next_hop_is_found_leaves_nothing(void **state)
{
	struct world *world = world_new();

	world->loses_dns = true;
	world_ask_proven(world, ALICE_PHONE, ALICE, &(struct ask){ .uri = "sip:bob@other.example" });
	world_lose(world, ALICE_PHONE);
	assert_int_equal(endpoint_counts(world->endpoint).servers, 0);
	world_end(world);
}

static void the_server_may_end_in_the_middle_of_a_call(void **state)
{
	struct sip_message *at_bob;
	struct world *world = call(&at_bob);

	world_respond(world, BOB_PHONE, at_bob, "180 Ringing", "");
	sip_message_free(at_bob);
	world_free(world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(says_why_nobody_can_be_reached),
	cmocka_unit_test(responses_go_up_and_a_dialog_goes_on),
	cmocka_unit_test(final_responses_go_up),
	cmocka_unit_test(the_callers_cancel_reaches_the_phone),
	cmocka_unit_test(a_phone_that_ignores_the_cancel_is_waited_for_32_seconds),
	cmocka_unit_test(timer_c_ends_a_call_that_only_ever_rings),
	cmocka_unit_test(a_phone_that_never_answers_times_out),
	cmocka_unit_test(no_408_is_sent_to_other_than_invite),
	cmocka_unit_test(a_phone_whose_flow_breaks_is_unavailable),
	cmocka_unit_test(a_caller_who_is_gone_calls_nobody_any_more),
	cmocka_unit_test(a_cancel_in_the_midst_of_a_look_up_ends_it),
	cmocka_unit_test(a_look_up_that_fails_is_told),
	cmocka_unit_test(whoever_was_not_read_yet_is_to_be_called_again),
	cmocka_unit_test(a_caller_who_is_gone_before_the_look_up_is_answered_calls_nobody),
	cmocka_unit_test(a_caller_who_is_gone_before_the_next_hop_is_found_leaves_nothing),
	cmocka_unit_test(the_server_may_end_in_the_middle_of_a_call),
};

TEST_MAIN(tests)
