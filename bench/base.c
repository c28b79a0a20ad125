#include "bench.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/timers.h"

enum { ELEMENTS = 100000, ROUNDS = 2000000 };

struct element {
	struct map_node node;
	struct timer timer;
	char key[24];
};

static volatile uint64_t sink;

static void bench_arena(void)
{
	struct arena *arena = arena_new(1 << 20);

	if (!arena)
		abort();
	BENCH("arena: a message of 20 pieces of 48 bytes", ROUNDS / 20, {
		for (int piece = 0; piece < 20; piece++)
			sink += (uint64_t)(uintptr_t)arena_alloc(arena, 48);
		arena_reset(arena);
	});
	arena_free(arena);
}

/* A branch as ours that is in no table, as that of a new transaction. */
static struct slice absent(size_t i)
{
	static char buf[24] = "z9hG4bK+00000000000000";

	for (size_t at = 21; at > 8; at--, i /= 10)
		buf[at] = (char)('0' + i % 10);
	return slice_from(buf, 22);
}

static void bench_map(struct element *elements)
{
	struct map *map = map_new(ELEMENTS, (struct map_key){ 1, 2 });

	if (!map)
		abort();
	for (size_t i = 0; i < ELEMENTS; i++) {
		int n = snprintf(elements[i].key, sizeof elements[i].key, "z9hG4bK-%014zu", i * 7919);

		elements[i].node.key = slice_from(elements[i].key, (size_t)n);
	}
	BENCH("map: hash 22 bytes", ROUNDS, sink += map_hash((struct map_key){ 1, i }, elements[0].node.key));
	BENCH("map: add, to 100,000", ELEMENTS, sink += map_add(map, &elements[i].node));
	BENCH("map: find one of 100,000, any", ROUNDS,
	      sink += (uint64_t)(uintptr_t)map_find(map, elements[i * 7919 % ELEMENTS].node.key));
	BENCH("map: find one of 100,000, the same", ROUNDS,
	      sink += (uint64_t)(uintptr_t)map_find(map, elements[i % 16].node.key));
	BENCH("map: find none in 100,000", ROUNDS, sink += (uint64_t)(uintptr_t)map_find(map, absent(i)));
	BENCH("map: write such a name", ROUNDS, sink += absent(i).len);
	BENCH("map: remove one of 100,000 and add it again", ROUNDS, {
		struct map_node *node = &elements[i * 7919 % ELEMENTS].node;

		map_remove(map, node);
		sink += map_add(map, node);
	});
	map_free(map);
}

/* The longest that adding one has taken: where the table grows, all others wait. */
static void bench_growth(struct element *elements)
{
	struct map *map = map_new(ELEMENTS, (struct map_key){ 1, 2 });
	uint64_t longest = 0;

	if (!map)
		abort();
	for (size_t i = 0; i < ELEMENTS; i++) {
		uint64_t from = bench_now();

		sink += map_add(map, &elements[i].node);
		if (bench_now() - from > longest)
			longest = bench_now() - from;
	}
	printf("%-44s %8.1f us\n", "map: the longest add, to 100,000", (double)longest / 1000);
	map_free(map);
}

static void bench_timers(struct element *elements)
{
	struct timers *timers = timers_new(ELEMENTS);

	if (!timers)
		abort();
	BENCH("timers: set, to 100,000", ELEMENTS,
	      sink += timers_set(timers, &elements[i].timer, 1 + i * 7919 % 32000));
	BENCH("timers: move one of 100,000", ROUNDS,
	      sink += timers_set(timers, &elements[i * 7919 % ELEMENTS].timer, 1 + i * 104729 % 32000));
	BENCH("timers: take the next of 100,000", ELEMENTS,
	      sink += (uint64_t)(uintptr_t)timers_take_due(timers, UINT64_MAX));
	BENCH("timers: set and take one of a length, of 100,000", ROUNDS, {
		struct timer *timer = i < ELEMENTS ? NULL : timers_take_due(timers, i);

		sink += timers_set(timers, timer ? timer : &elements[i % ELEMENTS].timer, i + ELEMENTS);
	});
	timers_free(timers);
}

int main(void)
{
	struct element *elements = calloc(ELEMENTS, sizeof *elements);

	if (!elements)
		return 1;
	bench_arena();
	bench_map(elements);
	bench_growth(elements);
	bench_timers(elements);
	free(elements);
	return 0;
}
