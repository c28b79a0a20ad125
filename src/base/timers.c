#include "base/timers.h"

#include <assert.h>

#include "base/mem.h"

enum {
	CHILDREN = 4, /* a flat heap: fewer cache lines on the way down than with two */
	FIRST_SIZE = 64,
	RUNS = 8,           /* that grow */
	BEHIND = INT32_MAX, /* the slot of a timer that is not the first of its run */
};

/* due stands here once more, so that comparing does not touch the timers. */
struct entry {
	ms_t due;
	struct timer *timer;
};

struct timers {
	struct entry *heap; /* the first of each run */
	size_t n_runs, size;
	size_t n, max; /* timers that run */
	/* The last of each run that grows, the latest first but for what clear() left: so as many suffice as there are lengths
	 * (patience sorting). Zeroed: there is none. */
	struct entry ends[RUNS];
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
	size_t end = first + CHILDREN < timers->n_runs ? first + CHILDREN : timers->n_runs;

	for (size_t child = first + 1; child < end; child++)
		if (timers->heap[child].due < timers->heap[earliest].due)
			earliest = child;
	return earliest;
}

static void sift_down(struct timers *timers, size_t at, struct entry entry)
{
	while (at * CHILDREN + 1 < timers->n_runs) {
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

/* For each that runs, so that one that is moved always finds room. */
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

/* The end of the run that a timer comes to stand behind; where it cannot, that end is given up for a new run. */
static struct entry *find_end(struct timers *timers, ms_t due)
{
	size_t i = 0;

	while (i < RUNS - 1 && timers->ends[i].due > due)
		i++;
	return &timers->ends[i];
}

static void insert(struct timers *timers, struct timer *timer)
{
	struct entry *end = find_end(timers, timer->due);
	struct entry entry = { timer->due, timer };

	if (end->timer && end->due <= timer->due) {
		timer->prev = end->timer;
		timer->prev->next = timer;
		timer->slot = BEHIND;
	} else {
		sift_up(timers, timers->n_runs++, entry);
	}
	*end = entry;
}

/* The run of its last timer ends with the one before. */
static void shorten(struct timers *timers, const struct timer *last)
{
	struct timer *before = last->prev;

	for (size_t i = 0; i < RUNS; i++)
		if (timers->ends[i].timer == last)
			timers->ends[i] = (struct entry){ before ? before->due : 0, before };
}

/* The first of a run leaves the heap; the next, or else the heap's last, comes into its place. */
static void remove_first(struct timers *timers, const struct timer *first)
{
	size_t at = (size_t)first->slot - 1;
	struct entry last;

	assert(timers->heap[at].timer == first);
	if (first->next) {
		sift_down(timers, at, (struct entry){ first->next->due, first->next });
		return;
	}
	last = timers->heap[--timers->n_runs];
	if (last.timer != first)
		settle(timers, at, last);
}

static void take_out(struct timers *timers, struct timer *timer)
{
	if (!timer->next)
		shorten(timers, timer);
	if (!timer->prev)
		remove_first(timers, timer);
	if (timer->next)
		timer->next->prev = timer->prev;
	if (timer->prev)
		timer->prev->next = timer->next;
	timer->next = timer->prev = NULL;
	timer->slot = 0;
}

enum err timers_set(struct timers *timers, struct timer *timer, ms_t due)
{
	if (timer->slot != 0) {
		take_out(timers, timer);
	} else {
		if (timers->n >= timers->max)
			return ERR_LIMIT;
		TRY(make_room(timers));
		timers->n++;
	}
	timer->due = due ? due : 1;
	insert(timers, timer);
	return OK;
}

void timers_clear(struct timers *timers, struct timer *timer)
{
	if (timer->slot == 0)
		return;
	take_out(timers, timer);
	timers->n--;
}

struct timer *timers_take_due(struct timers *timers, ms_t now)
{
	struct timer *timer;

	if (timers->n_runs == 0 || timers->heap[0].due > now)
		return NULL;
	timer = timers->heap[0].timer;
	timers_clear(timers, timer);
	return timer;
}

ms_t timers_next(const struct timers *timers)
{
	return timers->n_runs ? timers->heap[0].due : 0;
}
