#include "ua/replay.h"

#include "harness.h"

#include <string.h>

#define NOW 1790000000

static struct crypto *crypto;
static struct replay replay;

static int setup(void **state)
{
	(void)state;
	crypto = crypto_new();
	return crypto ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	replay_fini(&replay);
	crypto_free(crypto);
	return 0;
}

static enum replay_verdict note(uint64_t number, utc_t date)
{
	char text[24];
	struct writer out = writer_of(text, sizeof text);

	put_number(&out, number);
	const struct slice what[3] = { SLICE("call-id"), writer_text(&out), SLICE("date") };

	return replay_note(&replay, crypto, what, date, NOW - 3600);
}

static void a_message_is_new_once(void **state)
{
	(void)state;
	assert_int_equal(note(1, NOW), REPLAY_NEW);
	assert_int_equal(note(2, NOW), REPLAY_NEW);
	assert_int_equal(note(1, NOW), REPLAY_KNOWN);
	assert_int_equal(replay.changes, 2);
}

/* What does not fit any more is not taken for new: its time is over instead. */
static void what_is_forgotten_is_too_old(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < REPLAY_MAX; i++)
		assert_int_equal(note(i, NOW - 3000 + (utc_t)i), REPLAY_NEW);
	assert_int_equal(note(REPLAY_MAX, NOW), REPLAY_NEW);
	assert_int_equal(replay.floor, NOW - 3000);
	assert_int_equal(note(0, NOW - 3000), REPLAY_KNOWN);
	assert_int_equal(note(REPLAY_MAX + 1, NOW - 3000), REPLAY_KNOWN);
	assert_int_equal(note(REPLAY_MAX + 1, NOW - 1000), REPLAY_NEW);
}

static char text[REPLAY_TEXT_MAX];

static void all_of_it_outlives_the_phone(void **state)
{
	struct writer out = writer_of(text, sizeof text);

	(void)state;
	for (uint64_t i = 0; i <= REPLAY_MAX; i++)
		assert_int_equal(note(i, NOW - 3000 + (utc_t)i), REPLAY_NEW);
	put_replays(&out, &replay);
	assert_false(out.overflow);
	replay_fini(&replay);
	assert_int_equal(replay_parse(&replay, writer_text(&out)), OK);
	assert_int_equal(replay.n, REPLAY_MAX);
	assert_int_equal(note(REPLAY_MAX, NOW), REPLAY_KNOWN);
	assert_int_equal(note(0, NOW - 3000), REPLAY_KNOWN);
	assert_int_equal(note(REPLAY_MAX + 1, NOW), REPLAY_NEW);
}

static const struct {
	const char *label, *text;
	enum err err;
} rows[] = {
	{ "nothing", "", OK },
	{ "a floor", "floor 17\n", OK },
	{ "a message", "floor 17\n000102030405060708090a0b0c0d0e0f 1790000000\n", OK },
	{ "no line end", "floor 17", ERR_SYNTAX },
	{ "no date", "000102030405060708090a0b0c0d0e0f\n", ERR_SYNTAX },
	{ "a date that is none", "000102030405060708090a0b0c0d0e0f soon\n", ERR_SYNTAX },
	{ "an id that is too short", "00010203 1790000000\n", ERR_SYNTAX },
	{ "no hexadecimal digits", "zz0102030405060708090a0b0c0d0e0f 1790000000\n", ERR_SYNTAX },
	{ "another word", "ceiling 17\n", ERR_SYNTAX },
};

static void what_was_not_written_by_us_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		enum err err = replay_parse(&replay, slice_of(rows[i].text));

		if (err != rows[i].err)
			fail_msg("%s: %d", rows[i].label, (int)err);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_message_is_new_once, setup, teardown),
	cmocka_unit_test_setup_teardown(what_is_forgotten_is_too_old, setup, teardown),
	cmocka_unit_test_setup_teardown(all_of_it_outlives_the_phone, setup, teardown),
	cmocka_unit_test_setup_teardown(what_was_not_written_by_us_is_refused, setup, teardown),
};
TEST_MAIN(tests)
