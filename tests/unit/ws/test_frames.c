#include "ws/frames.h"

#include "harness.h"

#include <string.h>

#include "base/writer.h"

enum { MESSAGE_MAX = 1000 };
enum { FIN = 0x80, CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

static char wire[100000];
static struct writer sent; /* by the peer, in wire */

static int set_up(void **state)
{
	*state = ws_new(MESSAGE_MAX);
	sent = writer_of(wire, sizeof wire);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	ws_free(*state);
	return 0;
}

/* A masked frame of the peer. */
static void put_frame(int first, struct slice payload)
{
	put_char(&sent, (char)first);
	if (payload.len < 126) {
		put_char(&sent, (char)(0x80 | payload.len));
	} else {
		put_char(&sent, (char)(0x80 | 126));
		put_char(&sent, (char)(payload.len >> 8));
		put_char(&sent, (char)payload.len);
	}
	put(&sent, slice_from(mask, 4));
	for (size_t i = 0; i < payload.len; i++)
		put_char(&sent, (char)(payload.ptr[i] ^ mask[i % 4]));
	assert_false(sent.overflow);
}

/* Everything at once, or byte by byte. */
static void deliver(struct ws *ws, size_t piece)
{
	for (size_t at = 0; at < sent.len; at += piece)
		assert_int_equal(ws_input(ws, slice_sub(writer_text(&sent), at, piece)), OK);
	sent.len = 0;
}

static void expect_message(struct ws *ws, struct slice text)
{
	struct slice message;

	assert_true(ws_next(ws, &message));
	assert_true(slice_eq(message, text));
}

static void expect_no_message(struct ws *ws)
{
	struct slice message;

	assert_false(ws_next(ws, &message));
}

static void expect_output(struct ws *ws, struct slice bytes)
{
	assert_true(slice_eq(ws_output(ws), bytes));
	ws_forget_output(ws);
	assert_int_equal(ws_output(ws).len, 0);
}

static void takes_messages_however_they_are_cut(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 7, sizeof wire };
	struct ws *ws = *state;

	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		char longer[700];

		memset(longer, 'x', sizeof longer);
		put_frame(FIN | TEXT, SLICE("one"));
		put_frame(FIN | BINARY, SLICE("two\377\0"));
		put_frame(FIN | TEXT, slice_from(longer, sizeof longer));
		put_frame(FIN | TEXT, SLICE(""));
		deliver(ws, pieces[i]);
		expect_message(ws, SLICE("one"));
		expect_message(ws, SLICE("two\377\0"));
		expect_message(ws, slice_from(longer, sizeof longer));
		expect_no_message(ws);
		expect_output(ws, SLICE(""));
	}
	assert_null(ws_end(ws));
}

static void joins_fragments_and_answers_a_ping_between_them(void **state)
{
	struct ws *ws = *state;

	put_frame(TEXT, SLICE("MESS"));
	put_frame(FIN | PING, SLICE("are you there"));
	put_frame(CONTINUATION, SLICE(""));
	put_frame(CONTINUATION, SLICE("A"));
	put_frame(FIN | PONG, SLICE("nobody asked"));
	put_frame(FIN | CONTINUATION, SLICE("GE"));
	deliver(ws, 1);
	expect_output(ws, SLICE("\x8a\x0d"
				"are you there"));
	expect_message(ws, SLICE("MESSAGE"));
	expect_no_message(ws);
}

static void sends_text_as_text_and_other_bytes_as_binary(void **state)
{
	static const struct {
		const char *label;
		struct slice message;
		int opcode;
	} cases[] = {
		{ "ASCII", SLICE_INIT("BYE"), TEXT },
		{ "two bytes", SLICE_INIT("\xc3\xa9"), TEXT },
		{ "three bytes", SLICE_INIT("\xe2\x82\xac"), TEXT },
		{ "four bytes", SLICE_INIT("\xf0\x9f\x94\x92"), TEXT },
		{ "the last one", SLICE_INIT("\xf4\x8f\xbf\xbf"), TEXT },
		{ "past the last one", SLICE_INIT("\xf4\x90\x80\x80"), BINARY },
		{ "cut off", SLICE_INIT("a\xe2\x82"), BINARY },
		{ "overlong", SLICE_INIT("\xc0\xaf"), BINARY },
		{ "overlong, three", SLICE_INIT("\xe0\x9f\xbf"), BINARY },
		{ "a surrogate", SLICE_INIT("\xed\xa0\x80"), BINARY },
		{ "Latin 1", SLICE_INIT("caf\xe9 x"), BINARY },
		{ "a lone continuation", SLICE_INIT("\x80"), BINARY },
		{ "0xff", SLICE_INIT("\xff\xff"), BINARY },
	};
	struct ws *ws = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[100];
		struct writer out = writer_of(text, sizeof text);

		put_char(&out, (char)(FIN | cases[i].opcode));
		put_char(&out, (char)cases[i].message.len);
		put(&out, cases[i].message);
		assert_int_equal(ws_send(ws, cases[i].message), OK);
		if (!slice_eq(ws_output(ws), writer_text(&out)))
			fail_msg("%s", cases[i].label);
		ws_forget_output(ws);
	}
}

