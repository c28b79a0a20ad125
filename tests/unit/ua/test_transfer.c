#include "world.h"

static const struct address media = { ADDRESS_V4, 30000, { 127, 0, 0, 1 } };
static const char contact[] = "Contact: <sips:bob@127.0.0.2:9>\r\n";

static int open_world(void **state, const struct ua_config *config)
{
	static struct world world;

	world_open(&world, config);
	world_register(&world);
	world.cseq = 1;
	*state = &world;
	return 0;
}

static int setup(void **state)
{
	return open_world(state, &(struct ua_config){ 0 });
}

static int setup_never(void **state)
{
	return open_world(state, &(struct ua_config){ .transfers = UA_TRANSFERS_NEVER });
}

static int setup_ask(void **state)
{
	return open_world(state, &(struct ua_config){ .transfers = UA_TRANSFERS_ASK });
}

static int setup_allow(void **state)
{
	return open_world(state, &(struct ua_config){ .transfers = UA_TRANSFERS_ALLOW });
}

static int teardown(void **state)
{
	world_close(*state);
	return 0;
}

/* A request of the other side in the dialog of our INVITE. */
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
		world->cseq, method, lines, body.len > 0 ? "Content-Type: message/sipfrag\r\n" : "", body.len,
		SLICE_FMT(body));
}

static void notify(struct world *world, const struct sip_message *invite, const char *state, const char *body)
{
	char lines[256];

	snprintf(lines, sizeof lines, "Event: refer\r\nSubscription-State: %s\r\n%s", state, contact);
	receive(world, invite, "NOTIFY", lines, slice_of(body));
}

static bool has(struct slice text, const char *part)
{
	return slice_find_text(text, slice_of(part)) < text.len;
}

/* -- ours -------------------------------------------------------------------------------------------- */

static void a_blind_transfer_is_told_as_it_goes_and_ends_our_call(void **state)
{
	struct world *world = *state;
	const struct sip_message *invite, *refer;
	uint64_t call;

	invite = world_call(world, &call);
	assert_int_equal(ua_transfer(world->ua, call, SLICE("sips:carol@localhost"), world->now), OK);
	assert_int_equal(ua_transfer(world->ua, call, SLICE("sips:carol@localhost"), world->now), ERR_AGAIN);
	world_pump(world);
	refer = world_expect(world, SIP_REFER);
	assert_true(slice_eq(sip_message_value(refer, SIP_REFER_TO), SLICE("<sips:carol@localhost>")));
	assert_true(slice_eq(sip_message_value(refer, SIP_REFERRED_BY), SLICE("<sips:alice@localhost>")));
	world_answer(world, refer, 202, contact, SLICE(""));
	notify(world, invite, "active;expires=60", "SIP/2.0 180 Ringing\r\n");
	world_expect_status(world, 200);
	assert_int_equal(world_event(world, UA_TRANSFER)->status, 180);
	notify(world, invite, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
	world_expect_status(world, 200);
	world_event(world, UA_TRANSFERRED);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_MOVED);
	world_expect(world, SIP_BYE);
}

static const struct {
	const char *label, *state, *body;
	unsigned status;
	enum ua_cause cause;
} ends[] = {
	{ "busy", "terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n", 486, UA_BUSY },
	{ "refused", "terminated;reason=rejected", "SIP/2.0 603 Declined\r\n", 603, UA_DECLINED },
	{ "without a word", "terminated", "", 0, UA_REFUSED },
};

static void a_transfer_that_comes_to_nothing_leaves_the_call(void **state)
{
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		struct world world;
		const struct sip_message *invite;
		uint64_t call;

		(void)state;
		world_open(&world, &(struct ua_config){ 0 });
		world_register(&world);
		world.cseq = 1;
		invite = world_call(&world, &call);
		assert_int_equal(ua_transfer(world.ua, call, SLICE("sips:carol@localhost"), world.now), OK);
		world_pump(&world);
		world_answer(&world, world_expect(&world, SIP_REFER), 202, contact, SLICE(""));
		notify(&world, invite, ends[i].state, ends[i].body);
		world_expect_status(&world, 200);
		if (world_event(&world, UA_TRANSFER_FAILED)->status != ends[i].status ||
		    world.event.cause != ends[i].cause)
			fail_msg("%s", ends[i].label);
		notify(&world, invite, "active", "SIP/2.0 200 OK\r\n"); /* its subscription is over */
		world_expect_status(&world, 481);
		world_expect_no_event(&world, UA_ENDED);
		world_close(&world);
	}
}

