#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "sip/frame.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static enum err frame_once(const char *input, const struct sip_limits *limits, struct sip_frame *ret_frame)
{
	struct sip_framer framer = { 0 };

	return sip_frame(&framer, slice_of(input), limits, ret_frame);
}

static const struct {
	const char *label, *text;
	enum err err;
	enum sip_frame_kind kind;
	size_t taken;    /* of ret_frame */
	unsigned status; /* of the fault */
} frame_cases[] = {
	{ "message", REQUEST_WITH("l: 2\r\n", "hi"), OK, SIP_FRAME_MESSAGE, sizeof REQUEST + 7, 0 },
	{ "message and more", REQUEST_WITH("l: 2\r\n", "hiOPTIONS"), OK, SIP_FRAME_MESSAGE,
	  sizeof REQUEST + 7, 0 },
	{ "body incomplete", REQUEST_WITH("l: 3\r\n", "hi"), ERR_MORE, 0, 0, 0 },
	{ "header incomplete", "INVITE sip:a@b SIP/2.0\r\nl: 0\r\n", ERR_MORE, 0, 0, 0 },
	{ "nothing", "", ERR_MORE, 0, 0, 0 },
	{ "Content-Length in other letters", "INVITE sip:a@b SIP/2.0\r\ncONTENT-lENGTH: 2\r\n\r\nhi", OK,
	  SIP_FRAME_MESSAGE, 47, 0 },
	{ "folded Content-Length", "INVITE sip:a@b SIP/2.0\r\nContent-Length \t:\r\n 2\r\n\r\nhi", OK,
	  SIP_FRAME_MESSAGE, 51, 0 },
	{ "ping", "\r\n\r\nINVITE", OK, SIP_FRAME_PING, 4, 0 },
	{ "pong", "\r\n", OK, SIP_FRAME_PONG, 2, 0 },
	{ "pong before a message", "\r\nINVITE", OK, SIP_FRAME_PONG, 2, 0 },
	{ "half a line end", "\r", ERR_MORE, 0, 0, 0 },
	{ "three quarters of a ping", "\r\n\r", ERR_MORE, 0, 0, 0 },
	{ "bare CR", "\rINVITE", ERR_SYNTAX, 0, 7, 400 },
	{ "bare CR after a pong", "\r\n\rx", ERR_SYNTAX, 0, 4, 400 },
	{ "bare LF between messages", "\nINVITE", ERR_SYNTAX, 0, 7, 400 },
	{ "no Content-Length", REQUEST_WITH("", ""), ERR_SYNTAX, 0, sizeof REQUEST - 1, 400 },
	{ "two Content-Lengths", REQUEST_WITH("l: 0\r\nContent-Length: 0\r\n", "x"), ERR_SYNTAX, 0,
	  sizeof REQUEST + 24, 400 },
	{ "Content-Length negative", "A sip:a SIP/2.0\r\nl: -1\r\n\r\n", ERR_SYNTAX, 0, 26, 400 },
	{ "Content-Length empty", "A sip:a SIP/2.0\r\nl:\r\n\r\n", ERR_SYNTAX, 0, 23, 400 },
	{ "Content-Length past 64 bits", "A sip:a SIP/2.0\r\nl: 18446744073709551616\r\n\r\n", ERR_SYNTAX, 0,
	  44, 400 },
	{ "Content-Length at 64 bits", "A sip:a SIP/2.0\r\nl: 18446744073709551615\r\n\r\n", ERR_LIMIT, 0, 44,
	  413 },
	{ "Content-Length broken", "A sip:a SIP/2.0\r\nContent-Length\x01: 0\r\nl: 0\r\n\r\n", ERR_SYNTAX, 0,
	  45, 400 },
	{ "another broken line", "A sip:a SIP/2.0\r\nCon\x01: 0\r\nl: 0\r\n\r\n", OK, SIP_FRAME_MESSAGE, 34,
	  0 },
	{ "names that only begin with Content-Length's",
	  "A sip:a SIP/2.0\r\nContent-Length2: 5\r\nLx: 5\r\nl: 0\r\n\r\n", OK, SIP_FRAME_MESSAGE, 52, 0 },
	{ "bare LF in the header", "A sip:a SIP/2.0\r\nl: 0\n\r\n\r\n", ERR_SYNTAX, 0, 26, 400 },
	{ "only bare LFs", "A sip:a SIP/2.0\nl: 0\n\n", ERR_SYNTAX, 0, 22, 400 },
	{ "HTTP", "GET / HTTP/1.1\r\nHost: a\r\n", ERR_SYNTAX, 0, 25, 400 },
	{ "TLS", "\x16\x03\x01\x02", ERR_SYNTAX, 0, 4, 400 },
	{ "status line", "sip/2.0 200 OK\r\nl: 0\r\n\r\n", OK, SIP_FRAME_MESSAGE, 24, 0 },
};

static void a_stream_is_cut_where_content_length_says(void **state)
{
	for (size_t i = 0; i < N(frame_cases); i++) {
		struct sip_frame frame;
		enum err err = frame_once(frame_cases[i].text, &sip_limits_default, &frame);

		if (err != frame_cases[i].err || (err == OK && frame.kind != frame_cases[i].kind) ||
		    (err != ERR_MORE && frame.bytes.len != frame_cases[i].taken) ||
		    frame.fault.status != frame_cases[i].status)
			fail_msg("%s: %s, %zu bytes, %u %s", frame_cases[i].label, err_text(err),
				 frame.bytes.len, frame.fault.status,
				 frame.fault.what ? frame.fault.what : "");
	}
}

