#include "harness.h"

#include <string.h>

#include "base/ascii.h"
#include "base/writer.h"

#define ASSERT_WRITTEN(out, text)                                                    \
	do {                                                                         \
		if ((out).overflow || !slice_eq(writer_text(&(out)), text))          \
			fail_msg("wrote \"%.*s\"%s", SLICE_FMT(writer_text(&(out))), \
				 (out).overflow ? " and lost the rest" : "");        \
	} while (0)

static void texts_and_numbers_stand_one_after_the_other(void **state)
{
	char buf[64];
	struct writer out = writer_of(buf, sizeof buf);

	put(&out, SLICE("CSeq: "));
	put_number(&out, 0);
	put_char(&out, ' ');
	put_number(&out, UINT64_MAX);
	put(&out, slice_of(NULL));
	put_hex(&out, "\x00\x7f\xff", 3);
	put_hex(&out, NULL, 0);
	ASSERT_WRITTEN(out, SLICE("CSeq: 0 18446744073709551615007fff"));
}

static void letters_become_small_where_they_stand(void **state)
{
	char buf[12];
	struct writer out = writer_of(buf, sizeof buf);

	put(&out, SLICE("A"));
	put_lower(&out, SLICE("Z@[-\xc4.1"));
	put_lower(&out, SLICE("TOO LONG"));
	assert_true(out.overflow);
	assert_true(slice_eq(writer_text(&out), SLICE("Az@[-\xc4.1")));
}

/* Every byte, at every place among eight and behind them. */
static void each_letter_becomes_small_wherever_it_stands(void **state)
{
	enum { LENGTH = 19 };
	char text[LENGTH], expected[LENGTH], buf[LENGTH];

	for (int c = 0; c < 256; c++)
		for (size_t at = 0; at < LENGTH; at++) {
			struct writer out = writer_of(buf, sizeof buf);

			memset(text, c, LENGTH);
			text[at] = 'M';
			for (size_t i = 0; i < LENGTH; i++)
				expected[i] = ascii_lower(text[i]);
			put_lower(&out, slice_from(text, LENGTH));
			ASSERT_WRITTEN(out, slice_from(expected, LENGTH));
		}
}

static void numbers_of_every_length_are_written(void **state)
{
	uint64_t power = 1;

	for (size_t digits = 1; digits <= 20; digits++, power *= 10) {
		const uint64_t numbers[] = { power - 1, power, power + 1, power * 9 / 10 };

		for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
			char buf[21], expected[21], *at = expected + sizeof expected;
			struct writer out = writer_of(buf, sizeof buf), exact, less;
			uint64_t rest = numbers[i];

			do
				*--at = (char)('0' + rest % 10);
			while (rest /= 10);
			put_number(&out, numbers[i]);
			ASSERT_WRITTEN(out, slice_from(at, (size_t)(expected + sizeof expected - at)));
			exact = writer_of(buf, out.len);
			less = writer_of(buf, out.len - 1);
			put_number(&exact, numbers[i]);
			put_number(&less, numbers[i]);
			assert_false(exact.overflow);
			assert_true(less.overflow && less.len == 0);
		}
	}
}

static void what_does_not_fit_is_dropped_whole_and_remembered(void **state)
{
	char buf[4];
	struct writer out = writer_of(buf, sizeof buf), none = writer_of(NULL, 0);

	put(&out, SLICE("abc"));
	put(&out, SLICE("de"));
	assert_true(out.overflow);
	assert_int_equal(out.len, 3);
	put(&out, SLICE("f"));
	assert_true(out.overflow);
	assert_true(slice_eq(writer_text(&out), SLICE("abcf")));

	put(&none, SLICE(""));
	assert_false(none.overflow);
	put_char(&none, 'x');
	assert_true(none.overflow);
}

static void it_may_be_filled_to_the_last_byte(void **state)
{
	char buf[4];
	struct writer out = writer_of(buf, sizeof buf);

	put(&out, SLICE("abcd"));
	ASSERT_WRITTEN(out, SLICE("abcd"));
}

/* RFC 4648 §10, and the digits in which the alphabets differ. */
static const struct {
	const char *bytes, *base64, *base64url;
} base64_rows[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xef\xff", "++//", "--__" },
};

static void base64_goes_there_and_back(void **state)
{
	for (size_t i = 0; i < sizeof base64_rows / sizeof base64_rows[0]; i++) {
		struct slice bytes = slice_of(base64_rows[i].bytes);
		char buf[16], url[16], back[16];
		struct writer out = writer_of(buf, sizeof buf), out_url = writer_of(url, sizeof url);
		size_t n;

		put_base64(&out, bytes.ptr, bytes.len);
		ASSERT_WRITTEN(out, slice_of(base64_rows[i].base64));
		put_base64url(&out_url, bytes.ptr, bytes.len);
		ASSERT_WRITTEN(out_url, slice_of(base64_rows[i].base64url));

		assert_true(base64_decode(writer_text(&out), back, sizeof back, &n));
		assert_true(slice_eq(slice_from(back, n), bytes));
		assert_true(base64_decode(writer_text(&out_url), back, bytes.len, &n));
		assert_true(slice_eq(slice_from(back, n), bytes));
		if (bytes.len)
			assert_false(base64_decode(writer_text(&out), back, bytes.len - 1, &n));
	}
}

