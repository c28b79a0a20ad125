#include "base/timers.h"

#include <assert.h>

#include "base/mem.h"

enum {
	CHILDREN = 4, /* a flat heap: fewer cache lines on the way down than with two */
	FIRST_SIZE = 64,
};

/* due stands here once more, so that comparing does not touch the timers. */
struct entry {
	ms_t due;
	struct timer *timer;
};

struct timers {
	struct entry *heap;
	size_t n, size, max;
};

struct timers *timers_new(size_t max)
{
	struct timers *timers = mem_new(struct timers);

	if (timers)
		timers->max = max;
	return timers;
}

void timers_free(struct timers *timers)
{
	if (!timers)
		return;
	mem_free(timers->heap);
	mem_free(timers);
}

static void place(struct timers *timers, size_t at, struct entry entry)
{
	timers->heap[at] = entry;
	entry.timer->slot = (uint32_t)(at + 1);
}

static void sift_up(struct timers *timers, size_t at, struct entry entry)
{
	while (at > 0) {
		size_t parent = (at - 1) / CHILDREN;

		if (timers->heap[parent].due <= entry.due)
			break;
		place(timers, at, timers->heap[parent]);
		at = parent;
	}
	place(timers, at, entry);
}

static size_t earliest_child(const struct timers *timers, size_t at)
{
	size_t first = at * CHILDREN + 1, earliest = first;
	size_t end = first + CHILDREN < timers->n ? first + CHILDREN : timers->n;

	for (size_t child = first + 1; child < end; child++)
		if (timers->heap[child].due < timers->heap[earliest].due)
			earliest = child;
	return earliest;
}

static void sift_down(struct timers *timers, size_t at, struct entry entry)
{
	while (at * CHILDREN + 1 < timers->n) {
		size_t child = earliest_child(timers, at);

		if (timers->heap[child].due >= entry.due)
			break;
		place(timers, at, timers->heap[child]);
		at = child;
	}
	place(timers, at, entry);
}

/* Finds the place of an entry that comes to stand at a slot whose content has gone. */
static void settle(struct timers *timers, size_t at, struct entry entry)
{
	if (at > 0 && entry.due < timers->heap[(at - 1) / CHILDREN].due)
		sift_up(timers, at, entry);
	else
		sift_down(timers, at, entry);
}

static enum err make_room(struct timers *timers)
{
	size_t size = timers->size ? 2 * timers->size : FIRST_SIZE;
	struct entry *heap;

	if (timers->n < timers->size)
		return OK;
	heap = mem_resize(timers->heap, size * sizeof *heap);
	if (!heap)
		return ERR_NOMEM;
	timers->heap = heap;
	timers->size = size;
	return OK;
}

enum err timers_set(struct timers *timers, struct timer *timer, ms_t due)
{
	if (due == 0)
		due = 1;
	if (timer->slot == 0) {
		if (timers->n >= timers->max)
			return ERR_LIMIT;
		TRY(make_room(timers));
		timer->slot = (uint32_t)++timers->n;
	}
	timer->due = due;
	settle(timers, (size_t)timer->slot - 1, (struct entry){ due, timer });
	return OK;
}

void timers_clear(struct timers *timers, struct timer *timer)
{
	size_t at = (size_t)timer->slot - 1;
	struct entry last;

	if (timer->slot == 0)
		return;
	assert(timers->heap[at].timer == timer);
	timer->slot = 0;
	last = timers->heap[--timers->n];
	if (last.timer != timer)
		settle(timers, at, last);
}

struct timer *timers_take_due(struct timers *timers, ms_t now)
{
	struct timer *timer;

	if (timers->n == 0 || timers->heap[0].due > now)
		return NULL;
	timer = timers->heap[0].timer;
	timers_clear(timers, timer);
	return timer;
}

ms_t timers_next(const struct timers *timers)
{
	return timers->n ? timers->heap[0].due : 0;
}
