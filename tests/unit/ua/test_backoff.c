#include "harness.h"

#include "ua/backoff.h"

static const struct {
	unsigned failures;
	ms_t bound;
} rows[] = {
	{ 0, 1000 },     { 1, 4000 },      { 2, 8000 },
	{ 3, 16000 },    { 4, 32000 },     { 9, 1024000 },
	{ 10, 1800000 }, { 200, 1800000 }, { 4000000000U, 1800000 },
};

static void waits_between_half_and_all_of_the_bound(void **state)
{
	AUTO(random) struct random *random = random_new_predictable(3);

	assert_non_null(random);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) { /* RFC5626:4.5 */
		ms_t least = rows[i].bound, most = 0;

		for (int n = 0; n < 200; n++) {
			ms_t wait = backoff_wait(rows[i].failures, random);

			least = wait < least ? wait : least;
			most = wait > most ? wait : most;
		}
		assert_in_range(least, rows[i].bound / 2, rows[i].bound);
		assert_in_range(most, rows[i].bound / 2, rows[i].bound);
		assert_true(most - least > rows[i].bound / 4); /* they do not all come at once */
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(waits_between_half_and_all_of_the_bound),
};
TEST_MAIN(tests)