/* Long enough for every way through the groups of three and four, with every value of a byte. */
static void base64_of_any_length_goes_there_and_back(void **state)
{
	unsigned char bytes[256], back[256];
	char text[344], whole[344];
	size_t n;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(37 * i);
	for (size_t len = 0; len <= sizeof bytes; len++) {
		struct writer out = writer_of(text, sizeof text), short_of = writer_of(whole, 0);

		put_base64url(&out, bytes, len);
		assert_int_equal(out.len, (4 * len + 2) / 3);
		assert_true(base64_decode(writer_text(&out), back, len, &n));
		assert_int_equal(n, len);
		assert_memory_equal(back, bytes, len);
		short_of.size = out.len ? out.len - 1 : 0;
		put_base64url(&short_of, bytes, len);
		assert_int_equal(short_of.overflow, len > 0);
		assert_int_equal(short_of.len, 0);
		assert_true(len == 0 || !base64_decode(writer_text(&out), back, len - 1, &n));
		for (size_t at = 0; at < out.len; at += 5) {
			char kept = text[at];

			text[at] = '$';
			assert_false(base64_decode(writer_text(&out), back, len, &n));
			text[at] = kept;
		}
	}
}

static void hexadecimal_of_any_length_goes_there_and_back(void **state)
{
	unsigned char bytes[256], back[256];
	char text[512];
	size_t n;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)i;
	for (size_t from = 0; from < sizeof bytes; from += 7) {
		struct writer out = writer_of(text, 2 * (sizeof bytes - from));

		put_hex(&out, bytes + from, sizeof bytes - from);
		assert_false(out.overflow);
		for (size_t i = 0; i < out.len; i++)
			assert_non_null(strchr("0123456789abcdef", text[i]));
		assert_true(hex_decode(writer_text(&out), back, sizeof back, &n));
		assert_int_equal(n, sizeof bytes - from);
		assert_memory_equal(back, bytes + from, n);
		put_hex(&out, bytes, 1);
		assert_true(out.overflow);
	}
}

