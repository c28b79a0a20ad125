#include "ua/queue.h"

#include "base/mem.h"

struct ua_queued {
	struct link link;
	struct ua_event event;
	struct verdict verdict; /* that the event points to, if it does */
	struct ua_protection protection;
	char texts[];
};

static const char *const cause_names[] = {
	[UA_CAUSE_NONE] = "none",
	[UA_HUNG_UP] = "hung-up",
	[UA_HUNG_UP_THERE] = "hung-up-there",
	[UA_MOVED] = "moved",
	[UA_BUSY] = "busy",
	[UA_DECLINED] = "declined",
	[UA_NO_ANSWER] = "no-answer",
	[UA_CANCELLED] = "cancelled",
	[UA_UNKNOWN_USER] = "unknown-user",
	[UA_UNAVAILABLE] = "unavailable",
	[UA_WRONG_PASSWORD] = "wrong-password",
	[UA_NOT_AUTHENTIC] = "not-authentic",
	[UA_CERTIFICATE] = "certificate",
	[UA_BOGUS_DNS] = "bogus-dns",
	[UA_NOT_SECURE] = "not-secure",
	[UA_NOT_ACCEPTABLE] = "not-acceptable",
	[UA_SERVER_GONE] = "server-gone",
	[UA_TIMEOUT] = "timeout",
	[UA_REFUSED] = "refused",
	[UA_FAILED] = "failed",
};

const char *ua_cause_name(enum ua_cause cause)
{
	return cause_names[cause];
}

static void queued_free(struct ua_queued *queued)
{
	if (!queued)
		return;
	sdp_media_wipe(&queued->event.media);
	mem_free(queued);
}

void ua_queue_init(struct ua_queue *queue)
{
	*queue = (struct ua_queue){ .lost = false };
	list_init(&queue->waiting);
}

void ua_queue_fini(struct ua_queue *queue)
{
	LIST_EACH (queued, &queue->waiting, struct ua_queued, link) {
		list_remove(&queue->waiting, &queued->link);
		queued_free(queued);
	}
	queued_free(queue->taken);
	queue->taken = NULL;
}

void ua_queue_put(struct ua_queue *queue, const struct ua_event *event)
{
	size_t size = event->text.len + event->peer.len + event->state.len;
	struct ua_queued *queued = mem_zalloc(1, sizeof *queued + size);
	char *at;

	if (!queued) {
		queue->lost = true;
		return;
	}
	queued->event = *event;
	if (event->verdict) {
		queued->verdict = *event->verdict;
		queued->event.verdict = &queued->verdict;
	}
	if (event->protection) {
		queued->protection = *event->protection;
		queued->event.protection = &queued->protection;
	}
	at = queued->texts;
	queued->event.text = slice_copy(&at, event->text);
	queued->event.peer = slice_copy(&at, event->peer);
	queued->event.state = slice_copy(&at, event->state);
	list_append(&queue->waiting, &queued->link);
}

bool ua_queue_take(struct ua_queue *queue, struct ua_event *ret_event)
{
	struct link *link;

	queued_free(queue->taken);
	queue->taken = NULL;
	if (queue->lost) {
		queue->lost = false;
		*ret_event = (struct ua_event){ .kind = UA_NO_MEMORY };
		return true;
	}
	link = list_take_first(&queue->waiting);
	if (!link)
		return false;
	queue->taken = CONTAINER_OF(link, struct ua_queued, link);
	*ret_event = queue->taken->event;
	return true;
}
