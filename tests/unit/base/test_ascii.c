#include "harness.h"

#include <ctype.h>

#include "base/ascii.h"

/* The C locale is in force in a test, so that <ctype.h> knows the same classes up to 127. */
static void the_classes_are_those_of_the_c_locale(void **state)
{
	for (int c = 0; c < 256; c++) {
		bool is_ascii = c < 128;
		char byte = (char)c;

		assert_int_equal(ascii_is_alpha(byte), is_ascii && isalpha(c));
		assert_int_equal(ascii_is_digit(byte), is_ascii && isdigit(c));
		assert_int_equal(ascii_is_alnum(byte), is_ascii && isalnum(c));
		assert_int_equal(ascii_is_space(byte), c == ' ' || c == '\t' || c == '\r' || c == '\n');
		assert_int_equal(ascii_lower(byte), is_ascii ? (char)tolower(c) : byte);
		assert_int_equal(ascii_hex(byte) >= 0, is_ascii && isxdigit(c));
	}
}

static void hexadecimal_digits_have_their_value(void **state)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

	for (int i = 0; i < 16; i++) {
		assert_int_equal(ascii_hex(lower[i]), i);
		assert_int_equal(ascii_hex(upper[i]), i);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_classes_are_those_of_the_c_locale),
	cmocka_unit_test(hexadecimal_digits_have_their_value),
};

TEST_MAIN(tests)
