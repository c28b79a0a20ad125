#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"

enum { MANY = 1000, MODEL = 2000 };

struct entry {
	struct map_node node;
	char key[16];
	bool seen;
};

static const struct map_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static void name(struct entry *entry, int number)
{
	int n = snprintf(entry->key, sizeof entry->key, "key-%d", number);

	entry->node.key = slice_from(entry->key, (size_t)n);
}

/*
 * SipHash-1-3 of the bytes 00 01 02 … under the key 00 … 0f, as an implementation gives it that, with rounds 2 and 4, gives the
 * reference vectors, and whose hashes with these rounds are CPython's.
 */
static void hash_agrees_with_the_reference(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {
		{ 0, 0xabac0158050fc4dc },  { 1, 0xc9f49bf37d57ca93 },  { 2, 0x82cb9b024dc7d44d },
		{ 3, 0x8bf80ab8e7ddf7fb },  { 4, 0xcf75576088d38328 },  { 5, 0xdef9d52f49533b67 },
		{ 6, 0xc50d2b50c59f22a7 },  { 7, 0xd3927d989bb11140 },  { 8, 0x369095118d299a8e },
		{ 9, 0x25a48eb36c063de4 },  { 15, 0xd320d86d2a519956 }, { 16, 0xcc4fdd1a7d908b66 },
		{ 17, 0x9cf2689063dbd80c }, { 63, 0x9d199062b7bbb3a8 },
	};
	unsigned char bytes[64];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_true(map_hash(key, slice_from(bytes, rows[i].len)) == rows[i].hash);
	assert_true(map_hash(key, slice_of(NULL)) == rows[0].hash);
}

static void a_hash_serves_to_look_and_to_add(void **state)
{
	AUTO(map) struct map *map = map_new(1, key);
	struct entry entries[2];
	uint64_t hash;

	assert_non_null(map);
	name(&entries[0], 1);
	name(&entries[1], 2);
	hash = map_hash_of(map, entries[0].node.key);
	assert_true(hash == map_hash(key, entries[0].node.key));
	assert_null(map_find_hashed(map, entries[0].node.key, hash));
	assert_int_equal(map_add_hashed(map, &entries[0].node, hash), OK);
	assert_int_equal(map_add_hashed(map, &entries[0].node, hash), ERR_EXISTS);
	assert_ptr_equal(map_find_hashed(map, entries[0].node.key, hash), &entries[0].node);
	assert_ptr_equal(map_find(map, entries[0].node.key), &entries[0].node);
	/* by the whole key, not by the hash alone */
	assert_null(map_find_hashed(map, entries[1].node.key, hash));
	assert_int_equal(map_add_hashed(map, &entries[1].node, hash), ERR_LIMIT);
}

struct numbered {
	struct map_node node;
	uint64_t number;
};

/* Connections of which a peer keeps every step-th: whatever the step, they spread over the table. */
static void numbers_of_ours_spread_by_a_hash_of_their_own(void **state)
{
	static const uint64_t steps[] = { 1, 2, 3, 16, 1000, 1024, 4096, 65536, 1 << 20 };
	static struct numbered all[MANY];

	for (size_t row = 0; row < sizeof steps / sizeof steps[0]; row++) {
		AUTO(map) struct map *map = map_new(MANY, (struct map_key){ 0x1f83d9abfb41bd6b, 1 });
		unsigned per_bucket[1024] = { 0 }; /* 16 parts by the first bits, 64 buckets by the last */

		assert_non_null(map);
		for (uint64_t i = 0; i < MANY; i++) {
			uint64_t number = (uint64_t)7 << 56 | (i * steps[row] & 0x1fffffff);
			uint64_t hash = map_hash_number(map, number);

			if (i * steps[row] > 0x1fffffff)
				break;
			all[i].number = number;
			all[i].node.key = slice_from(&all[i].number, sizeof all[i].number);
			assert_int_equal(map_add_hashed(map, &all[i].node, hash), OK);
			assert_ptr_equal(map_find_hashed(map, all[i].node.key, hash), &all[i].node);
			assert_true(++per_bucket[(hash >> 28 & 15) << 6 | (hash & 63)] <= 16);
		}
	}
}

static void numbers_that_follow_one_another_stand_together(void **state)
{
	AUTO(map) struct map *map = map_new(1, (struct map_key){ 0x1f83d9abfb41bd6b, 1 });

	assert_non_null(map);
	for (uint64_t first = 0; first < 256000; first += 256) {
		unsigned per_bucket[64] = { 0 };
		uint64_t start = map_hash_number(map, first);

		for (uint64_t number = first; number < first + 256; number++) {
			uint64_t hash = map_hash_number(map, number);

			assert_int_equal(hash >> 8, start >> 8);
			assert_int_equal(hash & 63, map_hash_number(map, number & ~(uint64_t)3) & 63);
			assert_true(++per_bucket[hash & 63] <= 4);
		}
	}
}

