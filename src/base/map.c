#include "base/map.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/mem.h"

enum {
	SLOTS = 5,
	FIRST_BUCKETS = 2, /* of the first part, while it is the only one: it doubles … */
	PART_BUCKETS = 64, /* … up to this, and then parts are split in two */
	LINE = 64,         /* bytes of a cache line */
	DEPTH_MAX = 26,    /* with the bits for PART_BUCKETS, all of a hash */
};

/*
 * A cache line, where pointers have 64 bits. Of a key that is not in the table a look-up sees no more than the bucket, of one that is
 * there the bucket and the element. An element whose bucket is full stands in the next one that has room; how many went on from
 * a bucket is counted there, so that a look-up knows where to stop.
 */
struct bucket {
	uint32_t hashes[SLOTS];
	uint32_t passed;
	struct map_node *nodes[SLOTS]; /* NULL: free */
};

/* Some 4 kB: so much is moved when a table grows, and no more, however large it is. */
struct part {
	void *memory;   /* in which it is aligned */
	size_t n;       /* elements */
	unsigned depth; /* their hashes begin with the same so many bits */
	_Alignas(LINE) struct bucket buckets[];
};

/* Extendible hashing (Fagin et al., 1979): the first bits of a hash say which part, the last ones which of its buckets. */
struct map {
	struct part **parts; /* 1 << depth of them, some the same; NULL: nothing was ever added */
	unsigned depth;
	size_t n_buckets; /* of each part: a power of two */
	size_t n, max;
	bool is_walked; /* by map_each(): nothing is moved meanwhile */
	struct map_key key;
};

struct map *map_new(size_t max, struct map_key key)
{
	struct map *map = mem_new(struct map);

	if (map)
		*map = (struct map){ .max = max, .key = key };
	return map;
}

static void part_free(struct part *part)
{
	if (part)
		mem_free(part->memory);
}

static struct part *part_new(size_t n_buckets, unsigned depth)
{
	size_t size = sizeof(struct part) + n_buckets * sizeof(struct bucket);
	char *memory = mem_zalloc(1, size + LINE - 1);
	struct part *part;

	if (!memory)
		return NULL;
	part = (struct part *)(void *)(memory + (-(uintptr_t)memory & (LINE - 1)));
	part->memory = memory;
	part->depth = depth;
	return part;
}

/* Of the places in the table that show it, the first. */
static bool is_first_place(const struct map *map, size_t at)
{
	return at == 0 || map->parts[at] != map->parts[at - 1];
}

static size_t n_places(const struct map *map)
{
	return map->parts ? (size_t)1 << map->depth : 0;
}

void map_free(struct map *map)
{
	if (!map)
		return;
	for (size_t at = n_places(map); at-- > 0;)
		if (is_first_place(map, at))
			part_free(map->parts[at]);
	mem_free(map->parts);
	mem_free(map);
}

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

uint64_t map_hash_of(const struct map *map, struct slice key)
{
	return map_hash(map->key, key);
}

/*
 * The numbers of a part: four for each of its buckets, so that as many as are counted up in a row fill one, and none has to stand
 * elsewhere than in its bucket.
 */
enum { ROW_BITS = 8 };
static_assert(1 << ROW_BITS == 4 * PART_BUCKETS, "a row of numbers is a part's");

/*
 * Fibonacci hashing of the row (Knuth, The Art of Computer Programming 3, §6.4): however many rows there are, one after the other,
 * their hashes are apart by a third of what they could be at least, so that a table is not deeper than one of as many random ones.
 * Within its part a row is turned by what nobody knows.
 */
uint64_t map_hash_number(const struct map *map, uint64_t number)
{
	const uint64_t golden = 0x9e3779b97f4a7c15; /* 2^64 divided by the golden ratio */
	uint64_t row = number >> ROW_BITS, turn = row * (map->key.k0 | 1) >> 58;

	return (row * golden >> 32 & ~(uint64_t)0xff) | (number & 3) << 6 | ((number >> 2 ^ turn) & 63);
}

static size_t place_of(const struct map *map, uint32_t hash)
{
	return (size_t)((uint64_t)hash >> (32 - map->depth));
}

static struct part *part_of(const struct map *map, uint32_t hash)
{
	return map->parts[place_of(map, hash)];
}

