/* The events that wait for the program: see ua/event.h. */
#pragma once

#include <stdbool.h>

#include "base/list.h"
#include "ua/event.h"

struct ua_queued;

struct ua_queue {
	struct list waiting;
	struct ua_queued *taken; /* what the event given out last points into */
	bool lost;               /* for lack of memory */
};

void ua_queue_init(struct ua_queue *queue);
/* With the keys in what still waits. */
void ua_queue_fini(struct ua_queue *queue);

/* Copies it, texts included. */
void ua_queue_put(struct ua_queue *queue, const struct ua_event *event);
bool ua_queue_take(struct ua_queue *queue, struct ua_event *ret_event);
