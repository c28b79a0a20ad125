#include "harness.h"

#include "transport/bans.h"

static const struct address one = { .family = ADDRESS_V4, .ip = { 192, 0, 2, 1 } },
			    two = { .family = ADDRESS_V4, .ip = { 192, 0, 2, 2 } },
			    home = { .family = ADDRESS_V4, .ip = { 127, 0, 0, 9 } },
			    six = { .family = ADDRESS_V6, .ip = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9 } },
			    same_64 = { .family = ADDRESS_V6, .ip = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 7 } },
			    other_64 = { .family = ADDRESS_V6, .ip = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 9 } };

enum { NOW = 5000 };

static struct bans *make(void)
{
	struct bans *bans = bans_new((struct map_key){ 1, 2 }, &bans_policy_default);

	assert_non_null(bans);
	return bans;
}

/* How many wrong passwords it takes; 0: more than can be waited for. */
static unsigned provoke(struct bans *bans, const struct address *address, ms_t now)
{
	for (unsigned n = 1; n <= 1000; n++)
		if (bans_blame(bans, address, MISDEED_CREDENTIALS, now))
			return n;
	return 0;
}

static void too_much_leads_to_a_ban_that_ends_by_itself_and_grows(void **state)
{
	struct bans *bans = make();
	ms_t now = NOW, time = bans_policy_default.time;

	for (int i = 0; i < 3; i++) {
		assert_false(bans_has(bans, &one, now));
		assert_int_equal(provoke(bans, &one, now), 30);
		assert_true(bans_has(bans, &one, now));
		assert_false(bans_has(bans, &two, now));
		assert_true(bans_has(bans, &one, now + time - 1));
		now += time;
		time *= 2;
	}
	bans_free(bans);
}

static void what_lies_long_back_does_not_count(void **state)
{
	struct bans *bans = make();

	for (int i = 0; i < 29; i++)
		assert_false(bans_blame(bans, &one, MISDEED_CREDENTIALS, NOW));
	assert_false(bans_blame(bans, &one, MISDEED_CREDENTIALS, NOW + bans_policy_default.window + 1));
	bans_free(bans);
}

static void an_ipv6_source_is_its_network(void **state)
{
	struct bans *bans = make();

	assert_int_equal(provoke(bans, &six, NOW), 30);
	assert_true(bans_has(bans, &same_64, NOW));
	assert_false(bans_has(bans, &other_64, NOW));
	bans_free(bans);
}

static void who_is_exempt_is_never_banned(void **state)
{
	struct bans *bans = make();
	struct bans_policy policy = bans_policy_default;

	assert_int_equal(provoke(bans, &home, NOW), 0);
	assert_int_equal(bans_add(bans, &home, 1000, NOW), ERR_DENIED);
	assert_int_equal(bans_add(bans, &two, 1000, NOW), OK);
	assert_true(prefix_parse(SLICE("192.0.2.0/24"), &policy.exempt[policy.n_exempt++]));
	bans_set_policy(bans, &policy);
	assert_false(bans_has(bans, &two, NOW));
	assert_true(bans_is_exempt(bans, &one));
	assert_int_equal(provoke(bans, &one, NOW), 0);
	policy.n_exempt = 0;
	policy.tolerance = 0;
	bans_set_policy(bans, &policy);
	assert_int_equal(provoke(bans, &one, NOW), 0);
	bans_free(bans);
}

static void the_administrator_bans_lists_and_lifts(void **state)
{
	struct bans *bans = make();
	struct ban list[4];

	assert_int_equal(bans_list(bans, list, 4, NOW), 0);
	assert_int_equal(bans_add(bans, &two, 2000, NOW), OK);
	assert_int_equal(bans_add(bans, &two, 3000, NOW), OK);
	assert_int_equal(provoke(bans, &one, NOW), 30);
	assert_int_equal(bans_list(bans, list, 4, NOW), 2);
	assert_true(address_eq_ip(&list[0].address, &two));
	assert_int_equal(list[0].left, 3000);
	assert_string_equal(list[0].why, "the administrator");
	assert_string_equal(list[1].why, "wrong credentials");
	assert_int_equal(bans_list(bans, list, 1, NOW), 1);
	assert_true(bans_lift(bans, &two, NOW));
	assert_false(bans_lift(bans, &two, NOW));
	assert_false(bans_has(bans, &two, NOW));
	assert_true(bans_has(bans, &one, NOW));
	assert_true(bans_lift(bans, &one, NOW));
	assert_int_equal(provoke(bans, &one, NOW), 30);
	bans_free(bans);
}

