#include "harness.h"

#include "event/rate.h"

static const struct map_key map_key = { 1, 2 };

static bool may(struct rates *rates, struct slice key, ms_t now)
{
	return rates_take(rates, key, 2, now).wait == 0;
}

static void who_has_asked_for_long_enough_waits(void **state)
{
	AUTO(rates) struct rates *rates = rates_new(map_key);
	struct rate_answer answer;

	(void)state;
	assert_non_null(rates);
	assert_true(may(rates, SLICE("a"), 0) && may(rates, SLICE("a"), 0));
	answer = rates_take(rates, SLICE("a"), 2, 0);
	assert_int_equal(answer.wait, 30000);
	assert_int_equal(answer.refused, 1);
	assert_int_equal(rates_take(rates, SLICE("a"), 2, 10000).refused, 2);
	assert_true(may(rates, SLICE("b"), 0)); /* each for himself */
	assert_true(may(rates, SLICE("a"), 30000));
	assert_int_equal(rates_take(rates, SLICE("a"), 2, 30000).refused, 1); /* counted anew */
}

static void another_rate_holds_at_once(void **state)
{
	AUTO(rates) struct rates *rates = rates_new(map_key);

	(void)state;
	assert_non_null(rates);
	assert_true(may(rates, SLICE("a"), 0) && may(rates, SLICE("a"), 0));
	assert_int_equal(rates_take(rates, SLICE("a"), 60, 0).wait, 0);
}

static void there_is_an_end_to_whom_it_counts(void **state)
{
	AUTO(rates) struct rates *rates = rates_new(map_key);
	static char name[RATE_KEY_MAX + 1];

	(void)state;
	assert_non_null(rates);
	assert_false(may(rates, slice_from(name, sizeof name), 0));
	assert_true(may(rates, SLICE("a"), 0) && may(rates, SLICE("a"), 0));
	for (int i = 0; i < RATES_MAX; i += ROWS_STEP(RATES_MAX / 2)) {
		snprintf(name, sizeof name, "%d", i);
		assert_true(may(rates, slice_of(name), 0));
	}
	if (!harness_fails_allocations())               /* which does not fill it */
		assert_true(may(rates, SLICE("a"), 0)); /* who asked for nothing for longest is forgotten */
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(who_has_asked_for_long_enough_waits),
	cmocka_unit_test(another_rate_holds_at_once),
	cmocka_unit_test(there_is_an_end_to_whom_it_counts),
};
TEST_MAIN(tests)
