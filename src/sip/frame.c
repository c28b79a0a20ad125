#include "sip/frame.h"

#include <string.h>

#include "base/ascii.h"
#include "sip/lex.h"
#include "sip/line.h"

static enum err refuse(enum err err, unsigned status, const char *what, size_t at,
		       struct sip_fault *ret_fault)
{
	*ret_fault = (struct sip_fault){ .status = status, .what = what, .at = at };
	return err;
}

/* What stands between messages: CRLFs. */
static enum err frame_keepalive(struct slice input, struct sip_frame *frame)
{
	static const struct slice ping = SLICE_INIT("\r\n\r\n");
	size_t n = 0;

	while (n < input.len && n < ping.len && input.ptr[n] == ping.ptr[n])
		n++;
	if (n == 4 || n == 2) {
		frame->kind = n == 4 ? SIP_FRAME_PING : SIP_FRAME_PONG;
		frame->bytes = slice_sub(input, 0, n);
		return OK;
	}
	if (n == input.len) /* "\r", or three quarters of a ping */
		return ERR_MORE;
	return refuse(ERR_SYNTAX, 400, "a bare CR between messages", n - 1, &frame->fault);
}

static bool is_start_line(struct slice line)
{
	return slice_starts_nocase(line, SLICE("SIP/")) || sip_line_version(line);
}

/* Whether a line can be Content-Length at all: its compact form, or an L where "Length" begins. Most are not looked at further. */
static bool may_be_content_length(const char *at, const char *end)
{
	enum { LENGTH = 8 };

	return ascii_fold(at[0]) == 'l' ||
	       (ascii_fold(at[0]) == 'c' && end - at > LENGTH && ascii_fold(at[LENGTH]) == 'l');
}

/* at: a line with its CRLF, so something stands behind whatever name it begins with. */
static bool is_content_length(const char *at, const char *end)
{
	struct slice name;
	size_t n;

	if (!may_be_content_length(at, end))
		return false;
	name = sip_header_name(SIP_CONTENT_LENGTH);
	n = ascii_fold(at[0]) == 'l' ? 1 : name.len;
	return (n == 1 || slice_starts_nocase(slice_from(at, (size_t)(end - at)), name)) &&
	       !lex_is(at[n], LEX_TOKEN);
}

/* The line up to end, its CRLF included. What is wrong with it is found when the message is parsed. */
static bool take_line(struct sip_framer *framer, struct slice input, size_t end)
{
	const char *at = input.ptr + framer->line;

	if (framer->line == 0)
		return is_start_line(slice_from(at, end - 2));
	if (!framer->lengths[1] && is_content_length(at, input.ptr + end))
		framer->lengths[framer->lengths[0] ? 1 : 0] = framer->line;
	return true;
}

/*
 * Goes on from the bytes already searched to the empty line. OK: *ret_end is the offset behind it. Lines end
 * with CRLF only: where other software would see an end that we do not, a message could be hidden.
 */
static enum err find_header_end(struct sip_framer *framer, struct slice input, size_t *ret_end,
				struct sip_fault *ret_fault)
{
	const char *from = input.ptr, *end = input.ptr + input.len;
	const char *at = from + framer->searched;

	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		size_t n = (size_t)(at - from);

		if (n == 0 || at[-1] != '\r')
			return refuse(ERR_SYNTAX, 400, "a bare LF in the header", n, ret_fault);
		at++;
		if (n == framer->line + 1) { /* never the first, which begins with a token */
			*ret_end = n + 1;
			return OK;
		}
		if (!take_line(framer, input, n + 1))
			return refuse(ERR_SYNTAX, 400, "the first line is not one of SIP", 0, ret_fault);
		framer->line = n + 1;
	}
	framer->searched = input.len;
	return ERR_MORE;
}

static enum err read_content_length(struct slice header_area, size_t at, uint64_t *ret_length,
				    struct sip_fault *ret_fault)
{
	struct scan line = scan_of(slice_from(header_area.ptr + at, header_area.len - at)), value;
	struct sip_header header;
	struct sip_fault fault;
	bool ok = sip_line_scan(&line, &header, &fault);

	value = scan_of(header.value);
	if (!ok || !scan_number(&value, UINT64_MAX, ret_length) || !scan_done(&value))
		return refuse(ERR_SYNTAX, 400, "Content-Length is not a number", at, ret_fault);
	return OK;
}

/* RFC 3261 §18.3: on a stream Content-Length says where the message ends, so there is exactly one, and it is right. */
static enum err find_content_length(const struct sip_framer *framer, struct slice header_area,
				    uint64_t *ret_length, struct sip_fault *ret_fault)
{
	if (!framer->lengths[0])
		return refuse(ERR_SYNTAX, 400, "no Content-Length on a stream", header_area.len, ret_fault);
	if (framer->lengths[1])
		return refuse(ERR_SYNTAX, 400, "Content-Length comes twice", framer->lengths[1], ret_fault);
	return read_content_length(header_area, framer->lengths[0], ret_length, ret_fault);
}

/* Finds how long the message is; what was looked at for that is in frame->bytes. */
static enum err measure(struct sip_framer *framer, const struct sip_limits *limits, struct sip_frame *frame)
{
	struct slice input = frame->bytes;
	uint64_t length;
	size_t header_area;
	enum err err = find_header_end(framer, input, &header_area, &frame->fault);

	if (err == ERR_MORE && input.len > limits->header_area)
		return refuse(ERR_LIMIT, 413, "the header is longer than allowed", limits->header_area,
			      &frame->fault);
	if (err != OK)
		return err;
	frame->bytes = slice_from(input.ptr, header_area);
	if (header_area > limits->header_area)
		return refuse(ERR_LIMIT, 413, "the header is longer than allowed", limits->header_area,
			      &frame->fault);
	TRY(find_content_length(framer, frame->bytes, &length, &frame->fault));
	if (header_area > limits->message || length > limits->message - header_area)
		return refuse(ERR_LIMIT, 413, "the message is longer than allowed", header_area,
			      &frame->fault);
	framer->need = header_area + (size_t)length;
	return OK;
}

enum err sip_frame(struct sip_framer *framer, struct slice input, const struct sip_limits *limits,
		   struct sip_frame *ret_frame)
{
	*ret_frame = (struct sip_frame){ .kind = SIP_FRAME_MESSAGE, .bytes = input };
	if (input.len == 0)
		return ERR_MORE;
	if (input.ptr[0] == '\r')
		return frame_keepalive(input, ret_frame);
	if (!lex_is(input.ptr[0], LEX_TOKEN))
		return refuse(ERR_SYNTAX, 400, "the first line is not one of SIP", 0, &ret_frame->fault);
	if (framer->need == 0)
		TRY(measure(framer, limits, ret_frame));
	if (input.len < framer->need)
		return ERR_MORE;
	ret_frame->bytes = slice_from(input.ptr, framer->need);
	return OK;
}
