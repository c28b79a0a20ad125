#include "harness.h"

#include "auth/window.h"

static void each_count_is_taken_once(void **state)
{
	struct auth_windows windows = { 0 };

	assert_int_equal(auth_windows_take(&windows, 5, 1), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 5, 1), AUTH_COUNT_USED);
	assert_int_equal(auth_windows_take(&windows, 5, 2), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 5, 1), AUTH_COUNT_USED);
	assert_int_equal(auth_windows_take(&windows, 5, 2), AUTH_COUNT_USED);
}

static void requests_may_overtake_each_other_within_64(void **state)
{
	struct auth_windows windows = { 0 };

	assert_int_equal(auth_windows_take(&windows, 1, 100), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 1, 98), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 1, 99), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 1, 98), AUTH_COUNT_USED);
	assert_int_equal(auth_windows_take(&windows, 1, 37), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 1, 36), AUTH_COUNT_USED);
}

static void a_jump_past_the_window_forgets_nothing_that_matters(void **state)
{
	struct auth_windows windows = { 0 };

	assert_int_equal(auth_windows_take(&windows, 1, 1), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 1, 65), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 1, 1), AUTH_COUNT_USED);
	assert_int_equal(auth_windows_take(&windows, 1, 2), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 1, 129),
			 AUTH_COUNT_NEW); /* by as many as there are bits */
	assert_int_equal(auth_windows_take(&windows, 1, 66), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 1, UINT32_MAX), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 1, UINT32_MAX), AUTH_COUNT_USED);
	assert_int_equal(auth_windows_take(&windows, 1, 65), AUTH_COUNT_USED);
}

static void nonces_count_apart(void **state)
{
	struct auth_windows windows = { 0 };

	for (uint64_t serial = 1; serial <= AUTH_WINDOWS; serial++)
		assert_int_equal(auth_windows_take(&windows, serial, 1), AUTH_COUNT_NEW);
	for (uint64_t serial = 1; serial <= AUTH_WINDOWS; serial++)
		assert_int_equal(auth_windows_take(&windows, serial, 1), AUTH_COUNT_USED);
}

static void a_nonce_that_was_pushed_out_cannot_come_back(void **state)
{
	struct auth_windows windows = { 0 };

	for (uint64_t serial = 1; serial <= AUTH_WINDOWS + 1; serial++)
		assert_int_equal(auth_windows_take(&windows, 10 * serial, 1), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 10, 2), AUTH_COUNT_FORGOTTEN);
	assert_int_equal(auth_windows_take(&windows, 9, 1), AUTH_COUNT_FORGOTTEN);
	assert_int_equal(auth_windows_take(&windows, 20, 2), AUTH_COUNT_NEW);
	assert_int_equal(auth_windows_take(&windows, 15, 1), AUTH_COUNT_FORGOTTEN);
	assert_int_equal(auth_windows_take(&windows, 20, 2), AUTH_COUNT_USED);
}

static void the_oldest_nonce_is_pushed_out_wherever_it_is(void **state)
{
	for (unsigned oldest = 0; oldest < AUTH_WINDOWS; oldest++) {
		struct auth_windows windows = { 0 };

		for (unsigned i = 0; i < AUTH_WINDOWS; i++)
			assert_int_equal(auth_windows_take(&windows, i == oldest ? 100 : 110 + i, 1),
					 AUTH_COUNT_NEW);
		assert_int_equal(auth_windows_take(&windows, 200, 1), AUTH_COUNT_NEW);
		assert_int_equal(auth_windows_take(&windows, 100, 2), AUTH_COUNT_FORGOTTEN);
		for (unsigned i = 0; i < AUTH_WINDOWS; i++)
			if (i != oldest)
				assert_int_equal(auth_windows_take(&windows, 110 + i, 2), AUTH_COUNT_NEW);
	}
}

static void count_zero_is_never_new(void **state)
{
	struct auth_windows windows = { 0 };

	assert_int_equal(auth_windows_take(&windows, 1, 0), AUTH_COUNT_USED);
	assert_int_equal(windows.n, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_count_is_taken_once),
	cmocka_unit_test(requests_may_overtake_each_other_within_64),
	cmocka_unit_test(a_jump_past_the_window_forgets_nothing_that_matters),
	cmocka_unit_test(nonces_count_apart),
	cmocka_unit_test(a_nonce_that_was_pushed_out_cannot_come_back),
	cmocka_unit_test(the_oldest_nonce_is_pushed_out_wherever_it_is),
	cmocka_unit_test(count_zero_is_never_new),
};

TEST_MAIN(tests)
