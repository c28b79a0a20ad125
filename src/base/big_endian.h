/* Numbers in the order of the network, at any address. */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* What stands behind it. */
static inline unsigned char *write_u64(unsigned char *to, uint64_t value)
{
	const uint64_t big_endian = htobe64(value);

	memcpy(to, &big_endian, sizeof big_endian);
	return to + sizeof big_endian;
}

static inline uint64_t read_u64(const unsigned char *from)
{
	uint64_t big_endian;

	memcpy(&big_endian, from, sizeof big_endian);
	return be64toh(big_endian);
}
