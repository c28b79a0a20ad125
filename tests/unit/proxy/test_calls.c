/*
 * The response context (RFC 3261 §16): calls from alice to bob's phones, by way of the core on a real
 * endpoint.
 */
#include "world.h"

#include <string.h>

static bool has(struct slice text, const char *needle)
{
	return slice_find_text(text, slice_of(needle)) < text.len;
}

static size_t count(struct slice text, const char *needle)
{
	size_t n = 0;

	while (has(text, needle)) {
		text = slice_sub(text, slice_find_text(text, slice_of(needle)) + 1, text.len);
		n++;
	}
	return n;
}

#define assert_has(text, needle)                                                   \
	do {                                                                       \
		struct slice text_ = (text);                                       \
		if (!has(text_, needle))                                           \
			fail_msg("no \"%s\" in:\n%.*s", needle, SLICE_FMT(text_)); \
	} while (0)
#define assert_lacks(text, needle)                                                \
	do {                                                                      \
		struct slice text_ = (text);                                      \
		if (has(text_, needle))                                           \
			fail_msg("a \"%s\" in:\n%.*s", needle, SLICE_FMT(text_)); \
	} while (0)

static const struct ask invite = { .headers = "Contact: <sip:alice@192.0.2.10>\r\n" };

/* A world in which bob has one phone; what it was sent of alice's INVITE. */
static struct world *call(struct sip_message **ret_at_bob)
{
	struct world *world = world_new();

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	*ret_at_bob = world_one(world, BOB_PHONE);
	world_passed(world, ALICE_PHONE);
	return world;
}

/* The same with two phones. */
static struct world *fork_call(const char *contact, const char *other_contact, uint16_t other_q)
{
	struct world *world = world_new();

	world_bind(world, BOB, BOB_PHONE, contact, 1000);
	world_bind(world, BOB, BOB_OTHER, other_contact, other_q);
	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	world_passed(world, ALICE_PHONE);
	return world;
}

/* -- RFC 3261 §16.3: what is not passed on ------------------------------------------------------------------------- */

static const struct {
	const char *label;
	struct ask ask;
	const char *status, *header;
} refusals[] = {
	{ "no hop left", { .max_forwards = 1 }, "483", NULL },
	{ "no hop left for OPTIONS to another",
	  { .method = "OPTIONS", .uri = "sip:bob@example.org", .max_forwards = 1 },
	  "483",
	  NULL },
	{ "another scheme", { .uri = "tel:+15550100" }, "416", "Warning: 399 sip.example.org \"only sip" },
	{ "an extension for proxies",
	  { .headers = "Proxy-Require: foo, bar\r\n" },
	  "420",
	  "Unsupported: foo\r\nUnsupported: bar\r\n" },
	{ "Vias with our name that we did not write",
	  { .headers =
		    "Via: SIP/2.0/TLS sip.example.org;branch=z9hG4bK1, SIP/2.0/TLS sip.example.org;branch=z9hG4bK2\r\n"
		    "Via: SIP/2.0/TLS sip.example.org;branch=z9hG4bK3, SIP/2.0/TLS sip.example.org;branch=z9hG4bK4\r\n"
		    "Via: SIP/2.0/TLS sip.example.org:5999;branch=z9hG4bK5\r\n" },
	  "407",
	  NULL },
	{ "a REGISTER needs no hop",
	  { .method = "REGISTER",
	    .uri = "sip:example.org",
	    .to = "<sip:alice@example.org>",
	    .max_forwards = 1 },
	  "401",
	  NULL },
	{ "a REGISTER with a user",
	  { .method = "REGISTER", .uri = "sip:alice@example.org", .to = "<sip:alice@example.org>" },
	  "400",
	  NULL },
};

static void refuses_what_cannot_be_passed_on(void **state) /* RFC3261:16.3 */
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		struct world *world = world_new();
		struct sip_message *answer;

		world_ask(world, ALICE_PHONE, &refusals[i].ask, SLICE(""));
		answer = world_one(world, ALICE_PHONE);
		if (answer->status != (unsigned)strtoul(refusals[i].status, NULL, 10))
			fail_msg("%s: %.*s", refusals[i].label, SLICE_FMT(answer->text));
		if (refusals[i].header)
			assert_has(answer->text, refusals[i].header);
		sip_message_free(answer);
		world_end(world);
	}
}

