#include "world.h"

static int setup(void **state)
{
	static struct world world;

	world_open(&world, &(struct ua_config){ 0 });
	world_register(&world);
	world.cseq = 1;
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_close(*state);
	return 0;
}

static const char contact[] = "Contact: <sips:bob@127.0.0.2:9>\r\n";

/* A request of bob's in the dialog of our call. */
static void receive(struct world *world, const struct sip_message *invite, const char *method,
		    const char *lines, struct slice body)
{
	world->cseq++;
	world_receive(
		world,
		"%s sips:alice@127.0.0.1:40001 SIP/2.0\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bK%s%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sips:bob@localhost>;tag=bobs-tag\r\nTo: %.*s\r\nCall-ID: %.*s\r\n"
		"CSeq: %u %s\r\n%s%sContent-Length: %zu\r\n\r\n%.*s",
		method, method, world->cseq, SLICE_FMT(invite->from.text), SLICE_FMT(invite->call_id),
		world->cseq, method, lines, body.len > 0 ? "Content-Type: application/sdp\r\n" : "", body.len,
		SLICE_FMT(body));
}

static void ack(struct world *world, const struct sip_message *invite)
{
	world->cseq--;
	receive(world, invite, "ACK", "", SLICE(""));
}

static void hold_and_resume_are_offered_and_agreed_on(void **state)
{
	struct world *world = *state;
	const struct sip_message *request, *first;
	struct ua_call_view view;
	char sdp[4096];
	uint64_t call;

	first = world_call(world, &call);
	for (int i = 0; i < 2; i++) {
		bool hold = i == 0;

		assert_int_equal(ua_hold(world->ua, call, hold, world->now), OK);
		assert_int_equal(ua_hold(world->ua, call, !hold, world->now), ERR_AGAIN);
		world_pump(world);
		request = world_expect(world, SIP_INVITE);
		assert_true(slice_eq(request->uri_text, SLICE("sips:bob@127.0.0.2:9")));
		assert_true(slice_find_text(request->body, hold ? SLICE("a=sendonly") : SLICE("a=sendrecv")) <
			    request->body.len);
		assert_false(slice_eq(request->body, first->body));
		world_answer(world, request, 200, contact,
			     world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
		world_expect(world, SIP_ACK);
		assert_true(world_event(world, UA_MEDIA)->media.secure);
		assert_int_equal(world->event.media.on_hold, hold);
		assert_true(ua_call_view(world->ua, call, &view));
		assert_int_equal(view.on_hold, hold);
	}
}

static void a_refused_hold_leaves_all_as_it_was(void **state)
{
	struct world *world = *state;
	struct ua_call_view view;
	uint64_t call;

	world_call(world, &call);
	assert_int_equal(ua_hold(world->ua, call, true, world->now), OK);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_INVITE), 488, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	assert_int_equal(world_event(world, UA_MEDIA_REFUSED)->status, 488);
	assert_true(ua_call_view(world->ua, call, &view));
	assert_false(view.on_hold);
}

static void a_change_that_is_answered_in_clear_ends_the_call(void **state)
{
	struct world *world = *state;
	uint64_t call;

	world_call(world, &call);
	assert_int_equal(ua_hold(world->ua, call, true, world->now), OK);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_INVITE), 200, contact,
		     SLICE("v=0\r\no=- 1 2 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
			   "m=audio 20000 RTP/AVP 8\r\n"));
	world_expect(world, SIP_ACK);
	world_expect(world, SIP_BYE);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_NOT_SECURE);
}

static void changes_that_meet_are_made_one_after_the_other(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *request;
	char sdp[4096];
	uint64_t call;

	first = world_call(world, &call);
	assert_int_equal(ua_hold(world->ua, call, true, world->now), OK);
	world_pump(world);
	request = world_expect(world, SIP_INVITE);
	receive(world, first, "INVITE", contact,
		world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDONLY, sdp, sizeof sdp));
	world_expect_status(world, 491); /* RFC3261:14.2 */
	world_answer(world, request, 491, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	world_pass(world, 2099); /* §14.1: 2.1 to 4 s for the owner of the Call-ID */
	world_expect_silence(world);
	world_pass(world, 1901);
	request = world_expect(world, SIP_INVITE);
	world_answer(world, request, 200, contact,
		     world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	world_event(world, UA_MEDIA);
}

static void the_other_side_holds_us(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *ok;
	char sdp[4096];
	uint64_t call;

	first = world_call(world, &call);
	receive(world, first, "INVITE", contact,
		world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDONLY, sdp, sizeof sdp));
	ok = world_expect_status(world, 200);
	assert_true(slice_find_text(ok->body, SLICE("a=recvonly")) < ok->body.len);
	assert_true(world_event(world, UA_MEDIA)->media.remote_on_hold);
	receive(world, first, "INVITE", contact,
		world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp, sizeof sdp));
	assert_non_null(sip_message_header(world_expect_status(world, 500),
					   SIP_RETRY_AFTER)); /* not acknowledged yet */
	world->cseq--;
	ack(world, first);
	world->cseq++;
	world_pass(world, 30000);
	world_expect_silence(world);
	receive(world, first, "UPDATE", contact,
		world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp, sizeof sdp));
	world_expect_status(world, 200);
	assert_false(world_event(world, UA_MEDIA)->media.remote_on_hold);
}

