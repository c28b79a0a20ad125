#include "world.h"

static const struct address media = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };
static const char contact[] = "Contact: <sips:bob@127.0.0.2:9>\r\n";

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

static const struct sip_message *invite(struct world *world, uint64_t *ret_call)
{
	assert_int_equal(ua_call(world->ua, SLICE("sips:bob@localhost"), &media, world->now, ret_call), OK);
	world_pump(world);
	return world_expect(world, SIP_INVITE);
}

static bool has(struct slice text, const char *part)
{
	return slice_find_text(text, slice_of(part)) < text.len;
}

static void a_call_is_offered_encrypted_rings_and_stands(void **state)
{
	struct world *world = *state;
	const struct sip_message *request, *ack, *bye;
	struct ua_call_view view;
	char sdp[4096];
	uint64_t call;

	request = invite(world, &call);
	assert_true(slice_eq(request->uri_text, SLICE("sips:bob@localhost")));
	assert_true(
		slice_starts(sip_message_value(request, SIP_CONTACT), SLICE("<sips:alice@127.0.0.1:40001>")));
	assert_true(sip_message_lists(request, SIP_SUPPORTED, SLICE("100rel"))); /* RFC3262:4 */
	assert_null(sip_message_header(request, SIP_SESSION_EXPIRES));
	assert_true(has(request->body, "RTP/SAVP "));
	assert_true(has(request->body, "a=crypto:"));
	world_answer(world, request, 100, NULL, SLICE(""));
	world_answer(world, request, 180, contact, SLICE(""));
	world_answer(world, request, 180, contact, SLICE(""));
	assert_int_equal(world_event(world, UA_RINGING)->id, call);
	world_expect_no_event(world, UA_RINGING); /* told once */
	world_answer(world, request, 200,
		     "Contact: <sips:bob@127.0.0.2:9>\r\nRecord-Route: <sips:token@localhost;lr>\r\n",
		     world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	ack = world_expect(world, SIP_ACK);
	assert_true(slice_eq(ack->uri_text, SLICE("sips:bob@127.0.0.2:9")));
	assert_true(slice_eq(sip_message_value(ack, SIP_ROUTE), SLICE("<sips:token@localhost;lr>")));
	assert_int_equal(ack->cseq.number, request->cseq.number);
	assert_true(world_event(world, UA_ESTABLISHED)->media.secure);
	assert_int_equal(world->event.media.remote.port, 20000);
	assert_true(ua_call_view(world->ua, call, &view));
	assert_int_equal(view.beyond, UA_CLAIMED);
	world_pass(world, 5000);
	ua_hangup(world->ua, call, world->now);
	world_pump(world);
	bye = world_expect(world, SIP_BYE);
	assert_int_equal(bye->cseq.number, request->cseq.number + 1);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_HUNG_UP);
	assert_int_equal(world->event.seconds, 5);
	world_answer(world, bye, 200, NULL, SLICE(""));
	assert_false(ua_call_view(world->ua, call, &view));
}

/* RFC3261:20, table 2: in a 1xx a Contact is optional. */
static void it_rings_where_the_response_has_no_contact(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	char sdp[4096];
	uint64_t call;

	request = invite(world, &call);
	world_answer(world, request, 180, NULL, SLICE(""));
	assert_int_equal(world_event(world, UA_RINGING)->id, call);
	world_answer(world, request, 200, contact,
		     world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	world_event(world, UA_ESTABLISHED);
}

static const struct {
	unsigned status;
	const char *lines;
	enum ua_cause cause;
	const char *text;
} refusals[] = {
	{ 404, NULL, UA_UNKNOWN_USER, "Not Found" },
	{ 408, NULL, UA_NO_ANSWER, NULL },
	{ 480, "Warning: 399 localhost \"no phone of bob is here\"\r\n", UA_UNAVAILABLE,
	  "no phone of bob is here" },
	{ 480, "Warning: 380 localhost \"SIPS Not Allowed\"\r\n", UA_NOT_SECURE, "SIPS Not Allowed" },
	{ 480, "Warning: 399 localhost \"it says \\\"no\\\" to us\"\r\n", UA_UNAVAILABLE,
	  "it says \\\"no\\\" to us" },
	{ 486, NULL, UA_BUSY, "Busy Here" },
	{ 488, NULL, UA_NOT_ACCEPTABLE, NULL },
	{ 500, NULL, UA_REFUSED, NULL },
	{ 600, NULL, UA_BUSY, NULL },
	{ 603, NULL, UA_DECLINED, NULL },
};

static void each_refusal_has_its_cause(void **state)
{
	struct world *world = *state;
	uint64_t call;

	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		world_answer(world, invite(world, &call), refusals[i].status, refusals[i].lines, SLICE(""));
		world_expect(world, SIP_ACK);
		assert_int_equal(world_event(world, UA_ENDED)->cause, refusals[i].cause);
		assert_int_equal(world->event.status, refusals[i].status);
		if (refusals[i].text)
			assert_true(slice_eq(world->event.text, slice_of(refusals[i].text)));
	}
}