static void answers_options_to_itself(void **state) /* RFC3261:11.2 */
{
	struct world *world = world_new();

	world_ask(world, STRANGER, &(struct ask){ .method = "OPTIONS", .uri = "sip:sip.example.org" },
		  SLICE(""));
	assert_has(world_passed(world, STRANGER), "SIP/2.0 200 OK");
	world_end(world);
}

/* -- RFC 3261 §16.6: how it goes on -------------------------------------------------------------------------------- */

static void a_request_is_changed_where_it_must_be_and_nowhere_else(void **state)
{
	struct world *world = world_new();
	const struct ask ask = {
		.headers =
			"Route: <sip:example.org;lr>\r\nX-Strange:  a , b\r\n"
			"P-Asserted-Identity: <sip:boss@example.org>\r\n"
			"Proxy-Authorization: Digest username=\"x\", realm=\"elsewhere\", nonce=\"n\", uri=\"sip:u\", response=\"r\"\r\n"
			"Contact: <sip:alice@192.0.2.10>\r\n"
	};
	struct slice sent;

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20;x=y?Subject=hello", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	sent = world_passed(world, BOB_PHONE);
	assert_has(
		sent,
		"INVITE sip:bob@192.0.2.20;x=y SIP/2.0\r\nVia: SIP/2.0/TLS sip.example.org;branch=z9hG4bK");
	assert_has(sent, "Max-Forwards: 69\r\n");
	assert_has(sent, "X-Strange: a , b\r\n");
	assert_has(sent, "realm=\"elsewhere\"");
	assert_has(sent, "Max-Breadth: 60\r\n");
	assert_has(sent, ";received=192.0.2.99;rport=1234\r\n");
	assert_lacks(sent, "Route: <sip:example.org");
	assert_lacks(sent, "realm=\"example.org\"");
	assert_lacks(sent, "P-Asserted-Identity");
	assert_has(sent, "Record-Route: <sip:");
	assert_has(sent, "@sip.example.org;lr>\r\n");
	assert_int_equal(count(sent, "Record-Route:"), 1);
	world_end(world);
}

static void a_request_without_max_forwards_gets_it(void **state)
{
	struct world *world = world_new();

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &(struct ask){ .max_forwards = -1 });
	assert_has(world_passed(world, BOB_PHONE), "Max-Forwards: 70\r\n");
	world_end(world);
}

static void two_transports_get_a_record_route_each(void **state) /* RFC5658:3.2 */
{
	struct world *world = world_new();
	struct slice sent;

	world->server.ports[TRANSPORT_TCP] = 5070;
	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_ask_proven(world, CLEAR, ALICE, &invite);
	sent = world_passed(world, BOB_PHONE);
	assert_int_equal(count(sent, "Record-Route:"), 2);
	assert_true(slice_find_text(sent, SLICE("@sip.example.org;lr>")) <
		    slice_find_text(sent, SLICE("@sip.example.org:5070;lr;transport=tcp>")));
	assert_has(sent, "@sip.example.org:5070;lr;transport=tcp>");
	world_end(world);
}

static void transport_tls_is_written_to_those_only_who_use_it(void **state) /* RFC5630:5.3 */
{
	struct world *world = world_new();
	struct slice sent;

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20;transport=TLS", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	sent = world_passed(world, BOB_PHONE);
	assert_int_equal(count(sent, "Record-Route:"), 2);
	assert_true(slice_find_text(sent, SLICE("@sip.example.org;lr;transport=tls>")) <
		    slice_find_text(sent, SLICE("@sip.example.org;lr>")));
	world_end(world);
}