static void finds_what_was_added_and_nothing_else(void **state)
{
	AUTO(map) struct map *map = map_new(MANY, key);
	static struct entry entries[MANY];

	assert_non_null(map);
	for (int i = 0; i < MANY; i++) {
		name(&entries[i], i);
		assert_int_equal(map_add(map, &entries[i].node), OK);
	}
	assert_int_equal(map_count(map), MANY);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(map_find(map, entries[i].node.key), &entries[i].node);
	assert_null(map_find(map, SLICE("key-1000")));
	assert_null(map_find(map, SLICE("key-")));
	assert_null(map_find(map, SLICE("")));
}

static void a_key_is_there_once(void **state)
{
	AUTO(map) struct map *map = map_new(10, key);
	struct entry a = { 0 }, b = { 0 };

	assert_non_null(map);
	name(&a, 1);
	name(&b, 1);
	assert_int_equal(map_add(map, &a.node), OK);
	assert_int_equal(map_add(map, &b.node), ERR_EXISTS);
	assert_ptr_equal(map_find(map, b.node.key), &a.node);
	map_remove(map, &a.node);
	assert_int_equal(map_add(map, &b.node), OK);
	assert_ptr_equal(map_find(map, a.node.key), &b.node);
}

static void another_one_takes_the_place_of_its_equal(void **state)
{
	AUTO(map) struct map *map = map_new(MANY, key);
	static struct entry entries[MANY];
	struct entry other = { 0 };

	assert_non_null(map);
	for (int i = 0; i < MANY; i++) {
		name(&entries[i], i);
		assert_int_equal(map_add(map, &entries[i].node), OK);
	}
	for (int i = 0; i < MANY; i++) {
		name(&other, i);
		map_replace(map, &entries[i].node, &other.node);
		assert_ptr_equal(map_find(map, entries[i].node.key), &other.node);
		map_replace(map, &other.node, &other.node);
		map_replace(map, &other.node, &entries[i].node);
	}
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(map_find(map, entries[i].node.key), &entries[i].node);
	assert_int_equal(map_count(map), MANY);
}

static void keys_are_compared_in_full(void **state)
{
	AUTO(map) struct map *map = map_new(10, key);
	struct map_node empty = { .key = slice_of(NULL) }, with_nul = { .key = SLICE("a\0b") };

	assert_non_null(map);
	assert_int_equal(map_add(map, &empty), OK);
	assert_int_equal(map_add(map, &with_nul), OK);
	assert_ptr_equal(map_find(map, SLICE("")), &empty);
	assert_ptr_equal(map_find(map, SLICE("a\0b")), &with_nul);
	assert_null(map_find(map, SLICE("a\0c")));
	assert_null(map_find(map, SLICE("a")));
}

static void holds_no_more_than_its_maximum(void **state)
{
	AUTO(map) struct map *map = map_new(2, key);
	struct entry entries[3] = { 0 };

	assert_non_null(map);
	for (int i = 0; i < 3; i++)
		name(&entries[i], i);
	assert_int_equal(map_add(map, &entries[0].node), OK);
	assert_int_equal(map_add(map, &entries[1].node), OK);
	assert_int_equal(map_add(map, &entries[2].node), ERR_LIMIT);
	map_remove(map, &entries[0].node);
	assert_int_equal(map_add(map, &entries[2].node), OK);
}

struct sweep {
	struct map *map;
	int n;
};

static void remove_it(struct map_node *node, void *arg)
{
	struct sweep *sweep = arg;

	map_remove(sweep->map, node);
	memset(node, 0xee, sizeof *node);
	sweep->n++;
}

static void each_reaches_all_and_may_remove_them(void **state)
{
	AUTO(map) struct map *map = map_new(MANY, key);
	static struct entry entries[MANY];
	struct sweep sweep = { .map = map };

	assert_non_null(map);
	for (int i = 0; i < MANY; i++) {
		name(&entries[i], i);
		assert_int_equal(map_add(map, &entries[i].node), OK);
	}
	map_each(map, remove_it, &sweep);
	assert_int_equal(sweep.n, MANY);
	assert_int_equal(map_count(map), 0);
	assert_null(map_find(map, SLICE("key-5")));
}

static void remove_every_second(struct map_node *node, void *arg)
{
	struct sweep *sweep = arg;
	struct entry *entry = (struct entry *)(void *)((char *)node - offsetof(struct entry, node));

	assert_false(entry->seen);
	entry->seen = true;
	if (sweep->n++ % 2 == 0)
		map_remove(sweep->map, node);
}

