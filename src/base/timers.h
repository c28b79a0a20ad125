/*
 * A queue of points in time. The timers live inside their owners.
 *
 * Nearly all timers of a server are of a few lengths (64*T1, timer C, 100 after 200 ms), and those of one length are set in the
 * order in which they are due. So they stand in runs: lists in the order of time, of which only the first stands in a heap.
 * To set one that fits behind a run, to clear one within a run, and to take the next due one cost O(1) as long as the lengths are few;
 * in the worst case each is a run of its own, and all cost O(log n). Moving a running timer never allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/time.h"

/* A zeroed timer is not running. What it belongs to is found by CONTAINER_OF and kind. A running one stays
 * put. */
struct timer {
	ms_t due;
	struct timer *next, *prev; /* in its run */
	uint32_t slot;             /* 0 = not running; of the first of a run: place in the heap + 1 */
	int kind;                  /* the owner's own code for what to do */
};

struct timers;

/* max: the most timers that run at once, below 2^32. */
MUST_CHECK struct timers *timers_new(size_t max);
/* The timers that still run must not be touched by timers_ functions again. */
void timers_free(struct timers *timers);
OWN(timers)

/* Starts the timer, or moves a running one; due 0 counts as 1. ERR_LIMIT at the maximum, ERR_NOMEM; a running
 * one never fails. */
MUST_CHECK enum err timers_set(struct timers *timers, struct timer *timer, ms_t due);
/* Does nothing to one that is not running. */
void timers_clear(struct timers *timers, struct timer *timer);
/* Takes out the earliest timer that is due at now, or NULL. Equal times come in any order. */
struct timer *timers_take_due(struct timers *timers, ms_t now);
/* When the earliest is due, or 0 when none runs. */
ms_t timers_next(const struct timers *timers);