static void a_call_is_cancelled_while_it_rings(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t call;

	request = invite(world, &call);
	ua_hangup(world->ua, call, world->now); /* RFC3261:9.1: not before a provisional response */
	world_pump(world);
	world_expect_silence(world);
	world_answer(world, request, 180, contact, SLICE(""));
	world_answer(world, world_expect(world, SIP_CANCEL), 200, NULL, SLICE(""));
	world_answer(world, request, 487, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_CANCELLED);
}

static void a_call_that_nobody_answers_is_given_up(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t call;

	request = invite(world, &call);
	world_answer(world, request, 180, contact, SLICE(""));
	world_pass(world, 59999);
	world_expect_silence(world);
	world_pass(world, 1);
	world_answer(world, world_expect(world, SIP_CANCEL), 200, NULL, SLICE(""));
	world_answer(world, request, 487, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_NO_ANSWER);
}

static void an_answer_that_crosses_the_cancel_is_ended(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	char sdp[4096];
	uint64_t call;

	request = invite(world, &call);
	world_answer(world, request, 180, contact, SLICE(""));
	ua_hangup(world->ua, call, world->now);
	world_pump(world);
	world_expect(world, SIP_CANCEL);
	world_answer(world, request, 200, contact,
		     world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	world_expect(world, SIP_BYE);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_CANCELLED);
}