static void each_reaches_all_once_while_it_removes_some(void **state)
{
	AUTO(map) struct map *map = map_new(MANY, key);
	static struct entry entries[MANY];
	struct sweep sweep = { .map = map };
	size_t n_found = 0;

	assert_non_null(map);
	for (int i = 0; i < MANY; i++) {
		entries[i].seen = false;
		name(&entries[i], i);
		assert_int_equal(map_add(map, &entries[i].node), OK);
	}
	map_each(map, remove_every_second, &sweep);
	assert_int_equal(sweep.n, MANY);
	assert_int_equal(map_count(map), MANY / 2);
	for (int i = 0; i < MANY; i++)
		n_found += map_find(map, entries[i].node.key) == &entries[i].node;
	assert_int_equal(n_found, MANY / 2);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return *state >> 33;
}

/* The elements that are in the table, by number; of each there is a pair, of which one may take the other's place. */
struct model {
	struct map *map;
	struct entry pairs[MODEL][2];
	int there[MODEL]; /* which of the pair; -1: neither */
	size_t n, max;
	bool failed; /* for want of memory */
};

static void add_or_remove(struct model *model, size_t i)
{
	struct map_node *node = &model->pairs[i][0].node;
	enum err err;

	if (model->there[i] >= 0) {
		assert_int_equal(map_add(model->map, &model->pairs[i][1 - model->there[i]].node), ERR_EXISTS);
		map_remove(model->map, &model->pairs[i][model->there[i]].node);
		model->there[i] = -1;
		model->n--;
		return;
	}
	err = map_add(model->map, node);
	model->failed |= err == ERR_NOMEM;
	assert_true(model->n < model->max ? err == OK || (err == ERR_NOMEM && harness_fails_allocations())
					  : err == ERR_LIMIT);
	if (err != OK)
		return;
	model->there[i] = 0;
	model->n++;
}

static void exchange(struct model *model, size_t i)
{
	int there = model->there[i];

	if (there < 0)
		return;
	map_replace(model->map, &model->pairs[i][there].node, &model->pairs[i][1 - there].node);
	model->there[i] = 1 - there;
}

static void check_one(const struct model *model, size_t i)
{
	const struct map_node *found = map_find(model->map, model->pairs[i][0].node.key);

	assert_ptr_equal(found, model->there[i] < 0 ? NULL : &model->pairs[i][model->there[i]].node);
}

/* So many elements come, go and come again, at most max at a time. */
static void agree_with_a_list(size_t n, size_t max, int steps)
{
	static struct model model;
	AUTO(map) struct map *map = map_new(max, key);
	uint64_t random = max;

	assert_non_null(map);
	model = (struct model){ .map = map, .max = max };
	for (size_t i = 0; i < n; i++) {
		name(&model.pairs[i][0], (int)i);
		name(&model.pairs[i][1], (int)i);
		model.there[i] = -1;
	}
	for (int step = 0; step < steps; step++) {
		size_t i = next_random(&random) % n;
		bool wanes = step / (5 * (int)n) % 2 == 1;

		if (wanes != (model.there[i] < 0) || next_random(&random) % 4 == 0)
			add_or_remove(&model, i);
		exchange(&model, next_random(&random) % n);
		check_one(&model, i);
		check_one(&model, next_random(&random) % n);
		assert_int_equal(map_count(map), model.n);
	}
	for (size_t i = 0; i < n; i++)
		check_one(&model, i);
	assert_true(!model.failed || harness_has_failed());
}

static void agrees_with_a_list_whatever_is_done(void **state)
{
	agree_with_a_list(MODEL, MODEL, 20 * MODEL);
}

/* Where there are few buckets, each may have been full when somebody came, and be so no more. */
static void small_ones_agree_with_a_list_too(void **state)
{
	for (size_t max = 5; max <= 40; max++)
		agree_with_a_list(100, max, MODEL);
}

static void freeing_none_is_allowed(void **state)
{
	map_free(NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(hash_agrees_with_the_reference),
	cmocka_unit_test(a_hash_serves_to_look_and_to_add),
	cmocka_unit_test(numbers_of_ours_spread_by_a_hash_of_their_own),
	cmocka_unit_test(numbers_that_follow_one_another_stand_together),
	cmocka_unit_test(finds_what_was_added_and_nothing_else),
	cmocka_unit_test(a_key_is_there_once),
	cmocka_unit_test(another_one_takes_the_place_of_its_equal),
	cmocka_unit_test(keys_are_compared_in_full),
	cmocka_unit_test(holds_no_more_than_its_maximum),
	cmocka_unit_test(each_reaches_all_and_may_remove_them),
	cmocka_unit_test(each_reaches_all_once_while_it_removes_some),
	cmocka_unit_test(agrees_with_a_list_whatever_is_done),
	cmocka_unit_test(small_ones_agree_with_a_list_too),
	cmocka_unit_test(freeing_none_is_allowed),
};

TEST_MAIN(tests)
