#include "harness.h"

#include <string.h>

#include "base/slice.h"

static const struct slice absent;

static void a_literal_may_hold_a_nul(void **state)
{
	static const struct slice constant = SLICE_INIT("a\0b");

	assert_int_equal(SLICE("a\0b").len, 3);
	assert_int_equal(constant.len, 3);
	assert_int_equal(slice_of("abc").len, 3);
	assert_null(slice_of(NULL).ptr);
	assert_int_equal(slice_of(NULL).len, 0);
}

static void sub_cuts_off_what_lies_outside(void **state)
{
	static const struct {
		size_t offset, len;
		const char *sub;
	} rows[] = {
		{ 0, 3, "abc" }, { 1, 1, "b" }, { 1, 9, "bc" },        { 3, 1, "" },
		{ 4, 1, "" },    { 0, 0, "" },  { 1, SIZE_MAX, "bc" }, { SIZE_MAX, SIZE_MAX, "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_true(slice_eq(slice_sub(SLICE("abc"), rows[i].offset, rows[i].len),
				     slice_of(rows[i].sub)));
	assert_null(slice_sub(absent, 1, 1).ptr);
}

/* clang-format off */
static const struct {
	const char *a, *b;
	bool eq, eq_nocase, starts, starts_nocase, ends;
	int order;
} pair_rows[] = {
	/* a         b       eq     nocase starts nocase ends   order */
	{ "",        "",     true,  true,  true,  true,  true,   0 },
	{ "abc",     "",     false, false, true,  true,  true,   1 },
	{ "",        "abc",  false, false, false, false, false, -1 },
	{ "abc",     "abc",  true,  true,  true,  true,  true,   0 },
	{ "abc",     "ABC",  false, true,  false, true,  false,  1 },
	{ "abcd",    "abc",  false, false, true,  true,  false,  1 },
	{ "xabc",    "abc",  false, false, false, false, true,   1 },
	{ "ab",      "abc",  false, false, false, false, false, -1 },
	{ "[",       "{",    false, false, false, false, false, -1 }, /* differ in the bit of case, are no letters */
	{ "\xc3\xa4","\xc3\x84", false, false, false, false, false, 1 },
	{ "\x80",    "a",    false, false, false, false, false,  1 }, /* bytes are compared unsigned */
};
/* clang-format on */

static void secrets_differ_wherever_one_byte_does(void **state)
{
	char a[40], b[40];

	memset(a, 'x', sizeof a);
	memset(b, 'x', sizeof b);
	for (size_t len = 0; len <= sizeof a; len++) {
		assert_true(slice_eq_secret(slice_from(a, len), slice_from(b, len)));
		for (size_t at = 0; at < sizeof a; at++) {
			b[at] ^= 1;
			assert_int_equal(slice_eq_secret(slice_from(a, len), slice_from(b, len)), at >= len);
			b[at] ^= 1;
		}
	}
}

static void two_slices_compare_by_bytes(void **state)
{
	for (size_t i = 0; i < sizeof pair_rows / sizeof pair_rows[0]; i++) {
		struct slice a = slice_of(pair_rows[i].a), b = slice_of(pair_rows[i].b);
		int order = slice_cmp(a, b);

		assert_int_equal(slice_eq(a, b), pair_rows[i].eq);
		assert_int_equal(slice_eq_secret(a, b), pair_rows[i].eq);
		assert_int_equal(slice_eq_nocase(a, b), pair_rows[i].eq_nocase);
		assert_int_equal(slice_starts(a, b), pair_rows[i].starts);
		assert_int_equal(slice_starts_nocase(a, b), pair_rows[i].starts_nocase);
		assert_int_equal(slice_ends(a, b), pair_rows[i].ends);
		assert_int_equal((order > 0) - (order < 0), pair_rows[i].order);
	}
}

static void an_absent_slice_is_empty(void **state)
{
	assert_true(slice_eq(absent, SLICE("")));
	assert_true(slice_eq_nocase(SLICE(""), absent));
	assert_true(slice_starts(absent, absent));
	assert_true(slice_ends(absent, absent));
	assert_int_equal(slice_cmp(absent, SLICE("")), 0);
	assert_int_equal(slice_find(absent, 'a'), 0);
	assert_int_equal(slice_find_text(absent, SLICE("a")), 0);
	assert_int_equal(slice_trim(absent).len, 0);
}

static void finding_nothing_gives_the_length(void **state)
{
	struct slice text = SLICE("a\0bcb");

	assert_int_equal(slice_find(text, 'a'), 0);
	assert_int_equal(slice_find(text, '\0'), 1);
	assert_int_equal(slice_find(text, 'b'), 2);
	assert_int_equal(slice_find(text, 'x'), 5);
	assert_int_equal(slice_find_text(text, SLICE("cb")), 3);
	assert_int_equal(slice_find_text(text, SLICE("")), 0);
	assert_int_equal(slice_find_text(text, SLICE("cbx")), 5);
	assert_int_equal(slice_find_text(text, SLICE("\0b")), 1);
}

static void trim_takes_white_space_from_both_ends(void **state)
{
	static const struct {
		const char *text, *trimmed;
	} rows[] = {
		{ "", "" }, { " \t\r\n", "" }, { "a", "a" }, { "  a b\r\n", "a b" }, { "\va\f", "\va\f" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_true(slice_eq(slice_trim(slice_of(rows[i].text)), slice_of(rows[i].trimmed)));
}

static void a_difference_is_seen_at_any_length_and_place(void **state)
{
	char a[24], b[24];

	for (size_t len = 0; len <= sizeof a; len++) {
		memset(a, 'k', sizeof a);
		memset(b, 'k', sizeof b);
		assert_true(slice_eq_nocase(slice_from(a, len), slice_from(b, len)));
		for (size_t place = 0; place < len; place++) {
			b[place] = 'K';
			assert_true(slice_eq_nocase(slice_from(a, len), slice_from(b, len)));
			b[place] = 'x';
			assert_false(slice_eq_nocase(slice_from(a, len), slice_from(b, len)));
			b[place] = 'k';
		}
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_difference_is_seen_at_any_length_and_place),
	cmocka_unit_test(a_literal_may_hold_a_nul),
	cmocka_unit_test(sub_cuts_off_what_lies_outside),
	cmocka_unit_test(two_slices_compare_by_bytes),
	cmocka_unit_test(secrets_differ_wherever_one_byte_does),
	cmocka_unit_test(an_absent_slice_is_empty),
	cmocka_unit_test(finding_nothing_gives_the_length),
	cmocka_unit_test(trim_takes_white_space_from_both_ends),
};

TEST_MAIN(tests)
