#include "world.h"

static const char contact[] = "Contact: <sips:notifier@127.0.0.2:9>\r\n";

static int setup(void **state)
{
	static struct world world;

	world_open(&world, &(struct ua_config){ 0 });
	world_register(&world);
	world.cseq = 0;
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	world_close(*state);
	return 0;
}

static const struct sip_message *watch(struct world *world, uint64_t *ret_watch)
{
	assert_int_equal(
		ua_watch(world->ua, SLICE("sips:bob@localhost"), SLICE("reg"), world->now, ret_watch), OK);
	world_pump(world);
	return world_expect(world, SIP_SUBSCRIBE);
}

/* A NOTIFY of the phone with that tag. */
static void notify_as(struct world *world, const struct sip_message *subscribe, const char *tag,
		      const char *event, const char *state)
{
	static int branches;

	world->cseq++;
	world_receive(world,
		      "NOTIFY sips:alice@127.0.0.1:40001 SIP/2.0\r\n"
		      "Via: SIP/2.0/TLS localhost;branch=z9hG4bKn%u-%d\r\nMax-Forwards: 70\r\n"
		      "From: <sips:bob@localhost>;tag=%s\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u NOTIFY\r\n"
		      "%sRecord-Route: <sips:token@localhost;lr>\r\nEvent: %s\r\n%s%s%s"
		      "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
		      world->cseq, ++branches, tag, SLICE_FMT(subscribe->from.text),
		      SLICE_FMT(subscribe->call_id), world->cseq, contact, event,
		      *state ? "Subscription-State: " : "", state, *state ? "\r\n" : "");
}

static void notify(struct world *world, const struct sip_message *subscribe, const char *state)
{
	notify_as(world, subscribe, "theirs", "reg", state);
}

/* Subscribed, for ten minutes; wire and events are empty. */
static const struct sip_message *subscribed(struct world *world, uint64_t *ret_watch)
{
	const struct sip_message *subscribe = watch(world, ret_watch);

	world_answer(world, subscribe, 200, "Expires: 600\r\n", SLICE(""));
	notify(world, subscribe, "active;expires=600");
	world_expect_status(world, 200);
	world_event(world, UA_NOTIFIED);
	return subscribe;
}

static void what_happens_is_told_and_the_subscription_refreshed(void **state)
{
	struct world *world = *state;
	const struct sip_message *subscribe, *again;
	uint64_t id;

	subscribe = watch(world, &id);
	assert_true(slice_eq(sip_message_value(subscribe, SIP_EVENT), SLICE("reg")));
	assert_true(slice_eq(sip_message_value(subscribe, SIP_EXPIRES), SLICE("3600")));
	notify(world, subscribe, "pending;expires=600"); /* RFC6665:4.4.1: it may come before the 200 */
	world_expect_status(world, 200);
	assert_int_equal(world_event(world, UA_NOTIFIED)->id, id);
	assert_true(slice_eq(world->event.text, SLICE("hello")));
	assert_true(slice_eq(world->event.state, SLICE("pending")));
	assert_true(slice_eq(world->event.peer, SLICE("sips:bob@localhost")));
	world_answer(world, subscribe, 200, "Expires: 600\r\n", SLICE(""));
	world_pass(world, 567999);
	world_expect_silence(world);
	world_pass(world, 1);
	again = world_expect(world, SIP_SUBSCRIBE);
	assert_true(slice_eq(again->uri_text, SLICE("sips:notifier@127.0.0.2:9")));
	assert_true(slice_eq(sip_message_value(again, SIP_ROUTE), SLICE("<sips:token@localhost;lr>")));
	assert_true(slice_eq(again->to.tag, SLICE("theirs")));
	assert_int_equal(again->cseq.number, subscribe->cseq.number + 1);
	world_answer(world, again, 200, "Expires: 100\r\n", SLICE(""));
	world_pass(world, 68000);
	world_expect(world, SIP_SUBSCRIBE);
}

