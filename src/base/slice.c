#include "base/slice.h"

#include <string.h>

#include "base/ascii.h"

struct slice slice_of(const char *cstr)
{
	return (struct slice){ cstr, cstr ? strlen(cstr) : 0 };
}

struct slice slice_sub(struct slice s, size_t offset, size_t len)
{
	if (!s.ptr)
		return (struct slice){ NULL, 0 };
	if (offset > s.len)
		offset = s.len;
	if (len > s.len - offset)
		len = s.len - offset;
	return (struct slice){ s.ptr + offset, len };
}

/* Whether len bytes are exactly the same: what memcmp() says, faster for short ones. */
static bool is_same(const char *a, const char *b, size_t len)
{
	uint64_t x, y;
	uint32_t u, v;

	if (len < 4)
		return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
	if (len < 8) { /* two words that overlap */
		memcpy(&u, a, sizeof u);
		memcpy(&v, b, sizeof v);
		return u == v && memcmp(a + len - 4, b + len - 4, 4) == 0;
	}
	for (size_t i = 0; i + 8 < len; i += 8) {
		memcpy(&x, a + i, sizeof x);
		memcpy(&y, b + i, sizeof y);
		if (x != y)
			return false;
	}
	return memcmp(a + len - 8, b + len - 8, 8) == 0;
}

bool slice_same_nocase(const char *a, const char *b, size_t len)
{
	if (is_same(a, b, len)) /* most often even the case is */
		return true;
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i] && ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

int slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool slice_ends(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_eq(slice_sub(s, s.len - suffix.len, suffix.len), suffix);
}

size_t slice_find(struct slice s, char c)
{
	const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return hit ? (size_t)(hit - s.ptr) : s.len;
}

size_t slice_find_text(struct slice s, struct slice needle)
{
	const char *hit;

	if (needle.len == 0)
		return 0;
	hit = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
	return hit ? (size_t)(hit - s.ptr) : s.len;
}

struct slice slice_trim(struct slice s)
{
	while (s.len && ascii_is_space(s.ptr[0]))
		s = slice_sub(s, 1, s.len);
	while (s.len && ascii_is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool slice_eq_secret(struct slice a, struct slice b)
{
	uint64_t difference = 0, x, y;
	size_t at = 0;

	if (a.len != b.len)
		return false;
	for (; a.len - at >= sizeof x; at += sizeof x) {
		memcpy(&x, a.ptr + at, sizeof x);
		memcpy(&y, b.ptr + at, sizeof y);
		difference |= x ^ y;
	}
	for (; at < a.len; at++)
		difference |= (unsigned char)(a.ptr[at] ^ b.ptr[at]);
	return difference == 0;
}
