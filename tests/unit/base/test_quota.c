#include "harness.h"

#include "base/quota.h"

static void starts_full_and_runs_dry(void **state)
{
	struct quota quota;

	quota_init(&quota, 5, 1, 1000);
	assert_true(quota_take(&quota, 5, 1000));
	assert_true(quota_take(&quota, 0, 1000));
	assert_false(quota_take(&quota, 1, 1000));
}

static void a_refused_take_costs_nothing(void **state)
{
	struct quota quota;

	quota_init(&quota, 5, 1, 0);
	assert_false(quota_take(&quota, 6, 0));
	assert_true(quota_take(&quota, 5, 0));
}

static void refills_with_time_up_to_the_burst(void **state)
{
	struct quota quota;

	quota_init(&quota, 10, 4, 0);
	assert_true(quota_take(&quota, 10, 0));
	assert_false(quota_take(&quota, 1, 249));
	assert_true(quota_take(&quota, 1, 250));
	assert_false(quota_take(&quota, 11, 1000000));
	assert_true(quota_take(&quota, 10, 1000000));
	assert_false(quota_take(&quota, 1, 1000000));
}

static void many_small_steps_refill_as_much_as_one_large(void **state)
{
	struct quota quota;

	quota_init(&quota, 10, 3, 0);
	assert_true(quota_take(&quota, 10, 0));
	for (ms_t now = 1; now < 1000; now++)
		assert_false(quota_take(&quota, 10, now));
	assert_true(quota_take(&quota, 3, 1000));
}

static void says_how_long_to_wait(void **state)
{
	static const struct {
		const char *label;
		uint32_t burst, per_second, taken, wanted;
		ms_t wait;
	} rows[] = {
		{ "there is enough", 10, 1, 4, 6, 0 },
		{ "nothing wanted", 10, 0, 10, 0, 0 },
		{ "one second", 10, 1, 10, 1, 1000 },
		{ "rounded up", 10, 3, 10, 1, 334 },
		{ "more than fits", 10, 1, 0, 11, QUOTA_NEVER },
		{ "no refill", 10, 0, 10, 1, QUOTA_NEVER },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct quota quota;
		ms_t wait;

		quota_init(&quota, rows[i].burst, rows[i].per_second, 0);
		assert_true(quota_take(&quota, rows[i].taken, 0));
		wait = quota_wait(&quota, rows[i].wanted, 0);
		if (wait != rows[i].wait)
			fail_msg("%s: %lu", rows[i].label, (unsigned long)wait);
		if (wait > 0 && wait < QUOTA_NEVER) {
			assert_int_not_equal(quota_wait(&quota, rows[i].wanted, wait - 1), 0);
			assert_true(quota_take(&quota, rows[i].wanted, wait));
		}
	}
}

static void extremes_do_not_wrap(void **state)
{
	struct quota quota;

	quota_init(&quota, UINT32_MAX, UINT32_MAX, 0);
	assert_true(quota_take(&quota, UINT32_MAX, 0));
	assert_false(quota_take(&quota, UINT32_MAX, 999));
	assert_true(quota_take(&quota, UINT32_MAX, UINT64_MAX));
	assert_false(quota_take(&quota, 1, 0));
	assert_false(quota_take(&quota, 1, UINT64_MAX));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(starts_full_and_runs_dry),
	cmocka_unit_test(a_refused_take_costs_nothing),
	cmocka_unit_test(refills_with_time_up_to_the_burst),
	cmocka_unit_test(many_small_steps_refill_as_much_as_one_large),
	cmocka_unit_test(says_how_long_to_wait),
	cmocka_unit_test(extremes_do_not_wrap),
};

TEST_MAIN(tests)
