/* What a request has to be (RFC 3261 §16.3, RFC 5393 §4.2.2), and what the server is asked itself (§11.2). */
#include "call.h"

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

/* The server writes such lines into a buffer: where the end of one does not fit any more, nothing may run into the next. */
static void an_extension_of_any_length_is_refused_in_a_message_that_can_be_framed(void **state)
{
	static const char *const fields[] = { "Require: ", "Proxy-Require: " };

	for (size_t length = 2032; length < 2038; length++) {
		for (size_t i = 0; i < 2; i++) {
			struct world *world = world_new();
			char text[2100];
			struct writer headers = writer_of(text, sizeof text);
			struct sip_message *answer;

			put(&headers, slice_of(fields[i]));
			for (size_t n = 0; n < length; n++)
				put_char(&headers, 'x');
			put(&headers, SLICE("\r\n\0"));
			world_ask(world, ALICE_PHONE,
				  &(struct ask){
					  .method = "OPTIONS", .uri = "sip:example.org", .headers = text },
				  SLICE(""));
			answer = world_one(world, ALICE_PHONE);
			assert_int_equal(answer->status, 420);
			assert_has(answer->text, "\r\nContent-Length: 0\r\n");
			sip_message_free(answer);
			world_end(world);
		}
	}
}

#define ASKED "Require: sec-agree\r\nProxy-Require: sec-agree\r\n"

static const struct {
	enum agreement policy;
	enum peer from;
	const char *method, *headers, *status, *has;
} agreements[] = {
	{ AGREEMENT_OFFERED, CLEAR, "OPTIONS", NULL, "SIP/2.0 200", NULL },
	{ AGREEMENT_OFFERED, CLEAR, "OPTIONS", ASKED, "SIP/2.0 494", "Security-Server: tls\r\n" },
	{ AGREEMENT_OFFERED, STRANGER, "OPTIONS", ASKED, "SIP/2.0 494", "[agreement.unshown]" },
	{ AGREEMENT_OFFERED, STRANGER, "OPTIONS", ASKED "Security-Verify: tls\r\n", "SIP/2.0 200", NULL },
	{ AGREEMENT_OFFERED, STRANGER, "OPTIONS", ASKED "Security-Verify: tls, digest\r\n", "SIP/2.0 494",
	  "[agreement.altered]" },
	{ AGREEMENT_OFFERED, STRANGER, "OPTIONS", ASKED "Security-Verify: tls\r\nSecurity-Verify: digest\r\n",
	  "SIP/2.0 494", "[agreement.altered]" },
	{ AGREEMENT_REQUIRED, CLEAR, "OPTIONS", NULL, "SIP/2.0 421",
	  "Security-Server: tls\r\nRequire: sec-agree\r\n" },
	{ AGREEMENT_REQUIRED, CLEAR, "OPTIONS", "Supported: sec-agree\r\n", "SIP/2.0 494",
	  "[agreement.clear]" },
	{ AGREEMENT_REQUIRED, CLEAR, "OPTIONS", "Via: SIP/2.0/TCP a.example;branch=z9hG4bKx\r\n",
	  "SIP/2.0 502", "[agreement.hop]" },
	{ AGREEMENT_REQUIRED, STRANGER, "OPTIONS", NULL, "SIP/2.0 200", NULL },
	{ AGREEMENT_REFUSED, CLEAR, "OPTIONS", NULL, "SIP/2.0 200", NULL },
	{ AGREEMENT_REFUSED, CLEAR, "OPTIONS", ASKED, "SIP/2.0 420", "Unsupported: sec-agree\r\n" },
	{ AGREEMENT_REFUSED, STRANGER, "OPTIONS", "Require: sec-agree\r\n", "SIP/2.0 420",
	  "Unsupported: sec-agree\r\n" },
};

static void agrees_on_tls_as_it_is_told_to(void **state) /* RFC3329:2.3 */
{
	for (size_t i = 0; i < sizeof agreements / sizeof agreements[0]; i++) {
		struct world *world = world_new();
		const struct ask ask = { .method = agreements[i].method,
					 .uri = "sip:sip.example.org",
					 .headers = agreements[i].headers };
		struct slice answer;

		world->server.agreement = agreements[i].policy;
		world_ask(world, agreements[i].from, &ask, SLICE(""));
		answer = world_passed(world, agreements[i].from);
		if (!slice_starts(answer, slice_of(agreements[i].status)))
			fail_msg("%zu: %.*s", i, SLICE_FMT(answer));
		if (agreements[i].has)
			assert_has(answer, agreements[i].has);
		world_end(world);
	}
}

static void answers_options_to_itself(void **state) /* RFC3261:11.2, RFC5954:4.2 */
{
	static const char *const uris[] = { "sip:sip.example.org", "sip:SIP.example.org.", "sip:192.0.2.1",
					    "sip:[2001:DB8:0::1]" };

	for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
		struct world *world = world_new();

		world_ask(world, STRANGER, &(struct ask){ .method = "OPTIONS", .uri = uris[i] }, SLICE(""));
		assert_has(world_passed(world, STRANGER), "SIP/2.0 200 OK");
		world_end(world);
	}
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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(agrees_on_tls_as_it_is_told_to),
	cmocka_unit_test(refuses_what_cannot_be_passed_on),
	cmocka_unit_test(an_extension_of_any_length_is_refused_in_a_message_that_can_be_framed),
	cmocka_unit_test(answers_options_to_itself),
	cmocka_unit_test(what_comes_back_unchanged_is_a_loop),
};

TEST_MAIN(tests)
