/* Calls and messages that name nobody (RFC 3323 §4.1, RFC 3325 §7): no message of theirs has our name in it. */
#include "world.h"

#define NOBODY "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="

static const struct address media = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };
static const char contact[] = "Contact: <sips:bob@127.0.0.2:9>\r\n";

static int setup(void **state)
{
	static struct world world;

	world_open(&world, &(struct ua_config){ .is_anonymous = true });
	world_register(&world);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_close(*state);
	return 0;
}

static bool has(const struct sip_message *message, const char *part)
{
	return slice_find_text(message->text, slice_of(part)) < message->text.len;
}

/* The next request, which is to say nothing of us and to ask others for the same. */
static const struct sip_message *expect_unnamed(struct world *world, enum sip_method method)
{
	const struct sip_message *request = world_expect(world, method);

	if (has(request, "alice"))
		fail_msg("%.*s", SLICE_FMT(request->text));
	assert_true(slice_starts(sip_message_value(request, SIP_FROM), SLICE(NOBODY)));
	if (method != SIP_ACK)
		assert_true(slice_eq(sip_message_value(request, SIP_PRIVACY), SLICE("id")));
	return request;
}

/* Answers the next INVITE of ours, which is to name nobody in its Contact, either; returns it. */
static const struct sip_message *answer_invite(struct world *world)
{
	const struct sip_message *request = expect_unnamed(world, SIP_INVITE);
	char sdp[4096];

	assert_true(
		slice_eq(sip_message_value(request, SIP_CONTACT), SLICE("<sips:anonymous@127.0.0.1:40001>")));
	world_answer(world, request, 200, contact,
		     world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	expect_unnamed(world, SIP_ACK);
	return request;
}

static void no_message_of_a_call_says_who_we_are(void **state) /* RFC3323:4.1.1 */
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t call;

	assert_int_equal(ua_call(world->ua, SLICE("sips:bob@localhost"), &media, world->now, &call), OK);
	world_pump(world);
	answer_invite(world);
	assert_int_equal(world_event(world, UA_ESTABLISHED)->id, call);

	assert_int_equal(ua_hold(world->ua, call, true, world->now), OK);
	world_pump(world);
	answer_invite(world);

	assert_int_equal(ua_transfer(world->ua, call, SLICE("sips:carol@localhost"), world->now), OK);
	world_pump(world);
	request = expect_unnamed(world, SIP_REFER);
	assert_null(sip_message_header(request, SIP_REFERRED_BY));
	world_answer(world, request, 603, NULL, SLICE(""));

	ua_hangup(world->ua, call, world->now);
	world_pump(world);
	world_answer(world, expect_unnamed(world, SIP_BYE), 200, NULL, SLICE(""));
}

static void the_other_side_ends_it_by_the_name_that_it_knows(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t call;

	assert_int_equal(ua_call(world->ua, SLICE("sips:bob@localhost"), &media, world->now, &call), OK);
	world_pump(world);
	request = answer_invite(world);
	world_receive(
		world,
		"BYE sips:anonymous@127.0.0.1:40001 SIP/2.0\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bKb\r\n"
		"Max-Forwards: 70\r\nFrom: <sips:bob@localhost>;tag=bobs-tag\r\nTo: %.*s\r\nCall-ID: %.*s\r\n"
		"CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
		SLICE_FMT(sip_message_value(request, SIP_FROM)), SLICE_FMT(request->call_id));
	world_expect_status(world, 200);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_HUNG_UP_THERE);
}

static void nobody_is_called_who_is_not_in_a_call(void **state)
{
	struct world *world = *state;

	world_receive(world,
		      "MESSAGE sips:anonymous@127.0.0.1:40001 SIP/2.0\r\n"
		      "Via: SIP/2.0/TLS localhost;branch=z9hG4bKb\r\nMax-Forwards: 70\r\n"
		      "From: <sips:bob@localhost>;tag=1\r\nTo: <sips:anonymous@localhost>\r\nCall-ID: 1\r\n"
		      "CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi");
	world_expect_status(world, 404);
}

static void a_message_says_it_no_more_than_a_call_and_the_next_may(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t id;

	assert_int_equal(ua_message(world->ua, SLICE("sips:bob@localhost"), SLICE("guess"), world->now, &id),
			 OK);
	world_pump(world);
	request = expect_unnamed(world, SIP_MESSAGE);
	/* not even where the other side would have it protected: a signature names who made it */
	world_answer(world, request, 415, "Accept: application/pkcs7-mime\r\n", SLICE(""));
	assert_int_equal(world_event(world, UA_MESSAGE_FAILED)->id, id);
	world_expect_silence(world);

	ua_set_anonymous(world->ua, false);
	assert_int_equal(ua_message(world->ua, SLICE("sips:bob@localhost"), SLICE("me"), world->now, &id),
			 OK);
	world_pump(world);
	request = world_expect(world, SIP_MESSAGE);
	assert_true(slice_starts(sip_message_value(request, SIP_FROM), SLICE("<sips:alice@localhost>;tag=")));
	assert_null(sip_message_header(request, SIP_PRIVACY));
}

static void our_credentials_go_with_it_to_our_own_server(void **state) /* RFC3325:7 */
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t id;

	assert_int_equal(ua_message(world->ua, SLICE("sips:bob@localhost"), SLICE("guess"), world->now, &id),
			 OK);
	world_pump(world);
	world_answer(
		world, expect_unnamed(world, SIP_MESSAGE), 407,
		"Proxy-Authenticate: Digest realm=\"localhost\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\n",
		SLICE(""));
	request = world_expect(world, SIP_MESSAGE);
	assert_true(slice_starts(sip_message_value(request, SIP_FROM), SLICE(NOBODY)));
	assert_true(slice_starts(sip_message_value(request, SIP_PROXY_AUTHORIZATION),
				 SLICE("Digest username=\"alice\"")));
}

static void what_has_to_be_signed_is_not_sent_without_a_name(void **state)
{
	struct world world;
	uint64_t id;

	(void)state;
	world_open(&world, &(struct ua_config){ .is_anonymous = true, .smime = UA_SMIME_REQUIRE });
	world_register(&world);
	assert_int_equal(ua_message(world.ua, SLICE("sips:bob@localhost"), SLICE("guess"), world.now, &id),
			 OK);
	assert_int_equal(world_event(&world, UA_MESSAGE_FAILED)->cause, UA_NOT_SECURE);
	assert_true(slice_find_text(world.event.text, SLICE("would see by whom")) < world.event.text.len);
	assert_int_equal(ua_call(world.ua, SLICE("sips:bob@localhost"), &media, world.now, &id), OK);
	assert_int_equal(world_event(&world, UA_ENDED)->cause, UA_NOT_SECURE);
	world_close(&world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(no_message_of_a_call_says_who_we_are, setup, teardown),
	cmocka_unit_test_setup_teardown(the_other_side_ends_it_by_the_name_that_it_knows, setup, teardown),
	cmocka_unit_test_setup_teardown(nobody_is_called_who_is_not_in_a_call, setup, teardown),
	cmocka_unit_test_setup_teardown(a_message_says_it_no_more_than_a_call_and_the_next_may, setup,
					teardown),
	cmocka_unit_test_setup_teardown(our_credentials_go_with_it_to_our_own_server, setup, teardown),
	cmocka_unit_test(what_has_to_be_signed_is_not_sent_without_a_name),
};

TEST_MAIN(tests)
