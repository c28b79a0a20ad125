/*
 * Memory that is given back all at once: the bytes of one received message, its header array and all values
 * parsed from it. Grows in chunks up to a limit fixed when it is made; there is no free for a single piece.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"

struct arena;

/* limit: the most bytes that will be given out, each piece rounded up to its alignment. NULL if there is no
 * memory. */
MUST_CHECK struct arena *arena_new(size_t limit);
/* The same for one of which it is known how much it will give out; what goes beyond needs another allocation. */
MUST_CHECK struct arena *arena_new_for(size_t limit, size_t expected);
void arena_free(struct arena *arena);
OWN(arena)

/* A thread keeps a few arenas that it gave back, at most 16 of each size up to 4 kB; this gives them back before it ends. */
void arena_free_spares(void);

/* Forgets all pieces, keeps the first chunk for reuse. */
void arena_reset(struct arena *arena);

/* size bytes, uninitialised, aligned for any type; NULL past the limit or without memory. */
MUST_CHECK void *arena_alloc(struct arena *arena, size_t size);

/* n * size zeroed bytes. */
MUST_CHECK void *arena_zalloc(struct arena *arena, size_t n, size_t size);

/* A copy of the text that lives as long as the arena; ERR_LIMIT past the limit, ERR_NOMEM. */
MUST_CHECK enum err arena_copy(struct arena *arena, struct slice text, struct slice *ret_copy);

/* Bytes given out so far. */
size_t arena_used(const struct arena *arena);
