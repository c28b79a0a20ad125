#include "world.h"

#include <string.h>

#include "sip/frame.h"

static void assert_has(struct slice text, const char *part)
{
	if (slice_find_text(text, slice_of(part)) == text.len)
		fail_msg("\"%s\" is not in:\n%.*s", part, SLICE_FMT(text));
}

static void assert_lacks(struct slice text, const char *part)
{
	if (slice_find_text(text, slice_of(part)) != text.len)
		fail_msg("\"%s\" is in:\n%.*s", part, SLICE_FMT(text));
}

/* The last messages that a peer was sent: at most an answer and a NOTIFY. */
struct got {
	struct sip_message *answer, *notify;
};

static struct got take_from(struct world *world, enum peer peer)
{
	struct slice text = world_passed(world, peer);
	struct got got = { 0 };

	while (text.len > 0) {
		struct sip_framer framer = { 0 };
		struct sip_frame frame;
		struct sip_message *message;
		struct sip_fault fault;

		assert_int_equal(sip_frame(&framer, text, &sip_limits_default, &frame), OK);
		assert_int_equal(sip_message_parse(frame.bytes, &sip_limits_default, &message, &fault), OK);
		assert_int_equal(message->fault.status, 0);
		struct sip_message **to = message->kind == SIP_REQUEST ? &got.notify : &got.answer;
		assert_null(*to);
		*to = message;
		text = slice_sub(text, frame.bytes.len, text.len);
	}
	return got;
}

static struct got take(struct world *world)
{
	return take_from(world, ALICE_PHONE);
}

static void drop(struct got *got)
{
	sip_message_free(got->answer);
	sip_message_free(got->notify);
	*got = (struct got){ 0 };
}

static const struct sip_message *answer_of(const struct got *got)
{
	assert_non_null(got->answer);
	return got->answer;
}

static const struct sip_message *notify_of(const struct got *got)
{
	assert_non_null(got->notify);
	return got->notify;
}

#define CONTACT "Contact: <sip:alice@192.0.2.10>\r\n"

static struct ask subscribe(const char *headers)
{
	return (struct ask){
		.method = "SUBSCRIBE",
		.uri = "sip:alice@example.org",
		.to = "<sip:alice@example.org>",
		.headers = headers,
	};
}

static struct got begin(struct world *world, const char *headers)
{
	const struct ask ask = subscribe(headers);

	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	return take(world);
}

/* The same dialog once more, from a peer; what it is told is answered 200. */
static struct got again_from(struct world *world, enum peer peer, struct slice tag, const char *headers)
{
	char to[128];
	struct ask ask = subscribe(headers);

	snprintf(to, sizeof to, "<sip:alice@example.org>;tag=%.*s", SLICE_FMT(tag));
	ask.to = to;
	ask.uri = "sip:sip.example.org;transport=tls";
	world_ask(world, peer, &ask, SLICE(""));
	return take_from(world, peer);
}

static struct got again(struct world *world, struct slice tag, const char *headers)
{
	return again_from(world, ALICE_PHONE, tag, headers);
}

static void confirm(struct world *world, const struct got *got)
{
	world_respond(world, ALICE_PHONE, notify_of(got), "200 OK", "");
}

static void a_phone_is_told_all_and_then_what_is_new(void **state) /* RFC3680:4.7.2 */
{
	struct world *world = world_new();
	struct got got = begin(world, "Event: reg;id=7\r\nExpires: 600\r\n" CONTACT);

	assert_int_equal(answer_of(&got)->status, 200);
	assert_has(answer_of(&got)->text, "Expires: 600\r\n");
	assert_has(answer_of(&got)->text, "Allow-Events: reg, certificate\r\n");
	assert_has(answer_of(&got)->text, "Contact: <sip:sip.example.org>\r\n");
	assert_has(notify_of(&got)->text, "NOTIFY sip:alice@192.0.2.10 SIP/2.0\r\n");
	assert_has(notify_of(&got)->text, "Event: reg;id=7\r\n");
	assert_has(notify_of(&got)->text, "Subscription-State: active;expires=600\r\n");
	assert_has(notify_of(&got)->text, "Content-Type: application/reginfo+xml\r\n");
	assert_has(notify_of(&got)->body, "version=\"0\" state=\"full\"");
	assert_has(notify_of(&got)->body, "state=\"init\"");
	assert_true(slice_eq(notify_of(&got)->from.tag, answer_of(&got)->to.tag));
	confirm(world, &got);
	drop(&got);

	world_pass(world, 60000);
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	world_bind(world, ALICE, ALICE_OTHER, "sip:alice@192.0.2.11", 1000);
	world_pass(world, 2000);
	got = take(world);
	assert_has(notify_of(&got)->body, "version=\"1\" state=\"partial\"");
	assert_has(notify_of(&got)->body, "event=\"registered\"");
	assert_has(notify_of(&got)->body, "<uri>sip:alice@192.0.2.11</uri>");
	assert_has(notify_of(&got)->text, "Subscription-State: active;expires=53");
	confirm(world, &got);
	drop(&got);

	world_pass(world, 600000); /* the subscription ends before the binding */
	got = take(world);
	assert_has(notify_of(&got)->text, "Subscription-State: terminated;reason=timeout\r\n");
	assert_has(notify_of(&got)->body, "version=\"2\" state=\"full\"");
	confirm(world, &got);
	drop(&got);
	world_end(world);
}