static void what_is_wrong_is_the_same_wherever_the_stream_is_cut(void **state)
{
	static const struct {
		const char *text, *what;
		size_t at;
	} rows[] = {
		{ "A sip:a SIP/2.0\r\nContent-Length : x\r\n\r\n", "Content-Length is not a number", 17 },
		{ "A sip:a SIP/2.0\r\nl: 0\r\nContent-Length : x\r\nl: 0\r\n\r\n",
		  "Content-Length comes twice", 23 },
		{ "A sip:a SIP/2.0\r\nl: 0\r\nl: 0\r\nl: x\r\n\r\n", "Content-Length comes twice", 23 },
		{ "A sip:a SIP/2.0\r\nl:\r\n x\r\n\r\n", "Content-Length is not a number", 17 },
		{ "A sip:a SIP/2.0\r\nl:\r\n x\r\nl: 0\r\n\r\n", "Content-Length comes twice", 25 },
		{ "A sip:a SIP/2.0\r\nlx: 0\r\nContact-Lel: 0\r\n l: 0\r\n\r\n",
		  "no Content-Length on a stream", 49 },
		{ "A sip:a SIP/2.0\r\nl: x\r\n\n\r\n", "a bare LF in the header", 23 },
		{ "l: 0\r\nl: 0\r\n\r\n", "the first line is not one of SIP", 0 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct slice text = slice_of(rows[i].text);

		for (size_t step = 1; step <= text.len; step++) {
			struct sip_framer framer = { 0 };
			struct sip_frame frame;
			enum err err = ERR_MORE;

			for (size_t n = step; err == ERR_MORE && n < text.len + step; n += step)
				err = sip_frame(&framer, slice_sub(text, 0, n), &sip_limits_default, &frame);
			assert_int_equal(err, ERR_SYNTAX);
			assert_string_equal(frame.fault.what, rows[i].what);
			assert_int_equal(frame.fault.at, rows[i].at);
		}
	}
}

static void limits_are_kept_before_the_message_is_complete(void **state)
{
	static const struct sip_limits limits = { .message = 60, .header_area = 40 };
	static const struct {
		const char *label, *text;
		enum err err;
	} rows[] = {
		{ "fits", "A sip:a SIP/2.0\r\nl: 34\r\n\r\n1234567890123456789012345678901234", OK },
		{ "message too long", "A sip:a SIP/2.0\r\nl: 35\r\n\r\n", ERR_LIMIT },
		{ "header may still end", "A sip:a SIP/2.0\r\nS: 345678901234567890", ERR_MORE },
		{ "header too long", "A sip:a SIP/2.0\r\nS: 345678901234567890123", ERR_LIMIT },
		{ "header complete and too long", "A sip:a SIP/2.0\r\nS: 345678901234567890\r\nl: 0\r\n\r\n",
		  ERR_LIMIT },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct sip_frame frame;

		if (frame_once(rows[i].text, &limits, &frame) != rows[i].err)
			fail_msg("%s", rows[i].label);
		assert_int_equal(frame.fault.status, rows[i].err == ERR_LIMIT ? 413 : 0);
	}
}

static const char stream[] = REQUEST_WITH("Content-Length: 4\r\n", "\r\n\r\n") "\r\n\r\n" REQUEST_WITH(
	"l: 0\r\n", "") "SIP/2.0 200 OK\r\nContent-Length: 1\r\nX: a\r\n b\r\n\r\nz";
static const size_t frame_lengths[] = { sizeof REQUEST - 1 + 19 + 4, 4, sizeof REQUEST - 1 + 6, 48 };

/* A receiver: bytes arrive in pieces, frames are taken as they become complete. */
struct receiver {
	struct sip_framer framer;
	size_t start, end; /* of the unread bytes in the stream */
	size_t n_frames;
};

static void take_frames(struct receiver *receiver)
{
	while (receiver->start < receiver->end) {
		size_t n = receiver->end - receiver->start;
		char *unread = malloc(n); /* of just that size, so that reading past it is seen */
		struct sip_frame frame;
		enum err err;

		memcpy(unread, stream + receiver->start, n);
		err = sip_frame(&receiver->framer, slice_from(unread, n), &sip_limits_default, &frame);
		free(unread);
		if (err == ERR_MORE)
			return;
		assert_int_equal(err, OK);
		assert_true(receiver->n_frames < N(frame_lengths));
		assert_int_equal(frame.bytes.len, frame_lengths[receiver->n_frames++]);
		receiver->start += frame.bytes.len;
		receiver->framer = (struct sip_framer){ 0 };
	}
}

static void frames_do_not_depend_on_how_the_bytes_arrive(void **state)
{
	static const size_t in_ping = sizeof REQUEST - 1 + 19 + 4 +
				      2; /* the one split that looks like two pongs */

	for (size_t split = 0; split < sizeof stream - 1; split++) {
		struct receiver receiver = { 0 };

		if (split == in_ping)
			continue;
		receiver.end = split;
		take_frames(&receiver);
		receiver.end = sizeof stream - 1;
		take_frames(&receiver);
		assert_int_equal(receiver.n_frames, N(frame_lengths));
	}
}

static void bytes_may_arrive_one_by_one(void **state)
{
	struct receiver receiver = { 0 };

	while (receiver.end < sizeof stream - 1) {
		receiver.end++;
		if (receiver.n_frames == 1 && receiver.end - receiver.start < 4)
			continue; /* half a ping */
		take_frames(&receiver);
	}
	assert_int_equal(receiver.n_frames, N(frame_lengths));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_stream_is_cut_where_content_length_says),
	cmocka_unit_test(what_is_wrong_is_the_same_wherever_the_stream_is_cut),
	cmocka_unit_test(limits_are_kept_before_the_message_is_complete),
	cmocka_unit_test(frames_do_not_depend_on_how_the_bytes_arrive),
	cmocka_unit_test(bytes_may_arrive_one_by_one),
};

TEST_MAIN(tests)
