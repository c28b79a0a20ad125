#include "net/net.h"

#include <assert.h>
#include <signal.h>
#include <time.h>

#include "base/mem.h"
#include "net/private.h"

struct net_watch {
	struct source source;
	uv_poll_t poll;
	struct net *net;
	void *owner;
	unsigned bits;  /* what is waited for */
	unsigned ready; /* what has come */
	struct timer deadline;
};

/* ---- the queue of events and the deadlines ---- */

void net_report(struct net *net, struct source *source)
{
	if (!link_is_in_list(&source->link))
		list_append(&net->ready, &source->link);
}

void net_move_deadline(struct net *net, struct timer *timer, ms_t due)
{
	/* The heap has had room for it since net_add_deadline(). */
	enum err err = timers_set(net->timers, timer, due);

	assert(err == OK);
	(void)err;
}

enum err net_add_deadline(struct net *net, struct timer *timer, ms_t due)
{
	TRY(timers_set(net->timers, timer, due));
	net->n++;
	return OK;
}

void net_remove_deadline(struct net *net, struct timer *timer)
{
	timers_clear(net->timers, timer);
	net->n--;
}

static void take_deadlines(struct net *net)
{
	struct timer *timer;

	while ((timer = timers_take_due(net->timers, net->now.mono))) {
		net_move_deadline(net, timer, NEVER);
		if (timer->kind == DEADLINE_OF_LOOKUP) {
			lookup_deadline_passed(timer);
			continue;
		}
		struct net_watch *watch = CONTAINER_OF(timer, struct net_watch, deadline);

		watch->ready |= NET_DEADLINE;
		net_report(net, &watch->source);
	}
}

/* ---- the loop ---- */

static void take_time(struct net *net)
{
	struct timespec wall;

	uv_update_time(&net->loop);
	clock_gettime(CLOCK_REALTIME, &wall);
	net->now = (struct now){ .mono = uv_now(&net->loop), .wall = wall.tv_sec };
}

static void on_async(uv_async_t *async)
{
	struct net *net = async->data;

	net_report(net, &net->woken);
}

/*
 * That the wait has ended is all; but a timer that came due between our look at the clock and the loop's own is called before
 * the loop waits, and that wait must not begin: nothing else might ever end it.
 */