static void it_is_told_of_what_has_expired_and_not_too_often(void **state) /* RFC3680:4.10 */
{
	struct world *world = world_new();
	struct got got;

	world_bind(world, ALICE, ALICE_OTHER, "sip:alice@192.0.2.11", 1000);
	got = begin(world, "Event: reg\r\nExpires: 3600\r\n" CONTACT);
	assert_has(notify_of(&got)->body, "event=\"registered\" expires=\"600\"");
	confirm(world, &got);
	drop(&got);
	world_bind(world, ALICE, ALICE_OTHER, "sip:alice@192.0.2.12", 1000);
	world_pass(world, 4000);
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	world_pass(world, 2000);
	got = take(world);
	assert_has(notify_of(&got)->body, "sip:alice@192.0.2.12");
	assert_lacks(notify_of(&got)->body, "sip:alice@192.0.2.11");
	confirm(world, &got);
	drop(&got);
	world->now.wall += 600; /* stored times are those of the wall */
	world_pass(world, 6000);
	got = take(world);
	assert_has(notify_of(&got)->body, "event=\"expired\"");
	assert_has(notify_of(&got)->body, "id=\"alice@example.org\" state=\"terminated\"");
	confirm(world, &got);
	drop(&got);
	world_end(world);
}

static void a_refresh_tells_all_again_and_zero_ends_it(void **state) /* RFC6665:4.1.2.2, 4.1.2.3 */
{
	struct world *world = world_new();
	struct got got = begin(world, "Event: reg\r\nExpires: 600\r\n" CONTACT);
	char tag[64];
	struct writer kept = writer_of(tag, sizeof tag);

	put(&kept, answer_of(&got)->to.tag);
	confirm(world, &got);
	drop(&got);
	got = again(world, writer_text(&kept), "Event: reg\r\nExpires: 900\r\n" CONTACT);
	assert_has(answer_of(&got)->text, "SIP/2.0 200 OK");
	assert_has(answer_of(&got)->text, "Expires: 900\r\n");
	assert_has(notify_of(&got)->text, "Subscription-State: active;expires=900\r\n");
	assert_has(notify_of(&got)->body, "version=\"1\" state=\"full\"");
	confirm(world, &got);
	drop(&got);

	got = again(world, writer_text(&kept), "Event: presence\r\n" CONTACT);
	assert_has(answer_of(&got)->text, "SIP/2.0 489 Bad Event\r\n");
	assert_has(answer_of(&got)->text, "Allow-Events: reg, certificate\r\n");
	drop(&got);
	got = again(world, writer_text(&kept),
		    "Event: reg\r\nExpires: 5\r\nContact: <sip:alice@192.0.2.99>\r\n");
	assert_has(answer_of(&got)->text, "SIP/2.0 423");
	assert_has(answer_of(&got)->text, "Min-Expires: 60\r\n");
	drop(&got);
	got = again(world, writer_text(&kept), "Event: reg\r\nContact: nowhere\r\n");
	assert_has(answer_of(&got)->text, "SIP/2.0 400");
	drop(&got);

	got = again(world, writer_text(&kept), "Event: reg\r\nExpires: 0\r\n");
	assert_has(answer_of(&got)->text, "SIP/2.0 200 OK");
	assert_has(notify_of(&got)->text,
		   "NOTIFY sip:alice@192.0.2.10 SIP/2.0\r\n"); /* the refused ones changed nothing */
	assert_has(notify_of(&got)->text, "Subscription-State: terminated;reason=timeout\r\n");
	confirm(world, &got);
	drop(&got);
	got = again(world, writer_text(&kept), "Event: reg\r\n" CONTACT);
	assert_has(answer_of(&got)->text, "SIP/2.0 481");
	drop(&got);
	world_end(world);
}

