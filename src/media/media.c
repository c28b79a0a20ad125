#include "media/media.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "media/call.h"
#include "rtp/telephone_event.h"

enum {
	MAX_CALLS = 16,
	FRAME_US = AUDIO_FRAME_MS * 1000,
	MAX_BEHIND_US = 10 * FRAME_US, /* after a longer stop (suspended, stopped) time begins anew */
};

struct media {
	struct orders orders;
	struct events events;
	pthread_t thread;

	/* The thread's own. */
	struct media_call *calls[MAX_CALLS];
	size_t n_calls;
	uint64_t next_tick;
};

/* ---- the thread ------------------------------------------------------------------------------------------------- */

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The place of the call, or n_calls. */
static size_t find(const struct media *media, uint64_t id)
{
	size_t i = 0;

	while (i < media->n_calls && media->calls[i]->id != id)
		i++;
	return i;
}

static void drop(struct media *media, size_t place, enum media_event_kind last, const char *text)
{
	struct media_event event = media_call_event(media->calls[place], last);

	snprintf(event.text, sizeof event.text, "%s", text);
	media_call_free(media->calls[place]); /* first, so that the files are whole when the end is told */
	media->calls[place] = media->calls[--media->n_calls];
	events_post(&media->events, &event);
}

static void start(struct media *media, struct order *order, uint64_t now)
{
	struct media_event failed = { .kind = MEDIA_FAILED, .call = order->call };
	struct media_call *call = NULL;

	assert(find(media, order->call) == media->n_calls);
	if (media->n_calls == MAX_CALLS) {
		snprintf(failed.text, sizeof failed.text, "there are too many calls");
		events_post(&media->events, &failed);
		return;
	}
	if (media_call_new(order, &media->events, now, &call, failed.text) != OK) {
		events_post(&media->events, &failed);
		return;
	}
	if (media->n_calls == 0)
		media->next_tick = now + FRAME_US;
	media->calls[media->n_calls++] = call;
	media_call_tell(call, MEDIA_STARTED);
}

static void update(struct media *media, size_t place, const struct order *order, uint64_t now)
{
	enum err err = media_call_update(media->calls[place], &order->agreed, now);

	if (err == ERR_DENIED)
		drop(media, place, MEDIA_FAILED, "an encrypted call would have gone on in clear");
	else if (err != OK)
		drop(media, place, MEDIA_FAILED, "the new keys could not be used");
}

static void obey(struct media *media, struct order *order, uint64_t now)
{
	size_t place = find(media, order->call);

	if (order->kind == ORDER_START) {
		start(media, order, now);
		return;
	}
	if (place == media->n_calls)
		return;
	switch (order->kind) {
	case ORDER_UPDATE: update(media, place, order, now); break;
	case ORDER_DTMF: media_call_digit(media->calls[place], order->digit); break;
	case ORDER_STATISTICS: media_call_tell(media->calls[place], MEDIA_STATISTICS); break;
	default:
		media_call_bye(media->calls[place], now);
		drop(media, place, MEDIA_ENDED, "");
		break;
	}
}

/* False when there is nothing more to come. */
static bool read_orders(struct media *media)
{
	struct order *order;
	bool is_closing;

	while ((order = orders_take(&media->orders, &is_closing)) != NULL) {
		obey(media, order, now_us());
		order_free(order);
	}
	return !is_closing;
}

static int wait_ms(const struct media *media)
{
	uint64_t now = now_us();

	if (media->n_calls == 0)
		return -1;
	return now >= media->next_tick ? 0 : (int)((media->next_tick - now + 999) / 1000);
}

/* Sleeps until something has come or the next frame is due, and receives. */
static void wait_and_receive(struct media *media)
{
	struct pollfd fds[1 + 2 * MAX_CALLS] = { { .fd = media->orders.fd, .events = POLLIN } };
	nfds_t n = 1;

	for (size_t i = 0; i < media->n_calls; i++) {
		fds[n++] = (struct pollfd){ .fd = media->calls[i]->port->rtp, .events = POLLIN };
		fds[n++] = (struct pollfd){ .fd = media->calls[i]->port->rtcp, .events = POLLIN };
	}
	if (poll(fds, n, wait_ms(media)) <= 0)
		return;
	for (nfds_t i = 1; i < n; i++)
		if (fds[i].revents)
			media_call_receive(media->calls[(i - 1) / 2], fds[i].fd, now_us());
}