static void base64_is_read_strictly(void **state)
{
	static const struct {
		const char *label, *text;
	} rows[] = {
		{ "one digit", "Z" },
		{ "five digits", "Zm9vY" },
		{ "padding alone", "==" },
		{ "four times padding", "====" },
		{ "three times padding", "Z===" },
		{ "padding missing in part", "Zg=" },
		{ "padding too long", "Zm8==" },
		{ "padding where none belongs", "Zm9v=" },
		{ "padding in the middle", "Zg==Zg==" },
		{ "bits left over after one byte", "Zh==" },
		{ "bits left over after two bytes", "Zm9=" },
		{ "bits left over, unpadded", "Zh" },
		{ "a blank", "Zm 9v" },
		{ "a line end", "Zm9v\n" },
		{ "both alphabets", "+-//" },
		{ "the other mixture", "__//" },
		{ "a byte above 127", "Zm9\xe4" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned char buf[16];
		size_t n = 99;

		if (base64_decode(slice_of(rows[i].text), buf, sizeof buf, &n) || n != 99)
			fail_msg("%s", rows[i].label);
	}
}

static void hexadecimal_is_read_strictly(void **state)
{
	static const struct {
		const char *label, *text;
		bool ok;
		size_t n;
	} rows[] = {
		{ "nothing", "", true, 0 },
		{ "both cases", "00fFAb", true, 3 },
		{ "odd", "abc", false, 99 },
		{ "no digit", "0g", false, 99 },
		{ "a prefix", "0x00", false, 99 },
		{ "a blank", "0 00", false, 99 },
		{ "too many", "0011223344", false, 99 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned char buf[4] = { 0 };
		size_t n = 99;

		if (hex_decode(slice_of(rows[i].text), buf, sizeof buf, &n) != rows[i].ok || n != rows[i].n)
			fail_msg("%s", rows[i].label);
		if (n == 3)
			assert_memory_equal(buf, "\x00\xff\xab", 3);
	}
}

/* clang-format off */
static const struct {
	const char *label;
	struct slice text, escaped;
} escape_rows[] = {
	{ "plain",                    SLICE_INIT("alice@example.org"),  SLICE_INIT("alice@example.org") },
	{ "nothing",                  SLICE_INIT(""),                   SLICE_INIT("") },
	{ "line ends",                SLICE_INIT("a\r\n\tb"),           SLICE_INIT("a\\r\\n\\tb") },
	{ "quotes",                   SLICE_INIT("\"\\"),               SLICE_INIT("\\\"\\\\") },
	{ "controls",                 SLICE_INIT("\0\x1b[2J\x7f"),      SLICE_INIT("\\x00\\x1b[2J\\x7f") },
	{ "letters",                  SLICE_INIT("\u00e4\u20ac\U0001f512"), SLICE_INIT("\u00e4\u20ac\U0001f512") },
	{ "first after the controls", SLICE_INIT("\u00a0"),             SLICE_INIT("\u00a0") },
	{ "C1, CSI",                  SLICE_INIT("\xc2\x9b" "2J"),      SLICE_INIT("\\xc2\\x9b2J") },
	{ "C1, next line",            SLICE_INIT("\xc2\x85"),           SLICE_INIT("\\xc2\\x85") },
	{ "C1, the first",            SLICE_INIT("\xc2\x80"),           SLICE_INIT("\\xc2\\x80") },
	{ "line separator",           SLICE_INIT("\u2028"),             SLICE_INIT("\\xe2\\x80\\xa8") },
	{ "right to left override",   SLICE_INIT("a\u202egpj"),         SLICE_INIT("a\\xe2\\x80\\xaegpj") },
	{ "first isolate",            SLICE_INIT("\u2066"),             SLICE_INIT("\\xe2\\x81\\xa6") },
	{ "zero width space",         SLICE_INIT("a\u200b"),            SLICE_INIT("a\\xe2\\x80\\x8b") },
	{ "byte order mark",          SLICE_INIT("\ufeff"),             SLICE_INIT("\\xef\\xbb\\xbf") },
	{ "tag letter",               SLICE_INIT("\U000e0041"),         SLICE_INIT("\\xf3\\xa0\\x81\\x81") },
	{ "lone continuation",        SLICE_INIT("a\x80z"),             SLICE_INIT("a\\x80z") },
	{ "cut off",                  SLICE_INIT("\xe2\x82"),           SLICE_INIT("\\xe2\\x82") },
	{ "cut off by ASCII",         SLICE_INIT("\xe2\x82z"),          SLICE_INIT("\\xe2\\x82z") },
	{ "overlong of two",          SLICE_INIT("\xc0\xaf"),           SLICE_INIT("\\xc0\\xaf") },
	{ "overlong of three",        SLICE_INIT("\xe0\x9f\xbf"),       SLICE_INIT("\\xe0\\x9f\\xbf") },
	{ "overlong of four",         SLICE_INIT("\xf0\x8f\xbf\xbf"),   SLICE_INIT("\\xf0\\x8f\\xbf\\xbf") },
	{ "surrogate",                SLICE_INIT("\xed\xa0\x80"),       SLICE_INIT("\\xed\\xa0\\x80") },
	{ "above the last",           SLICE_INIT("\xf4\x90\x80\x80"),   SLICE_INIT("\\xf4\\x90\\x80\\x80") },
	{ "the last",                 SLICE_INIT("\xf4\x8f\xbf\xbd"),   SLICE_INIT("\xf4\x8f\xbf\xbd") },
	{ "no such byte",             SLICE_INIT("\xff\xfe"),           SLICE_INIT("\\xff\\xfe") },
};
/* clang-format on */

static void text_of_a_peer_becomes_one_visible_line(void **state)
{
	for (size_t i = 0; i < sizeof escape_rows / sizeof escape_rows[0]; i++) {
		char buf[64];
		struct writer out = writer_of(buf, sizeof buf);

		put_escaped(&out, escape_rows[i].text);
		if (out.overflow || !slice_eq(writer_text(&out), escape_rows[i].escaped))
			fail_msg("%s: %.*s", escape_rows[i].label, SLICE_FMT(writer_text(&out)));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(texts_and_numbers_stand_one_after_the_other),
	cmocka_unit_test(letters_become_small_where_they_stand),
	cmocka_unit_test(each_letter_becomes_small_wherever_it_stands),
	cmocka_unit_test(numbers_of_every_length_are_written),
	cmocka_unit_test(what_does_not_fit_is_dropped_whole_and_remembered),
	cmocka_unit_test(it_may_be_filled_to_the_last_byte),
	cmocka_unit_test(base64_goes_there_and_back),
	cmocka_unit_test(base64_of_any_length_goes_there_and_back),
	cmocka_unit_test(hexadecimal_of_any_length_goes_there_and_back),
	cmocka_unit_test(base64_is_read_strictly),
	cmocka_unit_test(hexadecimal_is_read_strictly),
	cmocka_unit_test(text_of_a_peer_becomes_one_visible_line),
};

TEST_MAIN(tests)