static void a_bye_before_the_answer_ends_nothing(void **state) /* RFC3261:15 */
{
	struct world *world = *state;
	const struct sip_message *request;
	char sdp[4096];
	uint64_t call;

	request = invite(world, &call);
	world_answer(world, request, 180, contact, SLICE(""));
	world_receive(
		world,
		"BYE sips:alice@127.0.0.1:40001 SIP/2.0\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bKbye\r\n"
		"Max-Forwards: 70\r\nFrom: <sips:bob@localhost>;tag=bobs-tag\r\nTo: %.*s\r\n"
		"Call-ID: %.*s\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
		SLICE_FMT(request->from.text), SLICE_FMT(request->call_id));
	world_expect_status(world, 481);
	world_answer(world, request, 200, contact,
		     world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	world_event(world, UA_ESTABLISHED);
}

static void a_2xx_that_comes_again_is_acknowledged_again(void **state)
{
	struct world *world = *state;
	uint64_t call;
	const struct sip_message *request = world_call(world, &call);

	world_answer(world, request, 200, contact, SLICE(""));
	world_expect(world, SIP_ACK);
	world_expect_silence(world);
	world_expect_no_event(world, UA_ENDED);
}

static void the_2xx_of_another_branch_is_acknowledged_and_ended(void **state)
{
	struct world *world = *state;
	const struct sip_message *request, *ack, *bye;
	uint64_t call;

	request = world_call(world, &call);
	world_receive(
		world,
		"SIP/2.0 200 OK\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: <sips:bob@localhost>;tag=other\r\n"
		"Call-ID: %.*s\r\nCSeq: %u INVITE\r\nContact: <sips:bob@127.0.0.3>\r\nContent-Length: 0\r\n\r\n",
		SLICE_FMT(request->via.text), SLICE_FMT(request->from.text), SLICE_FMT(request->call_id),
		request->cseq.number);
	ack = world_expect(world, SIP_ACK); /* RFC3261:13.2.2.4 */
	assert_true(slice_eq(ack->to.tag, SLICE("other")));
	bye = world_expect(world, SIP_BYE);
	assert_true(slice_eq(bye->to.tag, SLICE("other")));
	assert_int_equal(bye->cseq.number, request->cseq.number + 1);
	world_expect_no_event(world, UA_ENDED);
}

/* -- attempts to get it in clear --------------------------------------------------------------------- */

static const struct {
	const char *label, *lines;
	enum sdp_srtp_policy srtp;
	enum ua_cause cause;
} downgrades[] = {
	{ "a sip Contact", "Contact: <sip:bob@127.0.0.2>\r\n", SDP_SRTP_REQUIRED, UA_NOT_SECURE },
	{ "a sip hop", "Contact: <sips:bob@127.0.0.2>\r\nRecord-Route: <sip:hop.example;lr>\r\n",
	  SDP_SRTP_REQUIRED, UA_NOT_SECURE },
	{ "no Contact", "", SDP_SRTP_REQUIRED, UA_FAILED },
};

static void a_sips_call_that_is_answered_by_another_way_is_ended(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	char sdp[4096];
	uint64_t call;

	for (size_t i = 0; i < sizeof downgrades / sizeof downgrades[0]; i++) {
		request = invite(world, &call);
		world_answer(world, request, 200, downgrades[i].lines,
			     world_sdp_answer(world, request, downgrades[i].srtp, sdp, sizeof sdp));
		if (world_event(world, UA_ENDED)->cause != downgrades[i].cause)
			fail_msg("%s: %s", downgrades[i].label, ua_cause_name(world->event.cause));
		if (downgrades[i].cause == UA_NOT_SECURE) {
			world_expect(world, SIP_ACK);
			world_expect(world, SIP_BYE);
		}
		world_expect_silence(world);
	}
}

static const char plain_answer[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
				   "m=audio 20000 %s 8\r\n";

static void media_in_clear_or_without_keys_is_no_answer_to_a_sips_call(void **state)
{
	static const char *const profiles[] = { "RTP/AVP", "RTP/SAVP" };
	struct world *world = *state;
	char sdp[512];
	uint64_t call;

	for (size_t i = 0; i < 2; i++) {
		int n = snprintf(sdp, sizeof sdp, plain_answer, profiles[i]);

		world_answer(world, invite(world, &call), 200, contact, slice_from(sdp, (size_t)n));
		world_expect(world, SIP_ACK);
		world_expect(world, SIP_BYE);
		assert_int_equal(world_event(world, UA_ENDED)->cause, UA_NOT_SECURE);
	}
	world_answer(world, invite(world, &call), 200, contact, SLICE(""));
	world_expect(world, SIP_ACK);
	world_expect(world, SIP_BYE);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_NOT_SECURE);
}

static void a_refused_sips_call_is_not_tried_lower(void **state)
{
	struct world *world = *state;
	uint64_t call;

	world_answer(world, invite(world, &call), 416, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	world_answer(world, invite(world, &call), 302, "Contact: <sip:bob@127.0.0.2>\r\n", SLICE(""));
	world_expect(world, SIP_ACK);
	world_pass(world, 120000);
	world_expect_silence(world);
	world_expect_no_event(world, UA_ESTABLISHED);
}

static void a_call_in_clear_has_no_keys_in_it_unless_the_policy_says_so(void **state)
{
	static const struct {
		enum sdp_srtp_policy policy;
		bool keys;
	} rows[] = { { SDP_SRTP_NEVER, false }, { SDP_SRTP_OPTIONAL, true }, { SDP_SRTP_REQUIRED, true } };
	const struct sip_message *request;
	struct world world;
	uint64_t call;

	for (size_t i = 0; i < 3; i++) {
		world_open(&world, &(struct ua_config){ .aor = SLICE("sip:alice@localhost"),
							.srtp = rows[i].policy });
		world_register(&world);
		assert_int_equal(ua_call(world.ua, SLICE("sip:bob@localhost"), &media, world.now, &call), OK);
		world_pump(&world);
		request = world_expect(&world, SIP_INVITE);
		assert_int_equal(has(request->body, "a=crypto"), rows[i].keys);
		assert_false(has(sip_message_value(request, SIP_CONTACT), ";transport="));
		world_close(&world);
	}
}

static void a_sips_call_cannot_be_made_over_a_flow_in_clear(void **state)
{
	struct world world;
	uint64_t id;

	world_open(&world,
		   &(struct ua_config){ .aor = SLICE("sip:alice@localhost"), .transport = TRANSPORT_TCP });
	world_connect(&world, "");
	world_answer(&world, world_expect(&world, SIP_REGISTER), 200, NULL, SLICE(""));
	assert_int_equal(ua_call(world.ua, SLICE("sips:bob@localhost"), &media, world.now, &id), ERR_DENIED);
	assert_int_equal(ua_message(world.ua, SLICE("sips:bob@localhost"), SLICE("x"), world.now, &id),
			 ERR_DENIED);
	assert_int_equal(ua_call(world.ua, SLICE("tel:+1"), &media, world.now, &id), ERR_SYNTAX);
	assert_int_equal(ua_call(world.ua, SLICE("sip:b@c?Route=x"), &media, world.now, &id), ERR_SYNTAX);
	world_pump(&world);
	world_expect_silence(&world);
	world_close(&world);
}

static void keys_are_fresh_in_every_offer(void **state)
{
	struct world *world = *state;
	struct slice first, second;
	uint64_t call;
	size_t at;

	first = invite(world, &call)->body;
	second = invite(world, &call)->body;
	at = slice_find_text(first, SLICE("inline:"));
	assert_true(at < first.len);
	assert_true(slice_find_text(second, slice_sub(first, at, 40)) == second.len);
}

/* -- challenges -------------------------------------------------------------------------------------- */

static const char challenge[] =
	"%s: Digest realm=\"localhost\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n";

static void a_challenged_call_is_made_with_credentials_and_so_is_its_ack(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	char line[256], sdp[4096];
	uint64_t call;

	snprintf(line, sizeof line, challenge, "Proxy-Authenticate");
	request = invite(world, &call);
	world_answer(world, request, 407, line, SLICE(""));
	world_expect(world, SIP_ACK);
	request = world_expect(world, SIP_INVITE);
	assert_non_null(sip_message_header(request, SIP_PROXY_AUTHORIZATION));
	world_answer(world, request, 200, contact,
		     world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	assert_true(slice_eq(sip_message_value(world_expect(world, SIP_ACK), SIP_PROXY_AUTHORIZATION),
			     sip_message_value(request, SIP_PROXY_AUTHORIZATION))); /* RFC3261:13.2.2.4 */
	world_event(world, UA_ESTABLISHED);
	ua_hangup(world->ua, call, world->now);
	world_pump(world);
	assert_null(sip_message_header(world_expect(world, SIP_BYE), SIP_PROXY_AUTHORIZATION));
}

static void the_other_phone_gets_no_password_out_of_us(void **state)
{
	static const struct {
		unsigned status;
		const char *name;
	} rows[] = { { 401, "WWW-Authenticate" }, { 407, "Proxy-Authenticate" } };
	struct world *world = *state;
	char line[256];
	uint64_t call;

	for (size_t i = 0; i < 2; i++) {
		world_call(world, &call);
		assert_int_equal(ua_hold(world->ua, call, true, world->now), OK);
		world_pump(world);
		snprintf(line, sizeof line, challenge, rows[i].name);
		world_answer(world, world_expect(world, SIP_INVITE), rows[i].status, line, SLICE(""));
		world_expect(world, SIP_ACK);
		assert_int_equal(world_event(world, UA_MEDIA_REFUSED)->cause, UA_NOT_AUTHENTIC);
		world_expect_silence(world);
		ua_hangup(world->ua, call, world->now);
		world_pump(world);
		world_answer(world, world_expect(world, SIP_BYE), rows[i].status, line, SLICE(""));
		world_expect_silence(world);
	}
}

/* Not in a dialog either: a 401 to anything but REGISTER is the other phone's. */
static void a_call_is_not_made_again_for_a_challenge_of_the_other_phone(void **state)
{
	struct world *world = *state;
	char line[256];
	uint64_t call;

	snprintf(line, sizeof line, challenge, "WWW-Authenticate");
	world_answer(world, invite(world, &call), 401, line, SLICE(""));
	world_expect(world, SIP_ACK);
	world_expect_silence(world);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_NOT_AUTHENTIC);
}

static void a_call_that_was_given_up_is_not_made_again_when_it_is_challenged(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	char line[256];
	uint64_t call;

	snprintf(line, sizeof line, challenge, "Proxy-Authenticate");
	request = invite(world, &call);
	ua_hangup(world->ua, call, world->now);
	world_pump(world);
	world_expect_silence(world); /* RFC3261:9.1: no CANCEL before a provisional response */
	world_answer(world, request, 407, line, SLICE(""));
	world_expect(world, SIP_ACK);
	world_expect_silence(world);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_CANCELLED);
}

/* -- the server goes --------------------------------------------------------------------------------- */

static void a_call_under_way_ends_with_its_flow(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t call;

	request = invite(world, &call);
	world_answer(world, request, 180, contact, SLICE(""));
	world_lose_flow(world);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_SERVER_GONE);
}