/* Who grants a second again and again does not have us ask without end. */
static void a_short_life_is_refreshed_within_it_and_not_at_once(void **state)
{
	struct world *world = *state;
	const struct sip_message *subscribe, *again;
	uint64_t id;

	subscribe = subscribed(world, &id);
	notify(world, subscribe, "active;expires=1");
	world_expect_status(world, 200);
	for (unsigned i = 0; i < 3; i++) {
		world_pass(world, 499);
		world_expect_silence(world);
		world_pass(world, 1);
		again = world_expect(world, SIP_SUBSCRIBE);
		world_answer(world, again, 200, "Expires: 1\r\n", SLICE(""));
	}
}

static void the_way_is_that_of_the_2xx_where_the_notify_has_none(void **state)
{
	static const char *const orders[] = { "2xx first", "NOTIFY first" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct sip_message *subscribe, *again;
		struct world world;
		uint64_t id;

		world_open(&world, &(struct ua_config){ 0 });
		world_register(&world);
		world.tag = "theirs";
		subscribe = watch(&world, &id);
		for (size_t step = 0; step < 2; step++) {
			if (step == i) {
				world_answer(
					&world, subscribe, 200,
					"Expires: 100\r\nContact: <sips:notifier@127.0.0.2:9>\r\n"
					"Record-Route: <sips:two@localhost;lr>, <sips:one@localhost;lr>\r\n",
					SLICE(""));
				continue;
			}
			world_receive(&world,
				      "NOTIFY sips:alice@127.0.0.1:40001 SIP/2.0\r\n"
				      "Via: SIP/2.0/TLS localhost;branch=z9hG4bKw\r\nMax-Forwards: 70\r\n"
				      "From: <sips:bob@localhost>;tag=theirs\r\nTo: %.*s\r\nCall-ID: %.*s\r\n"
				      "CSeq: 1 NOTIFY\r\n%sEvent: reg\r\n"
				      "Subscription-State: active;expires=100\r\nContent-Length: 0\r\n\r\n",
				      SLICE_FMT(subscribe->from.text), SLICE_FMT(subscribe->call_id),
				      contact);
			world_expect_status(&world, 200);
		}
		world_pass(&world, 68000);
		again = world_expect(&world, SIP_SUBSCRIBE);
		if (!slice_eq(sip_message_value(again, SIP_ROUTE),
			      SLICE("<sips:one@localhost;lr>, <sips:two@localhost;lr>")))
			fail_msg("%s: %.*s", orders[i], SLICE_FMT(again->text));
		world_close(&world);
	}
}

static void it_is_ended_by_us(void **state)
{
	struct world *world = *state;
	const struct sip_message *subscribe, *last;
	uint64_t id;

	subscribe = subscribed(world, &id);
	assert_int_equal(ua_unwatch(world->ua, id, world->now), OK);
	assert_int_equal(ua_unwatch(world->ua, id, world->now), ERR_NOT_FOUND);
	world_pump(world);
	last = world_expect(world, SIP_SUBSCRIBE);
	assert_true(slice_eq(sip_message_value(last, SIP_EXPIRES), SLICE("0")));
	world_answer(world, last, 200, "Expires: 0\r\n", SLICE(""));
	world_expect_no_event(world, UA_WATCH_ENDED);
	notify(world, subscribe, "terminated;reason=timeout");
	world_expect_status(world, 200);
	world_event(world, UA_NOTIFIED);
	assert_int_equal(world_event(world, UA_WATCH_ENDED)->cause, UA_HUNG_UP);
	notify(world, subscribe, "active");
	world_expect_status(world, 481);
	world_pass(world, 1000000);
	world_expect_silence(world);
}

static void an_end_that_is_not_confirmed_is_one(void **state)
{
	struct world *world = *state;
	uint64_t id;

	subscribed(world, &id);
	assert_int_equal(ua_unwatch(world->ua, id, world->now), OK);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_SUBSCRIBE), 200, NULL, SLICE(""));
	world_pass(world, 32000);
	assert_int_equal(world_event(world, UA_WATCH_ENDED)->cause, UA_HUNG_UP);
}

static void without_a_notify_there_is_no_subscription(void **state)
{
	struct world *world = *state;
	uint64_t id;

	world_answer(world, watch(world, &id), 200, "Expires: 3600\r\n", SLICE(""));
	world_pass(world, 31999);
	world_expect_no_event(world, UA_WATCH_ENDED);
	world_pass(world, 1); /* RFC6665:4.1.2.4, timer N */
	assert_int_equal(world_event(world, UA_WATCH_ENDED)->cause, UA_TIMEOUT);
}

