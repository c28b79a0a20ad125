/* Requests in a dialog whose flows are lost, or both one account's. */
#include "call.h"

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

static void a_request_in_a_dialog_is_not_to_be_known_again(void **state) /* RFC5393:4.1 */
{
	char route[512];
	struct world *world = dialog(route, sizeof route);
	struct sip_message *at_bob;

	world_ask(world, ALICE_PHONE, &bye, slice_of(route));
	at_bob = world_one(world, BOB_PHONE);
	assert_int_equal(slice_find(at_bob->via.branch, '.'), at_bob->via.branch.len);
	sip_message_free(at_bob);
	world_end(world);
}

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
	cmocka_unit_test(a_request_in_a_dialog_is_not_to_be_known_again),
	cmocka_unit_test(a_dialog_follows_a_phone_to_its_new_flow),
	cmocka_unit_test(a_dialog_whose_phone_does_not_come_back_has_a_failed_flow),
	cmocka_unit_test(a_dialog_does_not_go_on_with_another_account_of_the_same_name),
	cmocka_unit_test(a_call_of_an_account_with_itself_goes_by_its_flows),
};

TEST_MAIN(tests)