static void a_transfer_of_which_nothing_is_heard_is_given_up(void **state)
{
	struct world *world = *state;
	const struct sip_message *invite;
	uint64_t call;

	invite = world_call(world, &call);
	assert_int_equal(ua_transfer(world->ua, call, SLICE("sips:carol@localhost"), world->now), OK);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_REFER), 202, contact, SLICE(""));
	world_pass(world, 31999);
	world_expect_no_event(world, UA_TRANSFER_FAILED);
	world_pass(world, 1); /* RFC6665:4.1.2.4 */
	assert_int_equal(world_event(world, UA_TRANSFER_FAILED)->cause, UA_TIMEOUT);
	assert_int_equal(ua_transfer(world->ua, call, SLICE("sips:carol@localhost"), world->now), OK);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_REFER), 202, contact, SLICE(""));
	notify(world, invite, "active", "SIP/2.0 200 OK\r\n"); /* RFC3515:2.4.6: the second one has an id */
	world_expect_status(world, 481);
	world_expect_no_event(world, UA_TRANSFERRED);
}

static void what_is_no_good_report_is_refused(void **state)
{
	struct world *world = *state;
	const struct sip_message *invite;
	uint64_t call;

	invite = world_call(world, &call);
	notify(world, invite, "active", "SIP/2.0 200 OK\r\n"); /* nobody asked */
	world_expect_status(world, 481);
	assert_int_equal(ua_transfer(world->ua, call, SLICE("sips:carol@localhost"), world->now), OK);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_REFER), 202, contact, SLICE(""));
	notify(world, invite, "active", "HTTP/1.1 200 OK\r\n");
	world_expect_status(world, 400);
	receive(world, invite, "NOTIFY", "Event: refer\r\n", SLICE("SIP/2.0 200 OK\r\n"));
	world_expect_status(world, 400);
	receive(world, invite, "NOTIFY", "Event: presence\r\nSubscription-State: active\r\n", SLICE(""));
	world_expect_status(world, 481);
	world_expect_no_event(world, UA_TRANSFERRED);
}

static void a_refused_refer_is_told(void **state)
{
	struct world *world = *state;
	uint64_t call;

	world_call(world, &call);
	assert_int_equal(ua_transfer(world->ua, call, SLICE("sips:carol@localhost"), world->now), OK);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_REFER), 405, NULL, SLICE(""));
	assert_int_equal(world_event(world, UA_TRANSFER_FAILED)->status, 405);
	world_expect_no_event(world, UA_ENDED);
}

static void a_sips_call_is_not_transferred_lower(void **state)
{
	struct world *world = *state;
	uint64_t call;

	world_call(world, &call);
	assert_int_equal(ua_transfer(world->ua, call, SLICE("sip:carol@localhost"), world->now), ERR_DENIED);
	assert_int_equal(ua_transfer(world->ua, call, SLICE("tel:+1"), world->now), ERR_SYNTAX);
	assert_int_equal(ua_transfer(world->ua, call + 1, SLICE("sips:x@localhost"), world->now),
			 ERR_NOT_FOUND);
	world_pump(world);
	world_expect_silence(world);
}

