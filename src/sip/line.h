/*
 * Header fields in the bytes of a message (RFC 3261 §7.3, §25.1 message-header): where each begins and ends.
 * Both the framing of streams and the parsing of messages find them with this, so that the two cannot
 * disagree.
 */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "base/scan.h"
#include "sip/lex.h"
#include "sip/message.h"

/* The colon behind a name of ordinary length, or NULL. */
static inline const char *sip_line_colon(const char *at, const char *end)
{
	enum { NEAR = 64 };
	size_t n = (size_t)(end - at);
	unsigned colons = n >= WIDE ? wide_is(wide_load(at), ':') : 0;

	return colons ? at + __builtin_ctz(colons) : memchr(at, ':', n < NEAR ? n : NEAR);
}

/* Nearly all lines: a name that is known right up to the colon, so a token, and nothing but a value up to the CRLF. */
static inline bool sip_line_scan_plain(struct scan *in, struct sip_header *header)
{
	const char *end = lex_find_control(in->at, in->end), *at = sip_line_colon(in->at, in->end);

	if (!at || in->end - end < 3 || end[0] != '\r' || end[1] != '\n' || lex_is(end[2], LEX_SPACE))
		return false;
	header->name = slice_from(in->at, (size_t)(at - in->at));
	header->id = sip_header_of(header->name);
	if (header->id == SIP_HEADER_OTHER)
		return false;
	in->at = end + 2;
	at = lex_skip_blanks(at + 1, end);
	while (end > at && lex_is(end[-1], LEX_SPACE))
		end--;
	header->value = slice_from(at, (size_t)(end - at));
	return true;
}

/* The grammar's whole way. */
bool sip_line_scan_any(struct scan *in, struct sip_header *header, struct sip_fault *ret_fault);

/*
 * Takes one line, its folds and its CRLF included. Fails, with the fault's what and at (counted from
 * in->start), when it is not a header field: no colon, a control character (other than HTAB, folding, and
 * what a quoted-pair escapes), a bare CR or LF, the end of the text before its CRLF. The cursor then stands
 * behind the line, or at the end of the text, and ret_header holds id and name if at least these could be
 * read.
 */
static inline bool sip_line_scan(struct scan *in, struct sip_header *ret_header, struct sip_fault *ret_fault)
{
	ret_header->next = 0;
	return sip_line_scan_plain(in, ret_header) || sip_line_scan_any(in, ret_header, ret_fault);
}

/* Where the last " SIP/" of a request line begins, or NULL; a malformed Request-URI may hold blanks itself.
 */
const char *sip_line_version(struct slice line);

/* What to say of a control character that may not stand where it does. */
const char *sip_line_control(char c);