static void a_call_that_stands_outlives_its_flow_and_is_ended_over_the_next(void **state)
{
	struct world *world = *state;
	uint64_t call;

	world_call(world, &call);
	world_lose_flow(world);
	world_expect_no_event(world, UA_ENDED);
	world_pass(world, 1000);
	world_register(world);
	ua_hangup(world->ua, call, world->now);
	world_pump(world);
	assert_int_equal(world_expect(world, SIP_BYE)->cseq.number, 2);
}

static void a_hang_up_without_a_server_is_made_up_for(void **state)
{
	struct world *world = *state;
	uint64_t call;

	world_call(world, &call);
	world_lose_flow(world);
	ua_hangup(world->ua, call, world->now);
	world_pump(world);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_HUNG_UP);
	world_pass(world, 1000);
	world_register(world);
	world_answer(world, world_expect(world, SIP_BYE), 200, NULL, SLICE(""));
	world_expect_silence(world);
}

static void nobody_answers_at_all(void **state)
{
	struct world *world = *state;
	uint64_t call;

	invite(world, &call);
	world_pass(world, 32000);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_TIMEOUT);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
	WITH_WORLD(a_call_is_offered_encrypted_rings_and_stands),
	WITH_WORLD(it_rings_where_the_response_has_no_contact),
	WITH_WORLD(each_refusal_has_its_cause),
	WITH_WORLD(a_call_is_cancelled_while_it_rings),
	WITH_WORLD(a_call_that_nobody_answers_is_given_up),
	WITH_WORLD(an_answer_that_crosses_the_cancel_is_ended),
	WITH_WORLD(a_bye_before_the_answer_ends_nothing),
	WITH_WORLD(a_2xx_that_comes_again_is_acknowledged_again),
	WITH_WORLD(the_2xx_of_another_branch_is_acknowledged_and_ended),
	WITH_WORLD(a_sips_call_that_is_answered_by_another_way_is_ended),
	WITH_WORLD(media_in_clear_or_without_keys_is_no_answer_to_a_sips_call),
	WITH_WORLD(a_refused_sips_call_is_not_tried_lower),
	cmocka_unit_test(a_call_in_clear_has_no_keys_in_it_unless_the_policy_says_so),
	cmocka_unit_test(a_sips_call_cannot_be_made_over_a_flow_in_clear),
	WITH_WORLD(keys_are_fresh_in_every_offer),
	WITH_WORLD(a_challenged_call_is_made_with_credentials_and_so_is_its_ack),
	WITH_WORLD(a_call_is_not_made_again_for_a_challenge_of_the_other_phone),
	WITH_WORLD(a_call_that_was_given_up_is_not_made_again_when_it_is_challenged),
	WITH_WORLD(the_other_phone_gets_no_password_out_of_us),
	WITH_WORLD(a_call_under_way_ends_with_its_flow),
	WITH_WORLD(a_call_that_stands_outlives_its_flow_and_is_ended_over_the_next),
	WITH_WORLD(a_hang_up_without_a_server_is_made_up_for),
	WITH_WORLD(nobody_answers_at_all),
};
TEST_MAIN(tests)
