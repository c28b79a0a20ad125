/*
 * How often somebody may ask for what costs a signature: so many times a minute, and as many at once where he has not asked for
 * long. Keys are whatever names him: an account, a domain.
 *
 * One worker's; bounded, who asked for nothing for the longest time makes room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"

struct rates;

enum { RATES_MAX = 4096, RATE_KEY_MAX = 256 /* bytes */ };

/* NULL without memory. */
MUST_CHECK struct rates *rates_new(struct map_key map_key);
void rates_free(struct rates *rates);
OWN(rates)

struct rate_answer {
	ms_t wait;        /* until it is worth asking again; 0: it is granted */
	uint64_t refused; /* how often it was refused since it was granted last, this time included */
};

/* One more. Without memory to count it is refused. */
struct rate_answer rates_take(struct rates *rates, struct slice key, uint32_t per_minute, ms_t now);
