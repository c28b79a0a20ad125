#include "media/mailbox.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

/* Can fail only when the counter is full, and then the descriptor is readable anyway. */
static void signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof one);

	(void)n;
}

static void clear_fd(int fd)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof count);

	(void)n;
}

static enum err init(pthread_mutex_t *lock, int *fd)
{
	if (pthread_mutex_init(lock, NULL) != 0)
		return ERR_NOMEM;
	*fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (*fd >= 0)
		return OK;
	pthread_mutex_destroy(lock);
	return ERR_IO;
}

/* ---- orders ---------------------------------------------------------------------------------------------------- */

struct order *order_new(enum order_kind kind, uint64_t call)
{
	struct order *order = mem_new(struct order);

	if (order) {
		order->kind = kind;
		order->call = call;
	}
	return order;
}

void order_free(struct order *order)
{
	if (!order)
		return;
	media_port_free(order->port);
	mem_free((char *)(uintptr_t)order->devices.source.name);
	mem_free((char *)(uintptr_t)order->devices.sink.name);
	mem_free((char *)(uintptr_t)order->devices.record);
	sdp_media_wipe(&order->agreed);
	mem_free(order);
}

enum err orders_init(struct orders *orders)
{
	list_init(&orders->list);
	orders->is_closing = false;
	return init(&orders->lock, &orders->fd);
}

void orders_fini(struct orders *orders)
{
	LIST_EACH (order, &orders->list, struct order, link) {
		list_remove(&orders->list, &order->link);
		order_free(order);
	}
	close(orders->fd);
	pthread_mutex_destroy(&orders->lock);
}

void orders_post(struct orders *orders, struct order *order)
{
	pthread_mutex_lock(&orders->lock);
	list_append(&orders->list, &order->link);
	pthread_mutex_unlock(&orders->lock);
	signal_fd(orders->fd);
}

void orders_close(struct orders *orders)
{
	pthread_mutex_lock(&orders->lock);
	orders->is_closing = true;
	pthread_mutex_unlock(&orders->lock);
	signal_fd(orders->fd);
}

struct order *orders_take(struct orders *orders, bool *ret_is_closing)
{
	struct link *link;

	pthread_mutex_lock(&orders->lock);
	link = list_take_first(&orders->list);
	*ret_is_closing = orders->is_closing;
	if (!link)
		clear_fd(orders->fd);
	pthread_mutex_unlock(&orders->lock);
	return link ? CONTAINER_OF(link, struct order, link) : NULL;
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

enum err events_init(struct events *events)
{
	events->first = events->n = 0;
	return init(&events->lock, &events->fd);
}

void events_fini(struct events *events)
{
	close(events->fd);
	pthread_mutex_destroy(&events->lock);
}

void events_post(struct events *events, const struct media_event *event)
{
	bool is_last = event->kind == MEDIA_ENDED || event->kind == MEDIA_FAILED;
	size_t room = is_last ? EVENTS_KEPT : EVENTS_KEPT - EVENTS_RESERVED;

	pthread_mutex_lock(&events->lock);
	if (events->n < room)
		events->ring[(events->first + events->n++) % EVENTS_KEPT] = *event;
	pthread_mutex_unlock(&events->lock);
	signal_fd(events->fd);
}

bool events_take(struct events *events, struct media_event *ret_event)
{
	bool found;

	pthread_mutex_lock(&events->lock);
	found = events->n > 0;
	if (found) {
		*ret_event = events->ring[events->first];
		events->first = (events->first + 1) % EVENTS_KEPT;
		events->n--;
	} else {
		clear_fd(events->fd);
	}
	pthread_mutex_unlock(&events->lock);
	return found;
}

const char *media_event_name(enum media_event_kind kind)
{
	static const char *const names[MEDIA_EVENTS] = {
		/* clang-format off */
		[MEDIA_STARTED]       = "started",
		[MEDIA_RECEIVING]     = "receiving",
		[MEDIA_NOT_RECEIVING] = "not-receiving",
		[MEDIA_NOT_HEARD]     = "not-heard",
		[MEDIA_DIGIT]         = "digit",
		[MEDIA_NO_DIGIT]      = "no-digit",
		[MEDIA_PLAYED]        = "played",
		[MEDIA_NO_DEVICE]     = "no-device",
		[MEDIA_RECORDING]     = "recording",
		[MEDIA_NO_RECORD]     = "no-record",
		[MEDIA_STATISTICS]    = "statistics",
		[MEDIA_REMOTE_BYE]    = "remote-bye",
		[MEDIA_FAILED]        = "failed",
		[MEDIA_ENDED]         = "ended",
		/* clang-format on */
	};

	return names[kind];
}
