/* What is made of Route and Request-URI before and after the decision: RFC 3261 §16.4, §16.6 step 6; RFC 6665 §4.3. */
#include "world.h"

#include <string.h>

#include "proxy/token.h"

#define BOB_CONTACT "sip:bob@192.0.2.20"

static bool has(struct slice text, const char *what)
{
	return slice_find_text(text, slice_of(what)) < text.len;
}

/* "sip:TOKEN@sip.example.org;lr" of the dialog in which alice, on that flow, called bob. */
static const char *route_of(struct world *world, enum peer alice)
{
	static char uri[256];
	struct writer out = writer_of(uri, sizeof uri - 1);
	const struct token token = { .flow_a = world_flow(alice),
				     .account_a = world->accounts[ALICE].id,
				     .flow_b = world_flow(BOB_PHONE),
				     .account_b = world->accounts[BOB].id };
	const struct token_dialog dialog = { SLICE("call"), SLICE("alice@example.org"),
					     SLICE("bob@example.org") };

	put(&out, SLICE("sip:"));
	assert_true(put_token(&out, world->token_mac, &token, &dialog));
	put(&out, SLICE("@sip.example.org;lr"));
	assert_false(out.overflow);
	uri[out.len] = '\0';
	return uri;
}

static void ask_in_dialog(struct world *world, const char *method, const char *uri, const char *routes)
{
	world_ask(world, ALICE_PHONE,
		  &(struct ask){
			  .method = method, .uri = uri, .to = "<sip:bob@example.org>;tag=callee", .cseq = 9 },
		  slice_of(routes));
}

/* RFC3261:16.4 */
static void what_a_strict_router_sent_goes_where_its_last_route_leads(void **state)
{
	static const char *const methods[] = { "BYE", "ACK" };

	for (size_t i = 0; i < 2; i++) {
		struct world *world = world_new();
		char start[128];
		struct slice got;

		ask_in_dialog(world, methods[i], route_of(world, ALICE_PHONE),
			      "Route: <" BOB_CONTACT ">\r\n");
		snprintf(start, sizeof start, "%s " BOB_CONTACT " SIP/2.0\r\n", methods[i]);
		got = world_passed(world, BOB_PHONE);
		assert_true(slice_starts(got, slice_of(start)));
		assert_false(has(got, "Route:"));
		world_end(world);
	}
}

static void the_routes_between_stay_as_they_were(void **state)
{
	struct world *world = world_new();
	struct slice got;

	ask_in_dialog(world, "BYE", route_of(world, ALICE_PHONE),
		      "Route: <sip:one.example.net;lr>, <sip:two.example.net;lr>\r\nRoute: <" BOB_CONTACT
		      ">\r\n");
	got = world_passed(world, BOB_PHONE);
	assert_true(slice_starts(got, SLICE("BYE " BOB_CONTACT " SIP/2.0\r\n")));
	assert_true(has(got, "Route: <sip:one.example.net;lr>\r\nRoute: <sip:two.example.net;lr>\r\n"));
	world_end(world);
}

/* RFC3261:16.4: each Route that indicates us is taken off; the token need not be in the first. */
static void a_route_without_a_token_may_stand_before_ours(void **state)
{
	static const char *const methods[] = { "BYE", "ACK" };

	for (size_t i = 0; i < 2; i++) {
		struct world *world = world_new();
		char routes[512], start[128];
		struct slice got;

		snprintf(routes, sizeof routes, "Route: <sip:example.org;lr>, <%s>\r\n",
			 route_of(world, ALICE_PHONE));
		ask_in_dialog(world, methods[i], BOB_CONTACT, routes);
		snprintf(start, sizeof start, "%s " BOB_CONTACT " SIP/2.0\r\n", methods[i]);
		got = world_passed(world, BOB_PHONE);
		assert_true(slice_starts(got, slice_of(start)));
		assert_false(has(got, "Route:"));
		world_end(world);
	}
}

/* A Request-URI with our name that is no token of this dialog proves nothing. */
static void what_only_looks_like_our_record_route_is_refused(void **state)
{
	struct world *world = world_new();

	ask_in_dialog(world, "BYE", "sip:AAAAAAAA@sip.example.org;lr", "Route: <" BOB_CONTACT ">\r\n");
	assert_int_equal(world_passed(world, BOB_PHONE).len, 0);
	assert_true(slice_starts(world_passed(world, ALICE_PHONE), SLICE("SIP/2.0 4")));
	world_end(world);
}

/* Without a Route there is nowhere to go: what had us as its target is in no dialog with us. */
static void our_record_route_alone_leads_nowhere(void **state)
{
	struct world *world = world_new();

	ask_in_dialog(world, "BYE", route_of(world, ALICE_PHONE), "");
	assert_int_equal(world_passed(world, BOB_PHONE).len, 0);
	assert_true(slice_starts(world_passed(world, ALICE_PHONE), SLICE("SIP/2.0 4")));
	world_end(world);
}

