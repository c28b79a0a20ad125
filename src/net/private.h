/* What the files of this room share and nobody else includes. */
#pragma once

#include <stdatomic.h>

#include <uv.h>

#include "base/list.h"
#include "base/timers.h"
#include "net/net.h"

#define SIGNALS_MAX 8
#define NEVER       UINT64_MAX

/* Whatever can have an event waiting: it stands in net->ready at most once. */
struct source {
	struct link link;
	enum net_event_kind kind;
};

struct signal_source {
	struct source source;
	uv_signal_t handle;
	struct net *net;
};

struct net {
	int epoll; /* tells of the watches and of the alarm */
	int alarm; /* rung by net_wake() */
	atomic_bool is_alarmed;
	uv_loop_t loop; /* signals, look-ups, and what other rooms have in it; while it has any, it waits … */
	uv_poll_t poll;   /* … for epoll too … */
	uv_timer_t timer; /* … until then */
	struct signal_source signals[SIGNALS_MAX];
	size_t n_signals;
	struct source woken;
	struct list ready; /* sources with an event, in the order they came */
	struct timers
		*timers; /* the deadlines; each watch and look-up has one running, if only until NEVER */
	size_t n, max;   /* watches and look-ups */
	struct net_lookup *told; /* whose addresses the last event shows */
	struct now now;
};

/* The kind of a deadline's timer. */
enum { DEADLINE_OF_WATCH, DEADLINE_OF_LOOKUP };

/* Queues the event of the source, unless it waits already. */
void net_report(struct net *net, struct source *source);
/* Starts the timer, so that moving it cannot fail later, and counts one more user of the loop. ERR_LIMIT,
 * ERR_NOMEM. */
MUST_CHECK enum err net_add_deadline(struct net *net, struct timer *timer, ms_t due);
void net_move_deadline(struct net *net, struct timer *timer, ms_t due);
void net_remove_deadline(struct net *net, struct timer *timer);

/* net/watch.c; the source and the timer are those of a watch. */
void watch_is_ready(struct source *source, uint32_t events);
void watch_deadline_passed(struct timer *timer);
/* False: its owner does not wait for that any more. */
bool watch_tell(struct source *source, struct net_event *ret_event);

/* net/lookup.c; the timer and the source are those of a look-up. */
void lookup_deadline_passed(struct timer *timer);
struct net_lookup *lookup_tell(struct source *source, struct net_event *ret_event);
