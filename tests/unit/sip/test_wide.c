#include "harness.h"

#include <stdbool.h>
#include <string.h>

#include "sip/wide.h"

/* Each byte value in each place, among bytes that are not asked for. */
static void each_byte_has_its_bit(void **state)
{
	char text[WIDE];

	for (unsigned place = 0; place < WIDE; place++)
		for (unsigned byte = 0; byte < 256; byte++) {
			unsigned bit = 1u << place;
			bool is_control = (byte < ' ' && byte != '\t') || byte == 0x7f;

			memset(text, 'a', sizeof text);
			text[place] = (char)byte;
			assert_int_equal(wide_is(wide_load(text), ','), byte == ',' ? bit : 0);
			assert_int_equal(wide_control(wide_load(text)), is_control ? bit : 0);
		}
}

static void all_bits_may_be_set(void **state)
{
	assert_int_equal(wide_is(wide_load("::::::::::::::::"), ':'), 0xffff);
	assert_int_equal(wide_is(wide_load(":a:a:a:a:a:a:a:a"), ':'), 0x5555);
	assert_int_equal(wide_is(wide_load("aaaaaaaa::::::::"), ':'), 0xff00);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_byte_has_its_bit),
	cmocka_unit_test(all_bits_may_be_set),
};
TEST_MAIN(tests)
