/*
 * Builds text into a buffer of fixed size. What does not fit is dropped whole and remembered in overflow, so
 * a builder checks once, at its end. Nothing is NUL-terminated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

struct writer {
	char *buf;
	size_t len, size;
	bool overflow; /* something did not fit; stays set */
};

static inline struct writer writer_of(void *buf, size_t size)
{
	return (struct writer){ buf, 0, size, false };
}

/* What was written so far; points into the buffer. */
static inline struct slice writer_text(const struct writer *out)
{
	return slice_from(out->buf, out->len);
}

/* Inline, for it is what building a message consists of. */
static inline void put(struct writer *out, struct slice text)
{
	if (text.len > out->size - out->len) {
		out->overflow = true;
		return;
	}
	if (text.len)
		memcpy(out->buf + out->len, text.ptr, text.len);
	out->len += text.len;
}

static inline void put_char(struct writer *out, char c)
{
	put(out, slice_from(&c, 1));
}

void put_lower(struct writer *out, struct slice text);            /* ASCII letters in lower case */
void put_number(struct writer *out, uint64_t number);             /* decimal */
void put_hex(struct writer *out, const void *bytes, size_t n);    /* lower case, two digits a byte */
void put_base64(struct writer *out, const void *bytes, size_t n); /* RFC 4648 §4, padded */

/*
 * Text from a peer for a log or a terminal: control characters (C1 too), line separators, invisible and
 * direction-changing marks, backslash, double quote and invalid UTF-8 become \r \n \t \" \\ or \xHH, so that
 * the result is one line of valid UTF-8 that shows what is there. What does not fit is dropped in whole runs.
 */
void put_escaped(struct writer *out, struct slice text);

/*
 * Decodes padded or unpadded base64 in either alphabet (RFC 4648 §4 and §5), strictly: not both in one text,
 * no white space, no bits left over. False if malformed or larger than size. *ret_n is set on success only.
 */
bool base64_decode(struct slice text, void *buf, size_t size, size_t *ret_n);
extern const uint16_t base64_values[256];
/* What a character of either alphabet stands for; 0 if it is in none. */
static inline unsigned base64_value(char c)
{
	return base64_values[(unsigned char)c] & 63;
}
bool hex_decode(struct slice text, void *buf, size_t size, size_t *ret_n);

/* RFC 4648 §5 without padding, for tokens inside URIs and headers. */
void put_base64url(struct writer *out, const void *bytes, size_t n);
