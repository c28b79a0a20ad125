/* How a request goes on (RFC 3261 §16.6), and in what scheme (RFC 5630 §5.3). */
#include "call.h"

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

	/* who says another transport does not say that he needs this one */
	world_bind(world, BOB, BOB_OTHER, "sip:bob@192.0.2.21;transport=tcp", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &(struct ask){ .call_id = "second" });
	assert_int_equal(count(world_passed(world, BOB_OTHER), "Record-Route:"), 1);
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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_request_is_changed_where_it_must_be_and_nowhere_else),
	cmocka_unit_test(a_request_without_max_forwards_gets_it),
	cmocka_unit_test(two_transports_get_a_record_route_each),
	cmocka_unit_test(transport_tls_is_written_to_those_only_who_use_it),
	cmocka_unit_test(a_domain_may_require_sips_for_its_sips_phones),
	cmocka_unit_test(what_forms_no_dialog_is_not_record_routed),
	cmocka_unit_test(sips_leads_to_sips_and_sip_to_sip),
	cmocka_unit_test(a_sips_request_never_takes_a_flow_without_the_account),
};

TEST_MAIN(tests)
