#include "dns/loop.h"

#include <uv.h>

#include "base/mem.h"

struct loop {
	struct ub_event_base base; /* first: libunbound knows no more of it */
	uv_loop_t *uv;
};

/*
 * One event of libunbound: a descriptor, a time, or both. libuv's handles are memory of their own, since libuv keeps them
 * until a later turn. Closing that of the descriptor takes it out of the kernel's set at once, as it must: libunbound
 * closes the descriptor next, and its number may come again.
 */
struct event {
	struct ub_event pub; /* first */
	uv_loop_t *uv;
	int fd;
	short bits;
	void (*call)(int fd, short bits, void *arg);
	void *arg;
	uv_poll_t *poll;
	uv_timer_t *timer;
};

static struct event *event_of(struct ub_event *pub)
{
	return (struct event *)(void *)pub;
}

/* -- libuv's handles ------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
	mem_free(handle);
}

static void drop_poll(struct event *event)
{
	if (event->poll)
		uv_close((uv_handle_t *)event->poll, on_closed);
	event->poll = NULL;
}

static void drop_timer(struct event *event)
{
	if (event->timer)
		uv_close((uv_handle_t *)event->timer, on_closed);
	event->timer = NULL;
}

static void stop(struct event *event)
{
	drop_poll(event);
	if (event->timer)
		uv_timer_stop(event->timer);
}

/* The callback may free the event: nothing of it is touched afterwards. */
static void fire(struct event *event, short bits)
{
	if (!(event->bits & UB_EV_PERSIST))
		stop(event);
	event->call(event->fd, bits, event->arg);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct event *event = poll->data;
	int bits = (events & UV_READABLE ? UB_EV_READ : 0) | (events & UV_WRITABLE ? UB_EV_WRITE : 0);

	if (status < 0) /* reading or writing will show what is wrong */
		bits = event->bits & (UB_EV_READ | UB_EV_WRITE);
	fire(event, (short)bits);
}

static void on_timer(uv_timer_t *timer)
{
	fire(timer->data, UB_EV_TIMEOUT);
}

static int start_poll(struct event *event)
{
	int events = (event->bits & UB_EV_READ ? UV_READABLE : 0) |
		     (event->bits & UB_EV_WRITE ? UV_WRITABLE : 0);

	if (event->fd < 0 || events == 0)
		return 0;
	if (!event->poll) {
		event->poll = mem_new(uv_poll_t);
		if (!event->poll)
			return -1;
		if (uv_poll_init(event->uv, event->poll, event->fd) != 0) {
			mem_free(event->poll);
			event->poll = NULL;
			return -1;
		}
		event->poll->data = event;
	}
	return uv_poll_start(event->poll, events, on_poll) == 0 ? 0 : -1;
}

/* Rounded up: what fires too early would only wait again. */
static int start_timer(struct event *event, const struct timeval *after)
{
	uint64_t wait = (uint64_t)after->tv_sec * 1000 + ((uint64_t)after->tv_usec + 999) / 1000;

	if (!event->timer) {
		event->timer = mem_new(uv_timer_t);
		if (!event->timer)
			return -1;
		uv_timer_init(event->uv, event->timer);
		event->timer->data = event;
	}
	uv_update_time(event->uv);
	return uv_timer_start(event->timer, on_timer, wait, 0) == 0 ? 0 : -1;
}

/* -- what libunbound calls ---------------------------------------------------------------------------------------- */

static void add_bits(struct ub_event *pub, short bits)
{
	struct event *event = event_of(pub);

	event->bits = (short)(event->bits | bits);
}

static void del_bits(struct ub_event *pub, short bits)
{
	struct event *event = event_of(pub);

	event->bits = (short)(event->bits & ~bits);
}

static void set_fd(struct ub_event *pub, int fd)
{
	struct event *event = event_of(pub);

	drop_poll(event);
	event->fd = fd;
}

