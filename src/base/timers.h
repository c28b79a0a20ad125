/*
 * A queue of points in time: a heap of timers that live inside their owners. Setting, clearing and taking the
 * next due one cost O(log n). Moving a running timer never allocates.
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
	uint32_t slot; /* place in the heap + 1; 0 = not running */
	int kind;      /* the owner's own code for what to do */
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
