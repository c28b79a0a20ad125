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

/* What a server does: a few lengths, each timer cleared or left to run out, while time goes on. */
static void lengths_may_be_mixed_while_time_goes_on(void **state)
{
	static const ms_t lengths[] = { 32000, 200,    180000, 32000, 5000, 0,
					32000, 600000, 1,      64000, 3600, 90000 };
	AUTO(timers) struct timers *timers = timers_new(MANY);
	struct timer many[MANY] = { 0 };
	uint32_t seed = 7;
	ms_t now = 1000;

	assert_non_null(timers);
	for (int i = 0; i < 20 * MANY; i++) {
		struct timer *timer = &many[next_number(&seed) % MANY];
		ms_t length = lengths[next_number(&seed) % (sizeof(lengths) / sizeof(lengths[0]))];

		now += next_number(&seed) % 100;
		if (next_number(&seed) % 3 == 0)
			timers_clear(timers, timer);
		else
			assert_int_equal(timers_set(timers, timer, now + length), OK);
		for (ms_t last = 0; (timer = timers_take_due(timers, now)); last = timer->due)
			assert_in_range(timer->due, last, now);
		for (size_t n = 0; n < MANY; n++)
			assert_true(many[n].slot == 0 ||
				    (many[n].due > now && many[n].due >= timers_next(timers)));
	}
}

enum { A = 1, B, C, D };

/* Each step sets one of four timers, or clears it where due is 0; then they come in the order of the letters. */
static const struct order_case {
	const char *label;
	struct {
		int timer;
		ms_t due;
	} steps[8];
	int order[5];
} order_cases[] = {
	{ "one length", { { A, 10 }, { B, 20 }, { C, 30 }, { D, 40 } }, { A, B, C, D } },
	{ "each before the last", { { A, 40 }, { B, 30 }, { C, 20 }, { D, 10 } }, { D, C, B, A } },
	{ "two lengths", { { A, 100 }, { B, 10 }, { C, 110 }, { D, 20 } }, { B, D, A, C } },
	{ "the same times in one run", { { A, 10 }, { B, 10 }, { C, 10 }, { D, 20 } }, { A, B, C, D } },
	{ "the first of a run cleared", { { A, 10 }, { B, 20 }, { C, 30 }, { A, 0 } }, { B, C } },
	{ "one within a run cleared", { { A, 10 }, { B, 20 }, { C, 30 }, { B, 0 } }, { A, C } },
	{ "the last of a run cleared, and another set",
	  { { A, 10 }, { B, 30 }, { B, 0 }, { C, 20 } },
	  { A, C } },
	{ "the only one cleared, and another set", { { A, 30 }, { A, 0 }, { B, 20 }, { C, 10 } }, { C, B } },
	{ "the first of a run moved to its end",
	  { { A, 10 }, { B, 20 }, { A, 30 }, { C, 40 } },
	  { B, A, C } },
	{ "the last of a run moved before its first",
	  { { A, 10 }, { B, 20 }, { B, 5 }, { C, 20 } },
	  { B, A, C } },
	{ "one moved to where it is", { { A, 10 }, { B, 20 }, { B, 20 }, { C, 20 } }, { A, B, C } },
	{ "all cleared", { { A, 10 }, { B, 20 }, { A, 0 }, { B, 0 } }, { 0 } },
};

static void check_order(const struct order_case *order)
{
	AUTO(timers) struct timers *timers = timers_new(4);
	struct timer four[D + 1] = { 0 };
	const int *next = order->order;
	struct timer *timer;

	assert_non_null(timers);
	for (size_t i = 0; order->steps[i].timer; i++) {
		timer = &four[order->steps[i].timer];
		if (order->steps[i].due)
			assert_int_equal(timers_set(timers, timer, order->steps[i].due), OK);
		else
			timers_clear(timers, timer);
	}
	while ((timer = timers_take_due(timers, 1000)))
		assert_ptr_equal(timer, &four[*next++]);
	assert_int_equal(*next, 0);
	assert_int_equal(timers_next(timers), 0);
}

static void timers_come_in_the_order_in_which_they_are_due(void **state)
{
	for (size_t i = 0; i < sizeof(order_cases) / sizeof(order_cases[0]); i++) {
		print_message("%s\n", order_cases[i].label);
		check_order(&order_cases[i]);
	}
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
	cmocka_unit_test(lengths_may_be_mixed_while_time_goes_on),
	cmocka_unit_test(timers_come_in_the_order_in_which_they_are_due),
	cmocka_unit_test(a_running_timer_can_be_moved_at_the_limit),
	cmocka_unit_test(freeing_none_is_allowed),
};

TEST_MAIN(tests)