static size_t bucket_of(const struct map *map, uint32_t hash)
{
	return hash & (map->n_buckets - 1);
}

static size_t next_of(const struct map *map, size_t bucket)
{
	return (bucket + 1) & (map->n_buckets - 1);
}

struct map_node *map_find_hashed(const struct map *map, struct slice key, uint64_t hash)
{
	const struct part *part;
	size_t at;

	if (map->n == 0)
		return NULL;
	part = part_of(map, (uint32_t)hash);
	at = bucket_of(map, (uint32_t)hash);
	/* where map_each() had some removed, each bucket may have been passed by one */
	for (size_t n = 0; n < map->n_buckets; n++) {
		const struct bucket *bucket = &part->buckets[at];

		for (int i = 0; i < SLOTS; i++) {
			struct map_node *node = bucket->nodes[i];

			if (bucket->hashes[i] == (uint32_t)hash && node && slice_eq(node->key, key))
				return node;
		}
		if (bucket->passed == 0)
			break;
		at = next_of(map, at);
	}
	return NULL;
}

/* False: it is full. */
static bool takes(struct bucket *bucket, struct map_node *node, uint32_t hash)
{
	for (int i = 0; i < SLOTS; i++)
		if (!bucket->nodes[i]) {
			bucket->nodes[i] = node;
			bucket->hashes[i] = hash;
			return true;
		}
	return false;
}

/* There is room for it in the part. */
static void insert(const struct map *map, struct part *part, struct map_node *node, uint32_t hash)
{
	size_t at = bucket_of(map, hash);

	while (!takes(&part->buckets[at], node, hash)) {
		part->buckets[at].passed++;
		at = next_of(map, at);
	}
	part->n++;
}

/* All of the bucket, by the first bit in which they may differ, to the one part or the other, which may be the same. */
static void deal(const struct map *map, const struct bucket *bucket, unsigned depth, struct part *to[2])
{
	for (int i = 0; i < SLOTS; i++) {
		uint32_t hash = bucket->hashes[i];

		if (bucket->nodes[i])
			insert(map, to[hash >> (31 - depth) & 1], bucket->nodes[i], hash);
	}
}

/* There is one part, and it gets twice as many buckets, or its first ones. */
static enum err widen(struct map *map)
{
	struct part *old = map->parts ? map->parts[0] : NULL;
	size_t n_old = old ? map->n_buckets : 0, n_buckets = old ? 2 * n_old : FIRST_BUCKETS;
	struct part *part = part_new(n_buckets, 0);

	if (!part)
		return ERR_NOMEM;
	if (!map->parts)
		map->parts = mem_alloc(sizeof(struct part *));
	if (!map->parts) {
		part_free(part);
		return ERR_NOMEM;
	}
	map->parts[0] = part;
	map->n_buckets = n_buckets;
	for (size_t at = 0; at < n_old; at++)
		deal(map, &old->buckets[at], 0, (struct part *[]){ part, part });
	part_free(old);
	return OK;
}

/* Twice as many places for the same parts. */
static enum err deepen(struct map *map)
{
	size_t n = n_places(map);
	struct part **parts = map->depth < DEPTH_MAX ? mem_alloc(2 * n * sizeof(struct part *)) : NULL;

	if (!parts)
		return ERR_NOMEM;
	for (size_t at = 0; at < n; at++)
		parts[2 * at] = parts[2 * at + 1] = map->parts[at];
	mem_free(map->parts);
	map->parts = parts;
	map->depth++;
	return OK;
}

/* Two parts in the place of the one in which the hash is. */
static enum err split(struct map *map, uint32_t hash)
{
	struct part *old = part_of(map, hash);
	unsigned depth = old->depth;
	size_t first, n; /* its places */

	if (depth == map->depth)
		TRY(deepen(map));
	struct part *to[2] = { part_new(PART_BUCKETS, depth + 1), part_new(PART_BUCKETS, depth + 1) };
	if (!to[0] || !to[1]) {
		part_free(to[0]);
		part_free(to[1]);
		return ERR_NOMEM;
	}
	for (size_t at = 0; at < PART_BUCKETS; at++)
		deal(map, &old->buckets[at], depth, to);
	n = (size_t)1 << (map->depth - depth);
	first = place_of(map, hash) & ~(n - 1);
	for (size_t at = 0; at < n; at++)
		map->parts[first + at] = to[at >= n / 2];
	part_free(old);
	return OK;
}