static void a_domain_may_require_sips_for_its_sips_phones(void **state) /* RFC5630:5.3 */
{
	static const struct server_domain strict[] = {
		{ .name = SLICE_INIT("example.org"), .require_sips = true },
	};
	struct world *world = world_new();
	struct slice sent;

	world->server.domains = strict;
	world_bind(world, BOB, BOB_PHONE, "sips:bob@192.0.2.20", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	sent = world_passed(world, ALICE_PHONE);
	assert_has(sent, "SIP/2.0 480 ");
	assert_has(sent, "Warning: 381 sip.example.org \"SIPS Required: ");
	assert_has(sent, " [sips.required]\"");
	assert_int_equal(world_passed(world, BOB_PHONE).len, 0);

	/* a phone of his that did not ask for it is called all the same */
	world_bind(world, BOB, BOB_OTHER, "sip:bob@192.0.2.21", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &(struct ask){ .call_id = "second" });
	assert_has(world_passed(world, BOB_OTHER), "INVITE sip:bob@192.0.2.21 ");
	assert_int_equal(world_passed(world, BOB_PHONE).len, 0);
	world_end(world);
}

static void what_forms_no_dialog_is_not_record_routed(void **state)
{
	struct world *world = world_new();

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &(struct ask){ .method = "MESSAGE" });
	assert_lacks(world_passed(world, BOB_PHONE), "Record-Route");
	world_end(world);
}

static void the_path_of_a_registration_becomes_a_route(void **state) /* RFC3327:5.4 */
{
	struct world *world = world_new();

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world->accounts[BOB].bindings[0].path = SLICE("<sip:p1.example.org;lr>, <sip:p2.example.org;lr>");
	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	assert_has(world_passed(world, BOB_PHONE),
		   "Route: <sip:p1.example.org;lr>, <sip:p2.example.org;lr>\r\n");
	world_end(world);
}

/* -- RFC 5630 §5.3 ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *label, *uri, *contact;
	enum peer phone;
	const char *start; /* what bob is sent, or what alice is */
	const char *header;
} schemes[] = {
	{ "sips to sips", "sips:bob@example.org", "sips:bob@192.0.2.20", BOB_PHONE,
	  "INVITE sips:bob@192.0.2.20 SIP/2.0", "Record-Route: <sips:" },
	{ "sips to sip", "sips:bob@example.org", "sip:bob@192.0.2.20", BOB_PHONE, "SIP/2.0 480 ",
	  "Warning: 380 sip.example.org" },
	{ "sips to a phone without TLS", "sips:bob@example.org", "sips:bob@192.0.2.20", CLEAR, "SIP/2.0 480 ",
	  "Warning: 380 " },
	{ "sip to sips", "sip:bob@example.org", "sips:bob@192.0.2.20", BOB_PHONE,
	  "INVITE sip:bob@192.0.2.20 SIP/2.0", "Record-Route: <sip:" },
	{ "sip to sips, but without TLS", "sip:bob@example.org", "sips:bob@192.0.2.20", CLEAR, "SIP/2.0 480 ",
	  "is not protected as the request demands" },
	{ "sip to sip", "sip:bob@example.org", "sip:bob@192.0.2.20", CLEAR,
	  "INVITE sip:bob@192.0.2.20 SIP/2.0", "Max-Forwards" },
};

static void sips_leads_to_sips_and_sip_to_sip(void **state) /* RFC5630:5.3 */
{
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		struct world *world = world_new();
		const struct ask ask = { .uri = schemes[i].uri,
					 .headers = "Contact: <sips:alice@192.0.2.10>\r\n" };
		struct slice got;

		world_bind(world, BOB, schemes[i].phone, schemes[i].contact, 1000);
		world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
		world_pass(world, 0);
		got = world_passed(world, slice_starts(slice_of(schemes[i].start), SLICE("SIP/"))
						  ? ALICE_PHONE
						  : schemes[i].phone);
		if (!has(got, schemes[i].start) || !has(got, schemes[i].header))
			fail_msg("%s: %.*s", schemes[i].label, SLICE_FMT(got));
		world_end(world);
	}
}

static void a_sips_request_never_takes_a_flow_without_the_account(void **state)
{
	struct world *world = world_new();
	const struct ask ask = { .uri = "sips:bob@example.org" };

	/* the binding claims carol's flow for bob: nothing proves bob there */
	world_bind(world, BOB, BOB_PHONE, "sips:bob@192.0.2.20", 1000);
	world->accounts[BOB].bindings[0].flow = world_flow(CAROL_PHONE);
	world_ask_proven(world, ALICE_PHONE, ALICE, &ask);
	world_pass(world, 0);
	assert_int_equal(world_passed(world, CAROL_PHONE).len, 0);
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 480 ");
	assert_has(world_log(world), "send.refused");
	world_end(world);
}

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

