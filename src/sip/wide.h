/*
 * Sixteen bytes of a message at a time. Comparisons are those of the compiler's vectors, which it makes of what the
 * processor has; only the way from a vector to bits is written twice: for SSE2, which every amd64 has, and in portable
 * C, which SIP_PORTABLE asks for (the unit tests run with both).
 */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(SIP_PORTABLE)
#include <emmintrin.h>
#endif

enum { WIDE = 16 };
typedef uint8_t wide __attribute__((vector_size(WIDE)));

/* at: WIDE bytes, aligned or not. */
static inline wide wide_load(const char *at)
{
	wide bytes;

	memcpy(&bytes, at, sizeof bytes);
	return bytes;
}

/* One bit for each byte, the lowest for the first. Of what comparisons give: bytes of all ones or none. */
static inline unsigned wide_bits(wide hits)
{
#if defined(__SSE2__) && !defined(SIP_PORTABLE)
	return (unsigned)_mm_movemask_epi8((__m128i)hits);
#else
	const uint64_t one_of_each = 0x8040201008040201, sum = 0x0101010101010101;
	uint64_t half[2];

	memcpy(half, &hits, sizeof half);
	return (unsigned)((le64toh(half[0]) & one_of_each) * sum >> 56 |
			  ((le64toh(half[1]) & one_of_each) * sum >> 56) << 8);
#endif
}

static inline unsigned wide_is(wide bytes, char c)
{
	return wide_bits((wide)(bytes == (uint8_t)c));
}

/* Controls, HTAB among them. */
static inline unsigned wide_control_or_tab(wide bytes)
{
	return wide_bits((wide)(bytes < ' ') | (wide)(bytes == 0x7f));
}

/* Controls but HTAB, which is one of those that are less than a blank. */
static inline unsigned wide_control(wide bytes)
{
	return wide_bits((wide)((bytes < ' ') ^ (bytes == '\t')) | (wide)(bytes == 0x7f));
}
