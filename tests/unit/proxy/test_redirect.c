/* A domain that sends callers on (RFC 3261 §8.3) instead of calling for them. */
#include <string.h>

#include "call.h"

/* More bindings than a response has room for: those that fit are told. */
static void as_many_contacts_are_told_as_there_is_room_for(void **state)
{
	static const struct server_domain moved[] = { { .name = SLICE_INIT("example.org"),
							.redirects = true } };
	static char long_ones[BINDINGS_MAX][4000];
	struct world *world = world_new();
	struct slice got;

	world->server.domains = moved;
	core_reconfigure(world->core, &world->server);
	for (size_t i = 0; i < BINDINGS_MAX; i++) {
		memset(long_ones[i], 'x', sizeof long_ones[i] - 1);
		memcpy(long_ones[i], "sip:bob", 7);
		memcpy(long_ones[i] + sizeof long_ones[i] - 14, "@192.0.2.20:1", 13);
		world_bind(world, BOB, BOB_PHONE, long_ones[i], 1000);
	}
	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	got = world_passed(world, ALICE_PHONE);
	assert_true(slice_find_text(got, SLICE("SIP/2.0 302 ")) == 0);
	assert_int_equal(count(got, "Contact: <sip:bob"), 4);
	assert_int_equal(count(got, "@192.0.2.20:1>"), 4);
	world_end(world);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(as_many_contacts_are_told_as_there_is_room_for),
};
TEST_MAIN(tests)