static const struct {
	unsigned status;
	bool at_first, refreshing; /* whether it ends the subscription */
} refusals[] = {
	{ 403, true, false }, { 404, true, true },  { 408, true, false }, { 480, true, true },
	{ 489, true, true },  { 500, true, false }, { 503, true, false }, { 604, true, true },
};

static void a_refusal_ends_what_it_means_to_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		const struct sip_message *again;
		struct world world;
		uint64_t id;

		world_open(&world, &(struct ua_config){ 0 });
		world_register(&world);
		world_answer(&world, watch(&world, &id), refusals[i].status, NULL, SLICE(""));
		assert_int_equal(world_event(&world, UA_WATCH_ENDED)->status, refusals[i].status);
		world.cseq = 0;
		subscribed(&world, &id);
		world_pass(&world, 568000);
		world_answer(&world, world_expect(&world, SIP_SUBSCRIBE), refusals[i].status, NULL,
			     SLICE(""));
		if (refusals[i].refreshing) {
			assert_int_equal(world_event(&world, UA_WATCH_ENDED)->status, refusals[i].status);
		} else {
			world_pass(&world, 32000); /* what was granted is over, */
			world_expect_silence(&world);
			world_pass(&world, 2000); /* and another one is asked for */
			again = world_expect(&world, SIP_SUBSCRIBE);
			assert_int_equal(again->to.tag.len, 0);
			world_expect_no_event(&world, UA_WATCH_ENDED);
			world_answer(&world, again, refusals[i].status, NULL, SLICE(""));
			assert_int_equal(world_event(&world, UA_WATCH_ENDED)->status, refusals[i].status);
		}
		world_close(&world);
	}
}

static void a_longer_one_is_asked_for_where_that_is_demanded(void **state)
{
	struct world *world = *state;
	const struct sip_message *again;
	uint64_t id;

	world_answer(world, watch(world, &id), 423, "Min-Expires: 7200\r\n", SLICE(""));
	again = world_expect(world, SIP_SUBSCRIBE);
	assert_true(slice_eq(sip_message_value(again, SIP_EXPIRES), SLICE("7200")));
	world_answer(world, again, 423, "Min-Expires: 7200\r\n", SLICE(""));
	assert_int_equal(world_event(world, UA_WATCH_ENDED)->status, 423);
}

/* Each time a little more: who is asked may not have us ask without end. */
static void a_longer_subscription_is_not_asked_for_without_end(void **state)
{
	struct world *world = *state;
	const struct sip_message *request;
	unsigned n = 0;
	uint64_t id;

	request = watch(world, &id);
	do {
		char line[64];

		assert_in_range(n, 0, 10);
		snprintf(line, sizeof line, "Min-Expires: %u\r\n", 7200 + n++);
		world_answer(world, request, 423, line, SLICE(""));
	} while ((request = world_sent(world)) != NULL);
	assert_int_equal(world_event(world, UA_WATCH_ENDED)->status, 423);
}

static const struct {
	const char *state;
	ms_t wait; /* until it is tried again; 0: it is not */
} reasons[] = {
	{ "terminated;reason=deactivated", 2000 },
	{ "terminated;reason=timeout", 2000 },
	{ "terminated;reason=probation;retry-after=30", 32000 },
	{ "terminated;reason=probation", 62000 },
	{ "terminated;reason=giveup;retry-after=30", 32000 },
	{ "terminated;reason=giveup;retry-after=100000", 0 },
	{ "terminated;reason=rejected", 0 },
	{ "terminated;reason=noresource", 0 },
	{ "terminated", 0 },
};

static void the_reason_says_whether_it_is_tried_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		const struct sip_message *first, *again;
		struct world world;
		uint64_t id;

		world_open(&world, &(struct ua_config){ 0 });
		world_register(&world);
		world.cseq = 0;
		first = subscribed(&world, &id);
		notify(&world, first, reasons[i].state); /* RFC6665:4.1.3 */
		world_expect_status(&world, 200);
		if (reasons[i].wait == 0) {
			assert_int_equal(world_event(&world, UA_WATCH_ENDED)->id, id);
		} else {
			world_pass(&world, reasons[i].wait - 1);
			world_expect_silence(&world);
			world_pass(&world, 1);
			again = world_expect(&world, SIP_SUBSCRIBE);
			assert_int_equal(again->to.tag.len, 0);
			assert_false(slice_eq(again->call_id, first->call_id));
			notify(&world, again, "active;expires=100");
			world_expect_status(&world, 200);
			assert_int_equal(world_event(&world, UA_NOTIFIED)->id, id);
		}
		world_close(&world);
	}
}