static void on_timer(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static bool init_loop(struct net *net)
{
	if (uv_loop_init(&net->loop) != 0)
		return false;
	uv_timer_init(&net->loop, &net->timer);
	if (uv_async_init(&net->loop, &net->async, on_async) == 0) {
		net->async.data = net;
		return true;
	}
	uv_close((uv_handle_t *)&net->timer, NULL);
	uv_run(&net->loop, UV_RUN_DEFAULT);
	uv_loop_close(&net->loop);
	return false;
}

static void forget_told(struct net *net)
{
	net_lookup_free(net->told);
	net->told = NULL;
}

struct net *net_new(size_t max_watches)
{
	struct net *net = mem_new(struct net);

	if (!net)
		return NULL;
	signal(SIGPIPE, SIG_IGN); /* a write to a closed connection is an error like others */
	list_init(&net->ready);
	net->woken.kind = NET_WOKEN;
	net->max = max_watches;
	net->timers = timers_new(max_watches);
	if (!net->timers || !init_loop(net)) {
		timers_free(net->timers);
		mem_free(net);
		return NULL;
	}
	take_time(net);
	return net;
}

void net_free(struct net *net)
{
	int rc;

	if (!net)
		return;
	forget_told(net);
	assert(net->n == 0);
	for (size_t i = 0; i < net->n_signals; i++)
		uv_close((uv_handle_t *)&net->signals[i].handle, NULL);
	uv_close((uv_handle_t *)&net->timer, NULL);
	uv_close((uv_handle_t *)&net->async, NULL);
	uv_run(&net->loop, UV_RUN_DEFAULT); /* until every handle is closed and every look-up back */
	rc = uv_loop_close(&net->loop);
	assert(rc == 0);
	(void)rc;
	timers_free(net->timers);
	mem_free(net);
}

/* When to stop waiting; NEVER if only an event can tell. */
static ms_t wait_until(const struct net *net, ms_t due)
{
	ms_t deadline = timers_next(net->timers);

	if (!due)
		due = NEVER;
	return deadline && deadline < due ? deadline : due;
}

void net_wait(struct net *net, ms_t due)
{
	bool may_block = !list_first(&net->ready);

	forget_told(net);
	due = wait_until(net, due);
	uv_update_time(&net->loop);
	if (due <= uv_now(&net->loop))
		may_block = false;
	if (may_block && due != NEVER)
		uv_timer_start(&net->timer, on_timer, due - uv_now(&net->loop), 0);
	uv_run(&net->loop, may_block ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	uv_timer_stop(&net->timer);
	take_time(net);
	take_deadlines(net);
}

struct now net_now(const struct net *net)
{
	return net->now;
}

/* False for a watch whose owner does not wait for that any more. */
static bool tell_watch(struct net_watch *watch, struct net_event *ret_event)
{
	unsigned ready = watch->ready & (watch->bits | NET_DEADLINE);

	watch->ready = 0;
	*ret_event = (struct net_event){ .kind = NET_READY, .owner = watch->owner, .ready = ready };
	return ready != 0;
}

static bool tell(struct net *net, struct source *source, struct net_event *ret_event)
{
	switch (source->kind) {
	case NET_READY: return tell_watch(CONTAINER_OF(source, struct net_watch, source), ret_event);
	case NET_SIGNAL:
		*ret_event = (struct net_event){ .kind = NET_SIGNAL };
		ret_event->signal = CONTAINER_OF(source, struct signal_source, source)->handle.signum;
		return true;
	case NET_FOUND: net->told = lookup_tell(source, ret_event); return true;
	case NET_WOKEN: *ret_event = (struct net_event){ .kind = NET_WOKEN }; return true;
	}
	return false;
}

bool net_next(struct net *net, struct net_event *ret_event)
{
	struct link *link;

	forget_told(net);
	while ((link = list_take_first(&net->ready)))
		if (tell(net, CONTAINER_OF(link, struct source, link), ret_event))
			return true;
	return false;
}

struct uv_loop_s *net_loop(struct net *net)
{
	return &net->loop;
}

void net_wake(struct net *net)
{
	uv_async_send(&net->async);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int signum)
{
	struct signal_source *from = handle->data;

	(void)signum;
	net_report(from->net, &from->source);
}

enum err net_signal(struct net *net, int signal)
{
	struct signal_source *to = &net->signals[net->n_signals];

	if (net->n_signals == SIGNALS_MAX)
		return ERR_LIMIT;
	if (uv_signal_init(&net->loop, &to->handle) != 0)
		return ERR_IO;
	net->n_signals++;
	to->source.kind = NET_SIGNAL;
	to->net = net;
	to->handle.data = to;
	return uv_signal_start(&to->handle, on_signal, signal) == 0 ? OK : ERR_IO;
}

/* ---- watches ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

static int poll_for(struct net_watch *watch)
{
	int events = (watch->bits & NET_READABLE ? UV_READABLE : 0) |
		     (watch->bits & NET_WRITABLE ? UV_WRITABLE : 0);

	return events ? uv_poll_start(&watch->poll, events, on_poll) : uv_poll_stop(&watch->poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct net_watch *watch = poll->data;

	if (events & UV_READABLE)
		watch->ready |= NET_READABLE;
	if (events & UV_WRITABLE)
		watch->ready |= NET_WRITABLE;
	if (status < 0) {
		/* libuv stops at an error; ours goes on telling it, like any other state of the descriptor.
		 */
		watch->ready |= watch->bits;
		poll_for(watch);
	}
	net_report(watch->net, &watch->source);
}

enum err net_watch_new(struct net *net, int fd, unsigned bits, void *owner, struct net_watch **ret_watch)
{
	struct net_watch *watch;
	enum err err;

	if (net->n == net->max)
		return ERR_LIMIT;
	watch = mem_new(struct net_watch);
	if (!watch)
		return ERR_NOMEM;
	*watch = (struct net_watch){ .source.kind = NET_READY, .net = net, .owner = owner, .bits = bits };
	watch->deadline.kind = DEADLINE_OF_WATCH;
	err = net_add_deadline(net, &watch->deadline, NEVER);
	if (err != OK || uv_poll_init(&net->loop, &watch->poll, fd) != 0) {
		if (err == OK)
			net_remove_deadline(net, &watch->deadline);
		mem_free(watch);
		return err == OK ? ERR_IO : err;
	}
	watch->poll.data = watch;
	if (bits && poll_for(watch) != 0) {
		net_watch_free(watch);
		return ERR_IO;
	}
	*ret_watch = watch;
	return OK;
}

void net_watch_set(struct net_watch *watch, unsigned bits)
{
	if (bits == watch->bits)
		return;
	watch->bits = bits;
	poll_for(watch);
}

void net_watch_deadline(struct net_watch *watch, ms_t due)
{
	watch->ready &= ~(unsigned)NET_DEADLINE;
	net_move_deadline(watch->net, &watch->deadline, due ? due : NEVER);
}

static void on_watch_closed(uv_handle_t *handle)
{
	mem_free(handle->data);
}

void net_watch_free(struct net_watch *watch)
{
	if (!watch)
		return;
	list_remove(&watch->net->ready, &watch->source.link);
	net_remove_deadline(watch->net, &watch->deadline);
	/* Stops polling now; the memory is libuv's until the next turn. */
	uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}
