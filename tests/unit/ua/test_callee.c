#include "world.h"

static const struct address media = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };

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

/* What differs from one INVITE to the next. */
struct invite {
	const char *method, *uri, *scheme, *to_tag, *lines, *type;
	struct slice body;
	unsigned cseq;
};

static void receive(struct world *world, const struct invite *how)
{
	const char *scheme = how->scheme ? how->scheme : "sips";
	const char *method = how->method ? how->method : "INVITE";

	world_receive(world,
		      "%s %s SIP/2.0\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bK%s%u\r\nMax-Forwards: 70\r\n"
		      "From: \"Bob\" <sips:bob@localhost>;tag=theirs\r\nTo: <sips:alice@localhost>%s%s\r\n"
		      "Call-ID: call-1\r\nCSeq: %u %s\r\nContact: <%s:bob@127.0.0.2>\r\n"
		      "Record-Route: <%s:token@localhost;lr>\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%.*s",
		      method, how->uri ? how->uri : "sips:alice@127.0.0.1:40001", method, how->cseq,
		      how->to_tag ? ";tag=" : "", how->to_tag ? how->to_tag : "", how->cseq ? how->cseq : 1,
		      method, scheme, scheme, how->lines ? how->lines : "",
		      how->body.len > 0 ? "Content-Type: " : "",
		      how->body.len > 0 ? (how->type ? how->type : "application/sdp") : "",
		      how->body.len > 0 ? "\r\n" : "", how->body.len, SLICE_FMT(how->body));
}

static void ack(struct world *world, const struct sip_message *ok, struct slice body)
{
	char tag[64];

	snprintf(tag, sizeof tag, "%.*s", SLICE_FMT(ok->to.tag));
	receive(world,
		&(struct invite){ .method = "ACK", .to_tag = tag, .cseq = ok->cseq.number, .body = body });
}

/* Rings; gives the number of the call. */
static uint64_t ring(struct world *world)
{
	char sdp[4096];

	receive(world, &(struct invite){ .body = world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp,
							     sizeof sdp) });
	world_expect_status(world, 180);
	return world_event(world, UA_INCOMING)->id;
}

static const struct sip_message *answer(struct world *world, uint64_t call)
{
	assert_int_equal(ua_answer(world->ua, call, &media, world->now), OK);
	world_pump(world);
	return world_expect_status(world, 200);
}

static void a_call_rings_is_answered_and_stands(void **state)
{
	struct world *world = *state;
	const struct sip_message *ringing, *ok;
	char sdp[4096], tag[64];
	uint64_t call;

	receive(world, &(struct invite){ .body = world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp,
							     sizeof sdp) });
	ringing = world_expect_status(world, 180);
	assert_true(
		slice_eq(sip_message_value(ringing, SIP_RECORD_ROUTE), SLICE("<sips:token@localhost;lr>")));
	assert_true(slice_eq(sip_message_value(ringing, SIP_CONTACT), SLICE("<sips:alice@127.0.0.1:40001>")));
	call = world_event(world, UA_INCOMING)->id;
	assert_true(slice_eq(world->event.peer, SLICE("sips:bob@localhost")));
	assert_true(world->event.secure);
	ok = answer(world, call);
	assert_true(slice_eq(ok->to.tag, ringing->to.tag));
	assert_true(slice_find_text(ok->body, SLICE("RTP/SAVP")) < ok->body.len);
	world_expect_no_event(world, UA_ESTABLISHED);
	ack(world, ok, SLICE(""));
	assert_true(world_event(world, UA_ESTABLISHED)->media.secure);
	assert_int_equal(world->event.media.suite, SDP_AEAD_AES_128_GCM);
	world_pass(world, 60000);
	world_expect_silence(world);
	snprintf(tag, sizeof tag, "%.*s", SLICE_FMT(ok->to.tag));
	receive(world, &(struct invite){ .method = "BYE", .to_tag = tag, .cseq = 2 });
	world_expect_status(world, 200);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_HUNG_UP_THERE);
	receive(world, &(struct invite){ .method = "BYE", .to_tag = tag, .cseq = 3 });
	world_expect_status(world, 481);
}

