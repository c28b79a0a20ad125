#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { AT_HAND = 1032 }; /* malloc(3) of glibc: the largest piece that a thread keeps for itself */

#ifdef SEALINE_MEM_FAILS
#include <stdatomic.h>

/* Some units under test have threads of their own. */
static atomic_ulong countdown;
static atomic_int has_failed;
static bool (*_Atomic watcher)(size_t size);

void mem_fail_nth(unsigned long n)
{
	countdown = n;
	has_failed = 0;
}

int mem_has_failed(void)
{
	return has_failed;
}

void mem_watch(bool (*new_watcher)(size_t size))
{
	watcher = new_watcher;
}

static int must_fail(size_t size)
{
	unsigned long left = atomic_load(&countdown);
	bool (*watch)(size_t) = atomic_load(&watcher);

	if (watch && watch(size)) {
		has_failed = 1;
		return 1;
	}

	while (left > 0)
		if (atomic_compare_exchange_weak(&countdown, &left, left - 1))
			break;
	if (left != 1)
		return 0;
	has_failed = 1;
	return 1;
}
#else
static int must_fail(size_t size)
{
	(void)size;
	return 0;
}
#endif

void *mem_alloc(size_t size)
{
	return must_fail(size) ? NULL : malloc(size ? size : 1);
}

/*
 * glibc's calloc() takes nothing from what it has at hand for its thread, so a small piece is cleared here; of a large one it
 * knows whether it is clean.
 */
void *mem_zalloc(size_t n, size_t size)
{
	void *piece;

	if (size && n > SIZE_MAX / size)
		return NULL;
	if (n * size > AT_HAND)
		return must_fail(n * size) ? NULL : calloc(n, size);
	piece = mem_alloc(n * size);
	return piece ? memset(piece, 0, n * size) : NULL;
}

void *mem_resize(void *ptr, size_t size)
{
	return must_fail(size) ? NULL : realloc(ptr, size ? size : 1);
}

void mem_free(void *ptr)
{
	free(ptr);
}

void mem_wipe(void *ptr, size_t n)
{
	if (!n)
		return;
	memset(ptr, 0, n);
	__asm__ volatile("" : : "r"(ptr) : "memory");
}