/* A part is full, or there is none. Some slots stay free, so that few elements stand elsewhere than in their bucket. */
static bool is_full(const struct map *map, uint32_t hash)
{
	return !map->parts || 2 * part_of(map, hash)->n >= (2 * SLOTS - 1) * map->n_buckets;
}

enum err map_add_hashed(struct map *map, struct map_node *node, uint64_t hash)
{
	if (map_find_hashed(map, node->key, hash))
		return ERR_EXISTS;
	if (map->n >= map->max)
		return ERR_LIMIT;
	node->hash = (uint32_t)hash;
	while (is_full(map, node->hash))
		TRY(map->n_buckets < PART_BUCKETS ? widen(map) : split(map, node->hash));
	insert(map, part_of(map, node->hash), node, node->hash);
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

/* The slot of a node that is in the part, and its bucket. */
static size_t slot_of(const struct map *map, const struct part *part, const struct map_node *node,
		      size_t *ret_bucket)
{
	for (size_t at = bucket_of(map, node->hash);; at = next_of(map, at)) {
		const struct bucket *bucket = &part->buckets[at];

		for (size_t i = 0; i < SLOTS; i++)
			if (bucket->nodes[i] == node) {
				*ret_bucket = at;
				return i;
			}
		assert(bucket->passed > 0);
	}
}

/* One element less goes on from each of the buckets before the last. */
static void pass_no_more(const struct map *map, struct part *part, size_t at, size_t last)
{
	for (; at != last; at = next_of(map, at))
		part->buckets[at].passed--;
}

/* Of the elements that went on from a bucket, the next one: its slot, and its bucket instead. */
static size_t next_passed(const struct map *map, const struct part *part, size_t *ret_bucket)
{
	for (size_t at = next_of(map, *ret_bucket);; at = next_of(map, at))
		for (size_t i = 0; i < SLOTS; i++) {
			size_t home = bucket_of(map, part->buckets[at].hashes[i]);

			if (part->buckets[at].nodes[i] &&
			    bucket_of(map, (uint32_t)(at - home)) >=
				    bucket_of(map, (uint32_t)(at - *ret_bucket))) {
				*ret_bucket = at;
				return i;
			}
		}
}

/* One that had to go on takes the slot that is free now, another one the slot that this leaves, and so on. */
static void close_up(const struct map *map, struct part *part, size_t at, size_t slot)
{
	while (part->buckets[at].passed > 0) {
		struct bucket *bucket = &part->buckets[at];
		size_t from = at, i = next_passed(map, part, &from);

		bucket->nodes[slot] = part->buckets[from].nodes[i];
		bucket->hashes[slot] = part->buckets[from].hashes[i];
		part->buckets[from].nodes[i] = NULL;
		pass_no_more(map, part, at, from);
		at = from;
		slot = i;
	}
}

void map_remove(struct map *map, struct map_node *node)
{
	struct part *part = part_of(map, node->hash);
	size_t at, slot = slot_of(map, part, node, &at);

	part->buckets[at].nodes[slot] = NULL;
	pass_no_more(map, part, bucket_of(map, node->hash), at);
	part->n--;
	map->n--;
	if (!map->is_walked)
		close_up(map, part, at, slot);
}

void map_replace(struct map *map, struct map_node *node, struct map_node *by)
{
	struct part *part = part_of(map, node->hash);
	size_t at, slot = slot_of(map, part, node, &at);

	by->hash = node->hash;
	part->buckets[at].nodes[slot] = by;
}

size_t map_count(const struct map *map)
{
	return map->n;
}

static void each_of(const struct map *map, struct part *part, void (*each)(struct map_node *node, void *arg),
		    void *arg)
{
	for (size_t at = 0; at < map->n_buckets; at++)
		for (int i = 0; i < SLOTS; i++)
			if (part->buckets[at].nodes[i])
				each(part->buckets[at].nodes[i], arg);
}

void map_each(struct map *map, void (*each)(struct map_node *node, void *arg), void *arg)
{
	bool was_walked = map->is_walked;

	map->is_walked = true;
	for (size_t at = 0; at < n_places(map); at++)
		if (is_first_place(map, at))
			each_of(map, map->parts[at], each, arg);
	map->is_walked = was_walked;
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
