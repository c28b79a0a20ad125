/*
 * Time as the protocol rooms see it: two readings, taken once a loop turn above the I/O line and passed down.
 * Timers use mono only; certificates, nonces, Date and what is stored use wall only.
 */
#pragma once

#include <stdint.h>

typedef uint64_t ms_t; /* milliseconds; as a point in time: since an arbitrary start, never going back */
typedef int64_t utc_t; /* seconds since 1970-01-01 UTC */

struct now {
	ms_t mono;
	utc_t wall;
};
