/*
 * Hash table keyed by bytes that a peer may have chosen: SipHash-1-3 under a key of the table's own, full
 * comparison of keys, a maximum fixed when it is made. Elements carry a struct map_node and are owned by the
 * caller; the key's bytes live in the element and must not change while it is in the table.
 *
 * A look-up touches one cache line of the table, and the element only if it is (but once in thousands of times) the one. A table
 * grows by some 4 kB at a time, so that no element that is added has to wait for many others; it never becomes smaller.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"

struct map_node {
	struct slice key;
	uint32_t hash; /* what the table keeps of it */
};

struct map;

/* 128 random bits; each process makes its own (crypto/random.h) and hands it down. */
struct map_key {
	uint64_t k0, k1;
};

/* max: the most elements it will ever hold. NULL without memory. */
MUST_CHECK struct map *map_new(size_t max, struct map_key key);
/* Frees the table, not the elements. */
void map_free(struct map *map);
OWN(map)

/* node->key is set by the caller. ERR_EXISTS if the key is there, ERR_LIMIT at the maximum, ERR_NOMEM if it has to grow and cannot. */
MUST_CHECK enum err map_add(struct map *map, struct map_node *node);
/* NULL if there is none. */
struct map_node *map_find(const struct map *map, struct slice key);
/*
 * The same for a key whose hash has been worked out: by map_hash_of() the table, or by map_hash() with the key that
 * the table was given. For a key that is looked for more than once, or added where it is not found.
 */
uint64_t map_hash_of(const struct map *map, struct slice key);
/*
 * In place of that, for a table whose keys are the eight bytes of numbers that we count up ourselves, in their low half:
 * two multiplications. Numbers that follow one another stand together, so that what was counted up last is found in the same few
 * lines of the cache. A peer chooses none of them, but it may choose which of its connections it keeps: those that it could make
 * share a bucket differ in bits that are turned by the table's secret. Whatever is done with one table is done with the one hash.
 */
uint64_t map_hash_number(const struct map *map, uint64_t number);
MUST_CHECK enum err map_add_hashed(struct map *map, struct map_node *node, uint64_t hash);
struct map_node *map_find_hashed(const struct map *map, struct slice key, uint64_t hash);
/* The node must be in the table. */
void map_remove(struct map *map, struct map_node *node);
/* The other one, which has an equal key, takes its place. Needs no memory. */
void map_replace(struct map *map, struct map_node *node, struct map_node *by);
size_t map_count(const struct map *map);

/*
 * Calls each(node, arg) for every element, in no order; the callback may remove (and free) the node it is
 * given, no other, and adds none.
 */
void map_each(struct map *map, void (*each)(struct map_node *node, void *arg), void *arg);

/*
 * SipHash-1-3 of the text (Aumasson, Bernstein: SipHash, 2012). Less than half the work of SipHash-2-4, and enough where a peer never sees
 * the hash, as in a table: Linux, Rust and Python hash with it for the same reason. No hash may leave the process, and what is a check
 * that others see is made with crypto/digest.h.
 */
uint64_t map_hash(struct map_key key, struct slice text);
