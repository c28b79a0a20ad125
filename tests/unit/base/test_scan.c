#include "harness.h"

#include "base/scan.h"

static void an_absent_text_is_at_its_end(void **state)
{
	struct scan in = scan_of(slice_of(NULL));
	struct slice text;
	uint64_t number;

	assert_true(scan_done(&in));
	assert_int_equal(scan_peek(&in), '\0');
	assert_false(scan_char(&in, '\0'));
	assert_true(scan_text(&in, SLICE("")));
	assert_false(scan_number(&in, UINT64_MAX, &number));
	assert_false(scan_until(&in, '\n', &text));
	assert_false(scan_line(&in, &text));
	assert_int_equal(scan_rest(&in).len, 0);
}

static void what_fails_does_not_move(void **state)
{
	static const struct scan_set digits = { { 0x3ff000000000000 } };
	struct scan in = scan_of(SLICE("INVITE sip"));
	struct slice text = { 0 };
	uint64_t number = 7;

	assert_false(scan_char(&in, 'i'));
	assert_false(scan_text(&in, SLICE("invite")));
	assert_false(scan_text(&in, SLICE("INVITE sip:")));
	assert_false(scan_text_nocase(&in, SLICE("invites")));
	assert_false(scan_run(&in, &digits, &text));
	assert_false(scan_number(&in, 9, &number));
	assert_false(scan_until(&in, ':', &text));
	assert_false(scan_line(&in, &text));
	assert_int_equal(scan_offset(&in), 0);
	assert_null(text.ptr);
	assert_int_equal(number, 7);
}

static void what_succeeds_moves_past_it(void **state)
{
	static const struct scan_set digits = { { 0x3ff000000000000 } };
	struct scan in = scan_of(SLICE("a:BYE 123;x"));
	struct slice text;
	const char *from;

	assert_true(scan_until(&in, ':', &text));
	assert_true(slice_eq(text, SLICE("a")));
	assert_int_equal(scan_peek(&in), ':');
	from = in.at;
	assert_true(scan_char(&in, ':'));
	assert_true(scan_text_nocase(&in, SLICE("bye")));
	assert_true(slice_eq(scan_since(&in, from), SLICE(":BYE")));
	assert_true(scan_text(&in, SLICE(" ")));
	assert_true(scan_run(&in, &digits, &text));
	assert_true(slice_eq(text, SLICE("123")));
	assert_true(slice_eq(scan_rest(&in), SLICE(";x")));
	assert_int_equal(scan_offset(&in), 9);
	assert_false(scan_done(&in));
}

static void a_set_reaches_all_byte_values(void **state)
{
	static const struct scan_set ends = { { 1, 0, 0, 0x8000000000000000 } };
	struct scan in = scan_of(SLICE("\0\xff\xff\0a"));
	struct slice run;

	assert_true(scan_run(&in, &ends, &run));
	assert_int_equal(run.len, 4);
	assert_int_equal(scan_peek(&in), 'a');
}

/* clang-format off */
static const struct {
	const char *label, *text;
	uint64_t max;
	bool ok;
	uint64_t number;
	size_t offset;
} number_rows[] = {
	{ "zero",                  "0",                     0,          true,  0,          1 },
	{ "leading zeros",         "0005061",               UINT16_MAX, true,  5061,       7 },
	{ "ends at a letter",      "12ab",                  99,         true,  12,         2 },
	{ "the maximum",           "65535",                 UINT16_MAX, true,  65535,      5 },
	{ "one more",              "65536",                 UINT16_MAX, false, 0,          0 },
	{ "ten times as much",     "655350",                UINT16_MAX, false, 0,          0 },
	{ "a small maximum",       "7",                     5,          false, 0,          0 },
	{ "the largest of all",    "18446744073709551615",  UINT64_MAX, true,  UINT64_MAX, 20 },
	{ "past the largest",      "18446744073709551616",  UINT64_MAX, false, 0,          0 },
	{ "twenty digits",         "00000000000000000001",  UINT64_MAX, true,  1,          20 },
	{ "twenty-one digits",     "000000000000000000001", UINT64_MAX, false, 0,          0 },
	{ "a sign",                "-1",                    UINT64_MAX, false, 0,          0 },
	{ "a blank",               " 1",                    UINT64_MAX, false, 0,          0 },
	{ "nothing",               "",                      UINT64_MAX, false, 0,          0 },
};
/* clang-format on */

static void numbers_stay_below_their_maximum(void **state)
{
	for (size_t i = 0; i < sizeof number_rows / sizeof number_rows[0]; i++) {
		struct scan in = scan_of(slice_of(number_rows[i].text));
		uint64_t number = 0;
		bool ok = scan_number(&in, number_rows[i].max, &number);

		if (ok != number_rows[i].ok || number != number_rows[i].number ||
		    scan_offset(&in) != number_rows[i].offset)
			fail_msg("%s", number_rows[i].label);
	}
}

static void lines_end_with_crlf_or_lf(void **state)
{
	struct scan in = scan_of(SLICE("one\r\ntwo\n\r\n\n\rthree\r"));
	static const char *const lines[] = { "one", "two", "", "" };
	struct slice line;

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		assert_true(scan_line(&in, &line));
		assert_true(slice_eq(line, slice_of(lines[i])));
	}
	assert_false(scan_line(&in, &line));
	assert_true(slice_eq(scan_rest(&in), SLICE("\rthree\r")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_absent_text_is_at_its_end),     cmocka_unit_test(what_fails_does_not_move),
	cmocka_unit_test(what_succeeds_moves_past_it),      cmocka_unit_test(a_set_reaches_all_byte_values),
	cmocka_unit_test(numbers_stay_below_their_maximum), cmocka_unit_test(lines_end_with_crlf_or_lf),
};

TEST_MAIN(tests)
