/*
 * A cursor over a slice. Every scan_ function advances it only when it succeeds, so a parser is its ABNF read
 * aloud: scan_x(in) && scan_y(in) && … The lexical rules of SIP (LWS, token, quoted-string) are in sip/lex.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct scan {
	const char *start, *at, *end;
};

/* One bit a byte value: scan_set_has() answers membership. Fill it with a static const initialiser. */
struct scan_set {
	uint64_t bits[4];
};

static inline bool scan_set_has(const struct scan_set *set, char c)
{
	unsigned char byte = (unsigned char)c;

	return set->bits[byte >> 6] >> (byte & 63) & 1;
}

static inline struct scan scan_of(struct slice text)
{
	const char *start = text.ptr ? text.ptr : "";

	return (struct scan){ start, start, start + text.len };
}

static inline bool scan_done(const struct scan *in)
{
	return in->at == in->end;
}

/* The byte at the cursor, or '\0' at the end (a NUL in the text looks the same: check scan_done()). */
static inline char scan_peek(const struct scan *in)
{
	return in->at < in->end ? *in->at : '\0';
}

static inline size_t scan_offset(const struct scan *in)
{
	return (size_t)(in->at - in->start);
}

/* What lies between an earlier position and the cursor. */
static inline struct slice scan_since(const struct scan *in, const char *from)
{
	return slice_from(from, (size_t)(in->at - from));
}

static inline struct slice scan_rest(const struct scan *in)
{
	return slice_from(in->at, (size_t)(in->end - in->at));
}

static inline bool scan_char(struct scan *in, char c)
{
	if (in->at == in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

static inline bool scan_text(struct scan *in, struct slice text)
{
	if (!slice_starts(scan_rest(in), text))
		return false;
	in->at += text.len;
	return true;
}

/* ASCII case ignored. */
static inline bool scan_text_nocase(struct scan *in, struct slice text)
{
	if (!slice_starts_nocase(scan_rest(in), text))
		return false;
	in->at += text.len;
	return true;
}

/* 1*set: the longest run of bytes in the set, at least one. */
bool scan_run(struct scan *in, const struct scan_set *set, struct slice *ret_run);

/* 1*DIGIT with a value of at most max; leading zeros are allowed, at most 20 digits are read. */
static inline bool scan_number(struct scan *in, uint64_t max, uint64_t *ret_number)
{
	enum { MOST_DIGITS = 20, SAFE_DIGITS = 19 }; /* that are read; that cannot overflow */
	const char *at = in->at;
	uint64_t number = 0;

	for (; at < in->end && *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (at - in->at >= SAFE_DIGITS &&
		    (at - in->at == MOST_DIGITS || number > (UINT64_MAX - digit) / 10))
			return false;
		number = number * 10 + digit;
	}
	if (at == in->at || number > max)
		return false;
	in->at = at;
	*ret_number = number;
	return true;
}

/* Everything up to, not including, the first c; fails without moving if there is none. */
bool scan_until(struct scan *in, char c, struct slice *ret_text);

/* The text up to the next CRLF or LF, which is consumed too; fails if no line end is left. */
bool scan_line(struct scan *in, struct slice *ret_line);
