/* The ways to other domains: whose they are. What they lead to is in tests/conformance/proxy-domain-*.scn. */
#include "proxy/hop.h"

#include "world.h"

/*
 * Asks for a way of its own; the refusal, or NULL. There is nothing in the DNS to be asked for such a name, but the way is there as long
 * as it is used.
 */
static const struct verdict *ask(struct world *world, struct hop_use *use, unsigned n, account_id asker)
{
	char buf[64];
	struct writer domain = writer_of(buf, sizeof buf);
	struct hop_goal goal = { .asker = asker };
	struct hop_result result = { .why = NULL };

	put_number(&domain, n);
	put(&domain, SLICE("..example"));
	goal.locate.domain = goal.locate.target = writer_text(&domain);
	goal.locate.transports = LOCATE_WITH(TRANSPORT_TLS);
	assert_true(hop_ask(world->core, &goal, use, &result));
	assert_false(result.is_found);
	return use->hop ? NULL : result.why;
}

static void no_account_takes_the_ways_of_all_others(void **state)
{
	static const struct ask message = { .method = "MESSAGE", .uri = "sip:dave@far.example" };
	struct hop_use *uses = test_calloc(HOPS_MAX, sizeof *uses);
	struct world *world = world_new();
	account_id alice = world->accounts[ALICE].id, bob = world->accounts[BOB].id, peer = -3;
	unsigned n = 0;
	struct slice answer;

	for (; n < HOPS_MAX / 2; n++)
		assert_null(ask(world, &uses[n], n, alice));
	assert_non_null(ask(world, &uses[n], n, alice));
	assert_null(ask(world, &uses[n], 0, alice)); /* one that is there */
	world_ask_proven(world, ALICE_PHONE, ALICE, &message);
	answer = world_passed(world, ALICE_PHONE);
	assert_true(slice_starts(answer, SLICE("SIP/2.0 503 ")));
	assert_true(slice_find_text(answer, SLICE("[account.domains]")) < answer.len);
	assert_true(slice_find_text(answer, SLICE("Retry-After: ")) < answer.len);

	for (unsigned i = 0; i < HOPS_PER_ACCOUNT; i++, n++)
		assert_null(ask(world, &uses[n + 1], n, bob));
	assert_non_null(ask(world, &uses[n + 1], n, bob));
	for (unsigned i = 0; i <= HOPS_PER_ACCOUNT; i++, n++) /* who asks for many */
		assert_null(ask(world, &uses[n + 1], n, peer));

	for (unsigned i = 0; i <= n; i++)
		hop_release(&uses[i]);
	assert_null(ask(world, &uses[0], 0, alice));
	hop_release(&uses[0]);
	world_end(world);
	test_free(uses);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(no_account_takes_the_ways_of_all_others),
};

TEST_MAIN(tests)