static void notifications_that_are_none_of_ours_are_refused(void **state)
{
	struct world *world = *state;
	const struct sip_message *subscribe;
	uint64_t id;

	subscribe = subscribed(world, &id);
	notify_as(world, subscribe, "another", "reg", "active"); /* a fork; RFC6665:4.4.1 */
	world_expect_status(world, 481);
	notify_as(world, subscribe, "theirs", "presence", "active");
	world_expect_status(world, 481);
	notify_as(world, subscribe, "theirs", "reg;id=1", "active");
	world_expect_status(world, 481);
	notify_as(world, subscribe, "theirs", "reg", "");
	world_expect_status(world, 400);
	world->cseq = 0;
	notify(world, subscribe, "active"); /* out of order */
	world_expect_status(world, 500);
	world_expect_no_event(world, UA_NOTIFIED);
}

static void a_new_flow_is_told_to_the_notifier(void **state)
{
	struct world *world = *state;
	uint64_t id;

	subscribed(world, &id);
	world_lose_flow(world);
	world_pass(world, 1000);
	world_connect(world, "localhost");
	world_answer(world, world_expect(world, SIP_REGISTER), 200, "Expires: 3600\r\n", SLICE(""));
	assert_true(slice_eq(world_expect(world, SIP_SUBSCRIBE)->to.tag, SLICE("theirs")));
}

static void a_notifier_that_forgot_it_is_asked_anew(void **state) /* RFC6665:4.1.2.2 */
{
	struct world *world = *state;
	const struct sip_message *first, *again;
	uint64_t id;

	first = subscribed(world, &id);
	world_pass(world, 568000);
	world_answer(world, world_expect(world, SIP_SUBSCRIBE), 481, NULL, SLICE(""));
	world_pass(world, 1999);
	world_expect_silence(world);
	world_pass(world, 1);
	again = world_expect(world, SIP_SUBSCRIBE);
	assert_int_equal(again->to.tag.len, 0);
	assert_false(slice_eq(again->call_id, first->call_id));
	world_answer(world, again, 481, NULL,
		     SLICE("")); /* who knows of nothing there is not asked without end */
	assert_int_equal(world_event(world, UA_WATCH_ENDED)->status, 481);
}

/* Whatever becomes of a refresh that was under way when the notifier ended the subscription (RFC 6665 §4.1.3) */
static void a_refresh_of_what_has_ended_says_nothing_of_the_next(void **state)
{
	static const unsigned statuses[] = { 200, 404, 423, 481, 503 };

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		for (int late = 0; late < 2; late++) { /* before the next one begins, or after */
			const struct sip_message *first, *refresh, *again;
			struct world world;
			uint64_t id;

			world_open(&world, &(struct ua_config){ 0 });
			world_register(&world);
			world.cseq = 0;
			first = subscribed(&world, &id);
			world_pass(&world, 568000);
			refresh = world_expect(&world, SIP_SUBSCRIBE);
			notify(&world, first, "terminated;reason=deactivated");
			world_expect_status(&world, 200);
			if (!late)
				world_answer(&world, refresh, statuses[i], "Min-Expires: 7200\r\n",
					     SLICE(""));
			world_pass(&world, 2000);
			again = world_expect(&world, SIP_SUBSCRIBE);
			assert_int_equal(again->to.tag.len, 0);
			if (late)
				world_answer(&world, refresh, statuses[i], "Min-Expires: 7200\r\n",
					     SLICE(""));
			world_expect_silence(&world);
			world_expect_no_event(&world, UA_WATCH_ENDED);
			world_close(&world);
		}
	}
}