/* RFC6665:4.1.2.2: a dialog's names may be as long as its sender likes, and the refresh has the same. */
static void a_dialog_with_long_names_is_refreshed(void **state)
{
	struct world *world = world_new();
	struct ask ask = subscribe("Event: reg\r\nExpires: 600\r\n" CONTACT);
	char call_id[2000], to[128];
	struct got got;

	memset(call_id, 'x', sizeof call_id - 1);
	call_id[sizeof call_id - 1] = '\0';
	ask.call_id = call_id;
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	got = take(world);
	assert_int_equal(answer_of(&got)->status, 200);
	confirm(world, &got);
	snprintf(to, sizeof to, "<sip:alice@example.org>;tag=%.*s", SLICE_FMT(answer_of(&got)->to.tag));
	drop(&got);
	ask.to = to;
	ask.uri = "sip:sip.example.org;transport=tls";
	ask.cseq = 9;
	world_ask(world, ALICE_PHONE, &ask, SLICE(""));
	got = take(world);
	assert_int_equal(answer_of(&got)->status, 200);
	confirm(world, &got);
	drop(&got);
	world_end(world);
}

static void expires_zero_is_a_look(void **state) /* RFC6665:4.4.3 */
{
	struct world *world = world_new();
	struct got got = begin(world, "Event: reg\r\nExpires: 0\r\n" CONTACT);

	assert_has(answer_of(&got)->text, "Expires: 0\r\n");
	assert_has(notify_of(&got)->text, "Subscription-State: terminated;reason=timeout\r\n");
	assert_has(notify_of(&got)->body, "state=\"full\"");
	confirm(world, &got);
	drop(&got);
	world_end(world);
}

/* RFC6665:4.2.2: what the NOTIFY finds nobody for is over; nothing more is sent. */
static void a_notify_that_finds_nobody_ends_it(void **state)
{
	static const char *const answers[] = { "481 Gone", "404 Who", NULL };

	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct world *world = world_new();
		struct got got = begin(world, "Event: reg\r\nExpires: 600\r\n" CONTACT);

		if (answers[i])
			world_respond(world, ALICE_PHONE, notify_of(&got), answers[i], "");
		else
			world_pass(world, 33000); /* timer F */
		drop(&got);
		world_bind(world, ALICE, ALICE_OTHER, "sip:alice@192.0.2.11", 1000);
		world_pass(world, 10000);
		assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
		world_end(world);
	}
}

static const struct {
	const char *label;
	struct ask ask;
	const char *status;
} refusals[] = {
	{ "somebody else's",
	  { .method = "SUBSCRIBE", .uri = "sip:bob@example.org", .headers = "Event: reg\r\n" CONTACT },
	  "403" },
	{ "another format",
	  { .method = "SUBSCRIBE",
	    .uri = "sip:alice@example.org",
	    .headers = "Event: reg\r\nAccept: text/plain, application/*;q=0\r\n" CONTACT },
	  "406" },
	{ "too brief",
	  { .method = "SUBSCRIBE",
	    .uri = "sip:alice@example.org",
	    .headers = "Event: reg\r\nExpires: 59\r\n" CONTACT },
	  "423" },
	{ "no Contact",
	  { .method = "SUBSCRIBE", .uri = "sip:alice@example.org", .headers = "Event: reg\r\n" },
	  "400" },
	{ "no time",
	  { .method = "SUBSCRIBE",
	    .uri = "sip:alice@example.org",
	    .headers = "Event: reg\r\nExpires: soon\r\n" CONTACT },
	  "400" },
	{ "a long id",
	  { .method = "SUBSCRIBE",
	    .uri = "sip:alice@example.org",
	    .headers =
		    "Event: reg;id=0123456789012345678901234567890123456789012345678901234567890123456789\r\n" CONTACT },
	  "400" },
};

static void what_cannot_be_told_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		struct world *world = world_new();
		struct got got;

		world_ask_proven(world, ALICE_PHONE, ALICE, &refusals[i].ask);
		got = take(world);
		if (got.notify || answer_of(&got)->status != (unsigned)strtoul(refusals[i].status, NULL, 10))
			fail_msg("%s: %.*s", refusals[i].label, SLICE_FMT(answer_of(&got)->text));
		drop(&got);
		world_end(world);
	}
}