static void tick(struct media *media)
{
	uint64_t now = now_us();

	if (media->n_calls > 0 && now > media->next_tick + MAX_BEHIND_US)
		media->next_tick = now;
	while (media->n_calls > 0 && media->next_tick <= now) {
		for (size_t i = 0; i < media->n_calls; i++)
			media_call_tick(media->calls[i], now);
		media->next_tick += FRAME_US;
	}
}

static void *run(void *arg)
{
	struct media *media = arg;

	while (read_orders(media)) {
		wait_and_receive(media);
		tick(media);
	}
	while (media->n_calls > 0) {
		media_call_bye(media->calls[0], now_us());
		drop(media, 0, MEDIA_ENDED, "");
	}
	return NULL;
}

/* ---- the main thread's side ------------------------------------------------------------------------------------- */

/* Signals are for the main thread. */
static enum err start_thread(struct media *media)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&media->thread, NULL, run, media);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err == 0 ? OK : ERR_IO;
}

static enum err init_queues(struct media *media)
{
	enum err err;

	TRY(orders_init(&media->orders));
	err = events_init(&media->events);
	if (err != OK)
		orders_fini(&media->orders);
	return err;
}

enum err media_new(struct media **ret_media)
{
	struct media *media;
	enum err err;

	media = mem_new(struct media);
	if (!media)
		return ERR_NOMEM;
	err = init_queues(media);
	if (err != OK) {
		mem_free(media);
		return err;
	}
	err = start_thread(media);
	if (err != OK) {
		orders_fini(&media->orders);
		events_fini(&media->events);
		mem_free(media);
		return err;
	}
	*ret_media = media;
	return OK;
}

void media_free(struct media *media)
{
	if (!media)
		return;
	orders_close(&media->orders);
	pthread_join(media->thread, NULL);
	orders_fini(&media->orders);
	events_fini(&media->events);
	mem_free(media);
}

int media_fd(const struct media *media)
{
	return media->events.fd;
}

bool media_next_event(struct media *media, struct media_event *ret_event)
{
	return events_take(&media->events, ret_event);
}

/* A text for the other thread; NULL stays NULL. */
static bool copy_text(const char *text, const char **ret_copy)
{
	size_t n = text ? strlen(text) + 1 : 0;
	char *copy;

	*ret_copy = NULL;
	if (!text)
		return true;
	copy = mem_alloc(n);
	if (!copy)
		return false;
	memcpy(copy, text, n);
	*ret_copy = copy;
	return true;
}

enum err media_start(struct media *media, uint64_t call, struct media_port *port,
		     const struct sdp_media *agreed, const struct media_devices *devices)
{
	AUTO(media_port) struct media_port *owned = port;
	AUTO(order) struct order *order = order_new(ORDER_START, call);

	if (!order)
		return ERR_NOMEM;
	order->agreed = *agreed;
	order->devices.source.kind = devices->source.kind;
	order->devices.sink.kind = devices->sink.kind;
	if (!copy_text(devices->source.name, &order->devices.source.name) ||
	    !copy_text(devices->sink.name, &order->devices.sink.name) ||
	    !copy_text(devices->record, &order->devices.record))
		return ERR_NOMEM;
	order->port = TAKE(owned);
	orders_post(&media->orders, TAKE(order));
	return OK;
}

enum err media_update(struct media *media, uint64_t call, const struct sdp_media *agreed)
{
	struct order *order = order_new(ORDER_UPDATE, call);

	if (!order)
		return ERR_NOMEM;
	order->agreed = *agreed;
	orders_post(&media->orders, order);
	return OK;
}

enum err media_dtmf(struct media *media, uint64_t call, char digit)
{
	struct order *order;

	if (rtp_event_of_digit(digit) < 0)
		return ERR_SYNTAX;
	order = order_new(ORDER_DTMF, call);
	if (!order)
		return ERR_NOMEM;
	order->digit = digit;
	orders_post(&media->orders, order);
	return OK;
}

static enum err post(struct media *media, enum order_kind kind, uint64_t call)
{
	struct order *order = order_new(kind, call);

	if (!order)
		return ERR_NOMEM;
	orders_post(&media->orders, order);
	return OK;
}

enum err media_ask_statistics(struct media *media, uint64_t call)
{
	return post(media, ORDER_STATISTICS, call);
}

enum err media_stop(struct media *media, uint64_t call)
{
	return post(media, ORDER_STOP, call);
}
