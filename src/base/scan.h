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

bool scan_char(struct scan *in, char c);
bool scan_text(struct scan *in, struct slice text);        /* exactly */
bool scan_text_nocase(struct scan *in, struct slice text); /* ASCII case ignored */

/* 1*set: the longest run of bytes in the set, at least one. */
bool scan_run(struct scan *in, const struct scan_set *set, struct slice *ret_run);

/* 1*DIGIT with a value of at most max; leading zeros are allowed, at most 20 digits are read. */
bool scan_number(struct scan *in, uint64_t max, uint64_t *ret_number);

/* Everything up to, not including, the first c; fails without moving if there is none. */
bool scan_until(struct scan *in, char c, struct slice *ret_text);

/* The text up to the next CRLF or LF, which is consumed too; fails if no line end is left. */
bool scan_line(struct scan *in, struct slice *ret_line);
