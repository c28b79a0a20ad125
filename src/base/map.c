#include "base/map.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_BUCKETS = 16 };

struct map {
	struct map_node **buckets;
	size_t n_buckets; /* a power of two */
	size_t n, max;
	struct map_key key;
};

struct map *map_new(size_t max, struct map_key key)
{
	struct map *map = mem_new(struct map);

	if (!map)
		return NULL;
	*map = (struct map){ .n_buckets = FIRST_BUCKETS, .max = max, .key = key };
	map->buckets = mem_zalloc(FIRST_BUCKETS, sizeof *map->buckets);
	if (!map->buckets) {
		mem_free(map);
		return NULL;
	}
	return map;
}

void map_free(struct map *map)
{
	if (!map)
		return;
	mem_free(map->buckets);
	mem_free(map);
}

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static struct map_node **bucket_of(const struct map *map, uint64_t hash)
{
	return &map->buckets[hash & (map->n_buckets - 1)];
}

uint64_t map_hash_of(const struct map *map, struct slice key)
{
	return map_hash(map->key, key);
}

/* The upper bits are the mixed ones, a bucket is chosen by the lower ones. */
uint64_t map_hash_number(const struct map *map, uint64_t number)
{
	return rotate(number * (map->key.k0 | 1), 32);
}

struct map_node *map_find_hashed(const struct map *map, struct slice key, uint64_t hash)
{
	struct map_node *node = *bucket_of(map, hash);

	while (node && !(node->hash == hash && slice_eq(node->key, key)))
		node = node->next;
	return node;
}

static void push(struct map *map, struct map_node *node)
{
	struct map_node **bucket = bucket_of(map, node->hash);

	node->next = *bucket;
	*bucket = node;
}

static void grow(struct map *map)
{
	struct map_node **old = map->buckets;
	size_t n_old = map->n_buckets;
	struct map_node **buckets = mem_zalloc(n_old, 2 * sizeof *buckets);

	if (!buckets)
		return;
	map->buckets = buckets;
	map->n_buckets = 2 * n_old;
	for (size_t i = 0; i < n_old; i++) {
		struct map_node *node = old[i];

		while (node) {
			struct map_node *next = node->next;

			push(map, node);
			node = next;
		}
	}
	mem_free(old);
}

enum err map_add_hashed(struct map *map, struct map_node *node, uint64_t hash)
{
	if (map_find_hashed(map, node->key, hash))
		return ERR_EXISTS;
	if (map->n >= map->max)
		return ERR_LIMIT;
	if (map->n >= map->n_buckets)
		grow(map);
	node->hash = hash;
	push(map, node);
	map->n++;
	return OK;
}

enum err map_add(struct map *map, struct map_node *node)
{
	return map_add_hashed(map, node, map_hash_of(map, node->key));
}

struct map_node *map_find(const struct map *map, struct slice key)
{
	return map->n > 0 ? map_find_hashed(map, key, map_hash_of(map, key)) : NULL;
}

/* What points to the node. */
static struct map_node **place_of(const struct map *map, const struct map_node *node)
{
	struct map_node **at = bucket_of(map, node->hash);

	while (*at != node) {
		assert(*at);
		at = &(*at)->next;
	}
	return at;
}

void map_remove(struct map *map, struct map_node *node)
{
	*place_of(map, node) = node->next;
	node->next = NULL;
	map->n--;
}

void map_replace(struct map *map, struct map_node *node, struct map_node *by)
{
	struct map_node **at = place_of(map, node), *next = node->next;

	node->next = NULL;
	by->next = next;
	by->hash = node->hash;
	*at = by;
}

size_t map_count(const struct map *map)
{
	return map->n;
}

void map_each(struct map *map, void (*each)(struct map_node *node, void *arg), void *arg)
{
	for (size_t i = 0; i < map->n_buckets; i++) {
		struct map_node *node = map->buckets[i];

		while (node) {
			struct map_node *next = node->next;

			each(node, arg);
			node = next;
		}
	}
}

struct sip_state {
	uint64_t v0, v1, v2, v3;
};

static inline struct sip_state sip_round(struct sip_state s)
{
	s.v0 += s.v1;
	s.v2 += s.v3;
	s.v1 = rotate(s.v1, 13) ^ s.v0;
	s.v3 = rotate(s.v3, 16) ^ s.v2;
	s.v0 = rotate(s.v0, 32);
	s.v2 += s.v1;
	s.v0 += s.v3;
	s.v1 = rotate(s.v1, 17) ^ s.v2;
	s.v3 = rotate(s.v3, 21) ^ s.v0;
	s.v2 = rotate(s.v2, 32);
	return s;
}

static inline struct sip_state sip_absorb(struct sip_state s, uint64_t word)
{
	s.v3 ^= word;
	s = sip_round(s);
	s.v0 ^= word;
	return s;
}

static inline uint64_t word_at(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return le64toh(word);
}

/* The last text.len % 8 bytes; where there are eight before them, by one word that overlaps. */
static inline uint64_t last_bytes(struct slice text)
{
	size_t n = text.len % 8;
	uint64_t word = 0;

	if (n > 0 && text.len > 8)
		return word_at(text.ptr + text.len - 8) >> (64 - 8 * n);
	for (size_t i = n; i-- > 0;)
		word = word << 8 | (unsigned char)text.ptr[i];
	return word;
}

uint64_t map_hash(struct map_key key, struct slice text)
{
	struct sip_state s = {
		key.k0 ^ 0x736f6d6570736575,
		key.k1 ^ 0x646f72616e646f6d,
		key.k0 ^ 0x6c7967656e657261,
		key.k1 ^ 0x7465646279746573,
	};

	for (size_t at = 0; text.len - at >= 8; at += 8)
		s = sip_absorb(s, word_at(text.ptr + at));
	s = sip_absorb(s, last_bytes(text) | (uint64_t)text.len << 56);
	s.v2 ^= 0xff;
	s = sip_round(sip_round(sip_round(s)));
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
