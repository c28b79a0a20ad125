#include "harness.h"

#include <string.h>

#include "sealine/load_tally.h"

static struct load_tally tally; /* too large for a stack */

static void no_operation_has_no_time(void **state)
{
	tally = (struct load_tally){ .done = 0 };
	assert_int_equal(load_tally_quantile(&tally, 500), 0);
	assert_int_equal(load_tally_quantile(&tally, 1000), 0);
}

static void short_times_are_exact(void **state)
{
	tally = (struct load_tally){ .done = 0 };
	for (uint64_t i = 1; i <= 60; i++)
		load_tally_time(&tally, i);
	assert_int_equal(load_tally_quantile(&tally, 500), 30);
	assert_int_equal(load_tally_quantile(&tally, 900), 54);
	assert_int_equal(load_tally_quantile(&tally, 1000), 60);
}

static const uint64_t times[] = { 63, 64, 65, 127, 128, 1000, 4097, 1000000, 10000000, 68000000000 };

static void long_times_are_known_to_a_thirty_second(void **state)
{
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		tally = (struct load_tally){ .done = 0 };
		load_tally_time(&tally, times[i]);
		load_tally_time(&tally, UINT64_MAX); /* kept in the last bucket */
		uint64_t shown = load_tally_quantile(&tally, 500);
		if (shown < times[i] || shown > times[i] + times[i] / 32)
			fail_msg("%llu is shown as %llu", (unsigned long long)times[i],
				 (unsigned long long)shown);
	}
}

static void the_longest_is_exact(void **state)
{
	tally = (struct load_tally){ .done = 0 };
	load_tally_time(&tally, 5);
	load_tally_time(&tally, 123457);
	assert_int_equal(load_tally_quantile(&tally, 1000), 123457);
}

static void the_first_of_a_kind_is_kept_escaped(void **state)
{
	tally = (struct load_tally){ .done = 0 };
	load_tally_failure(&tally, LOAD_REFUSED, SLICE("403 \033[31m"));
	load_tally_failure(&tally, LOAD_LOST, SLICE("later"));
	load_tally_violation(&tally, LOAD_NO_TAG, SLICE(""));
	assert_string_equal(tally.first_failure, "refused: 403 \\x1b[31m");
	assert_string_equal(tally.first_violation, "a response without a tag in To");
	assert_int_equal(load_tally_failures(&tally), 2);
	assert_int_equal(load_tally_violations(&tally), 1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(no_operation_has_no_time),
	cmocka_unit_test(short_times_are_exact),
	cmocka_unit_test(long_times_are_known_to_a_thirty_second),
	cmocka_unit_test(the_longest_is_exact),
	cmocka_unit_test(the_first_of_a_kind_is_kept_escaped),
};

TEST_MAIN(tests)
