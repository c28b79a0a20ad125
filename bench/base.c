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
	timers_free(timers);
}

int main(void)
{
	struct element *elements = calloc(ELEMENTS, sizeof *elements);

	if (!elements)
		return 1;
	bench_arena();
	bench_map(elements);
	bench_timers(elements);
	free(elements);
	return 0;
}
