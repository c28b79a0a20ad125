#include <assert.h>
#include <sys/epoll.h>

#include "base/mem.h"
#include "net/private.h"
#include "net/socket.h"

struct net_watch {
	struct source source;
	struct net *net;
	void *owner;
	int fd;
	unsigned bits;  /* what is waited for */
	unsigned ready; /* what has come */
	struct timer deadline;
};

/* ---- what the kernel is told and tells ---- */

/*
 * It tells errors and the end of the other side unasked, and again in each turn; of a watch that waits for nothing it tells
 * them once.
 */
static struct epoll_event event_for(struct net_watch *watch, unsigned bits)
{
	struct epoll_event event = { .data.ptr = &watch->source };

	event.events = (bits & NET_READABLE ? (uint32_t)EPOLLIN : 0) |
		       (bits & NET_WRITABLE ? (uint32_t)EPOLLOUT : 0) | (bits ? 0 : (uint32_t)EPOLLET);
	return event;
}

void watch_is_ready(struct source *source, uint32_t events)
{
	struct net_watch *watch = CONTAINER_OF(source, struct net_watch, source);

	if (events & EPOLLIN)
		watch->ready |= NET_READABLE;
	if (events & EPOLLOUT)
		watch->ready |= NET_WRITABLE;
	if (events & (EPOLLERR | EPOLLHUP))
		watch->ready |= watch->bits; /* reading or writing will show what is wrong */
	net_report(watch->net, source);
}

void watch_deadline_passed(struct timer *timer)
{
	struct net_watch *watch = CONTAINER_OF(timer, struct net_watch, deadline);

	watch->ready |= NET_DEADLINE;
	net_report(watch->net, &watch->source);
}

bool watch_tell(struct source *source, struct net_event *ret_event)
{
	struct net_watch *watch = CONTAINER_OF(source, struct net_watch, source);
	unsigned ready = watch->ready & (watch->bits | NET_DEADLINE);

	watch->ready = 0;
	*ret_event = (struct net_event){ .kind = NET_READY, .owner = watch->owner, .ready = ready };
	return ready != 0;
}

/* ---- for others ---- */

enum err net_watch_new(struct net *net, int fd, unsigned bits, void *owner, struct net_watch **ret_watch)
{
	struct net_watch *watch;
	struct epoll_event event;
	enum err err;

	if (net->n == net->max)
		return ERR_LIMIT;
	watch = mem_new(struct net_watch);
	if (!watch)
		return ERR_NOMEM;
	*watch = (struct net_watch){
		.source.kind = NET_READY, .net = net, .owner = owner, .fd = fd, .bits = bits
	};
	watch->deadline.kind = DEADLINE_OF_WATCH;
	event = event_for(watch, bits);
	err = net_add_deadline(net, &watch->deadline, NEVER);
	if (err == OK && epoll_ctl(net->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		net_remove_deadline(net, &watch->deadline);
		err = ERR_IO;
	}
	if (err != OK) {
		mem_free(watch);
		return err;
	}
	*ret_watch = watch;
	return OK;
}

void net_watch_set(struct net_watch *watch, unsigned bits)
{
	struct epoll_event event;
	int rc;

	if (bits == watch->bits)
		return;
	watch->bits = bits;
	event = event_for(watch, bits);
	rc = epoll_ctl(watch->net->epoll, EPOLL_CTL_MOD, watch->fd, &event);
	assert(rc == 0); /* it takes no memory */
	(void)rc;
}

void net_watch_deadline(struct net_watch *watch, ms_t due)
{
	watch->ready &= ~(unsigned)NET_DEADLINE;
	net_move_deadline(watch->net, &watch->deadline, due ? due : NEVER);
}

static void forget(struct net_watch *watch)
{
	list_remove(&watch->net->ready, &watch->source.link);
	net_remove_deadline(watch->net, &watch->deadline);
	mem_free(watch);
}

void net_watch_free(struct net_watch *watch)
{
	if (!watch)
		return;
	epoll_ctl(watch->net->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	forget(watch);
}

void net_watch_close(struct net_watch *watch)
{
	socket_close(watch->fd);
	forget(watch);
}
