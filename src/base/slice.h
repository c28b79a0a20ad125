/*
 * A stretch of somebody else's bytes: a pointer and a length, passed by value, never NUL-terminated.
 * The bytes belong to whoever made them (a message's arena, a literal, a buffer) and live as long as that.
 * An empty slice may have any ptr; a slice with ptr NULL is "absent" where a function says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE(literal) ((struct slice){ ("" literal), sizeof(literal) - 1 })
#define SLICE_INIT(literal)                       \
	{                                         \
		("" literal), sizeof(literal) - 1 \
	}

/* For printf's "%.*s". Text from a peer is escaped first (put_escaped()). */
#define SLICE_FMT(s) (int)(s).len, (s).ptr

/* The text of a C string without its NUL; NULL gives an absent slice. */
struct slice slice_of(const char *cstr);

static inline struct slice slice_from(const void *ptr, size_t len)
{
	return (struct slice){ ptr, len };
}

/* At most len bytes from offset on; what lies outside is cut off. */
struct slice slice_sub(struct slice s, size_t offset, size_t len);

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* What slice_eq_nocase() asks of two of the same length. */
bool slice_same_nocase(const char *a, const char *b, size_t len);

/* ASCII letters only. */
static inline bool slice_eq_nocase(struct slice a, struct slice b)
{
	return a.len == b.len && slice_same_nocase(a.ptr, b.ptr, a.len);
}

int slice_cmp(struct slice a, struct slice b); /* by bytes, then by length */

static inline bool slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_eq(slice_from(s.ptr, prefix.len), prefix);
}

static inline bool slice_starts_nocase(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_same_nocase(s.ptr, prefix.ptr, prefix.len);
}

bool slice_ends(struct slice s, struct slice suffix);

/* Offset of the first c, or s.len. */
size_t slice_find(struct slice s, char c);
/* Offset of the first needle, or s.len. */
size_t slice_find_text(struct slice s, struct slice needle);

/* Without blanks, tabs, CR and LF at either end. */
struct slice slice_trim(struct slice s);

/* Copies the text to *at, moves *at behind it, and returns the copy: several texts after a struct in one allocation. */
static inline struct slice slice_copy(char **at, struct slice text)
{
	struct slice copy = slice_from(*at, text.len);

	if (text.len)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return copy;
}

/* Compares without revealing by its duration where the difference is. */
bool slice_eq_secret(struct slice a, struct slice b);
