/*
 * What every unit test includes: cmocka with the headers that it wants before it, and TEST_MAIN().
 *
 *	static const struct CMUnitTest tests[] = { cmocka_unit_test(gives_up_when_nobody_answers), };
 *	TEST_MAIN(tests)
 *
 * The tests run once. `meson test --setup oom` of a build with -Doom=true runs each of them again and again with the 1st,
 * 2nd, … 200th allocation failing, or with SEALINE_OOM_PART=1/6 a sixth of these: the test may then fail by one of its own assertions, but the code under
 * test may not crash, leak, hang, or fail one of its own. What fails in the same way in several tests of a file
 * (harness.c says when that is) fails in the first of them only.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#ifdef __clang_analyzer__
/* The analyzer does not see into cmocka: a failed assertion does not return. */
#include <stdlib.h>
#undef assert_true
#undef assert_false
#undef assert_null
#undef assert_non_null
#undef assert_int_equal
#define assert_true(c)         ((c) ? (void)0 : abort())
#define assert_false(c)        assert_true(!(c))
#define assert_null(p)         assert_true(!(p))
#define assert_non_null(p)     assert_true(p)
#define assert_int_equal(a, b) assert_true((long long)(a) == (long long)(b))
#undef fail_msg
#define fail_msg(...) (printf(__VA_ARGS__), abort())
#endif

/* Whether this run is one with failing allocations; such a test runs many times, and may leave out what takes long. */
bool harness_fails_allocations(void);
/* Whether the one that was to fail has failed. */
bool harness_has_failed(void);

/*
 * By how many rows a test goes on in its table: by one, but where allocations fail by so many. Each of them fails in one row as
 * in another.
 */
#define ROWS_STEP(n) (harness_fails_allocations() ? (n) : 1)

/* Says that a test cannot run here and why; the test then returns. scripts/test lists these lines. */
static inline void test_skip(const char *name, const char *reason)
{
	printf("# SKIP %s: %s\n", name, reason);
}

/*
 * Writes a template for mkdtemp() and mkstemp() that begins with the name, in a directory of this run's own: it is removed behind the
 * last test with all that is left in it, as by a test that ended with an allocation that failed.
 */
void harness_template(char *buf, size_t size, const char *name);

/* How many bytes are allocated. */
size_t harness_allocated(void);

int test_main(const char *group, const struct CMUnitTest *tests, size_t n);

#define TEST_MAIN(tests)                                                             \
	int main(void)                                                               \
	{                                                                            \
		return test_main(__FILE__, tests, sizeof(tests) / sizeof(tests)[0]); \
	}

/* The same, but where allocations fail the first n tests alone: what the others allocate, these do as well. */
#ifdef SEALINE_OOM
#define TEST_MAIN_FIRST(tests, n)                     \
	int main(void)                                \
	{                                             \
		return test_main(__FILE__, tests, n); \
	}
#else
#define TEST_MAIN_FIRST(tests, n) TEST_MAIN(tests)
#endif