static void free_event(struct ub_event *pub)
{
	struct event *event = event_of(pub);

	drop_poll(event);
	drop_timer(event);
	mem_free(event);
}

static int add(struct ub_event *pub, struct timeval *after)
{
	struct event *event = event_of(pub);

	if (start_poll(event) != 0)
		return -1;
	return after && (event->bits & UB_EV_TIMEOUT) ? start_timer(event, after) : 0;
}

static int del(struct ub_event *pub)
{
	stop(event_of(pub));
	return 0;
}

static int add_timer(struct ub_event *pub, struct ub_event_base *base, void (*call)(int, short, void *),
		     void *arg, struct timeval *after)
{
	struct event *event = event_of(pub);

	(void)base;
	event->call = call;
	event->arg = arg;
	return start_timer(event, after);
}

static int del_timer(struct ub_event *pub)
{
	struct event *event = event_of(pub);

	if (event->timer)
		uv_timer_stop(event->timer);
	return 0;
}

/* It asks for no signals, and this is not Windows; but the tables have to be full. */
static int no_signal(struct ub_event *pub, struct timeval *after)
{
	(void)pub, (void)after;
	return -1;
}

static int no_del_signal(struct ub_event *pub)
{
	(void)pub;
	return -1;
}

static void no_winsock(struct ub_event *pub)
{
	(void)pub;
}

static void no_wouldblock(struct ub_event *pub, int bit)
{
	(void)pub, (void)bit;
}

static struct ub_event_vmt event_table = {
	.add_bits = add_bits,
	.del_bits = del_bits,
	.set_fd = set_fd,
	.free = free_event,
	.add = add,
	.del = del,
	.add_timer = add_timer,
	.del_timer = del_timer,
	.add_signal = no_signal,
	.del_signal = no_del_signal,
	.winsock_unregister_wsaevent = no_winsock,
	.winsock_tcp_wouldblock = no_wouldblock,
};

static struct ub_event *new_event(struct ub_event_base *base, int fd, short bits,
				  void (*call)(int, short, void *), void *arg)
{
	const struct loop *loop = (struct loop *)(void *)base;
	struct event *event = mem_new(struct event);

	if (!event)
		return NULL;
	*event = (struct event){
		.pub = { .magic = UB_EVENT_MAGIC, .vmt = &event_table },
		.uv = loop->uv,
		.fd = fd,
		.bits = bits,
		.call = call,
		.arg = arg,
	};
	return &event->pub;
}

static void free_base(struct ub_event_base *base)
{
	(void)base; /* it is ours: loop_free() */
}

static int no_dispatch(struct ub_event_base *base)
{
	(void)base;
	return -1;
}

static int no_loopexit(struct ub_event_base *base, struct timeval *after)
{
	(void)base, (void)after;
	return -1;
}

static struct ub_event *no_new_signal(struct ub_event_base *base, int signal,
				      void (*call)(int, short, void *), void *arg)
{
	(void)base, (void)signal, (void)call, (void)arg;
	return NULL;
}

static struct ub_event *no_new_winsock(struct ub_event_base *base, void *wsaevent,
				       void (*call)(int, short, void *), void *arg)
{
	(void)base, (void)wsaevent, (void)call, (void)arg;
	return NULL;
}

static struct ub_event_base_vmt base_table = {
	.free = free_base,
	.dispatch = no_dispatch,
	.loopexit = no_loopexit,
	.new_event = new_event,
	.new_signal = no_new_signal,
	.winsock_register_wsaevent = no_new_winsock,
};

struct ub_event_base *loop_new(struct net *net)
{
	struct loop *loop = mem_new(struct loop);

	if (!loop)
		return NULL;
	loop->base = (struct ub_event_base){ .magic = UB_EVENT_MAGIC, .vmt = &base_table };
	loop->uv = net_loop(net);
	return &loop->base;
}

void loop_free(struct ub_event_base *base)
{
	mem_free(base);
}