/* RFC6665:4.1.2.4 the 2xx may come behind the NOTIFY, also where this one ends the subscription at once */
static void a_2xx_behind_the_end_makes_no_dialog(void **state)
{
	struct world *world = *state;
	const struct sip_message *first, *again;
	uint64_t id;

	first = watch(world, &id);
	notify(world, first, "terminated;reason=probation;retry-after=30");
	world_expect_status(world, 200);
	world_answer(world, first, 200, "Contact: <sips:notifier@127.0.0.2:9>\r\nExpires: 600\r\n",
		     SLICE(""));
	world_pass(world, 32000);
	again = world_expect(world, SIP_SUBSCRIBE);
	assert_int_equal(again->to.tag.len, 0);
	assert_false(slice_eq(again->call_id, first->call_id));
}

/* RFC3261:12.2.1.1 "CSeq sequence numbers in each direction" increase, though a challenge has taken one */
static void it_counts_on_behind_a_challenge(void **state)
{
	struct world *world = *state;
	const struct sip_message *again;
	uint64_t id;

	world_answer(
		world, watch(world, &id), 407,
		"Proxy-Authenticate: Digest realm=\"localhost\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n",
		SLICE(""));
	again = world_expect(world, SIP_SUBSCRIBE);
	assert_int_equal(again->cseq.number, 2);
	notify(world, again, "active;expires=600"); /* RFC6665:4.4.1: it may come before the 200 */
	world_expect_status(world, 200);
	assert_int_equal(ua_unwatch(world->ua, id, world->now), OK);
	world_pump(world);
	assert_int_equal(world_expect(world, SIP_SUBSCRIBE)->cseq.number, 3);
}

/* A notifier that goes down says so, and then its connection is gone, too. */
static void it_is_begun_anew_when_there_is_a_flow_again(void **state)
{
	struct world *world = *state;
	uint64_t id;

	notify(world, subscribed(world, &id), "terminated;reason=deactivated");
	world_expect_status(world, 200);
	world_lose_flow(world);
	for (int i = 0; i < 4; i++) {
		world_pass(world, world_event(world, UA_DISCONNECTED)->retry_in);
		world_refuse_connection(world, ERR_IO);
	}
	world_pass(world, world_event(world, UA_DISCONNECTED)->retry_in);
	world_connect(world, "localhost");
	world_answer(world, world_expect(world, SIP_REGISTER), 200, "Expires: 3600\r\n", SLICE(""));
	world_pass(world, 2000);
	assert_int_equal(world_expect(world, SIP_SUBSCRIBE)->to.tag.len, 0);
	world_lose_flow(world); /* before the answer */
	world_pass(world, world_event(world, UA_DISCONNECTED)->retry_in);
	world_connect(world, "localhost");
	world_answer(world, world_expect(world, SIP_REGISTER), 200, "Expires: 3600\r\n", SLICE(""));
	world_pass(world, 2000);
	world_expect(world, SIP_SUBSCRIBE);
}

/* RFC3261:12.2.1.2; SUBSCRIBE is a target refresh request (RFC6665:3.1) */
static void a_notifier_may_say_in_a_2xx_that_it_has_moved(void **state)
{
	struct world *world = *state;
	const struct sip_message *refresh;
	uint64_t id;

	subscribed(world, &id);
	world_pass(world, 568000);
	refresh = world_expect(world, SIP_SUBSCRIBE);
	assert_true(slice_eq(refresh->uri_text, SLICE("sips:notifier@127.0.0.2:9")));
	world_answer(world, refresh, 200, "Contact: <sips:notifier@127.0.0.3:9>\r\nExpires: 600\r\n",
		     SLICE(""));
	assert_int_equal(ua_unwatch(world->ua, id, world->now), OK);
	world_pump(world);
	assert_true(
		slice_eq(world_expect(world, SIP_SUBSCRIBE)->uri_text, SLICE("sips:notifier@127.0.0.3:9")));
}