static const struct {
	const char *label, *method, *lines;
	enum sdp_srtp_policy srtp;
	unsigned status;
} refused[] = {
	{ "to media in clear", "INVITE", contact, SDP_SRTP_NEVER, 488 },
	{ "to media in clear by UPDATE", "UPDATE", contact, SDP_SRTP_NEVER, 488 },
	{ "to a sip way", "INVITE", "Contact: <sip:bob@127.0.0.2>\r\n", SDP_SRTP_REQUIRED, 400 },
	{ "with too short a timer", "UPDATE",
	  "Contact: <sips:bob@127.0.0.2>\r\nSession-Expires: 30\r\nSupported: timer\r\n", SDP_SRTP_REQUIRED,
	  422 },
};

static void a_change_for_the_worse_is_refused_and_the_call_goes_on(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *bye;
	char sdp[4096];
	uint64_t call;

	first = world_call(world, &call);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		const struct sip_message *response;

		receive(world, first, refused[i].method, refused[i].lines,
			world_offer(world, refused[i].srtp, SDP_SENDRECV, sdp, sizeof sdp));
		response = world_sent(world);
		if (!response || response->status != refused[i].status)
			fail_msg("%s: %u", refused[i].label, response ? response->status : 0);
	}
	world_expect_no_event(world, UA_MEDIA);
	ua_hangup(world->ua, call, world->now);
	world_pump(world);
	bye = world_expect(world, SIP_BYE);
	assert_true(slice_eq(bye->uri_text, SLICE("sips:bob@127.0.0.2:9"))); /* the target has not moved */
}

