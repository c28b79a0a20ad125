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
	FIRST_CHUNK = 4096 - 128, /* with the arena itself and the allocator's header just below a page */
	LARGEST_STEP = 65536,     /* chunks double up to this size; larger only for a larger piece */
	SIZE_STEP = 512, /* arenas are made a multiple of this large, so that one fits where another was */
	SPARE_SIZES = 8,
};

/* Where each allocation is to be seen, none is kept. */
#if defined(HAS_ASAN) || defined(SEALINE_MEM_FAILS)
enum { SPARES_MAX = 0 };
#else
enum { SPARES_MAX = 16 };
#endif

struct chunk {
	struct chunk *next; /* the one filled before this */
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct arena *next_spare; /* while it is one itself */
	size_t used, limit;
	struct chunk *chunk; /* being filled; the last in the chain is first */
	struct chunk first;  /* allocated with the arena */
};

/*
 * What malloc(3) of glibc has at hand for a thread ends with 1,032 bytes, and a message takes more: so a thread keeps some of the
 * arenas that it gives back for the next of their size.
 */
static _Thread_local struct spares {
	struct arena *first;
	int n;
} spares[SPARE_SIZES];

static void chunk_init(struct chunk *chunk, struct chunk *next, size_t size)
{
	*chunk = (struct chunk){ .next = next, .size = size };
	HIDE(chunk->bytes, size);
}

struct arena *arena_new(size_t limit)
{
	return arena_new_for(limit, FIRST_CHUNK);
}

/* Where those of so many bytes are kept; NULL: there is no such place. */
static struct spares *spares_of(size_t size)
{
	return size <= (size_t)SPARE_SIZES * SIZE_STEP ? &spares[size / SIZE_STEP - 1] : NULL;
}

static struct arena *take_spare(struct spares *from)
{
	struct arena *arena = from ? from->first : NULL;

	if (arena) {
		from->first = arena->next_spare;
		from->n--;
	}
	return arena;
}

static bool keep_spare(struct spares *with, struct arena *arena)
{
	if (!with || with->n >= SPARES_MAX)
		return false;
	arena->next_spare = with->first;
	with->first = arena;
	with->n++;
	return true;
}

void arena_free_spares(void)
{
	for (int i = 0; i < SPARE_SIZES; i++)
		for (struct arena *arena; (arena = take_spare(&spares[i]));)
			mem_free(arena);
}

struct arena *arena_new_for(size_t limit, size_t expected)
{
	size_t size = (sizeof(struct arena) + expected + SIZE_STEP - 1) / SIZE_STEP * SIZE_STEP;
	struct arena *arena = take_spare(spares_of(size));

	if (!arena)
		arena = mem_alloc(size);
	if (!arena)
		return NULL;
	arena->used = 0;
	arena->limit = limit < SIZE_MAX / 2 ? limit : SIZE_MAX / 2; /* so that rounding up cannot wrap */
	arena->chunk = &arena->first;
	chunk_init(&arena->first, NULL, size - sizeof *arena);
	return arena;
}

static void free_later_chunks(struct arena *arena)
{
	while (arena->chunk != &arena->first) {
		struct chunk *chunk = arena->chunk;

		arena->chunk = chunk->next;
		mem_free(chunk);
	}
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	free_later_chunks(arena);
	if (!keep_spare(spares_of(sizeof *arena + arena->first.size), arena))
		mem_free(arena);
}

void arena_reset(struct arena *arena)
{
	free_later_chunks(arena);
	HIDE(arena->first.bytes, arena->first.used);
	arena->first.used = 0;
	arena->used = 0;
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
	size_t size = arena->chunk->size < LARGEST_STEP / 2 ? arena->chunk->size * 2 : LARGEST_STEP;

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
	if (room > chunk->size - chunk->used) {
		size_t chunk_size = next_chunk_size(arena, room);

		chunk = mem_alloc(sizeof *chunk + chunk_size);
		if (!chunk)
			return NULL;
		chunk_init(chunk, arena->chunk, chunk_size);
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
