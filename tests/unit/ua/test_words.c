#include "ua/words.h"

#include "harness.h"

/* The example that the word list is known by. */
static void a_fingerprint_is_read_as_words(void **state)
{
	static const unsigned char id[KEY_ID_SIZE] = { 0xe5, 0x82, 0x94, 0xf2, 0xe9, 0xa2,
						       0x27, 0x48, 0x6e, 0x8b, 0x06, 0x1b };
	char buf[SAFETY_WORDS_SIZE];
	struct writer out = writer_of(buf, sizeof buf);

	(void)state;
	put_safety_words(&out, id);
	assert_true(slice_eq(writer_text(&out),
			     SLICE("topmost istanbul pluto vagabond treadmill pacific brackish dictator "
				   "goldfish medusa afflict bravado")));
}

static void the_longest_words_fit(void **state)
{
	unsigned char id[KEY_ID_SIZE];
	char buf[SAFETY_WORDS_SIZE];

	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		struct writer out = writer_of(buf, sizeof buf);

		memset(id, (int)byte, sizeof id);
		put_safety_words(&out, id);
		assert_false(out.overflow);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_fingerprint_is_read_as_words),
	cmocka_unit_test(the_longest_words_fit),
};
TEST_MAIN(tests)
