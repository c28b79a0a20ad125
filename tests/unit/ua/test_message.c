#include "world.h"

static int setup(void **state)
{
	static struct world world;

	world_open(&world, &(struct ua_config){ 0 });
	world_register(&world);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_close(*state);
	return 0;
}

static void receive(struct world *world, const char *type, const char *text)
{
	world_receive(
		world,
		"MESSAGE sips:alice@127.0.0.1:40001 SIP/2.0\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bKm\r\n"
		"Max-Forwards: 70\r\nFrom: <sips:bob@localhost>;tag=t\r\nTo: <sips:alice@localhost>\r\n"
		"Call-ID: m1\r\nCSeq: 1 MESSAGE\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
		type, strlen(text), text);
}

static void a_message_is_taken(void **state)
{
	struct world *world = *state;

	receive(world, "text/plain;charset=utf-8", "Meet me at nine");
	world_expect_status(world, 200);
	assert_true(slice_eq(world_event(world, UA_MESSAGE)->text, SLICE("Meet me at nine")));
	assert_true(slice_eq(world->event.peer, SLICE("sips:bob@localhost")));
}

static void a_message_of_another_kind_is_refused(void **state)
{
	struct world *world = *state;

	receive(world, "text/html", "<script>");
	assert_true(slice_eq(sip_message_value(world_expect_status(world, 415), SIP_ACCEPT),
			     SLICE("text/plain, multipart/alternative, multipart/mixed")));
	world_expect_no_event(world, UA_MESSAGE);
}

static void what_became_of_our_message_is_told(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t first, second;

	assert_int_equal(ua_message(world->ua, SLICE("sips:bob@localhost"), SLICE("yes"), world->now, &first),
			 OK);
	assert_int_equal(
		ua_message(world->ua, SLICE("sips:carol@localhost"), SLICE("no"), world->now, &second), OK);
	world_pump(world);
	request = world_expect(world, SIP_MESSAGE);
	assert_true(slice_eq(request->body, SLICE("yes")));
	world_answer(world, request, 200, NULL, SLICE(""));
	assert_int_equal(world_event(world, UA_MESSAGE_SENT)->id, first);
	world_answer(world, world_expect(world, SIP_MESSAGE), 404, NULL, SLICE(""));
	assert_int_equal(world_event(world, UA_MESSAGE_FAILED)->cause, UA_UNKNOWN_USER);
	assert_int_equal(world->event.id, second);
}

static void a_message_that_nobody_answers_has_failed(void **state)
{
	struct world *world = *state;
	uint64_t id;

	assert_int_equal(ua_message(world->ua, SLICE("sips:bob@localhost"), SLICE("x"), world->now, &id), OK);
	world_pump(world);
	world_pass(world, 32000);
	assert_int_equal(world_event(world, UA_MESSAGE_FAILED)->cause, UA_TIMEOUT);
}

static void a_message_is_not_sent_again_for_a_challenge_of_the_other_phone(void **state)
{
	struct world *world = *state;
	uint64_t id;

	assert_int_equal(ua_message(world->ua, SLICE("sips:bob@localhost"), SLICE("x"), world->now, &id), OK);
	world_pump(world);
	world_answer(
		world, world_expect(world, SIP_MESSAGE), 401,
		"WWW-Authenticate: Digest realm=\"localhost\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n",
		SLICE(""));
	world_expect_silence(world);
	assert_int_equal(world_event(world, UA_MESSAGE_FAILED)->cause, UA_NOT_AUTHENTIC);
}

static void there_is_no_sending_without_a_server_or_of_too_much(void **state)
{
	static char large[UA_MAX_MESSAGE + 1];
	struct world *world = *state;
	uint64_t id;

	assert_int_equal(ua_message(world->ua, SLICE("sips:bob@localhost"), slice_from(large, sizeof large),
				    world->now, &id),
			 ERR_LIMIT);
	world_lose_flow(world);
	assert_int_equal(ua_message(world->ua, SLICE("sips:bob@localhost"), SLICE("x"), world->now, &id),
			 ERR_CLOSED);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
	WITH_WORLD(a_message_is_taken),
	WITH_WORLD(a_message_of_another_kind_is_refused),
	WITH_WORLD(what_became_of_our_message_is_told),
	WITH_WORLD(a_message_that_nobody_answers_has_failed),
	WITH_WORLD(a_message_is_not_sent_again_for_a_challenge_of_the_other_phone),
	WITH_WORLD(there_is_no_sending_without_a_server_or_of_too_much),
};
TEST_MAIN(tests)