static void a_sips_contact_is_told_over_tls_alone(void **state) /* RFC3261:26.2.2 */
{
	struct world *world = world_new();
	const struct ask ask = subscribe("Event: reg\r\nContact: <sips:alice@192.0.2.10>\r\n");
	struct slice passed;

	world_ask_proven(world, CLEAR, ALICE, &ask);
	passed = world_passed(world, CLEAR);
	assert_has(passed, "SIP/2.0 200 OK");
	assert_lacks(passed, "NOTIFY ");
	world_end(world);
}

static void an_account_has_so_many_and_no_more(void **state)
{
	struct world *world = world_new();
	struct got got = { 0 };

	for (unsigned i = 0; i <= 16; i++) {
		char call_id[16];
		struct ask ask = subscribe("Event: reg\r\n" CONTACT);

		snprintf(call_id, sizeof call_id, "call-%u", i);
		ask.call_id = call_id;
		world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
		got = take(world);
		assert_int_equal(answer_of(&got)->status, i < 16 ? 200 : 503);
		if (i < 16)
			confirm(world, &got);
		drop(&got);
	}
	world_end(world);
}

/*
 * What was sent on the old connection is answered by nobody: it is dead, which shows now or never. The phone has asked again
 * over another one meanwhile.
 */
static void a_refresh_elsewhere_is_told_at_once(void **state) /* RFC6665:4.2.1.2 */
{
	static const bool shows[] = { true, false };

	for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++) {
		struct world *world = world_new();
		struct got got = begin(world, "Event: reg\r\nExpires: 600\r\n" CONTACT);
		char tag[64];
		struct writer kept = writer_of(tag, sizeof tag);

		put(&kept, answer_of(&got)->to.tag);
		drop(&got);
		world_bind(world, ALICE, ALICE_OTHER, "sip:alice@192.0.2.11", 1000);
		got = again_from(world, ALICE_OTHER, writer_text(&kept),
				 "Event: reg\r\nExpires: 600\r\n" CONTACT);
		assert_has(answer_of(&got)->text, "SIP/2.0 200 OK");
		assert_has(notify_of(&got)->body, "version=\"1\" state=\"full\"");
		world_respond(world, ALICE_OTHER, notify_of(&got), "200 OK", "");
		drop(&got);
		if (shows[i])
			world_lose(world, ALICE_PHONE);
		world_pass(world, 33000); /* timer F */
		got = again_from(world, ALICE_OTHER, writer_text(&kept),
				 "Event: reg\r\nExpires: 600\r\n" CONTACT);
		assert_has(answer_of(&got)->text, "SIP/2.0 200 OK");
		drop(&got);
		world_end(world);
	}
}

/* Somebody of another domain. */
static void open_for_domain(struct world *world, enum peer peer)
{
	struct flow_facts facts = {
		.event = FLOW_OPENED,
		.transport = TRANSPORT_TLS,
		.verified = SLICE("other.example"),
	};

	world_lose(world, peer);
	assert_true(address_parse(SLICE("192.0.2.99:1234"), &facts.peer));
	assert_true(address_parse(SLICE("192.0.2.1:5061"), &facts.local));
	endpoint_flow(world->endpoint, world_flow(peer), &facts, world->now);
	world->closed[peer] = false;
}

/* He asks for bob's certificates; tag: of the dialog in which he does so again, or empty. */
static struct got ask_for_bob(struct world *world, enum peer peer, const char *call_id, struct slice tag)
{
	char to[128];
	const struct ask ask = {
		.method = "SUBSCRIBE",
		.uri = tag.len > 0 ? "sips:sip.example.org" : "sips:bob@example.org",
		.from = "<sips:x@other.example>;tag=x",
		.to = to,
		.call_id = call_id,
		.headers = "Event: certificate\r\nExpires: 60\r\nContact: <sips:x@192.0.2.10>\r\n",
	};

	snprintf(to, sizeof to, "<sips:bob@example.org>%s%.*s", tag.len > 0 ? ";tag=" : "", SLICE_FMT(tag));
	world_ask(world, peer, &ask, SLICE(""));
	return take_from(world, peer);
}

