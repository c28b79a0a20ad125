/*
 * Where unpredictable bytes come from, as an object that is passed down, so that a test can pass one that is
 * predictable. Small requests are served from a buffer that is wiped as it is used.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/map.h"
#include "base/own.h"
#include "crypto/lib.h"

struct random;

/* The generator of the thread's library context, seeded by the kernel. NULL without memory or without seed.
 */
MUST_CHECK struct random *random_new(struct crypto *crypto);
/* For tests: the same seed gives the same bytes, whatever the sizes asked for. NULL without memory. */
MUST_CHECK struct random *random_new_predictable(uint64_t seed);
void random_free(struct random *random);
OWN(random)

/* Fills buf. Cannot fail: a machine whose generator stops working is not safe to go on with, and the process
 * ends. */
void random_bytes(struct random *random, void *buf, size_t n);

/* A key for a keyed table (base/map.h). */
struct map_key random_map_key(struct random *random);