static void our_answer_is_repeated_until_it_is_acknowledged(void **state)
{
	struct world *world = *state;
	const struct sip_message *ok;
	uint64_t call = ring(world);
	int repeats = 0;

	ok = answer(world, call); /* RFC3261:13.3.1.4 */
	world_pass(world, 499);
	world_expect_silence(world);
	world_pass(world, 1);
	assert_true(slice_eq(world_expect_status(world, 200)->body, ok->body));
	world_pass(world, 1000);
	world_expect_status(world, 200);
	ua_hangup(world->ua, call, world->now); /* §15: no BYE before the ACK */
	world_pump(world);
	world_expect_silence(world);
	world_pass(world, 30499);
	for (const struct sip_message *again; (again = world_sent(world)) && again->kind == SIP_RESPONSE;)
		repeats++;
	assert_in_range(repeats, 7, 9); /* every T2 */
	world_pass(world, 5000);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_TIMEOUT);
	assert_int_equal(world->sent[world->n_sent - 1]->method, SIP_BYE);
}

static void a_call_hung_up_before_its_ack_ends_with_it(void **state)
{
	struct world *world = *state;
	uint64_t call = ring(world);
	const struct sip_message *ok = answer(world, call);

	ua_hangup(world->ua, call, world->now);
	ack(world, ok, SLICE(""));
	world_expect(world, SIP_BYE);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_HUNG_UP);
}

static void a_phone_that_ends_waits_for_the_ack_to_hang_up(void **state)
{
	struct world *world = *state;
	uint64_t call = ring(world);
	const struct sip_message *ok = answer(world, call);

	ua_stop(world->ua, world->now);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_REGISTER), 200, NULL, SLICE(""));
	world_expect_no_event(world, UA_STOPPED);
	ack(world, ok, SLICE(""));
	world_answer(world, world_expect(world, SIP_BYE), 200, NULL, SLICE(""));
	world_event(world, UA_STOPPED);
}

static void a_phone_that_ends_tells_the_end_of_each_call(void **state)
{
	struct world *world = *state;
	uint64_t call = ring(world);

	answer(world, call);
	ua_stop(world->ua, world->now);
	world_pass(world, 2000);
	assert_int_equal(world_event(world, UA_ENDED)->id, call);
	world_event(world, UA_STOPPED);
}

static const struct {
	unsigned status;
	enum ua_cause cause;
} rejections[] = { { 486, UA_BUSY }, { 603, UA_DECLINED }, { 480, UA_UNAVAILABLE } };

static void a_call_is_rejected(void **state)
{
	for (size_t i = 0; i < sizeof rejections / sizeof rejections[0]; i++) {
		struct world world;
		uint64_t call;

		world_open(&world, &(struct ua_config){ 0 });
		world_register(&world);
		call = ring(&world);
		assert_int_equal(ua_reject(world.ua, call, rejections[i].status, world.now), OK);
		world_pump(&world);
		world_expect_status(&world, rejections[i].status);
		assert_int_equal(world_event(&world, UA_ENDED)->cause, rejections[i].cause);
		assert_int_equal(ua_reject(world.ua, call, 486, world.now), ERR_NOT_FOUND);
		assert_int_equal(ua_answer(world.ua, call, &media, world.now), ERR_NOT_FOUND);
		world_close(&world);
	}
}

static void the_caller_gives_up(void **state)
{
	struct world *world = *state;

	ring(world);
	world_receive(world, "CANCEL sips:alice@127.0.0.1:40001 SIP/2.0\r\n"
			     "Via: SIP/2.0/TLS localhost;branch=z9hG4bKINVITE0\r\nMax-Forwards: 70\r\n"
			     "From: \"Bob\" <sips:bob@localhost>;tag=theirs\r\nTo: <sips:alice@localhost>\r\n"
			     "Call-ID: call-1\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n");
	world_expect_status(world, 200);
	world_expect_status(world, 487);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_CANCELLED);
}

