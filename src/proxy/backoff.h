/*
 * How long whoever guesses has to wait: failed authentications of one account from one source (an IPv4 address, or the
 * /64 of an IPv6 one). After a few free ones each doubles the wait. The account need not exist: the name that was
 * claimed counts. Another source, and the account itself elsewhere, are not touched by it.
 *
 * One worker's; bounded, the entry that failed longest ago makes room. Private to the room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/err.h"
#include "base/map.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"

enum { BACKOFF_ENTRIES_MAX = 4096, BACKOFF_FREE = 5, BACKOFF_LONGEST_MS = 300 * 1000 };

struct backoff;

/* NULL without memory. */
MUST_CHECK struct backoff *backoff_new(struct map_key key);
void backoff_free(struct backoff *backoff);
OWN(backoff)

/* How long the account has to wait when it comes from there; 0: it need not. */
ms_t backoff_wait_for(const struct backoff *backoff, const struct address *from, struct slice account,
		      ms_t now);
/* It has failed. Without memory nothing is noted. */
void backoff_failed(struct backoff *backoff, const struct address *from, struct slice account, ms_t now);
/* It was right: what was before is forgotten. */
void backoff_succeeded(struct backoff *backoff, const struct address *from, struct slice account);