static void a_caller_who_is_gone_before_the_look_up_is_answered_calls_nobody(void **state)
{
	struct world *world = call_in_look_up();

	world_lose(world, ALICE_PHONE);
	world_release(world);
	assert_int_equal(world_passed(world, BOB_PHONE).len, 0);
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

/* -- RFC 3261 §16.7: several branches --------------------------------------------------------------------------------- */

static void the_first_to_answer_has_the_call(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);
	struct slice got;

	assert_has(first->text, "Max-Breadth: 30\r\n");
	world_respond(world, BOB_PHONE, first, "180 Ringing", "");
	world_respond(world, BOB_OTHER, second, "180 Ringing", "");
	assert_int_equal(count(world_passed(world, ALICE_PHONE), "SIP/2.0 180"), 2);
	world_respond(world, BOB_OTHER, second, "200 OK", "");
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 OK");
	got = world_passed(world, BOB_PHONE);
	assert_has(got, "CANCEL sip:bob@192.0.2.20");
	assert_has(got, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n");
	world_respond(world, BOB_PHONE, first, "487 Request Terminated", "");
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static void two_that_answer_at_once_both_reach_the_caller(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);

	world_respond(world, BOB_PHONE, first, "200 OK", "X-Phone: one\r\n");
	world_respond(world, BOB_OTHER, second, "200 OK", "X-Phone: two\r\n");
	assert_int_equal(count(world_passed(world, ALICE_PHONE), "SIP/2.0 200 OK"), 2);
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

/* What is remembered of a call is not what is being set up. */
static void an_answered_call_lets_the_account_make_the_next(void **state)
{
	static const char *const answers[] = { "200 OK", "486 Busy Here" };

	for (size_t i = 0; i < 2; i++) {
		struct world *world = world_new();
		struct sip_message *at_bob;

		world->server.calls_max = 1;
		world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
		world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
		at_bob = world_one(world, BOB_PHONE);
		world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
		assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 503 ");
		world_respond(world, BOB_PHONE, at_bob, answers[i], "");
		(void)world_passed(world, ALICE_PHONE);
		(void)world_passed(world, BOB_PHONE);
		world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
		assert_has(world_passed(world, BOB_PHONE), "INVITE ");
		sip_message_free(at_bob);
		world_end(world);
	}
}

/* RFC6026:8.3 */
static void a_2xx_reaches_the_caller_when_the_transaction_is_forgotten(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);
	struct slice got;

	world_respond(world, BOB_OTHER, second, "180 Ringing", "");
	world_respond(world, BOB_PHONE, first, "200 OK", "");
	world_pass(world, 31000);
	world_respond(world, BOB_OTHER, second, "200 OK", "X-Phone: two\r\n");
	world_pass(world, 5000);
	(void)world_passed(world, ALICE_PHONE);
	world_respond(world, BOB_OTHER, second, "200 OK", "X-Phone: two\r\n");
	got = world_passed(world, ALICE_PHONE);
	assert_int_equal(count(got, "SIP/2.0 200 OK"), 1);
	assert_has(got, "X-Phone: two\r\n");
	assert_int_equal(count(got, "Via: "), 1);
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static const struct {
	const char *label, *first, *second, *result;
} best[] = {
	{ "a 6xx before all", "486 Busy Here", "603 Decline", "SIP/2.0 603 Decline" },
	{ "the lowest class", "503 No", "486 Busy Here", "SIP/2.0 486 Busy Here" },
	{ "3xx before 4xx", "404 No", "302 Moved", "SIP/2.0 302 Moved" },
	{ "what tells how to ask again", "486 Busy Here", "415 Media", "SIP/2.0 415 Media" },
	{ "the first of equals", "480 Away", "486 Busy Here", "SIP/2.0 480 Away" },
	{ "not a 503 if there is another", "503 No", "500 No", "SIP/2.0 500 " },
};

static void the_best_response_goes_up_when_all_are_there(void **state)
{
	for (size_t i = 0; i < sizeof best / sizeof best[0]; i++) {
		struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
		struct sip_message *first = world_one(world, BOB_PHONE),
				   *second = world_one(world, BOB_OTHER);
		struct slice got;

		world_respond(world, BOB_PHONE, first, best[i].first, "");
		assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
		world_respond(world, BOB_OTHER, second, best[i].second, "");
		got = world_passed(world, ALICE_PHONE);
		if (!slice_starts(got, slice_of(best[i].result)))
			fail_msg("%s: %.*s", best[i].label, SLICE_FMT(got));
		sip_message_free(first);
		sip_message_free(second);
		world_end(world);
	}
}

static void a_6xx_stops_the_others_and_goes_up_when_they_have_ended(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);

	world_respond(world, BOB_OTHER, second, "180 Ringing", "");
	world_passed(world, ALICE_PHONE);
	world_respond(world, BOB_PHONE, first, "600 Busy Everywhere", "");
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	assert_has(world_passed(world, BOB_OTHER), "CANCEL sip:bob@192.0.2.21");
	world_respond(world, BOB_OTHER, second, "487 Request Terminated", "");
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 600 Busy Everywhere");
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static void the_challenges_of_all_branches_are_collected(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 1000);
	struct sip_message *first = world_one(world, BOB_PHONE), *second = world_one(world, BOB_OTHER);
	struct slice got;

	world_respond(world, BOB_PHONE, first, "407 No",
		      "Proxy-Authenticate: Digest realm=\"one\", nonce=\"1\"\r\n");
	world_respond(world, BOB_OTHER, second, "401 No",
		      "WWW-Authenticate: Digest realm=\"two\", nonce=\"1\"\r\n");
	got = world_passed(world, ALICE_PHONE);
	assert_has(got, "SIP/2.0 407 No");
	assert_int_equal(count(got, "realm=\"one\""), 1);
	assert_int_equal(count(got, "realm=\"two\""), 1);
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static void phones_of_lower_q_are_tried_afterwards(void **state)
{
	struct world *world = fork_call("sip:bob@192.0.2.20", "sip:bob@192.0.2.21", 500);
	struct sip_message *first = world_one(world, BOB_PHONE), *second;

	assert_int_equal(world_passed(world, BOB_OTHER).len, 0);
	world_respond(world, BOB_PHONE, first, "486 Busy Here", "");
	assert_int_equal(world_passed(world, ALICE_PHONE).len, 0);
	second = world_one(world, BOB_OTHER);
	world_respond(world, BOB_OTHER, second, "200 OK", "");
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 200 OK");
	sip_message_free(first);
	sip_message_free(second);
	world_end(world);
}

static void breadth_bounds_how_many_ring_at_once(void **state) /* RFC5393:5.3.3 */
{
	struct world *world = world_new();
	const struct ask one = { .headers = "Max-Breadth: 1\r\n" },
			 none = { .headers = "Max-Breadth: 0\r\n" };
	struct sip_message *first;

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_bind(world, BOB, BOB_OTHER, "sip:bob@192.0.2.21", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &one);
	first = world_one(world, BOB_PHONE);
	assert_has(first->text, "Max-Breadth: 1\r\n");
	assert_int_equal(world_passed(world, BOB_OTHER).len, 0);
	world_respond(world, BOB_PHONE, first, "486 Busy Here", "");
	assert_has(world_passed(world, BOB_OTHER), "INVITE sip:bob@192.0.2.21");
	sip_message_free(first);

	world_passed(world, ALICE_PHONE);
	world_ask_proven(world, ALICE_PHONE, ALICE, &none);
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 440 Max-Breadth Exceeded");
	world_end(world);
}

/* What bob got goes back to the server, for somebody. */
static void send_back(struct world *world, const struct sip_message *got, const char *uri)
{
	char text[8192];
	struct writer out = writer_of(text, sizeof text);
	const char *rest = got->headers[0].name.ptr;

	put(&out, SLICE("INVITE "));
	put(&out, slice_of(uri));
	put(&out, SLICE(" SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.20;branch=z9hG4bKback"));
	put_number(&out, ++world->n_sent);
	put(&out, SLICE("\r\n"));
	put(&out, slice_from(rest, (size_t)(got->text.ptr + got->text.len - rest)));
	assert_false(out.overflow);
	world_feed(world, BOB_PHONE, writer_text(&out));
}

static void what_comes_back_unchanged_is_a_loop(void **state) /* RFC5393:4.2.2 */
{
	struct sip_message *at_bob;
	struct world *world = call(&at_bob);

	world_passed(world, BOB_PHONE);
	send_back(world, at_bob, "sip:bob@example.org");
	assert_has(world_passed(world, BOB_PHONE), "SIP/2.0 482 Loop Detected");
	send_back(world, at_bob, "sip:carol@example.org"); /* a spiral */
	assert_has(world_passed(world, BOB_PHONE), "SIP/2.0 407");
	sip_message_free(at_bob);
	world_end(world);
}

static void a_wish_for_more_breadth_than_we_allow_is_cut(void **state) /* RFC5393:5.3.3 */
{
	struct world *world = world_new();
	const struct ask many = { .headers = "Max-Breadth: 4000000000\r\n" };
	struct sip_message *first;

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &many);
	first = world_one(world, BOB_PHONE);
	assert_has(first->text, "Max-Breadth: 60\r\n");
	sip_message_free(first);
	world_end(world);
}

/* -- in a dialog, when a flow was lost -------------------------------------------------------------------------------- */

/* An answered call; route is what alice's requests in it carry. */
static struct world *dialog(char *route, size_t size)
{
	struct sip_message *at_bob;
	struct world *world = call(&at_bob);
	struct writer out = writer_of(route, size);

	world_respond(world, BOB_PHONE, at_bob, "200 OK", "Contact: <sip:bob@192.0.2.20>\r\n");
	put(&out, SLICE("Route: "));
	put(&out, sip_message_value(at_bob, SIP_RECORD_ROUTE));
	put(&out, SLICE("\r\n"));
	put_char(&out, '\0');
	world_passed(world, ALICE_PHONE);
	world_passed(world, BOB_PHONE);
	sip_message_free(at_bob);
	return world;
}

static const struct ask bye = { .method = "BYE",
				.uri = "sip:bob@192.0.2.20",
				.to = "<sip:bob@example.org>;tag=callee" };

static void a_dialog_follows_a_phone_to_its_new_flow(void **state)
{
	char route[512];
	struct world *world = dialog(route, sizeof route);

	world_lose(world, BOB_PHONE);
	world_bind(world, BOB, BOB_OTHER, "sip:bob@192.0.2.20:4444", 1000);
	world_ask(world, ALICE_PHONE, &bye, slice_of(route));
	assert_has(world_passed(world, BOB_OTHER), "BYE sip:bob@192.0.2.20 SIP/2.0");
	world_end(world);
}

static void a_dialog_whose_phone_does_not_come_back_has_a_failed_flow(void **state) /* RFC5626:5.3.1 */
{
	char route[512];
	struct world *world = dialog(route, sizeof route);
	struct ask astray = bye;

	world_lose(world, BOB_PHONE);
	world_ask(world, ALICE_PHONE, &bye, slice_of(route));
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 430 ");

	/* a To that names somebody else leads nowhere */
	world_bind(world, CAROL, CAROL_PHONE, "sip:bob@192.0.2.20", 1000);
	astray.to = "<sip:carol@example.org>;tag=callee";
	world_ask(world, ALICE_PHONE, &astray, slice_of(route));
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 403 ");
	assert_int_equal(world_passed(world, CAROL_PHONE).len, 0);
	world_end(world);
}

static void a_dialog_does_not_go_on_with_another_account_of_the_same_name(void **state)
{
	char route[512];
	struct world *world = dialog(route, sizeof route);

	world_lose(world, BOB_PHONE);
	/* removed, and somebody else's since */
	world->accounts[BOB].id = world->accounts[BOB].account.id = 100;
	world_bind(world, BOB, BOB_OTHER, "sip:bob@192.0.2.20", 1000);
	world_ask(world, ALICE_PHONE, &bye, slice_of(route));
	assert_has(world_passed(world, ALICE_PHONE), "SIP/2.0 430 ");
	assert_int_equal(world_passed(world, BOB_OTHER).len, 0);
	world_end(world);
}

/* Alice calls her other phone. */
static void a_call_of_an_account_with_itself_goes_by_its_flows(void **state)
{
	struct world *world = world_new();
	const struct ask to_self = { .uri = "sip:alice@example.org",
				     .to = "<sip:alice@example.org>",
				     .headers = "Contact: <sip:alice@192.0.2.10>\r\n" };
	struct ask in_dialog = { .method = "BYE",
				 .uri = "sip:alice@192.0.2.11",
				 .to = "<sip:alice@example.org>;tag=callee" };
	struct sip_message *at_other;
	char route[512];
	struct writer out = writer_of(route, sizeof route);

	world_bind(world, ALICE, ALICE_OTHER, "sip:alice@192.0.2.11", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &to_self);
	at_other = world_one(world, ALICE_OTHER);
	world_respond(world, ALICE_OTHER, at_other, "200 OK", "Contact: <sip:alice@192.0.2.11>\r\n");
	world_passed(world, ALICE_PHONE);
	put(&out, SLICE("Route: "));
	put(&out, sip_message_value(at_other, SIP_RECORD_ROUTE));
	put(&out, SLICE("\r\n"));

	world_ask(world, ALICE_PHONE, &in_dialog, writer_text(&out));
	assert_has(world_passed(world, ALICE_OTHER), "BYE ");
	world_ask(world, ALICE_OTHER, &in_dialog, writer_text(&out));
	assert_has(world_passed(world, ALICE_PHONE), "BYE ");
	/* from a third flow of hers nobody can tell which of the two it is */
	assert_true(endpoint_flow_prove(world->endpoint, world_flow(STRANGER), world->accounts[ALICE].id));
	world_ask(world, STRANGER, &in_dialog, writer_text(&out));
	assert_has(world_passed(world, STRANGER), "SIP/2.0 481 ");
	sip_message_free(at_other);
	world_end(world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(refuses_what_cannot_be_passed_on),
	cmocka_unit_test(answers_options_to_itself),
	cmocka_unit_test(a_request_is_changed_where_it_must_be_and_nowhere_else),
	cmocka_unit_test(a_request_without_max_forwards_gets_it),
	cmocka_unit_test(two_transports_get_a_record_route_each),
	cmocka_unit_test(transport_tls_is_written_to_those_only_who_use_it),
	cmocka_unit_test(a_domain_may_require_sips_for_its_sips_phones),
	cmocka_unit_test(what_forms_no_dialog_is_not_record_routed),
	cmocka_unit_test(the_path_of_a_registration_becomes_a_route),
	cmocka_unit_test(sips_leads_to_sips_and_sip_to_sip),
	cmocka_unit_test(a_sips_request_never_takes_a_flow_without_the_account),
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
	cmocka_unit_test(the_first_to_answer_has_the_call),
	cmocka_unit_test(two_that_answer_at_once_both_reach_the_caller),
	cmocka_unit_test(an_answered_call_lets_the_account_make_the_next),
	cmocka_unit_test(a_2xx_reaches_the_caller_when_the_transaction_is_forgotten),
	cmocka_unit_test(the_best_response_goes_up_when_all_are_there),
	cmocka_unit_test(a_6xx_stops_the_others_and_goes_up_when_they_have_ended),
	cmocka_unit_test(the_challenges_of_all_branches_are_collected),
	cmocka_unit_test(phones_of_lower_q_are_tried_afterwards),
	cmocka_unit_test(breadth_bounds_how_many_ring_at_once),
	cmocka_unit_test(what_comes_back_unchanged_is_a_loop),
	cmocka_unit_test(a_wish_for_more_breadth_than_we_allow_is_cut),
	cmocka_unit_test(a_dialog_follows_a_phone_to_its_new_flow),
	cmocka_unit_test(a_dialog_whose_phone_does_not_come_back_has_a_failed_flow),
	cmocka_unit_test(a_dialog_does_not_go_on_with_another_account_of_the_same_name),
	cmocka_unit_test(a_call_of_an_account_with_itself_goes_by_its_flows),
	cmocka_unit_test(a_cancel_in_the_midst_of_a_look_up_ends_it),
	cmocka_unit_test(a_look_up_that_fails_is_told),
	cmocka_unit_test(a_caller_who_is_gone_before_the_look_up_is_answered_calls_nobody),
	cmocka_unit_test(the_server_may_end_in_the_middle_of_a_call),
};

TEST_MAIN(tests)