/* Its proxy has closed what was idle; somebody else of the domain opens another connection. */
static void one_of_a_domain_is_not_forgotten_for_another(void **state)
{
	struct world *world = world_new();
	struct got got;
	char tag[64];
	struct writer kept = writer_of(tag, sizeof tag);

	world->loses_dns = true; /* nothing is signed meanwhile */
	open_for_domain(world, STRANGER);
	got = ask_for_bob(world, STRANGER, "first", SLICE(""));
	assert_int_equal(answer_of(&got)->status, 200);
	put(&kept, answer_of(&got)->to.tag);
	drop(&got);
	world_lose(world, STRANGER);
	open_for_domain(world, BOB_OTHER);
	got = ask_for_bob(world, BOB_OTHER, "second", SLICE(""));
	assert_int_equal(answer_of(&got)->status, 200);
	drop(&got);
	got = ask_for_bob(world, BOB_OTHER, "first", writer_text(&kept));
	assert_int_equal(answer_of(&got)->status, 200);
	drop(&got);
	world_end(world);
}

/* The signing process is slow. */
static void what_is_signed_after_the_end_says_so(void **state) /* RFC6665:4.1.3 */
{
	const struct answer answer = { .entity = SLICE("Content-Type: text/plain\r\n\r\nnothing") };
	struct world *world = world_new();
	struct got got;

	world->loses_dns = true;
	open_for_domain(world, STRANGER);
	got = ask_for_bob(world, STRANGER, "slow", SLICE(""));
	drop(&got);
	world_pass(world, 70000);
	world_answer(world, &answer);
	got = take_from(world, STRANGER);
	assert_has(notify_of(&got)->text, "Subscription-State: terminated;reason=timeout\r\n");
	drop(&got);
	world_end(world);
}

/* A look at certificates, each in a dialog of its own; gives the status and what Retry-After says. */
static unsigned look(struct world *world, enum peer peer, enum who who, unsigned *ret_wait)
{
	static unsigned n;
	struct ask ask = {
		.method = "SUBSCRIBE",
		.uri = "sips:bob@example.org",
		.to = "<sips:bob@example.org>",
		.from = who == ALICE ? NULL : "<sips:bob@example.org>;tag=b",
		.headers = "Event: certificate\r\nExpires: 0\r\nContact: <sips:x@192.0.2.10>\r\n",
	};
	char call_id[32];
	struct slice passed;
	size_t at;

	snprintf(call_id, sizeof call_id, "look-%u", n++);
	ask.call_id = call_id;
	world_ask_proven(world, peer, who, &ask);
	passed = world_passed(world, peer);
	at = slice_find_text(passed, SLICE("Retry-After: "));
	*ret_wait = at < passed.len ? (unsigned)strtoul(passed.ptr + at + 13, NULL, 10) : 0;
	return (unsigned)strtoul(passed.ptr + 8, NULL, 10);
}

/* Each costs a signature. */
static void who_asks_for_certificates_too_often_has_to_wait(void **state)
{
	struct world *world = world_new();
	unsigned wait;

	world->server.certificates_per_minute = 3;
	core_reconfigure(world->core, &world->server);
	for (int i = 0; i < 3; i++)
		assert_int_equal(look(world, ALICE_PHONE, ALICE, &wait), 200);
	assert_int_equal(look(world, ALICE_PHONE, ALICE, &wait), 500);
	assert_int_equal(wait, 20);
	assert_has(world_log(world), "certificate.asked-too-often by=\"account 1\" refused=1 per-minute=3\n");
	assert_int_equal(look(world, BOB_PHONE, BOB, &wait), 200); /* which is nobody else's fault */
	world_pass(world, 20000);
	assert_int_equal(look(world, ALICE_PHONE, ALICE, &wait), 200);
	world_end(world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(who_asks_for_certificates_too_often_has_to_wait),
	cmocka_unit_test(a_phone_is_told_all_and_then_what_is_new),
	cmocka_unit_test(it_is_told_of_what_has_expired_and_not_too_often),
	cmocka_unit_test(a_refresh_tells_all_again_and_zero_ends_it),
	cmocka_unit_test(a_dialog_with_long_names_is_refreshed),
	cmocka_unit_test(expires_zero_is_a_look),
	cmocka_unit_test(a_notify_that_finds_nobody_ends_it),
	cmocka_unit_test(what_cannot_be_told_is_refused),
	cmocka_unit_test(a_sips_contact_is_told_over_tls_alone),
	cmocka_unit_test(an_account_has_so_many_and_no_more),
	cmocka_unit_test(a_refresh_elsewhere_is_told_at_once),
	cmocka_unit_test(one_of_a_domain_is_not_forgotten_for_another),
	cmocka_unit_test(what_is_signed_after_the_end_says_so),
};

TEST_MAIN(tests)
