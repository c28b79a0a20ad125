#include "net/net.h"

#include <assert.h>
#include <limits.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/private.h"
#include "net/socket.h"

/* More of them wait for the next turn: the kernel tells those that were told least recently first. */
enum { EVENTS_PER_TURN = 256 };

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
		if (timer->kind == DEADLINE_OF_LOOKUP)
			lookup_deadline_passed(timer);
		else
			watch_deadline_passed(timer);
	}
}

/* ---- the loop ---- */

static ms_t mono_now(void)
{
	struct timespec mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (ms_t)mono.tv_sec * 1000 + (ms_t)mono.tv_nsec / 1000000;
}

static void take_time(struct net *net)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	net->now = (struct now){ .mono = mono_now(), .wall = wall.tv_sec };
}

static void take_events(struct net *net, int timeout)
{
	struct epoll_event events[EVENTS_PER_TURN];
	/* Interrupted by a signal it brings nothing. */
	int n = epoll_wait(net->epoll, events, EVENTS_PER_TURN, timeout);

	for (int i = 0; i < n; i++) {
		struct source *source = events[i].data.ptr;

		if (source->kind == NET_WOKEN) {
			atomic_store(&net->is_alarmed, false);
			net_report(net, source);
		} else {
			watch_is_ready(source, events[i].events);
		}
	}
}

static void on_epoll(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	take_events(poll->data, 0);
}

/*
 * That the wait has ended is all; but a timer that came due between our look at the clock and the loop's own is called before
 * the loop waits, and that wait must not begin: nothing else might ever end it.
 */
static void on_timer(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static bool init_epoll(struct net *net)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = &net->woken };

	net->epoll = epoll_create1(EPOLL_CLOEXEC);
	net->alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (net->epoll >= 0 && net->alarm >= 0 &&
	    epoll_ctl(net->epoll, EPOLL_CTL_ADD, net->alarm, &event) == 0)
		return true;
	socket_close(net->epoll);
	socket_close(net->alarm);
	return false;
}

/* Does not count: the loop is alive if somebody has something else in it. */
static bool watch_epoll(struct net *net)
{
	if (uv_poll_init(&net->loop, &net->poll, net->epoll) != 0)
		return false;
	net->poll.data = net;
	uv_unref((uv_handle_t *)&net->poll);
	uv_poll_start(&net->poll, UV_READABLE, on_epoll);
	return true;
}

static bool init_loop(struct net *net)
{
	if (!init_epoll(net))
		return false;
	if (uv_loop_init(&net->loop) == 0) {
		uv_timer_init(&net->loop, &net->timer);
		if (watch_epoll(net))
			return true;
		uv_close((uv_handle_t *)&net->timer, NULL);
		uv_run(&net->loop, UV_RUN_DEFAULT);
		uv_loop_close(&net->loop);
	}
	socket_close(net->epoll);
	socket_close(net->alarm);
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
	uv_close((uv_handle_t *)&net->poll, NULL);
	uv_run(&net->loop, UV_RUN_DEFAULT); /* until every handle is closed and every look-up back */
	rc = uv_loop_close(&net->loop);
	assert(rc == 0);
	(void)rc;
	socket_close(net->epoll);
	socket_close(net->alarm);
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

/* How many milliseconds the wait may take; -1: as long as it likes. */
static int patience(ms_t due)
{
	ms_t now = mono_now();

	if (due <= now)
		return 0;
	return due == NEVER ? -1 : due - now < INT_MAX ? (int)(due - now) : INT_MAX;
}

/* With libuv's descriptors and timers, and ours as one among them. */
static void run_loop(struct net *net, int timeout)
{
	uv_update_time(&net->loop);
	if (timeout > 0)
		uv_timer_start(&net->timer, on_timer, (uint64_t)timeout, 0);
	uv_run(&net->loop, timeout == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
	uv_timer_stop(&net->timer);
}

void net_wait(struct net *net, ms_t due)
{
	int timeout;

	forget_told(net);
	timeout = list_first(&net->ready) ? 0 : patience(wait_until(net, due));
	if (uv_loop_alive(&net->loop))
		run_loop(net, timeout);
	else
		take_events(net, timeout);
	take_time(net);
	take_deadlines(net);
}

struct now net_now(const struct net *net)
{
	return net->now;
}

static bool tell(struct net *net, struct source *source, struct net_event *ret_event)
{
	switch (source->kind) {
	case NET_READY: return watch_tell(source, ret_event);
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
	static const uint64_t one = 1;
	ssize_t n;

	if (atomic_exchange(&net->is_alarmed, true))
		return; /* it rings already */
	n = write(net->alarm, &one, sizeof(one));
	assert(n == sizeof(one)); /* it holds more rings than there will ever be */
	(void)n;
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
