#include "harness.h"

#include "base/mem.h"

static void a_size_of_zero_gives_a_pointer(void **state)
{
	void *a = mem_alloc(0), *b = mem_zalloc(0, 8), *c = mem_zalloc(8, 0);

	assert_int_equal((a != NULL) + (b != NULL) + (c != NULL), 3);
	mem_free(a);
	mem_free(b);
	mem_free(c);
	mem_free(NULL);
}

static void a_product_that_wraps_is_refused(void **state)
{
	void *ptr = mem_zalloc(SIZE_MAX / 2, 3);

	assert_null(ptr);
}

static void resizing_keeps_the_content(void **state)
{
	unsigned char *bytes = mem_zalloc(4, 1), *larger;

	assert_non_null(bytes);
	bytes[3] = 7;
	larger = mem_resize(bytes, 4096);
	if (!larger)
		mem_free(bytes);
	assert_non_null(larger);
	assert_int_equal(larger[3], 7);
	mem_free(larger);
}

static void wiping_overwrites_exactly_n_bytes(void **state)
{
	char text[] = "password";

	mem_wipe(text, 4);
	assert_memory_equal(text, "\0\0\0\0word", 8);
	mem_wipe(NULL, 0);
}

#ifdef SEALINE_MEM_FAILS
static void the_nth_allocation_fails_once(void **state)
{
	void *first, *second, *third;

	mem_fail_nth(2);
	first = mem_alloc(1);
	assert_false(mem_has_failed());
	second = mem_alloc(1);
	assert_true(mem_has_failed());
	third = mem_alloc(1);
	assert_non_null(first);
	assert_null(second);
	assert_non_null(third);
	mem_free(first);
	mem_free(third);
}
#endif

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_size_of_zero_gives_a_pointer), cmocka_unit_test(a_product_that_wraps_is_refused),
	cmocka_unit_test(resizing_keeps_the_content),     cmocka_unit_test(wiping_overwrites_exactly_n_bytes),
#ifdef SEALINE_MEM_FAILS
	cmocka_unit_test(the_nth_allocation_fails_once),
#endif
};

TEST_MAIN(tests)
