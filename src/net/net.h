/*
 * One thread's loop: descriptors that are waited on, deadlines, signals, look-ups of names, and a wake-up
 *from other threads. The shape is a wait and then a queue that is emptied; nothing is ever called back:
 *
 *	for (;;) {
 *		net_wait(net, endpoint_due(endpoint));
 *		struct now now = net_now(net);
 *		while (net_next(net, &event))
 *			…
 *	}
 *
 * Events are kept in their watch, not copied: one that is freed takes its waiting event along, so no event
 *ever names an owner that is gone. Everything but net_wake() belongs to the thread that made the loop.
 * Process-wide: net_new() makes SIGPIPE ignored.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"

struct net;
struct net_watch;
struct net_lookup;

enum net_ready {
	NET_READABLE = 1, /* also at end of file and on error: read to learn which */
	NET_WRITABLE = 2,
	NET_DEADLINE = 4, /* the watch's deadline has passed; it is cleared */
};

enum net_event_kind {
	NET_READY,  /* owner, ready */
	NET_SIGNAL, /* signal */
	NET_WOKEN,  /* net_wake() was called once or more often */
	NET_FOUND,  /* owner, err, addresses: a look-up has ended; its handle is gone */
};

struct net_event {
	enum net_event_kind kind;
	void *owner;    /* as it was given with the watch or the look-up */
	unsigned ready; /* enum net_ready bits */
	int signal;
	enum err err;                    /* OK, ERR_NOT_FOUND, ERR_AGAIN (not before the deadline), ERR_IO */
	const struct address *addresses; /* until the next net_next() or net_wait() */
	size_t n_addresses;
};

/* max_watches: the most descriptors waited on and look-ups under way. NULL without memory or descriptors. */
MUST_CHECK struct net *net_new(size_t max_watches);
/* After all watches and look-ups. Waits for look-ups that the system's resolver has not ended yet. */
void net_free(struct net *net);
OWN(net)

/* Blocks until an event is there, or until due (on the clock of net_now().mono; 0 is no limit). Takes the
 * time. */
void net_wait(struct net *net, ms_t due);
/* The time as it was when net_wait() returned (or net_new()): the same for a whole turn. */
struct now net_now(const struct net *net);
/* The next event in the order they came, or false. */
bool net_next(struct net *net, struct net_event *ret_event);

/*
 * For rooms beside this one whose library works in the same loop (dns/): all their handles are closed before net_free(). Its
 * clock stands while nobody has anything in it: uv_update_time() before a timer is started.
 */
struct uv_loop_s *net_loop(struct net *net);

/* Makes net_wait() return with NET_WOKEN. From any thread, as long as the loop lives. */
void net_wake(struct net *net);
/* Has the signal reported as NET_SIGNAL instead of acting; at most 8 of them. ERR_LIMIT, ERR_IO. */
MUST_CHECK enum err net_signal(struct net *net, int signal);

/*
 * Waits for the ready bits (NET_READABLE, NET_WRITABLE, both or none yet) of a descriptor, which stays the
 * caller's. One watch a descriptor. ERR_LIMIT at the maximum, ERR_NOMEM, ERR_IO for a descriptor that cannot
 * be waited on.
 */
MUST_CHECK enum err net_watch_new(struct net *net, int fd, unsigned bits, void *owner,
				  struct net_watch **ret_watch);
/* Other bits from now on. Cheap when nothing changes. */
void net_watch_set(struct net_watch *watch, unsigned bits);
/* An event with NET_DEADLINE at that time (mono), once; replaces the deadline before; 0 for none. */
void net_watch_deadline(struct net_watch *watch, ms_t due);
/* No event of it comes any more. The descriptor may be closed right after, not before. */
void net_watch_free(struct net_watch *watch);
/* Closes its descriptor too, in one call of the system instead of two; no duplicate of it may be open anywhere. Not for NULL. */
void net_watch_close(struct net_watch *watch);
OWN(net_watch)

/* What is looked up: a host, and the port that its addresses get. */
struct net_name {
	struct slice host;
	uint16_t port;
};

/*
 * A and AAAA records of a host by the system's resolver, in its order, with the port put into each address.
 * For the phone and the tools. ERR_SYNTAX for what is no host name, ERR_LIMIT, ERR_NOMEM.
 */
#define NET_ADDRESSES_MAX 16
MUST_CHECK enum err net_lookup_new(struct net *net, const struct net_name *wanted, ms_t deadline, void *owner,
				   struct net_lookup **ret_lookup);
/* Before its event has been taken: none will come. */
void net_lookup_free(struct net_lookup *lookup);
OWN(net_lookup)
