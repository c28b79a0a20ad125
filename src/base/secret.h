/* Bytes that must not stay behind: wiped when freed, never printable, compared in constant time. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"

struct secret {
	size_t len;
	unsigned char bytes[];
};

/* A copy of the bytes; NULL without memory. */
MUST_CHECK struct secret *secret_new(struct slice bytes);
void secret_free(struct secret *secret);
OWN(secret)

/* For handing to crypto/ only. */
static inline struct slice secret_slice(const struct secret *secret)
{
	return secret ? slice_from(secret->bytes, secret->len) : slice_from(NULL, 0);
}
