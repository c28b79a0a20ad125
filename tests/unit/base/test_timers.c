#include "harness.h"

#include "base/timers.h"

enum { MANY = 500 };

/* Reproducible disorder (the generator of Park and Miller). */
static uint32_t next_number(uint32_t *seed)
{
	*seed = (uint32_t)((uint64_t)*seed * 48271 % 0x7fffffff);
	return *seed;
}

static void nothing_is_due_in_an_empty_queue(void **state)
{
	AUTO(timers) struct timers *timers = timers_new(10);
	struct timer timer = { 0 };

	assert_non_null(timers);
	assert_int_equal(timers_next(timers), 0);
	assert_null(timers_take_due(timers, UINT64_MAX));
	timers_clear(timers, &timer);
}

static void a_timer_is_due_at_its_time_and_not_before(void **state)
{
	AUTO(timers) struct timers *timers = timers_new(10);
	struct timer timer = { 0 };

	assert_non_null(timers);
	assert_int_equal(timers_set(timers, &timer, 500), OK);
	assert_int_equal(timers_next(timers), 500);
	assert_null(timers_take_due(timers, 499));
	assert_ptr_equal(timers_take_due(timers, 500), &timer);
	assert_int_equal(timer.slot, 0);
	assert_null(timers_take_due(timers, 501));
}

static void zero_is_not_mistaken_for_none(void **state)
{
	AUTO(timers) struct timers *timers = timers_new(10);
	struct timer timer = { 0 };

	assert_non_null(timers);
	assert_int_equal(timers_set(timers, &timer, 0), OK);
	assert_int_equal(timers_next(timers), 1);
	assert_ptr_equal(timers_take_due(timers, 1), &timer);
}

static void timers_come_in_order_after_any_changes(void **state)
{
	AUTO(timers) struct timers *timers = timers_new(MANY);
	struct timer many[MANY] = { 0 };
	uint32_t seed = 42;
	size_t n_running = 0;
	ms_t last = 0;
	struct timer *timer;

	assert_non_null(timers);
	for (int i = 0; i < 20 * MANY; i++) {
		timer = &many[next_number(&seed) % MANY];
		if (next_number(&seed) % 3 == 0)
			timers_clear(timers, timer);
		else
			assert_int_equal(timers_set(timers, timer, 1 + next_number(&seed) % 10000), OK);
	}
	for (int i = 0; i < MANY; i++)
		n_running += many[i].slot != 0;
	while ((timer = timers_take_due(timers, 10000))) {
		assert_true(timer->due >= last);
		assert_true(timers_next(timers) == 0 || timers_next(timers) >= timer->due);
		last = timer->due;
		n_running--;
	}
	assert_int_equal(n_running, 0);
	assert_int_equal(timers_next(timers), 0);
}

static void a_running_timer_can_be_moved_at_the_limit(void **state)
{
	AUTO(timers) struct timers *timers = timers_new(2);
	struct timer a = { 0 }, b = { 0 }, c = { 0 };

	assert_non_null(timers);
	assert_int_equal(timers_set(timers, &a, 10), OK);
	assert_int_equal(timers_set(timers, &b, 20), OK);
	assert_int_equal(timers_set(timers, &c, 5), ERR_LIMIT);
	assert_int_equal(c.slot, 0);
	assert_int_equal(timers_set(timers, &a, 30), OK);
	assert_int_equal(timers_next(timers), 20);
	assert_int_equal(timers_set(timers, &a, 15), OK);
	assert_int_equal(timers_next(timers), 15);
	timers_clear(timers, &a);
	assert_int_equal(timers_set(timers, &c, 5), OK);
	assert_int_equal(timers_next(timers), 5);
}

static void freeing_none_is_allowed(void **state)
{
	timers_free(NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nothing_is_due_in_an_empty_queue),
	cmocka_unit_test(a_timer_is_due_at_its_time_and_not_before),
	cmocka_unit_test(zero_is_not_mistaken_for_none),
	cmocka_unit_test(timers_come_in_order_after_any_changes),
	cmocka_unit_test(a_running_timer_can_be_moved_at_the_limit),
	cmocka_unit_test(freeing_none_is_allowed),
};

TEST_MAIN(tests)
