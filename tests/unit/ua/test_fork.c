#include "world.h"

static const struct address media = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };
static const char contact[] = "Contact: <sips:bob@127.0.0.2:9>\r\n";

static int setup(void **state)
{
	static struct world world;

	world_open(&world, &(struct ua_config){ 0 });
	world_register(&world);
	world.cseq = 100;
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

/* A reliable response of the phone with world->tag. */
static void reliable(struct world *world, const struct sip_message *request, unsigned status, unsigned rseq,
		     struct slice body)
{
	char lines[256];

	snprintf(lines, sizeof lines, "%sRequire: 100rel\r\nRSeq: %u\r\nAllow: UPDATE\r\n", contact, rseq);
	world_answer(world, request, status, lines, body);
}

static void expect_prack(struct world *world, const char *rack)
{
	const struct sip_message *prack = world_expect(world, SIP_PRACK);

	assert_true(slice_eq(sip_message_value(prack, SIP_RACK), slice_of(rack)));
	assert_true(slice_eq(prack->uri_text, SLICE("sips:bob@127.0.0.2:9")));
	assert_true(slice_eq(prack->to.tag, slice_of(world->tag ? world->tag : "bobs-tag")));
	world_answer(world, prack, 200, NULL, SLICE(""));
}

/* A request of theirs in an early dialog. */
static void receive(struct world *world, const struct sip_message *request, const char *method,
		    const char *lines, struct slice body)
{
	world->cseq++;
	world_receive(
		world,
		"%s sips:alice@127.0.0.1:40001 SIP/2.0\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bK%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sips:bob@localhost>;tag=%s\r\nTo: %.*s\r\nCall-ID: %.*s\r\n"
		"CSeq: %u %s\r\n%s%sContent-Length: %zu\r\n\r\n%.*s",
		method, world->cseq, world->tag ? world->tag : "bobs-tag", SLICE_FMT(request->from.text),
		SLICE_FMT(request->call_id), world->cseq, method, lines,
		body.len > 0 ? "Content-Type: application/sdp\r\n" : "", body.len, SLICE_FMT(body));
}

/* -- RFC 3262 ---------------------------------------------------------------------------------------- */

static void a_reliable_response_is_acknowledged_once_and_in_order(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t call;

	request = invite(world, &call);
	reliable(world, request, 180, 7, SLICE(""));
	expect_prack(world, "7 1 INVITE");
	assert_int_equal(world_event(world, UA_RINGING)->id, call);
	reliable(world, request, 180, 7, SLICE("")); /* RFC3262:4: it came again */
	world_expect_silence(world);
	reliable(world, request, 183, 9, SLICE("")); /* RFC3262:4: the one before it is missing */
	world_expect_silence(world);
	reliable(world, request, 183, 8, SLICE(""));
	expect_prack(world, "8 1 INVITE");
	reliable(world, request, 183, 9, SLICE(""));
	expect_prack(world, "9 1 INVITE");
}

static void an_answer_in_a_reliable_response_is_the_answer(void **state)
{
	struct world *world = *state;
	const struct sip_message *request, *ack;
	char sdp[4096];
	uint64_t call;

	request = invite(world, &call);
	reliable(world, request, 183, 1,
		 world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	expect_prack(world, "1 1 INVITE");
	assert_true(world_event(world, UA_PROGRESS)->has_media);
	assert_true(world->event.media.secure);
	world_answer(world, request, 200, contact, SLICE("")); /* RFC3264: no description again */
	ack = world_expect(world, SIP_ACK);
	assert_int_equal(ack->cseq.number, request->cseq.number);
	assert_true(world_event(world, UA_ESTABLISHED)->media.secure);
	ua_hangup(world->ua, call, world->now);
	world_pump(world);
	assert_int_equal(world_expect(world, SIP_BYE)->cseq.number,
			 request->cseq.number + 2); /* PRACK had one */
}

static void an_answer_in_clear_in_a_reliable_response_gives_the_call_up(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t call;

	request = invite(world, &call);
	reliable(world, request, 183, 1,
		 SLICE("v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
		       "m=audio 20000 RTP/AVP 8\r\n"));
	world_expect(world, SIP_PRACK);
	world_answer(world, world_expect(world, SIP_CANCEL), 200, NULL, SLICE(""));
	world_answer(world, request, 487, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_NOT_SECURE);
}

static void a_reliable_response_by_a_way_that_is_not_sips_is_left_alone(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	uint64_t call;

	request = invite(world, &call);
	world_answer(world, request, 180, "Contact: <sip:bob@127.0.0.2:9>\r\nRequire: 100rel\r\nRSeq: 1\r\n",
		     SLICE(""));
	world_expect_silence(world);
	world_expect_no_event(world, UA_RINGING);
}

/* -- forks (RFC 3261 §13.2.2.4) ---------------------------------------------------------------------- */

static void each_phone_of_a_fork_has_its_own_early_dialog(void **state)
{
	struct world *world = *state;
	const struct sip_message *request, *ack, *bye;
	char one[4096], two[4096];
	uint64_t call;

	request = invite(world, &call);
	reliable(world, request, 183, 100,
		 world_sdp_answer(world, request, SDP_SRTP_REQUIRED, one, sizeof one));
	expect_prack(world, "100 1 INVITE");
	world->tag = "carols-tag";
	reliable(world, request, 183, 5,
		 world_sdp_answer(world, request, SDP_SRTP_REQUIRED, two, sizeof two));
	expect_prack(world, "5 1 INVITE"); /* its own numbers */
	world_answer(world, request, 200, contact, SLICE(""));
	ack = world_expect(world, SIP_ACK);
	assert_true(slice_eq(ack->to.tag, SLICE("carols-tag")));
	world_event(world, UA_ESTABLISHED);
	world->tag = NULL; /* and the other one answered, too */
	world_answer(world, request, 200, contact, SLICE(""));
	ack = world_expect(world, SIP_ACK);
	assert_true(slice_eq(ack->to.tag, SLICE("bobs-tag")));
	bye = world_expect(world, SIP_BYE);
	assert_true(slice_eq(bye->to.tag, SLICE("bobs-tag")));
	world_answer(world, bye, 200, NULL, SLICE(""));
	world_expect_no_event(world, UA_ENDED);
	world_answer(world, request, 200, contact, SLICE("")); /* the ACK was lost */
	world_expect(world, SIP_ACK);
}

static void more_forks_than_can_be_kept_do_no_harm(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	char tag[16], sdp[4096];
	uint64_t call;

	request = invite(world, &call);
	for (int i = 0; i < 20; i++) {
		snprintf(tag, sizeof tag, "tag-%d", i);
		world->tag = tag;
		world_answer(world, request, 180, contact, SLICE(""));
	}
	world_answer(world, request, 200, contact,
		     world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	assert_true(slice_eq(world_expect(world, SIP_ACK)->to.tag, SLICE("tag-19")));
	world_event(world, UA_ESTABLISHED);
}

/* -- UPDATE before the answer (RFC 3311) ------------------------------------------------------------- */

static void the_callee_changes_the_session_before_it_answers(void **state)
{
	struct world *world = *state;
	const struct sip_message *request, *ok;
	char sdp[4096];
	uint64_t call;

	request = invite(world, &call);
	reliable(world, request, 180, 1, SLICE(""));
	expect_prack(world, "1 1 INVITE");
	receive(world, request, "UPDATE", contact,
		world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp, sizeof sdp));
	world_expect_status(world, 491); /* RFC3311:5.2: our offer is not answered yet */
	reliable(world, request, 183, 2,
		 world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	expect_prack(world, "2 1 INVITE");
	receive(world, request, "UPDATE", contact,
		world_offer(world, SDP_SRTP_NEVER, SDP_SENDRECV, sdp, sizeof sdp));
	world_expect_status(world, 488);
	receive(world, request, "UPDATE", "Contact: <sips:bob@127.0.0.2:10>\r\n",
		world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDONLY, sdp, sizeof sdp));
	ok = world_expect_status(world, 200);
	assert_non_null(sip_message_header(ok, SIP_CONTACT));
	assert_true(slice_find_text(ok->body, SLICE("a=recvonly")) < ok->body.len);
	receive(world, request, "UPDATE", "Contact: <sips:bob@127.0.0.2:11>\r\n", SLICE(""));
	assert_int_equal(world_expect_status(world, 200)->body.len, 0);
	receive(world, request, "UPDATE", "Contact: <sip:bob@127.0.0.2:12>\r\n", SLICE(""));
	world_expect_status(world, 400);
	receive(world, request, "OPTIONS", "", SLICE(""));
	world_expect_status(world, 200);
	receive(world, request, "BYE", "", SLICE(""));
	world_expect_status(world, 481); /* RFC3261:15 */
	world_answer(world, request, 200, contact, SLICE(""));
	world_expect(world, SIP_ACK);
	assert_true(world_event(world, UA_ESTABLISHED)->media.remote_on_hold);
}

/* -- the session timer of an INVITE (RFC 4028 §7) ---------------------------------------------------- */

static void a_longer_session_timer_is_asked_for_where_that_is_demanded(void **state)
{
	struct world world;
	const struct sip_message *request;
	uint64_t call;

	(void)state;
	world_open(&world, &(struct ua_config){ .session = 100 });
	world_register(&world);
	request = invite(&world, &call);
	assert_true(slice_eq(sip_message_value(request, SIP_SESSION_EXPIRES), SLICE("100")));
	assert_null(sip_message_header(request, SIP_MIN_SE));
	world_answer(&world, request, 422, "Min-SE: 3600\r\n", SLICE(""));
	world_expect(&world, SIP_ACK);
	request = world_expect(&world, SIP_INVITE);
	assert_true(slice_eq(sip_message_value(request, SIP_SESSION_EXPIRES), SLICE("3600")));
	assert_true(slice_eq(sip_message_value(request, SIP_MIN_SE), SLICE("3600")));
	world_answer(&world, request, 422, "Min-SE: 3600\r\n", SLICE("")); /* it has that already */
	world_expect(&world, SIP_ACK);
	assert_int_equal(world_event(&world, UA_ENDED)->status, 422);
	world_expect_silence(&world);
	world_close(&world);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
	WITH_WORLD(a_reliable_response_is_acknowledged_once_and_in_order),
	WITH_WORLD(an_answer_in_a_reliable_response_is_the_answer),
	WITH_WORLD(an_answer_in_clear_in_a_reliable_response_gives_the_call_up),
	WITH_WORLD(a_reliable_response_by_a_way_that_is_not_sips_is_left_alone),
	WITH_WORLD(each_phone_of_a_fork_has_its_own_early_dialog),
	WITH_WORLD(more_forks_than_can_be_kept_do_no_harm),
	WITH_WORLD(the_callee_changes_the_session_before_it_answers),
	cmocka_unit_test(a_longer_session_timer_is_asked_for_where_that_is_demanded),
};
TEST_MAIN(tests)
