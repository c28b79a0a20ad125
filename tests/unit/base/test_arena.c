#include "harness.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

static void pieces_do_not_overlap_and_are_aligned(void **state)
{
	AUTO(arena) struct arena *arena = arena_new(1 << 20);
	unsigned char *pieces[200];

	assert_non_null(arena);
	for (size_t i = 0; i < 200; i++) {
		pieces[i] = arena_alloc(arena, i * 7);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		memset(pieces[i], (int)i, i * 7);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t j = 0; j < i * 7; j++)
			assert_int_equal(pieces[i][j], i);
}

static void a_piece_larger_than_a_chunk_gets_one_of_its_own(void **state)
{
	AUTO(arena) struct arena *arena = arena_new(1 << 20);
	char *small, *large;

	assert_non_null(arena);
	small = arena_alloc(arena, 10);
	assert_non_null(small);
	large = arena_alloc(arena, 300000);
	assert_non_null(large);
	memset(large, 'x', 300000);
	assert_true(arena_used(arena) >= 300010);
}

static void one_that_is_made_for_little_gives_more_all_the_same(void **state)
{
	AUTO(arena) struct arena *arena = arena_new_for(1 << 20, 64);
	char *first, *second;

	assert_non_null(arena);
	first = arena_alloc(arena, 40);
	second = arena_alloc(arena, 400);
	assert_non_null(first);
	assert_non_null(second);
	memset(first, 'x', 40);
	memset(second, 'y', 400);
	assert_int_equal(first[39], 'x');
	arena_reset(arena);
	assert_ptr_equal(arena_alloc(arena, 40), first);
}

static void the_limit_holds(void **state)
{
	static const struct {
		const char *label;
		size_t first, second;
		bool fits;
	} rows[] = {
		{ "exactly", 512, 512, true },
		{ "one too many", 512, 513, false },
		{ "rounding up counts", 511, 513, false },
		{ "at once", 0, 1025, false },
		{ "a size that would wrap", 16, SIZE_MAX, false },
		{ "a size that would wrap when rounded", 16, SIZE_MAX - 8, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		AUTO(arena) struct arena *arena = arena_new(1024);
		void *piece;

		assert_non_null(arena);
		piece = arena_alloc(arena, rows[i].first);
		assert_non_null(piece);
		piece = arena_alloc(arena, rows[i].second);
		if (!piece == rows[i].fits)
			fail_msg("%s", rows[i].label);
	}
}

static void an_unlimited_arena_still_refuses_sizes_that_wrap(void **state)
{
	AUTO(arena) struct arena *arena = arena_new(SIZE_MAX);
	void *piece;

	assert_non_null(arena);
	piece = arena_alloc(arena, SIZE_MAX);
	assert_null(piece);
	piece = arena_zalloc(arena, SIZE_MAX / 4, 8);
	assert_null(piece);
}

static void zalloc_clears_what_was_used_before(void **state)
{
	AUTO(arena) struct arena *arena = arena_new(4096);
	unsigned char *piece;

	assert_non_null(arena);
	piece = arena_alloc(arena, 64);
	assert_non_null(piece);
	memset(piece, 0xff, 64);
	arena_reset(arena);
	piece = arena_zalloc(arena, 8, 8);
	assert_non_null(piece);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(piece[i], 0);
}

static void reset_gives_the_whole_limit_back(void **state)
{
	AUTO(arena) struct arena *arena = arena_new(100000);

	assert_non_null(arena);
	arena_reset(arena);
	for (int round = 0; round < 3; round++) {
		void *piece = arena_alloc(arena, 60000);

		assert_non_null(piece);
		piece = arena_alloc(arena, 30000);
		assert_non_null(piece);
		arena_reset(arena);
		assert_int_equal(arena_used(arena), 0);
	}
}

static void copy_tells_a_limit_from_missing_memory(void **state)
{
	AUTO(arena) struct arena *arena = arena_new(16);
	char text[] = "sixteen bytes ok";
	struct slice copy = { 0 };

	assert_non_null(arena);
	assert_int_equal(arena_copy(arena, SLICE("seventeen bytes !"), &copy), ERR_LIMIT);
	assert_null(copy.ptr);
	assert_int_equal(arena_copy(arena, slice_of(text), &copy), OK);
	text[0] = 'S';
	assert_true(slice_eq(copy, SLICE("sixteen bytes ok")));
	assert_int_equal(arena_copy(arena, SLICE("x"), &copy), ERR_LIMIT);
	assert_int_equal(arena_copy(arena, slice_of(NULL), &copy), OK);
	assert_int_equal(copy.len, 0);
}

/* A thread keeps some that were given back. */
static void one_in_the_place_of_another_knows_nothing_of_it(void **state)
{
	enum { MANY = 40, SIZES = 5 };
	static const size_t expected[SIZES] = { 1, 700, 1500, 4000, 9000 };
	struct arena *arenas[MANY];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < MANY; i++) {
			arenas[i] = arena_new_for(20000 + i, expected[i % SIZES]);
			assert_non_null(arenas[i]);
			assert_int_equal(arena_used(arenas[i]), 0);
			assert_null(arena_alloc(arenas[i], 20001 + i));
			assert_non_null(arena_zalloc(arenas[i], 1, 100 * i));
			assert_non_null(arena_zalloc(arenas[i], 1, 9000));
		}
		for (size_t i = 0; i < MANY; i++)
			arena_free(arenas[i]);
		if (round == 1)
			arena_free_spares();
	}
	arena_free_spares();
}

static void freeing_none_is_allowed(void **state)
{
	arena_free(NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(pieces_do_not_overlap_and_are_aligned),
	cmocka_unit_test(a_piece_larger_than_a_chunk_gets_one_of_its_own),
	cmocka_unit_test(one_that_is_made_for_little_gives_more_all_the_same),
	cmocka_unit_test(the_limit_holds),
	cmocka_unit_test(an_unlimited_arena_still_refuses_sizes_that_wrap),
	cmocka_unit_test(zalloc_clears_what_was_used_before),
	cmocka_unit_test(reset_gives_the_whole_limit_back),
	cmocka_unit_test(copy_tells_a_limit_from_missing_memory),
	cmocka_unit_test(one_in_the_place_of_another_knows_nothing_of_it),
	cmocka_unit_test(freeing_none_is_allowed),
};

TEST_MAIN(tests)
