/*
 * What goes from the main thread to the media thread (orders) and back (events). Each direction is a queue under a
 * lock of its own, with a descriptor that is readable while it is not empty. For the files of this room.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"
#include "media/event.h"
#include "media/media.h"

enum order_kind { ORDER_START, ORDER_UPDATE, ORDER_DTMF, ORDER_STATISTICS, ORDER_STOP };

struct order {
	struct link link;
	enum order_kind kind;
	uint64_t call;
	char digit;                   /* ORDER_DTMF */
	struct sdp_media agreed;      /* ORDER_START, ORDER_UPDATE */
	struct media_port *port;      /* ORDER_START: owned */
	struct media_devices devices; /* ORDER_START: the texts are owned */
};

/* NULL without memory. */
struct order *order_new(enum order_kind kind, uint64_t call);
/* Wipes the keys and frees what was not taken out. */
void order_free(struct order *order);
OWN(order)

struct orders {
	pthread_mutex_t lock;
	int fd;
	struct list list;
	bool is_closing;
};

MUST_CHECK enum err orders_init(struct orders *orders);
/* Frees the orders that were not read; accepts a zeroed one. */
void orders_fini(struct orders *orders);
/* The order is owned by the queue from here on. */
void orders_post(struct orders *orders, struct order *order);
/* The last thing that is posted. */
void orders_close(struct orders *orders);
/* The oldest order, or NULL. */
struct order *orders_take(struct orders *orders, bool *ret_is_closing);

enum {
	EVENTS_KEPT = 128,
	EVENTS_RESERVED = 32, /* places that only the last event of a call may take */
};

/* A ring that never allocates: who does not take his events loses the newest of them, but not a call's last. */
struct events {
	pthread_mutex_t lock;
	int fd;
	size_t first, n;
	struct media_event ring[EVENTS_KEPT];
};

MUST_CHECK enum err events_init(struct events *events);
void events_fini(struct events *events);
void events_post(struct events *events, const struct media_event *event);
bool events_take(struct events *events, struct media_event *ret_event);
