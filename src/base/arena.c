#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

/* Under AddressSanitizer what was not given out is poisoned, and a poisoned byte stands after each piece. */
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#define GUARD           1
#define HIDE(ptr, size) __asan_poison_memory_region(ptr, size)
#define SHOW(ptr, size) __asan_unpoison_memory_region(ptr, size)
#else
#define GUARD           0
#define HIDE(ptr, size) ((void)0)
#define SHOW(ptr, size) ((void)0)
#endif

enum {
	ALIGNMENT = alignof(max_align_t),
	FIRST_CHUNK = 4096 - 128, /* with its header and the allocator's just below a page */
	LARGEST_STEP = 65536,     /* chunks double up to this size; larger only for a larger piece */
};

struct chunk {
	struct chunk *next; /* the one filled before this */
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	size_t used, limit;
	struct chunk *chunk; /* being filled; the last in the chain is the first one made */
};

static struct chunk *chunk_new(struct chunk *next, size_t size)
{
	struct chunk *chunk = mem_alloc(sizeof *chunk + size);

	if (!chunk)
		return NULL;
	*chunk = (struct chunk){ .next = next, .size = size };
	HIDE(chunk->bytes, size);
	return chunk;
}

struct arena *arena_new(size_t limit)
{
	struct arena *arena = mem_new(struct arena);

	if (arena)
		arena->limit = limit < SIZE_MAX / 2 ? limit
						    : SIZE_MAX / 2; /* so that rounding up cannot wrap */
	return arena;
}

static void free_chunks_above(struct arena *arena, const struct chunk *last)
{
	while (arena->chunk != last) {
		struct chunk *chunk = arena->chunk;

		arena->chunk = chunk->next;
		mem_free(chunk);
	}
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	free_chunks_above(arena, NULL);
	mem_free(arena);
}

void arena_reset(struct arena *arena)
{
	struct chunk *first = arena->chunk;

	arena->used = 0;
	if (!first)
		return;
	while (first->next)
		first = first->next;
	free_chunks_above(arena, first);
	HIDE(first->bytes, first->used);
	first->used = 0;
}

static size_t aligned(size_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static bool fits(const struct arena *arena, size_t size)
{
	return size <= arena->limit && aligned(size) <= arena->limit - arena->used;
}

static size_t next_chunk_size(const struct arena *arena, size_t piece)
{
	size_t size = FIRST_CHUNK;

	if (arena->chunk)
		size = arena->chunk->size < LARGEST_STEP / 2 ? arena->chunk->size * 2 : LARGEST_STEP;
	return size < piece ? piece : size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct chunk *chunk = arena->chunk;
	size_t room;
	void *piece;

	if (!fits(arena, size))
		return NULL;
	room = aligned(size + GUARD);
	if (!chunk || room > chunk->size - chunk->used) {
		chunk = chunk_new(arena->chunk, next_chunk_size(arena, room));
		if (!chunk)
			return NULL;
		arena->chunk = chunk;
	}
	piece = chunk->bytes + chunk->used;
	chunk->used += room;
	arena->used += aligned(size);
	SHOW(piece, size);
	return piece;
}

void *arena_zalloc(struct arena *arena, size_t n, size_t size)
{
	void *piece;

	if (size && n > SIZE_MAX / size)
		return NULL;
	piece = arena_alloc(arena, n * size);
	if (piece)
		memset(piece, 0, n * size);
	return piece;
}

enum err arena_copy(struct arena *arena, struct slice text, struct slice *ret_copy)
{
	char *copy;

	if (!fits(arena, text.len))
		return ERR_LIMIT;
	copy = arena_alloc(arena, text.len);
	if (!copy)
		return ERR_NOMEM;
	if (text.len)
		memcpy(copy, text.ptr, text.len);
	*ret_copy = slice_from(copy, text.len);
	return OK;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