static void sends_long_messages_whole(void **state)
{
	static char text[70000];
	struct ws *ws = *state;

	memset(text, 'x', sizeof text);
	assert_int_equal(ws_send(ws, slice_from(text, 300)), OK);
	assert_int_equal(ws_output(ws).len, 4 + 300);
	ws_forget_output(ws);
	assert_int_equal(ws_send(ws, slice_from(text, sizeof text)), OK);
	assert_int_equal(ws_output(ws).len, 10 + sizeof text);
}

static void put_unmasked(void)
{
	put(&sent, SLICE("\x81\x01"
			 "a"));
}

static void put_reserved_bit(void)
{
	put_frame(0xc0 | TEXT, SLICE("a"));
}

static void put_unknown_opcode(void)
{
	put_frame(FIN | 3, SLICE("a"));
}

static void put_continuation_of_nothing(void)
{
	put_frame(FIN | CONTINUATION, SLICE("a"));
}

static void put_message_in_a_message(void)
{
	put_frame(TEXT, SLICE("a"));
	put_frame(FIN | TEXT, SLICE("b"));
}

static void put_fragmented_ping(void)
{
	put_frame(PING, SLICE("a"));
}

static void put_bad_text(void)
{
	put_frame(FIN | TEXT, SLICE("caf\xe9 x"));
}

static void put_text_cut_off(void)
{
	put_frame(FIN | TEXT, SLICE("a\xe2\x82"));
}

static void put_too_long(void)
{
	static char text[MESSAGE_MAX + 1];

	put_frame(FIN | BINARY, slice_from(text, sizeof text));
}

static void put_too_long_in_pieces(void)
{
	static char text[MESSAGE_MAX];

	put_frame(BINARY, slice_from(text, sizeof text));
	put_frame(FIN | CONTINUATION, SLICE("a"));
}

/* 0: a close without a code. */
static const struct {
	const char *label;
	void (*put_it)(void);
	unsigned code;
} faults[] = {
	{ "an unmasked frame", put_unmasked, 1002 },
	{ "a reserved bit", put_reserved_bit, 1002 },
	{ "an unknown opcode", put_unknown_opcode, 1002 },
	{ "a continuation of nothing", put_continuation_of_nothing, 1002 },
	{ "a message within a message", put_message_in_a_message, 1002 },
	{ "a fragmented ping", put_fragmented_ping, 0 },
	{ "text that is not UTF-8", put_bad_text, 1007 },
	{ "text that ends in a character", put_text_cut_off, 1007 },
	{ "a message that is too long", put_too_long, 1009 },
	{ "one that is too long in all", put_too_long_in_pieces, 1009 },
};

static unsigned close_code(struct slice frame)
{
	const unsigned char *bytes = (const unsigned char *)frame.ptr;

	if (frame.len < 2 || bytes[0] != (FIN | CLOSE))
		return 1;
	return frame.len >= 4 ? (unsigned)bytes[2] << 8 | bytes[3] : 0;
}

static void ends_with_the_code_that_says_what_was_wrong(void **state)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		AUTO(ws) struct ws *ws = ws_new(MESSAGE_MAX);

		assert_non_null(ws);
		faults[i].put_it();
		deliver(ws, 50);
		if (close_code(ws_output(ws)) != faults[i].code)
			fail_msg("%s", faults[i].label);
		assert_non_null(ws_end(ws));
		put_frame(FIN | TEXT, SLICE("more"));
		deliver(ws, 50);
		expect_no_message(ws);
		assert_int_equal(ws_send(ws, SLICE("more")), ERR_CLOSED);
	}
}

static void answers_a_close_and_hears_nothing_after_it(void **state)
{
	struct ws *ws = *state;

	put_frame(FIN | TEXT, SLICE("last"));
	put_frame(FIN | CLOSE, SLICE("\x03\xe8"
				     "bye"));
	put_frame(FIN | TEXT, SLICE("after"));
	deliver(ws, sizeof wire);
	expect_message(ws, SLICE("last"));
	expect_no_message(ws);
	assert_true(slice_starts(ws_output(ws), SLICE("\x88")));
	assert_string_equal(ws_end(ws), "the peer closed the WebSocket");
	assert_int_equal(ws_send(ws, SLICE("more")), ERR_CLOSED);
	assert_int_equal(ws_close(ws), OK);
}

static void closes_by_itself(void **state)
{
	struct ws *ws = *state;

	assert_int_equal(ws_close(ws), OK);
	expect_output(ws, SLICE("\x88\x02\x03\xe8"));
	assert_string_equal(ws_end(ws), "we closed the WebSocket");
	assert_int_equal(ws_close(ws), OK);
	assert_int_equal(ws_output(ws).len, 0);
}

#define play(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
	play(takes_messages_however_they_are_cut),
	play(joins_fragments_and_answers_a_ping_between_them),
	play(sends_text_as_text_and_other_bytes_as_binary),
	play(sends_long_messages_whole),
	play(ends_with_the_code_that_says_what_was_wrong),
	play(answers_a_close_and_hears_nothing_after_it),
	play(closes_by_itself),
};
TEST_MAIN(tests)