/* RFC3261:16.6 step 6 */
static void a_strict_router_after_us_gets_the_request_as_it_expects(void **state)
{
	struct world *world = world_new();
	char routes[1024];
	struct slice got;

	snprintf(routes, sizeof routes,
		 "Route: <%s>, <sip:strict.example.net>, <sip:loose.example.net;lr>\r\n",
		 route_of(world, ALICE_PHONE));
	ask_in_dialog(world, "BYE", BOB_CONTACT, routes);
	got = world_passed(world, BOB_PHONE);
	assert_true(slice_starts(got, SLICE("BYE sip:strict.example.net SIP/2.0\r\n")));
	assert_true(has(got, "Route: <sip:loose.example.net;lr>\r\nRoute: <" BOB_CONTACT ">\r\n"));
	world_end(world);
}

static void what_is_secure_goes_to_no_strict_router_in_clear(void **state)
{
	struct world *world = world_new();
	char routes[1024];

	snprintf(routes, sizeof routes, "Route: <%s>, <sip:strict.example.net>\r\n",
		 route_of(world, ALICE_PHONE));
	ask_in_dialog(world, "BYE", "sips:bob@192.0.2.20", routes);
	assert_int_equal(world_passed(world, BOB_PHONE).len, 0);
	assert_true(slice_starts(world_passed(world, ALICE_PHONE), SLICE("SIP/2.0 503")));
	world_end(world);
}

/* RFC3261:16.4 */
static void a_maddr_that_means_us_is_taken_off(void **state)
{
	struct world *world = world_new();
	struct slice got;

	world_bind(world, BOB, BOB_PHONE, BOB_CONTACT, 1000);
	world_ask_proven(
		world, ALICE_PHONE, ALICE,
		&(struct ask){
			.uri = "sip:bob@example.org:5061;transport=tls;maddr=sip.example.org;user=phone" });
	got = world_passed(world, BOB_PHONE);
	assert_true(slice_starts(got, SLICE("INVITE " BOB_CONTACT " SIP/2.0\r\n")));
	world_end(world);
}

/* A request of Bob's within the dialog, along our Route in it. */
static void ask_along(struct world *world, const char *ours, const char *method, const char *uri)
{
	char route[300];

	snprintf(route, sizeof route, "Route: <%s>\r\n", ours);
	world_ask(world, BOB_PHONE,
		  &(struct ask){ .method = method,
				 .uri = uri,
				 .from = "<sip:bob@example.org>;tag=callee",
				 .to = "<sip:alice@example.org>;tag=a" },
		  slice_of(route));
}

/* RFC6665:4.3, RFC5658:3.2: "NOTIFY requests" make the subscriber's route set, on both sides of us. */
static void a_notify_is_record_routed_for_both_sides(void **state)
{
	struct world *world = world_new();
	const char *uri = route_of(world, CLEAR);
	char both[600];
	struct slice got;

	snprintf(both, sizeof both, "Record-Route: <%s;transport=tcp>\r\nRecord-Route: <%s>\r\n", uri, uri);
	ask_along(world, uri, "NOTIFY", "sip:alice@192.0.2.10");
	got = world_passed(world, CLEAR);
	assert_true(slice_starts(got, SLICE("NOTIFY sip:alice@192.0.2.10 SIP/2.0\r\n")));
	assert_true(has(got, both));
	ask_along(world, uri, "BYE", "sip:alice@192.0.2.10");
	assert_false(has(world_passed(world, CLEAR), "Record-Route"));
	world_end(world);
}

/* RFC5630:5.3: who uses transport=tls in his Contact needs it in his route set. */
static void a_notify_says_tls_to_who_says_it_himself(void **state)
{
	struct world *world = world_new();
	const char *uri = route_of(world, ALICE_PHONE);
	char both[600];

	snprintf(both, sizeof both, "Record-Route: <%s;transport=tls>\r\nRecord-Route: <%s>\r\n", uri, uri);
	ask_along(world, uri, "NOTIFY", "sip:alice@192.0.2.10;transport=tls");
	assert_true(has(world_passed(world, ALICE_PHONE), both));
	world_end(world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_a_strict_router_sent_goes_where_its_last_route_leads),
	cmocka_unit_test(the_routes_between_stay_as_they_were),
	cmocka_unit_test(a_route_without_a_token_may_stand_before_ours),
	cmocka_unit_test(what_only_looks_like_our_record_route_is_refused),
	cmocka_unit_test(our_record_route_alone_leads_nowhere),
	cmocka_unit_test(a_strict_router_after_us_gets_the_request_as_it_expects),
	cmocka_unit_test(what_is_secure_goes_to_no_strict_router_in_clear),
	cmocka_unit_test(a_maddr_that_means_us_is_taken_off),
	cmocka_unit_test(a_notify_is_record_routed_for_both_sides),
	cmocka_unit_test(a_notify_says_tls_to_who_says_it_himself),
};

TEST_MAIN(tests)