static void an_invitation_without_an_offer_gets_ours(void **state)
{
	struct world *world = *state;
	const struct sip_message *ok;
	char sdp[4096];
	uint64_t call;

	receive(world, &(struct invite){ 0 });
	world_expect_status(world, 180);
	call = world_event(world, UA_INCOMING)->id;
	ok = answer(world, call);
	assert_true(slice_find_text(ok->body, SLICE("a=crypto:")) < ok->body.len);
	ack(world, ok, world_sdp_answer(world, ok, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	assert_true(world_event(world, UA_ESTABLISHED)->media.secure);
}

static void an_ack_that_answers_in_clear_ends_the_call(void **state)
{
	struct world *world = *state;
	const struct sip_message *ok;

	receive(world, &(struct invite){ 0 });
	world_expect_status(world, 180);
	ok = answer(world, world_event(world, UA_INCOMING)->id);
	ack(world, ok,
	    SLICE("v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
		  "m=audio 20000 RTP/AVP 8\r\n"));
	world_expect(world, SIP_BYE);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_NOT_SECURE);
}

/* -- what is refused --------------------------------------------------------------------------------- */

static const struct {
	const char *label;
	struct invite how;
	unsigned status;
	const char *value; /* to be found in the response */
} refusals[] = {
	{ "for another user", { .uri = "sips:carol@127.0.0.1" }, 404, "" },
	{ "for a telephone", { .uri = "tel:+123" }, 416, "" },
	{ "a way that is not sips", { .scheme = "sip" }, 480, "381 sealphone" },
	{ "an extension that we lack",
	  { .lines = "Require: timer, 100rel, foo\r\n" },
	  420,
	  "Unsupported: foo\r\n" },
	{ "to replace a call that is not there",
	  { .lines = "Replaces: x;to-tag=a;from-tag=b\r\n" },
	  481,
	  "Warning: " },
	{ "to replace two calls",
	  { .lines = "Replaces: x;to-tag=a;from-tag=b\r\nReplaces: y;to-tag=a;from-tag=b\r\n" },
	  400,
	  "Replaces" },
	{ "to replace a call without tags", { .lines = "Replaces: x\r\n" }, 400, "Warning: " },
	{ "a body that we do not know",
	  { .body = SLICE_INIT("x"), .type = "text/html" },
	  415,
	  "application/sdp" },
	{ "a malformed description", { .body = SLICE_INIT("v=1\r\n") }, 400, "malformed" },
	{ "a session timer that is too short",
	  { .lines = "Session-Expires: 60\r\nSupported: timer\r\n" },
	  422,
	  "Min-SE: 90\r\n" },
	{ "a session timer that is none", { .lines = "Session-Expires: soon\r\n" }, 400, "Session-Expires" },
	{ "a dialog that is not ours", { .to_tag = "unknown" }, 481, "" },
	{ "a subscription", { .method = "SUBSCRIBE", .lines = "Event: presence\r\n" }, 489, "" },
	{ "a notification", { .method = "NOTIFY", .lines = "Event: refer\r\n" }, 481, "" },
	{ "a publication", { .method = "PUBLISH", .lines = "Event: presence\r\n" }, 405, "Allow: " },
	{ "a registration", { .method = "REGISTER" }, 405, "Allow: " },
	{ "a BYE out of nowhere", { .method = "BYE" }, 481, "" },
	{ "a method that nobody knows", { .method = "DANCE" }, 501, "" },
};

static void what_is_not_for_us_is_refused_by_name(void **state)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		const struct sip_message *response;
		struct world world;

		world_open(&world, &(struct ua_config){ 0 });
		world_register(&world);
		receive(&world, &refusals[i].how);
		response = world_sent(&world);
		if (!response || response->status != refusals[i].status)
			fail_msg("%s: %u", refusals[i].label, response ? response->status : 0);
		if (slice_find_text(response->text, slice_of(refusals[i].value)) == response->text.len &&
		    refusals[i].value[0])
			fail_msg("%s: %.*s", refusals[i].label, SLICE_FMT(response->text));
		world_expect_no_event(&world, UA_INCOMING);
		world_close(&world);
	}
}

static void a_sips_call_with_media_in_clear_does_not_ring(void **state)
{
	struct world *world = *state;
	const struct sip_message *response;
	char sdp[4096];

	receive(world, &(struct invite){
			       .body = world_offer(world, SDP_SRTP_NEVER, SDP_SENDRECV, sdp, sizeof sdp) });
	response = world_expect_status(world, 488);
	assert_non_null(sip_message_header(response, SIP_WARNING));
	world_expect_no_event(world, UA_INCOMING);
}

static void encryption_that_the_policy_denies_is_refused_and_not_answered_in_clear(void **state)
{
	struct world world;
	char sdp[4096];

	world_open(&world, &(struct ua_config){ .aor = SLICE("sip:alice@localhost") });
	world_register(&world);
	receive(&world, &(struct invite){ .uri = "sip:alice@127.0.0.1:40001",
					  .body = world_offer(&world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp,
							      sizeof sdp) });
	assert_non_null(sip_message_header(world_expect_status(&world, 488), SIP_WARNING));
	world_expect_no_event(&world, UA_INCOMING);
	world_close(&world);
}