static void a_change_without_an_offer_gets_ours(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *ok;
	char sdp[4096];
	uint64_t call;

	first = world_call(world, &call);
	receive(world, first, "INVITE", contact, SLICE(""));
	ok = world_expect_status(world, 200);
	world->cseq--;
	receive(world, first, "ACK", "", world_sdp_answer(world, ok, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	assert_true(world_event(world, UA_MEDIA)->media.secure);
}

/* Our change waits for another try (491), and then for theirs, whose offer is ours to make: that offer stands. */
static void a_change_that_waits_leaves_the_offer_to_theirs_alone(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *ok, *again = NULL;
	char sdp[4096];
	uint64_t call;

	first = world_call(world, &call);
	assert_int_equal(ua_hold(world->ua, call, true, world->now), OK);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_INVITE), 491, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	receive(world, first, "INVITE", contact, SLICE(""));
	ok = world_expect_status(world, 200);
	world_pass(world, 4000); /* our turn, before their ACK */
	while ((again = world_sent(world)) != NULL)
		assert_int_equal(again->status, 200);
	world->cseq--;
	receive(world, first, "ACK", "", world_sdp_answer(world, ok, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	assert_true(world_event(world, UA_MEDIA)->media.secure);
	world_pass(world, 4000);
	world_expect(world, SIP_INVITE);
}

static void a_call_that_the_other_side_forgot_is_over(void **state)
{
	struct world *world = *state;
	uint64_t call;

	world_call(world, &call);
	assert_int_equal(ua_hold(world->ua, call, true, world->now), OK);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_INVITE), 481, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_HUNG_UP_THERE);
}

static void a_request_out_of_order_is_refused(void **state)
{
	struct world *world = *state;
	const struct sip_message *first;
	uint64_t call;

	first = world_call(world, &call);
	world->cseq = 10;
	receive(world, first, "OPTIONS", "", SLICE(""));
	world_expect_status(world, 200);
	world->cseq = 5;
	receive(world, first, "BYE", "", SLICE(""));
	world_expect_status(world, 500); /* RFC3261:12.2.2 */
	world_expect_no_event(world, UA_ENDED);
}

/* -- session timers (RFC 4028) ----------------------------------------------------------------------- */

static void a_session_is_refreshed_by_whose_turn_it_is(void **state)
{
	static const struct address media = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };
	struct world *world = *state;
	const struct sip_message *invite, *update;
	char sdp[4096];
	uint64_t call;

	assert_int_equal(ua_call(world->ua, SLICE("sips:bob@localhost"), &media, world->now, &call), OK);
	world_pump(world);
	invite = world_expect(world, SIP_INVITE);
	assert_true(sip_message_lists(invite, SIP_SUPPORTED, SLICE("timer")));
	world_answer(world, invite, 200,
		     "Contact: <sips:bob@127.0.0.2:9>\r\nAllow: INVITE, UPDATE\r\nRequire: timer\r\n"
		     "Session-Expires: 200;refresher=uac\r\n",
		     world_sdp_answer(world, invite, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	world_pass(world, 100000); /* half of the interval */
	update = world_expect(world, SIP_UPDATE);
	assert_true(slice_eq(sip_message_value(update, SIP_SESSION_EXPIRES), SLICE("200;refresher=uac")));
	world_answer(world, update, 200,
		     "Contact: <sips:bob@127.0.0.2:9>\r\nSession-Expires: 300;refresher=uas\r\n", SLICE(""));
	world_pass(world, 267999); /* now it is theirs, and does not come */
	world_expect_silence(world);
	world_pass(world, 1);
	world_expect(world, SIP_BYE);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_TIMEOUT);
}

/* A call whose session of 90 s is ours to refresh. Returns the answer that says so. */
static const struct sip_message *call_refreshed_by_us(struct world *world)
{
	const struct sip_message *first;
	uint64_t call;

	first = world_call(world, &call);
	receive(world, first, "UPDATE", "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n",
		SLICE(""));
	return world_expect_status(world, 200);
}

static void a_refresh_that_is_too_frequent_is_made_less_so(void **state)
{
	struct world *world = *state;
	const struct sip_message *update;

	call_refreshed_by_us(world);
	world_pass(world, 45000);
	world_answer(world, world_expect(world, SIP_UPDATE), 422, "Min-SE: 400\r\n", SLICE(""));
	update = world_expect(world, SIP_UPDATE);
	assert_true(slice_eq(sip_message_value(update, SIP_SESSION_EXPIRES), SLICE("400;refresher=uac")));
	assert_true(slice_eq(sip_message_value(update, SIP_MIN_SE), SLICE("400")));
	world_answer(world, update, 200, "Session-Expires: 400;refresher=uac\r\n", SLICE(""));
	world_pass(world, 199999);
	world_expect_silence(world);
	world_pass(world, 1);
	world_expect(world, SIP_UPDATE);
}

static void a_refresh_that_meets_theirs_is_tried_again(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	char sdp[4096];

	call_refreshed_by_us(world);
	world_pass(world, 45000);
	world_answer(world, world_expect(world, SIP_UPDATE), 491, NULL, SLICE(""));
	world_pass(world, 4000);
	request = world_expect(world, SIP_INVITE); /* it refreshes as well */
	assert_true(slice_eq(sip_message_value(request, SIP_SESSION_EXPIRES), SLICE("90;refresher=uac")));
	world_answer(world, request, 200, "Session-Expires: 90;refresher=uac\r\n",
		     world_sdp_answer(world, request, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	world_pass(world, 45000);
	world_expect(world, SIP_UPDATE);
}

static void a_session_whose_refresh_fails_lives_to_its_end(void **state)
{
	struct world *world = *state;
	const struct sip_message *ok, *update;

	ok = call_refreshed_by_us(world);
	assert_true(slice_eq(sip_message_value(ok, SIP_SESSION_EXPIRES), SLICE("90;refresher=uas")));
	assert_true(sip_message_lists(ok, SIP_REQUIRE, SLICE("timer")));
	world_pass(world, 45000);
	update = world_expect(world, SIP_UPDATE);
	world_answer(world, update, 500, NULL, SLICE(""));
	world_pass(world, 14999);
	world_expect_silence(world);
	world_pass(world, 1); /* 90 s less a third */
	world_expect(world, SIP_BYE);
}

/* A call whose other side knows no UPDATE, and which has to be refreshed by us; gives the refresh, a re-INVITE. */
static const struct sip_message *refresh_by_invite(struct world *world, const struct sip_message **ret_first)
{
	static const struct address media = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };
	char sdp[4096];
	uint64_t call;

	assert_int_equal(ua_call(world->ua, SLICE("sips:bob@localhost"), &media, world->now, &call), OK);
	world_pump(world);
	*ret_first = world_expect(world, SIP_INVITE);
	world_answer(
		world, *ret_first, 200,
		"Contact: <sips:bob@127.0.0.2:9>\r\nRequire: timer\r\nSession-Expires: 90;refresher=uac\r\n",
		world_sdp_answer(world, *ret_first, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	world_pass(world, 45000);
	return world_expect(world, SIP_INVITE);
}

static void a_refresh_that_is_refused_leaves_the_media_as_they_were(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *refresh = refresh_by_invite(world, &first), *ok;
	char sdp[4096];

	world_answer(world, refresh, 503, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	world_expect_no_event(world, UA_MEDIA_REFUSED); /* nobody asked for a change */
	receive(world, first, "INVITE", contact,
		world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp, sizeof sdp));
	ok = world_expect_status(world, 200);
	assert_true(slice_find_text(ok->body, SLICE("a=sendrecv")) < ok->body.len);
}

static void a_session_whose_refresh_by_invite_fails_lives_to_its_end(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *refresh = refresh_by_invite(world, &first);

	world_answer(world, refresh, 503, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	world_pass(world, 14999);
	world_expect_silence(world);
	world_pass(world, 1); /* RFC4028:10: 90 s less a third */
	world_expect(world, SIP_BYE);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_TIMEOUT);
}

static void a_session_whose_refresh_meets_the_end_of_the_flow_lives_to_its_end(void **state)
{
	struct world *world = *state;
	const struct sip_message *first;

	(void)refresh_by_invite(world, &first);
	world_lose_flow(world);
	world_expect_no_event(world, UA_MEDIA_REFUSED);
	world_pass(world, 15000);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_TIMEOUT);
}

static void a_refresh_that_meets_the_end_of_the_flow_is_made_up_for(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *refresh;
	char sdp[4096];

	(void)refresh_by_invite(world, &first);
	world_lose_flow(world);
	world_pass(world, 5000);
	world_register(world);
	refresh = world_expect(world, SIP_INVITE);
	assert_true(slice_eq(sip_message_value(refresh, SIP_SESSION_EXPIRES), SLICE("90;refresher=uac")));
	world_answer(world, refresh, 200, "Session-Expires: 90;refresher=uac\r\n",
		     world_sdp_answer(world, refresh, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	world_pass(world, 44999);
	world_expect_silence(world);
	world_pass(world, 1);
	world_expect(world, SIP_INVITE);
	world_expect_no_event(world, UA_ENDED);
}

static void a_refresh_that_is_due_without_a_flow_is_made_up_for(void **state)
{
	struct world *world = *state;
	const struct sip_message *update;

	call_refreshed_by_us(world);
	world_pass(world, 44000);
	world_lose_flow(world);
	world_pass(world, 6000);
	world_register(world);
	update = world_expect(world, SIP_UPDATE);
	assert_true(slice_eq(sip_message_value(update, SIP_SESSION_EXPIRES), SLICE("90;refresher=uac")));
	world_answer(world, update, 500, NULL, SLICE(""));
	world_pass(world, 9999);
	world_expect_silence(world);
	world_pass(world, 1); /* RFC4028:10: the end stays where it was */
	world_expect(world, SIP_BYE);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
	WITH_WORLD(hold_and_resume_are_offered_and_agreed_on),
	WITH_WORLD(a_refused_hold_leaves_all_as_it_was),
	WITH_WORLD(a_change_that_is_answered_in_clear_ends_the_call),
	WITH_WORLD(changes_that_meet_are_made_one_after_the_other),
	WITH_WORLD(the_other_side_holds_us),
	WITH_WORLD(a_change_for_the_worse_is_refused_and_the_call_goes_on),
	WITH_WORLD(a_change_without_an_offer_gets_ours),
	WITH_WORLD(a_change_that_waits_leaves_the_offer_to_theirs_alone),
	WITH_WORLD(a_call_that_the_other_side_forgot_is_over),
	WITH_WORLD(a_request_out_of_order_is_refused),
	WITH_WORLD(a_session_is_refreshed_by_whose_turn_it_is),
	WITH_WORLD(a_refresh_that_is_too_frequent_is_made_less_so),
	WITH_WORLD(a_refresh_that_meets_theirs_is_tried_again),
	WITH_WORLD(a_session_whose_refresh_fails_lives_to_its_end),
	WITH_WORLD(a_refresh_that_is_refused_leaves_the_media_as_they_were),
	WITH_WORLD(a_session_whose_refresh_by_invite_fails_lives_to_its_end),
	WITH_WORLD(a_session_whose_refresh_meets_the_end_of_the_flow_lives_to_its_end),
	WITH_WORLD(a_refresh_that_meets_the_end_of_the_flow_is_made_up_for),
	WITH_WORLD(a_refresh_that_is_due_without_a_flow_is_made_up_for),
};
TEST_MAIN(tests)
