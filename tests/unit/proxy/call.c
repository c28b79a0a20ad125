#include "call.h"

bool has(struct slice text, const char *needle)
{
	return slice_find_text(text, slice_of(needle)) < text.len;
}

size_t count(struct slice text, const char *needle)
{
	size_t n = 0;

	while (has(text, needle)) {
		text = slice_sub(text, slice_find_text(text, slice_of(needle)) + 1, text.len);
		n++;
	}
	return n;
}

const struct ask invite = { .headers = "Contact: <sip:alice@192.0.2.10>\r\n" };

struct world *call(struct sip_message **ret_at_bob)
{
	struct world *world = world_new();

	world_bind(world, BOB, BOB_PHONE, "sip:bob@192.0.2.20", 1000);
	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	*ret_at_bob = world_one(world, BOB_PHONE);
	world_passed(world, ALICE_PHONE);
	return world;
}

struct world *fork_call(const char *contact, const char *other_contact, uint16_t other_q)
{
	struct world *world = world_new();

	world_bind(world, BOB, BOB_PHONE, contact, 1000);
	world_bind(world, BOB, BOB_OTHER, other_contact, other_q);
	world_ask_proven(world, ALICE_PHONE, ALICE, &invite);
	world_passed(world, ALICE_PHONE);
	return world;
}
