/*
 * How long to wait before the flow to the server is tried again (RFC 5626 §4.5): longer with each failure in
 * a row, and by chance, so that the phones of a server that restarts do not all come at once. The RFC leaves
 * the figures to the phone; with these one is back within 30 s of a restart that took less than a minute.
 */
#pragma once

#include "base/time.h"
#include "crypto/random.h"

enum {
	BACKOFF_FIRST_MS = 1000,  /* the most after a flow that worked was lost */
	BACKOFF_BASE_MS = 2000,   /* base-time */
	BACKOFF_MAX_MS = 1800000, /* max-time */
};

/* failures: how often it could not be opened since it was last good. Between 50 and 100 % of the bound. */
ms_t backoff_wait(unsigned failures, struct random *random);
