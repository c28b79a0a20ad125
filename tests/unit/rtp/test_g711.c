#include "rtp/g711.h"

#include "harness.h"

#include <stdlib.h>

/* ITU-T G.711: some values at the ends of segments. */
static const struct {
	uint8_t code;
	int16_t ulaw, alaw;
} known[] = {
	{ 0x00, -32124, -5504 }, { 0x80, 32124, 5504 }, { 0xff, 0, 848 },      { 0x7f, 0, -848 },
	{ 0xd5, 716, 8 },        { 0x55, -716, -8 },    { 0xaa, 5372, 32256 }, { 0x2a, -5372, -32256 },
};

static void decodes_the_known_values(void **state)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		assert_int_equal(g711_ulaw_decode(known[i].code), known[i].ulaw);
		assert_int_equal(g711_alaw_decode(known[i].code), known[i].alaw);
	}
}

static void every_code_comes_back(void **state)
{
	for (unsigned code = 0; code < 256; code++) {
		uint8_t ulaw = g711_ulaw_encode(g711_ulaw_decode((uint8_t)code));

		/* µ-law has two zeros. */
		assert_true(ulaw == code || (code == 0x7f && ulaw == 0xff));
		assert_int_equal(g711_alaw_encode(g711_alaw_decode((uint8_t)code)), code);
	}
}

static void the_error_is_small_everywhere(void **state)
{
	for (int sample = INT16_MIN; sample <= INT16_MAX; sample += 7) {
		int ulaw = g711_ulaw_decode(g711_ulaw_encode((int16_t)sample));
		int alaw = g711_alaw_decode(g711_alaw_encode((int16_t)sample));
		int allowed = abs(sample) / 24 + 16;

		assert_in_range(abs(ulaw - sample), 0, allowed);
		assert_in_range(abs(alaw - sample), 0, allowed);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(decodes_the_known_values),
	cmocka_unit_test(every_code_comes_back),
	cmocka_unit_test(the_error_is_small_everywhere),
};

TEST_MAIN(tests)