static void an_attended_transfer_names_the_call_to_be_replaced(void **state)
{
	struct world *world = *state;
	const struct sip_message *second, *refer;
	char wanted[512];
	uint64_t one, two;

	world_call(world, &one);
	second = world_call(world, &two);
	assert_int_equal(ua_transfer_to(world->ua, one, one, world->now), ERR_NOT_FOUND);
	assert_int_equal(ua_transfer_to(world->ua, one, two, world->now), OK);
	world_pump(world);
	refer = world_expect(world, SIP_REFER);
	snprintf(wanted, sizeof wanted,
		 "<sips:bob@localhost?Replaces=%.*s%%3bto-tag%%3dbobs-tag%%3bfrom-tag%%3d%.*s>",
		 SLICE_FMT(second->call_id), SLICE_FMT(second->from.tag));
	assert_true(slice_eq(sip_message_value(refer, SIP_REFER_TO), slice_of(wanted)));
}

/* -- theirs ------------------------------------------------------------------------------------------ */

static void we_follow_the_other_side_and_report_how_it_goes(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *invite, *notification;
	char sdp[4096];
	uint64_t call, next;

	first = world_call(world, &call);
	receive(world, first, "REFER",
		"Refer-To: <sips:carol@localhost?Replaces=a%40b%3Bto-tag%3Dc%3Bfrom-tag%3Dd&Subject=x>\r\n"
		"Referred-By: <sips:bob@localhost>\r\n",
		SLICE(""));
	world_expect_status(world, 202);
	notification = world_expect(world, SIP_NOTIFY);
	assert_true(slice_eq(notification->body, SLICE("SIP/2.0 100 Trying\r\n")));
	assert_true(slice_eq(sip_message_value(notification, SIP_EVENT), SLICE("refer")));
	world_answer(world, notification, 200, NULL, SLICE(""));
	assert_true(slice_eq(world_event(world, UA_REFERRED)->text, SLICE("sips:carol@localhost")));
	assert_true(world->event.consented);
	assert_int_equal(ua_follow(world->ua, call, &media, world->now, &next), OK);
	assert_int_equal(ua_follow(world->ua, call, &media, world->now, &next), ERR_NOT_FOUND);
	world_pump(world);
	invite = world_expect(world, SIP_INVITE);
	assert_true(slice_eq(invite->uri_text, SLICE("sips:carol@localhost")));
	assert_true(slice_eq(sip_message_value(invite, SIP_REPLACES), SLICE("a@b;to-tag=c;from-tag=d")));
	assert_true(slice_eq(sip_message_value(invite, SIP_REFERRED_BY), SLICE("<sips:bob@localhost>")));
	assert_null(sip_message_header(invite, SIP_SUBJECT)); /* RFC3261:19.1.5 */
	world_answer(world, invite, 180, contact, SLICE(""));
	world_answer(world, world_expect(world, SIP_NOTIFY), 200, NULL, SLICE(""));
	world_answer(world, invite, 200, contact,
		     world_sdp_answer(world, invite, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	notification = world_expect(world, SIP_NOTIFY);
	assert_true(slice_eq(notification->body, SLICE("SIP/2.0 200 OK\r\n")));
	assert_true(has(sip_message_value(notification, SIP_SUBSCRIPTION_STATE), "terminated"));
	assert_int_equal(world_event(world, UA_ESTABLISHED)->id, next);
}

static void who_wants_no_subscription_is_told_nothing(void **state) /* RFC4488:4 */
{
	struct world *world = *state;
	const struct sip_message *first, *invite, *accepted;
	char sdp[4096];
	uint64_t call, next;

	first = world_call(world, &call);
	receive(world, first, "REFER",
		"Refer-To: <sips:carol@localhost>\r\nRefer-Sub: false\r\nRequire: norefersub\r\n", SLICE(""));
	accepted = world_expect_status(world, 202);
	assert_true(slice_eq(sip_message_value(accepted, SIP_REFER_SUB), SLICE("false")));
	world_event(world, UA_REFERRED);
	assert_int_equal(ua_follow(world->ua, call, &media, world->now, &next), OK);
	world_pump(world);
	invite = world_expect(world, SIP_INVITE);
	world_answer(world, invite, 180, contact, SLICE(""));
	world_answer(world, invite, 200, contact,
		     world_sdp_answer(world, invite, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	world_expect_silence(world);

	/* the next one says that it wants to know */
	receive(world, first, "REFER", "Refer-To: <sips:carol@localhost>\r\nRefer-Sub: true\r\n", SLICE(""));
	accepted = world_expect_status(world, 202);
	assert_null(sip_message_header(accepted, SIP_REFER_SUB));
	world_expect(world, SIP_NOTIFY);
}

static void what_came_of_nothing_is_reported_too(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *notification;
	uint64_t call, next;

	first = world_call(world, &call);
	for (unsigned i = 0; i < 2; i++) {
		receive(world, first, "REFER", "Refer-To: <sips:carol@localhost>\r\n", SLICE(""));
		world_expect_status(world, 202);
		world_expect(world, SIP_NOTIFY);
		assert_int_equal(ua_follow(world->ua, call, &media, world->now, &next), OK);
		world_pump(world);
		world_answer(world, world_expect(world, SIP_INVITE), 486, NULL, SLICE(""));
		world_expect(world, SIP_ACK);
		notification = world_expect(world, SIP_NOTIFY);
		assert_true(slice_eq(notification->body, SLICE("SIP/2.0 486 Busy Here\r\n")));
		assert_int_equal(has(sip_message_value(notification, SIP_EVENT), ";id="), i == 1);
		assert_int_equal(world_event(world, UA_ENDED)->id, next);
	}
}

static void the_referrer_may_hang_up_meanwhile(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *invite;
	char sdp[4096];
	uint64_t call, next;

	first = world_call(world, &call);
	receive(world, first, "REFER", "Refer-To: <sips:carol@localhost>\r\n", SLICE(""));
	world_expect_status(world, 202);
	world_expect(world, SIP_NOTIFY);
	assert_int_equal(ua_follow(world->ua, call, &media, world->now, &next), OK);
	world_pump(world);
	invite = world_expect(world, SIP_INVITE);
	receive(world, first, "BYE", "", SLICE(""));
	world_expect_status(world, 200);
	assert_int_equal(world_event(world, UA_ENDED)->id, call);
	world_answer(world, invite, 200, contact,
		     world_sdp_answer(world, invite, SDP_SRTP_REQUIRED, sdp, sizeof sdp));
	world_expect(world, SIP_ACK);
	world_expect(world, SIP_NOTIFY); /* RFC6665:4.1.2: the subscription outlives the session */
	assert_int_equal(world_event(world, UA_ESTABLISHED)->id, next);
}

static const struct {
	const char *label, *lines;
	unsigned status;
} refused[] = {
	{ "lower", "Refer-To: <sip:carol@localhost>\r\n", 603 },
	{ "to a telephone", "Refer-To: <tel:+1>\r\n", 603 },
	{ "for something else than a call", "Refer-To: <sips:carol@localhost;method=BYE>\r\n", 603 },
	{ "to nobody", "", 400 },
	{ "to two", "Refer-To: <sips:a@localhost>\r\nRefer-To: <sips:b@localhost>\r\n", 400 },
	{ "to nonsense", "Refer-To: <sips:>\r\n", 400 },
};

static void a_transfer_for_the_worse_is_refused(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *response;
	uint64_t call, next;

	first = world_call(world, &call);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		receive(world, first, "REFER", refused[i].lines, SLICE(""));
		response = world_sent(world);
		if (!response || response->status != refused[i].status)
			fail_msg("%s: %u", refused[i].label, response ? response->status : 0);
	}
	world_expect_no_event(world, UA_REFERRED);
	assert_int_equal(ua_follow(world->ua, call, &media, world->now, &next), ERR_NOT_FOUND);
	world_expect_silence(world);
}

static void nobody_is_transferred_who_does_not_want_to(void **state)
{
	struct world *world = *state;
	const struct sip_message *first;
	uint64_t call;

	first = world_call(world, &call);
	receive(world, first, "REFER", "Refer-To: <sips:carol@localhost>\r\n", SLICE(""));
	world_expect_status(world, 603);
	assert_true(slice_eq(world_event(world, UA_REFER_REFUSED)->text, SLICE("sips:carol@localhost")));
}

static void consent_is_asked_for_and_may_be_denied_or_not_come(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *notification;
	uint64_t call;

	first = world_call(world, &call);
	for (int i = 0; i < 2; i++) {
		receive(world, first, "REFER", "Refer-To: <sips:carol@localhost>\r\n", SLICE(""));
		world_expect_status(world, 202);
		world_expect(world, SIP_NOTIFY);
		assert_false(world_event(world, UA_REFERRED)->consented);
		receive(world, first, "REFER", "Refer-To: <sips:dave@localhost>\r\n", SLICE(""));
		world_expect_status(world, 603); /* one at a time */
		if (i == 0)
			assert_int_equal(ua_stay(world->ua, call, world->now), OK);
		world_pass(world, i == 0 ? 0 : 60000);
		notification = world_expect(world, SIP_NOTIFY);
		assert_true(slice_eq(notification->body, SLICE("SIP/2.0 603 Decline\r\n")));
		assert_true(has(sip_message_value(notification, SIP_SUBSCRIPTION_STATE), "rejected"));
		world_answer(world, notification, 200, NULL, SLICE(""));
		assert_int_equal(ua_stay(world->ua, call, world->now), ERR_NOT_FOUND);
	}
}

/* -- Replaces ---------------------------------------------------------------------------------------- */

/* Somebody's INVITE that is to replace the call of ours that this INVITE began. */
static void receive_replacing(struct world *world, const struct sip_message *replaced, const char *from,
			      const char *uri, const char *more)
{
	char sdp[4096];
	struct slice body = world_offer(world, SDP_SRTP_REQUIRED, SDP_SENDRECV, sdp, sizeof sdp);

	world->cseq++;
	world_receive(world,
		      "INVITE %s SIP/2.0\r\nVia: SIP/2.0/TLS localhost;branch=z9hG4bKreplacing%u\r\n"
		      "Max-Forwards: 70\r\nFrom: <%s>;tag=theirs\r\nTo: <sips:alice@localhost>\r\n"
		      "Call-ID: replacing-%u\r\nCSeq: 1 INVITE\r\nContact: <sips:x@127.0.0.3>\r\n"
		      "Replaces: %.*s;to-tag=%.*s;from-tag=bobs-tag%s\r\n"
		      "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%.*s",
		      uri, world->cseq, from, world->cseq, SLICE_FMT(replaced->call_id),
		      SLICE_FMT(replaced->from.tag), more, body.len, SLICE_FMT(body));
}

static void take_replacement(struct world *world, const struct sip_message *replaced, uint64_t call,
			     const char *from, bool consented)
{
	uint64_t next;

	receive_replacing(world, replaced, from, "sips:alice@127.0.0.1:40001", "");
	world_expect_status(world, 180);
	assert_int_equal(world_event(world, UA_INCOMING)->other, call);
	assert_int_equal(world->event.consented, consented);
	next = world->event.id;
	assert_int_equal(ua_answer(world->ua, next, &media, world->now), OK);
	world_pump(world);
	world_expect_status(world, 200);
	world_expect(world, SIP_BYE);
	assert_int_equal(world_event(world, UA_ENDED)->id, call);
	assert_int_equal(world->event.cause, UA_MOVED);
	assert_int_equal(world_event(world, UA_PROGRESS)->id, next);
}

static void the_peer_replaces_his_call(void **state)
{
	struct world *world = *state;
	const struct sip_message *first;
	uint64_t call;

	first = world_call(world, &call);
	receive_replacing(world, first, "sips:carol@localhost", "sips:alice@127.0.0.1:40001", "");
	world_expect_status(world, 603); /* and nobody else */
	world_expect_no_event(world, UA_INCOMING);
	receive_replacing(world, first, "sips:bob@localhost", "sips:alice@127.0.0.1:40001", ";early-only");
	world_expect_status(world, 486); /* RFC3891:3 */
	receive_replacing(world, first, "sips:bob@localhost", "sip:alice@127.0.0.1:40001", "");
	world_expect_status(world, 603); /* not lower */
	take_replacement(world, first, call, "sips:bob@LOCALHOST", true);
}

static void whoever_knows_of_a_call_replaces_it_where_that_is_allowed(void **state)
{
	struct world *world = *state;
	const struct sip_message *first;
	uint64_t call;

	first = world_call(world, &call);
	take_replacement(world, first, call, "sips:carol@localhost", true);
	receive_replacing(world, first, "sips:bob@localhost", "sips:alice@127.0.0.1:40001", "");
	world_expect_status(world, 603); /* RFC3891:3: it is over */
}

static void consent_to_a_replacement_is_asked_for(void **state)
{
	struct world *world = *state;
	const struct sip_message *first;
	uint64_t call;

	first = world_call(world, &call);
	take_replacement(world, first, call, "sips:carol@localhost", false);
}

static void no_call_is_replaced_where_that_is_not_wanted(void **state)
{
	struct world *world = *state;
	const struct sip_message *first;
	uint64_t call;

	first = world_call(world, &call);
	receive_replacing(world, first, "sips:bob@localhost", "sips:alice@127.0.0.1:40001", "");
	world_expect_status(world, 603);
	world_expect_no_event(world, UA_INCOMING);
}

static void a_call_of_ours_that_rings_is_replaced(void **state)
{
	struct world *world = *state;
	const struct sip_message *invite;
	uint64_t call, next;

	assert_int_equal(ua_call(world->ua, SLICE("sips:bob@localhost"), &media, world->now, &call), OK);
	world_pump(world);
	invite = world_expect(world, SIP_INVITE);
	world_answer(world, invite, 180, contact, SLICE(""));
	receive_replacing(world, invite, "sips:bob@localhost", "sips:alice@127.0.0.1:40001", ";early-only");
	world_expect_status(world, 180);
	next = world_event(world, UA_INCOMING)->id;
	assert_int_equal(ua_answer(world->ua, next, &media, world->now), OK);
	world_pump(world);
	world_expect_status(world, 200);
	world_answer(world, world_expect(world, SIP_CANCEL), 200, NULL, SLICE(""));
	world_answer(world, invite, 487, NULL, SLICE(""));
	world_expect(world, SIP_ACK);
	assert_int_equal(world_event(world, UA_ENDED)->cause, UA_MOVED);
}

#define WITH(test, how) cmocka_unit_test_setup_teardown(test, how, teardown)

static const struct CMUnitTest tests[] = {
	WITH(a_blind_transfer_is_told_as_it_goes_and_ends_our_call, setup),
	cmocka_unit_test(a_transfer_that_comes_to_nothing_leaves_the_call),
	WITH(a_transfer_of_which_nothing_is_heard_is_given_up, setup),
	WITH(what_is_no_good_report_is_refused, setup),
	WITH(a_refused_refer_is_told, setup),
	WITH(a_sips_call_is_not_transferred_lower, setup),
	WITH(an_attended_transfer_names_the_call_to_be_replaced, setup),
	WITH(we_follow_the_other_side_and_report_how_it_goes, setup),
	WITH(who_wants_no_subscription_is_told_nothing, setup),
	WITH(what_came_of_nothing_is_reported_too, setup),
	WITH(the_referrer_may_hang_up_meanwhile, setup),
	WITH(a_transfer_for_the_worse_is_refused, setup),
	WITH(nobody_is_transferred_who_does_not_want_to, setup_never),
	WITH(consent_is_asked_for_and_may_be_denied_or_not_come, setup_ask),
	WITH(the_peer_replaces_his_call, setup),
	WITH(whoever_knows_of_a_call_replaces_it_where_that_is_allowed, setup_allow),
	WITH(consent_to_a_replacement_is_asked_for, setup_ask),
	WITH(no_call_is_replaced_where_that_is_not_wanted, setup_never),
	WITH(a_call_of_ours_that_rings_is_replaced, setup),
};
TEST_MAIN(tests)