static struct address nth(uint32_t i)
{
	return (struct address){ .family = ADDRESS_V4,
				 .ip = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
}

static void what_is_remembered_is_bounded(void **state)
{
	struct bans *bans = make();
	struct ban list[2];

	assert_int_equal(bans_add(bans, &one, 100000, NOW), OK);
	assert_int_equal(provoke(bans, &two, NOW), 30);
	assert_int_equal(bans_list(bans, list, 2, NOW), 2);
	for (uint32_t i = 0; i < BANS_SOURCES_MAX; i++) {
		struct address address = nth(i);

		assert_false(bans_blame(bans, &address, MISDEED_HANDSHAKE, NOW));
	}
	/* the oldest made room, but not the one that the administrator has named */
	assert_false(bans_has(bans, &two, NOW));
	assert_int_equal(bans_list(bans, list, 2, NOW), 1);
	assert_true(bans_has(bans, &one, NOW));
	bans_free(bans);
}

static void the_administrator_leaves_places_to_others(void **state)
{
	struct bans *bans = make();

	for (uint32_t i = 0; i < BANS_NAMED_MAX; i++) {
		struct address address = nth(i);

		assert_int_equal(bans_add(bans, &address, i ? 100000 : 1000, NOW), OK);
	}
	struct address first = nth(0), last = nth(BANS_NAMED_MAX - 1);

	assert_int_equal(bans_add(bans, &one, 100000, NOW), ERR_LIMIT);
	assert_int_equal(bans_add(bans, &last, 100000, NOW), OK); /* is one of them already */
	assert_int_equal(provoke(bans, &two, NOW), 30);
	assert_int_equal(bans_add(bans, &one, 100000, NOW + 1000), OK); /* in the place of the first */
	assert_false(bans_has(bans, &first, NOW + 1000));
	assert_int_equal(bans_add(bans, &first, 100000, NOW + 1000), ERR_LIMIT);
	assert_true(bans_lift(bans, &one, NOW + 1000));
	assert_int_equal(bans_add(bans, &first, 100000, NOW + 1000), OK);
	bans_free(bans);
}

static const struct {
	const char *text;
	bool ok, has_one, has_two;
} prefixes[] = {
	{ "192.0.2.1", true, true, false },      { "192.0.2.1/32", true, true, false },
	{ "192.0.2.0/30", true, true, true },    { "192.0.2.2/31", true, false, true },
	{ "0.0.0.0/0", true, true, true },       { "::/0", true, false, false },
	{ "2001:db8::/32", true, false, false }, { "192.0.2.1/33", false, false, false },
	{ "192.0.2.1/", false, false, false },   { "example.org", false, false, false },
	{ "192.0.2.1/8x", false, false, false }, { "", false, false, false },
};

static void prefixes_are_read_and_compared_by_bits(void **state)
{
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		struct prefix prefix;
		bool ok = prefix_parse(slice_of(prefixes[i].text), &prefix);

		if (ok != prefixes[i].ok || (ok && (prefix_has(&prefix, &one) != prefixes[i].has_one ||
						    prefix_has(&prefix, &two) != prefixes[i].has_two)))
			fail_msg("%s", prefixes[i].text);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(too_much_leads_to_a_ban_that_ends_by_itself_and_grows),
	cmocka_unit_test(what_lies_long_back_does_not_count),
	cmocka_unit_test(an_ipv6_source_is_its_network),
	cmocka_unit_test(who_is_exempt_is_never_banned),
	cmocka_unit_test(the_administrator_bans_lists_and_lifts),
	cmocka_unit_test(what_is_remembered_is_bounded),
	cmocka_unit_test(the_administrator_leaves_places_to_others),
	cmocka_unit_test(prefixes_are_read_and_compared_by_bits),
};

TEST_MAIN(tests)
