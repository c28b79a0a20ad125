#include "harness.h"

#include <stdio.h>

#include "proxy/backoff.h"

static const struct address here = { .family = ADDRESS_V4, .ip = { 192, 0, 2, 1 } },
			    there = { .family = ADDRESS_V4, .ip = { 192, 0, 2, 2 } },
			    six = { .family = ADDRESS_V6, .ip = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9 } },
			    same_64 = { .family = ADDRESS_V6, .ip = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 7 } };

static struct backoff *make(void)
{
	struct backoff *backoff = backoff_new((struct map_key){ 1, 2 });

	assert_non_null(backoff);
	return backoff;
}

static void waits_double_after_a_few_free_failures(void **state)
{
	struct backoff *backoff = make();
	struct slice alice = SLICE("alice@example.org");
	ms_t now = 1000, expected = 1000;

	for (int i = 1; i < BACKOFF_FREE; i++) {
		backoff_failed(backoff, &here, alice, now);
		assert_int_equal(backoff_wait_for(backoff, &here, alice, now), 0);
	}
	for (int i = 0; i < 20; i++) {
		backoff_failed(backoff, &here, alice, now);
		assert_int_equal(backoff_wait_for(backoff, &here, alice, now),
				 expected < BACKOFF_LONGEST_MS ? expected : BACKOFF_LONGEST_MS);
		expected *= 2;
	}
	now += BACKOFF_LONGEST_MS;
	assert_int_equal(backoff_wait_for(backoff, &here, alice, now), 0);
	backoff_failed(backoff, &here, alice, now);
	assert_int_equal(backoff_wait_for(backoff, &here, alice, now), BACKOFF_LONGEST_MS);
	backoff_free(backoff);
}

static void nobody_waits_for_what_others_did(void **state)
{
	struct backoff *backoff = make();
	struct slice alice = SLICE("alice@example.org"), bob = SLICE("bob@example.org");

	for (int i = 0; i < 20; i++) {
		backoff_failed(backoff, &here, alice, 1000);
		backoff_failed(backoff, &six, alice, 1000);
	}
	assert_true(backoff_wait_for(backoff, &here, alice, 1000) > 0);
	assert_int_equal(backoff_wait_for(backoff, &there, alice, 1000), 0);
	assert_int_equal(backoff_wait_for(backoff, &here, bob, 1000), 0);
	assert_true(backoff_wait_for(backoff, &same_64, alice, 1000) > 0);
	backoff_free(backoff);
}

static void a_right_password_or_a_long_silence_forgives_all(void **state)
{
	struct backoff *backoff = make();
	struct slice alice = SLICE("alice@example.org");
	ms_t now = 1000;

	for (int i = 0; i < 20; i++)
		backoff_failed(backoff, &here, alice, now);
	backoff_succeeded(backoff, &here, alice);
	assert_int_equal(backoff_wait_for(backoff, &here, alice, now), 0);
	backoff_failed(backoff, &here, alice, now);
	assert_int_equal(backoff_wait_for(backoff, &here, alice, now), 0);
	for (int i = 0; i < 20; i++)
		backoff_failed(backoff, &here, alice, now);
	now += 4 * (ms_t)BACKOFF_LONGEST_MS;
	backoff_failed(backoff, &here, alice, now);
	assert_int_equal(backoff_wait_for(backoff, &here, alice, now), 0);
	backoff_free(backoff);
}

static void what_is_remembered_is_bounded(void **state)
{
	struct backoff *backoff = make();

	for (int i = 0; i < 2 * BACKOFF_ENTRIES_MAX; i++) {
		char name[32];
		int n = snprintf(name, sizeof name, "u%d@example.org", i);

		for (int j = 0; j < BACKOFF_FREE; j++)
			backoff_failed(backoff, &here, slice_from(name, (size_t)n), 1000);
	}
	assert_int_equal(backoff_wait_for(backoff, &here, SLICE("u0@example.org"), 1000), 0);
	assert_true(backoff_wait_for(backoff, &here, SLICE("u8191@example.org"), 1000) > 0);
	backoff_free(backoff);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(waits_double_after_a_few_free_failures),
	cmocka_unit_test(nobody_waits_for_what_others_did),
	cmocka_unit_test(a_right_password_or_a_long_silence_forgives_all),
	cmocka_unit_test(what_is_remembered_is_bounded),
};

TEST_MAIN(tests)
