/*
 * The location service (RFC 3261 §10): from an AOR to its snapshot (endpoint/aor.h), in memory, for all
 * workers.
 *
 * The one shared mutable object: sharded by a keyed hash, a lock in each shard that is held for a look-up and
 * a count and never while anything is called. Written by one thread (the one that reads the disk at the start, then the
 * store's), but for refreshes; read by all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/map.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"
#include "endpoint/aor.h"

struct location;

/* max: the most AORs it will hold. NULL without memory. */
MUST_CHECK struct location *location_new(size_t max, struct map_key key);
/* Nobody may be using it any more. */
void location_free(struct location *location);
OWN(location)

/*
 * Until the second is called, whoever is not found may still be on the disk. Then the first is true for good, and what is not
 * found is not there. To be asked before location_find().
 */
bool location_is_complete(const struct location *location);
void location_complete(struct location *location);

/*
 * Publishes a snapshot in place of the one before under its name; takes its own reference. Replacing cannot fail, for a new
 * name there are ERR_LIMIT and ERR_NOMEM. A snapshot can be in one location at a time.
 */
MUST_CHECK enum err location_put(struct location *location, struct aor *aor);
/*
 * The snapshot with this name, version and number of refreshes stays published until location_put(), location_remove() or
 * location_release(). ERR_CONFLICT if another one is, or it is reserved already; ERR_NOT_FOUND.
 */
MUST_CHECK enum err location_reserve(struct location *location, const struct aor *decided);
void location_release(struct location *location, struct slice name);
/*
 * Publishes a snapshot that differs from the one before only by what the disk need not know, from any thread; takes its
 * own reference, and counts the refresh in it. The errors of location_reserve(), after which nothing has changed.
 */
MUST_CHECK enum err location_refresh(struct location *location, struct aor *aor);
/* Does nothing if there is none. */
void location_remove(struct location *location, struct slice name);

/* The snapshot now with a reference for the caller, or NULL. */
MUST_CHECK struct aor *location_find(struct location *location, struct slice name);

/* Sums over all AORs; bindings: those that have not expired. */
struct location_counts {
	size_t aors, bindings;
};
struct location_counts location_counts(struct location *location, utc_t now);

/*
 * The first AORs whose name is greater than after (empty: from the beginning), in order of their names, each
 * with a reference for the caller; aors has room for max. Walks all of them: for lists that people ask for.
 * ERR_NOMEM.
 */
MUST_CHECK enum err location_list(struct location *location, struct slice after, size_t max,
				  struct aor *aors[], size_t *ret_n);