static void a_phone_that_ends_ends_its_subscriptions(void **state)
{
	struct world *world = *state;
	const struct sip_message *subscribe, *open, *last;
	uint64_t one, two;

	subscribe = subscribed(world, &one);
	open = watch(world, &two);
	ua_stop(world->ua, world->now);
	world_pump(world);
	last = world_expect(world, SIP_SUBSCRIBE);
	assert_true(slice_eq(sip_message_value(last, SIP_EXPIRES), SLICE("0")));
	assert_int_equal(world_event(world, UA_WATCH_ENDED)->id, two); /* of which nothing was told yet */
	world_answer(world, last, 200, "Expires: 0\r\n", SLICE(""));
	world_answer(world, world_expect(world, SIP_REGISTER), 200, NULL, SLICE(""));
	world_answer(world, open, 403, NULL, SLICE(""));
	world_expect_no_event(world, UA_STOPPED);
	notify(world, subscribe, "terminated;reason=timeout");
	world_expect_status(world, 200);
	assert_int_equal(world_event(world, UA_WATCH_ENDED)->id, one);
	world_event(world, UA_STOPPED);
}

static void a_phone_that_ends_waits_two_seconds_for_the_last_notify(void **state)
{
	struct world *world = *state;
	uint64_t id;

	subscribed(world, &id);
	ua_stop(world->ua, world->now);
	world_pump(world);
	world_answer(world, world_expect(world, SIP_SUBSCRIBE), 200, "Expires: 0\r\n", SLICE(""));
	world_answer(world, world_expect(world, SIP_REGISTER), 200, NULL, SLICE(""));
	world_pass(world, 1999);
	world_expect_no_event(world, UA_STOPPED);
	world_pass(world, 1);
	assert_int_equal(world_event(world, UA_WATCH_ENDED)->id, id);
	world_event(world, UA_STOPPED);
}

static void what_cannot_be_watched_is_refused_at_once(void **state)
{
	struct world *world = *state;
	uint64_t id;

	assert_int_equal(ua_watch(world->ua, SLICE("bob"), SLICE("reg"), world->now, &id), ERR_SYNTAX);
	assert_int_equal(ua_watch(world->ua, SLICE("sips:bob@localhost"), SLICE("re g"), world->now, &id),
			 ERR_SYNTAX);
	assert_int_equal(ua_watch(world->ua, SLICE("sips:bob@localhost"), SLICE("reg;id=1"), world->now, &id),
			 ERR_SYNTAX);
	assert_int_equal(ua_unwatch(world->ua, 1, world->now), ERR_NOT_FOUND);
	for (int i = 0; i < UA_MAX_WATCHES; i++)
		assert_int_equal(
			ua_watch(world->ua, SLICE("sips:bob@localhost"), SLICE("reg"), world->now, &id), OK);
	assert_int_equal(ua_watch(world->ua, SLICE("sips:bob@localhost"), SLICE("reg"), world->now, &id),
			 ERR_LIMIT);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
	WITH_WORLD(what_happens_is_told_and_the_subscription_refreshed),
	WITH_WORLD(a_short_life_is_refreshed_within_it_and_not_at_once),
	cmocka_unit_test(the_way_is_that_of_the_2xx_where_the_notify_has_none),
	WITH_WORLD(it_is_ended_by_us),
	WITH_WORLD(an_end_that_is_not_confirmed_is_one),
	WITH_WORLD(without_a_notify_there_is_no_subscription),
	cmocka_unit_test(a_refusal_ends_what_it_means_to_end),
	WITH_WORLD(a_longer_one_is_asked_for_where_that_is_demanded),
	WITH_WORLD(a_longer_subscription_is_not_asked_for_without_end),
	cmocka_unit_test(the_reason_says_whether_it_is_tried_again),
	WITH_WORLD(notifications_that_are_none_of_ours_are_refused),
	WITH_WORLD(a_new_flow_is_told_to_the_notifier),
	WITH_WORLD(a_notifier_that_forgot_it_is_asked_anew),
	cmocka_unit_test(a_refresh_of_what_has_ended_says_nothing_of_the_next),
	WITH_WORLD(a_2xx_behind_the_end_makes_no_dialog),
	WITH_WORLD(it_counts_on_behind_a_challenge),
	WITH_WORLD(it_is_begun_anew_when_there_is_a_flow_again),
	WITH_WORLD(a_notifier_may_say_in_a_2xx_that_it_has_moved),
	WITH_WORLD(a_phone_that_ends_ends_its_subscriptions),
	WITH_WORLD(a_phone_that_ends_waits_two_seconds_for_the_last_notify),
	WITH_WORLD(what_cannot_be_watched_is_refused_at_once),
};
TEST_MAIN(tests)