static void the_same_call_by_another_way_is_a_merged_one(void **state)
{
	struct world *world = *state;

	ring(world);
	world_receive(world, "INVITE sips:alice@127.0.0.1 SIP/2.0\r\n"
			     "Via: SIP/2.0/TLS localhost;branch=z9hG4bKother\r\nMax-Forwards: 70\r\n"
			     "From: \"Bob\" <sips:bob@localhost>;tag=theirs\r\nTo: <sips:alice@localhost>\r\n"
			     "Call-ID: call-1\r\nCSeq: 1 INVITE\r\nContact: <sips:bob@127.0.0.2>\r\n"
			     "Content-Length: 0\r\n\r\n");
	world_expect_status(world, 482); /* RFC3261:8.2.2.2 */
}

static void a_sips_call_does_not_come_over_a_flow_in_clear(void **state)
{
	struct world world;

	world_open(&world,
		   &(struct ua_config){ .aor = SLICE("sip:alice@localhost"), .transport = TRANSPORT_TCP });
	world_connect(&world, "");
	world_answer(&world, world_expect(&world, SIP_REGISTER), 200, NULL, SLICE(""));
	receive(&world, &(struct invite){ .uri = "sips:alice@127.0.0.1:40001" });
	world_expect_status(&world, 416);
	world_expect_no_event(&world, UA_INCOMING);
	world_close(&world);
}

static void somebody_wants_us_to_call_somebody_else(void **state)
{
	struct world *world = *state;

	receive(world,
		&(struct invite){ .method = "REFER", .lines = "Refer-To: <sip:premium@x.example>\r\n" });
	world_expect_status(world, 603);
	assert_true(slice_eq(world_event(world, UA_REFER_REFUSED)->text, SLICE("sip:premium@x.example")));
	world_expect_silence(world);
}

static void options_tells_what_we_can(void **state)
{
	struct world *world = *state;
	const struct sip_message *ok;

	receive(world, &(struct invite){ .method = "OPTIONS" });
	ok = world_expect_status(world, 200);
	assert_true(sip_message_lists(ok, SIP_ALLOW, SLICE("INVITE")));
	assert_true(sip_message_lists(ok, SIP_SUPPORTED, SLICE("100rel")));
}

/* RFC 3261 §11.2: "the same that would have been chosen had the request been an INVITE" */
static void options_tells_that_we_can_take_no_call(void **state)
{
	struct world *world = *state;
	uint64_t call;

	for (int i = 0; i < UA_MAX_CALLS; i++) {
		assert_int_equal(ua_call(world->ua, SLICE("sips:bob@localhost"), &media, world->now, &call),
				 OK);
		world_pump(world);
		world_expect(world, SIP_INVITE);
	}
	receive(world, &(struct invite){ .method = "OPTIONS", .cseq = 1 });
	assert_true(sip_message_lists(world_expect_status(world, 486), SIP_ALLOW, SLICE("INVITE")));
	ua_stop(world->ua, world->now);
	world_pump(world);
	world_expect(world, SIP_REGISTER);
	receive(world, &(struct invite){ .method = "OPTIONS", .cseq = 2 });
	world_expect_status(world, 480);
}

/* -- RFC 3262 ---------------------------------------------------------------------------------------- */

static void ringing_is_reliable_where_that_is_demanded(void **state)
{
	struct world *world = *state;
	const struct sip_message *ringing;
	char sdp[4096], tag[64], rack[64];
	struct slice rseq;

	receive(world, &(struct invite){ .lines = "Require: 100rel\r\n",
					 .body = world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp,
							     sizeof sdp) });
	ringing = world_expect_status(world, 180);
	assert_true(sip_message_lists(ringing, SIP_REQUIRE, SLICE("100rel")));
	rseq = sip_message_value(ringing, SIP_RSEQ);
	world_pass(world, 500);
	world_expect_status(world, 180);
	snprintf(tag, sizeof tag, "%.*s", SLICE_FMT(ringing->to.tag));
	receive(world,
		&(struct invite){
			.method = "PRACK", .to_tag = tag, .cseq = 2, .lines = "RAck: 1 9 INVITE\r\n" });
	world_expect_status(world, 481);
	snprintf(rack, sizeof rack, "RAck: %.*s 1 INVITE\r\n", SLICE_FMT(rseq));
	receive(world, &(struct invite){ .method = "PRACK", .to_tag = tag, .cseq = 3, .lines = rack });
	world_expect_status(world, 200);
	world_pass(world, 10000);
	world_expect_silence(world);
	answer(world, world_event(world, UA_INCOMING)->id);
}

