/*
 * Every allocation of our own code goes through here, so that the n-th can be made to fail (build option
 * -Doom=true, see tests/unit/harness.h). Sizes are checked for overflow. All memory is given back with
 * mem_free().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Uninitialised memory, or NULL. size 0 gives a unique pointer. */
MUST_CHECK void *mem_alloc(size_t size);

/* n * size zeroed bytes, or NULL (also when the product overflows). */
MUST_CHECK void *mem_zalloc(size_t n, size_t size);

/* Like realloc(): on NULL the old block is untouched and still owned by the caller. */
MUST_CHECK void *mem_resize(void *ptr, size_t size);

/* Accepts NULL. */
void mem_free(void *ptr);

/* Overwrites n bytes in a way that the compiler does not remove. */
void mem_wipe(void *ptr, size_t n);

#define mem_new(type) ((type *)mem_zalloc(1, sizeof(type)))

#ifdef SEALINE_MEM_FAILS
/* From now on the n-th allocation (1 is the next) fails, and every one after it succeeds; 0 turns it off. */
void mem_fail_nth(unsigned long n);
/* Whether the failure ordered by mem_fail_nth() has happened. */
int mem_has_failed(void);
/* To be called at each allocation, with its size; it fails where that gives true. NULL turns it off. */
void mem_watch(bool (*watcher)(size_t size));
#endif
