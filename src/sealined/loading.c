#include "sealined/loading.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	MANY = 20000, /* accounts: some 10 MB */
	HEAP_STEP = 32 << 20,
	HEAP_STEP_BEFORE = 128 << 10, /* mallopt(3): what is built in */
	HUGE_PAGE = 2 << 20,
};

struct loading {
	struct location *location;
	size_t n;
	char *heap_end; /* up to where the kernel was asked for huge pages */
};

/*
 * The first touch of each page of 4 kB was two fifths of a start with a million accounts. So where there are many, the heap
 * grows in large steps, and the kernel is asked to make them of huge pages. It need not follow.
 */
static void widen_heap(struct loading *loading)
{
	char *end = sbrk(0), *begin = loading->heap_end;

	if (end == begin)
		return;
	loading->heap_end = end;
	if (!begin || end < begin)
		return;
	begin += -(uintptr_t)begin % HUGE_PAGE;
	if (begin < end)
		(void)madvise(begin, (size_t)(end - begin), MADV_HUGEPAGE);
}

static enum err publish(void *self, struct aor *aor)
{
	struct loading *loading = self;

	loading->n++;
	if (loading->n == MANY)
		(void)mallopt(M_TOP_PAD, HEAP_STEP);
	if (loading->n >= MANY)
		widen_heap(loading);
	return location_put(loading->location, aor);
}

enum err loading_read(struct store *store, utc_t latest, struct location *location, size_t *ret_n)
{
	struct loading loading = { .location = location };

	TRY(store_load(store, latest, publish, &loading));
	if (loading.n >= MANY)
		(void)mallopt(M_TOP_PAD, HEAP_STEP_BEFORE);
	location_complete(location);
	*ret_n = loading.n;
	return OK;
}