static void a_change_before_our_answer_is_none_yet(void **state)
{
	struct world *world = *state;
	const struct sip_message *ringing;
	char sdp[4096], tag[64];

	receive(world, &(struct invite){ .body = world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp,
							     sizeof sdp) });
	ringing = world_expect_status(world, 180);
	snprintf(tag, sizeof tag, "%.*s", SLICE_FMT(ringing->to.tag));
	receive(world, &(struct invite){ .method = "UPDATE", .to_tag = tag, .cseq = 2 });
	assert_non_null(sip_message_header(world_expect_status(world, 200), SIP_CONTACT));
	receive(world, &(struct invite){ .method = "UPDATE",
					 .to_tag = tag,
					 .cseq = 3,
					 .body = world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp,
							     sizeof sdp) });
	assert_non_null(
		sip_message_header(world_expect_status(world, 500), SIP_RETRY_AFTER)); /* RFC3311:5.2 */
	receive(world, &(struct invite){ .method = "UPDATE", .to_tag = tag, .cseq = 4, .scheme = "sip" });
	world_expect_status(world, 400);
}

static void a_call_that_asks_for_no_session_timer_gets_ours(void **state)
{
	struct world world;
	const struct sip_message *ok;
	char sdp[4096];

	(void)state;
	world_open(&world, &(struct ua_config){ .session = 90 });
	world_register(&world);
	receive(&world, &(struct invite){ .lines = "Min-SE: 200\r\nAllow: UPDATE\r\n",
					  .body = world_offer(&world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp,
							      sizeof sdp) });
	world_expect_status(&world, 180);
	ok = answer(&world, world_event(&world, UA_INCOMING)->id);
	assert_true(slice_eq(sip_message_value(ok, SIP_SESSION_EXPIRES),
			     SLICE("200;refresher=uas"))); /* RFC4028:9 */
	ack(&world, ok, SLICE(""));
	world_pass(&world, 100000);
	world_expect(&world, SIP_UPDATE);
	world_close(&world);
}

static void ringing_that_nobody_confirms_ends(void **state)
{
	struct world *world = *state;
	char sdp[4096];

	receive(world, &(struct invite){ .lines = "Require: 100rel\r\n",
					 .body = world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp,
							     sizeof sdp) });
	world_pass(world, 64000);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_TIMEOUT);
	assert_int_equal(world->sent[world->n_sent - 1]->status, 504);
}

static void a_ringing_call_ends_with_its_flow(void **state)
{
	struct world *world = *state;

	ring(world);
	world_lose_flow(world);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_SERVER_GONE);
	assert_int_equal(endpoint_counts(world->endpoint).servers, 0); /* and nothing of it is left */
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
	WITH_WORLD(a_call_rings_is_answered_and_stands),
	WITH_WORLD(our_answer_is_repeated_until_it_is_acknowledged),
	WITH_WORLD(a_call_hung_up_before_its_ack_ends_with_it),
	WITH_WORLD(a_phone_that_ends_waits_for_the_ack_to_hang_up),
	WITH_WORLD(a_phone_that_ends_tells_the_end_of_each_call),
	cmocka_unit_test(a_call_is_rejected),
	WITH_WORLD(the_caller_gives_up),
	WITH_WORLD(an_invitation_without_an_offer_gets_ours),
	WITH_WORLD(an_ack_that_answers_in_clear_ends_the_call),
	cmocka_unit_test(what_is_not_for_us_is_refused_by_name),
	WITH_WORLD(a_sips_call_with_media_in_clear_does_not_ring),
	cmocka_unit_test(encryption_that_the_policy_denies_is_refused_and_not_answered_in_clear),
	WITH_WORLD(the_same_call_by_another_way_is_a_merged_one),
	cmocka_unit_test(a_sips_call_does_not_come_over_a_flow_in_clear),
	WITH_WORLD(somebody_wants_us_to_call_somebody_else),
	WITH_WORLD(options_tells_what_we_can),
	WITH_WORLD(options_tells_that_we_can_take_no_call),
	WITH_WORLD(ringing_is_reliable_where_that_is_demanded),
	WITH_WORLD(a_change_before_our_answer_is_none_yet),
	cmocka_unit_test(a_call_that_asks_for_no_session_timer_gets_ours),
	WITH_WORLD(ringing_that_nobody_confirms_ends),
	WITH_WORLD(a_ringing_call_ends_with_its_flow),
};
TEST_MAIN(tests)
