/*
 * What is to be done, in the order in which it was asked for: actions first, then letters, then the closing
 * of flows, so that what is said on a flow leaves before it is closed. Actions live in one arena that is
 * emptied when all are taken.
 */
#include "base/mem.h"
#include "endpoint/state.h"

struct item {
	struct link link;
	struct action action;
};

/* An error: which of the two reasons the arena had. */
static enum err refusal(const struct endpoint *endpoint, size_t size)
{
	return size > endpoint->limits.output - arena_used(endpoint->outbox_arena) ? ERR_LIMIT : ERR_NOMEM;
}

static enum err new_item(struct endpoint *endpoint, enum action_kind kind, struct item **ret_item)
{
	struct item *item = arena_alloc(endpoint->outbox_arena, sizeof(*item));

	if (!item)
		return refusal(endpoint, sizeof(*item));
	*item = (struct item){ .action.kind = kind };
	*ret_item = item;
	return OK;
}

static enum err keep(struct endpoint *endpoint, struct slice *text)
{
	return arena_copy(endpoint->outbox_arena, *text, text);
}

static void queue(struct endpoint *endpoint, struct item *item)
{
	list_append(&endpoint->outbox, &item->link);
}

enum err outbox_send(struct endpoint *endpoint, const struct sending *sending)
{
	struct slice bytes = sending->bytes;
	struct item *item;

	TRY(new_item(endpoint, ACTION_SEND, &item));
	TRY(keep(endpoint, &bytes));
	item->action.send.flow = sending->flow;
	item->action.send.bytes = bytes;
	item->action.send.port = sending->port;
	queue(endpoint, item);
	return OK;
}

void outbox_close(struct endpoint *endpoint, flow_id flow, const char *why)
{
	struct item *item;

	if (new_item(endpoint, ACTION_CLOSE, &item) != OK) {
		endpoint->counts.dropped_no_memory++;
		return;
	}
	item->action.close.flow = flow;
	item->action.close.why = why;
	queue(endpoint, item);
}

static enum err keep_question(struct endpoint *endpoint, struct action *question)
{
	switch (question->kind) {
	case ACTION_LOOKUP: return keep(endpoint, &question->lookup.aor);
	case ACTION_STORE: (void)aor_ref(question->store.wanted); return OK;
	case ACTION_CERTIFY:
		TRY(keep(endpoint, &question->certify.aor));
		return keep(endpoint, &question->certify.body);
	case ACTION_VOUCH:
		TRY(keep(endpoint, &question->vouch.domain));
		return keep(endpoint, &question->vouch.entity);
	case ACTION_RESOLVE: return keep(endpoint, &question->resolve.name);
	default: /* ACTION_CONNECT */
		TRY(keep(endpoint, &question->connect.host));
		TRY(keep(endpoint, &question->connect.domain));
		TRY(keep(endpoint, &question->connect.pin));
		TRY(keep(endpoint, &question->connect.tlsa));
		return keep(endpoint, &question->connect.as);
	}
}

enum err outbox_ask(struct endpoint *endpoint, const struct action *question)
{
	struct item *item;

	TRY(new_item(endpoint, question->kind, &item));
	item->action = *question;
	TRY(keep_question(endpoint, &item->action));
	queue(endpoint, item);
	return OK;
}

void outbox_post(struct endpoint *endpoint, struct letter *letter)
{
	list_append(&endpoint->letters, &letter->link);
}

bool endpoint_reports(const struct endpoint *endpoint, enum report_level level)
{
	return level <= endpoint->level;
}

void endpoint_report(struct endpoint *endpoint, const struct report *report)
{
	struct item *item;

	if (!endpoint_reports(endpoint, report->level) || new_item(endpoint, ACTION_REPORT, &item) != OK)
		return;
	item->action.report = *report;
	if (keep(endpoint, &item->action.report.call_id) == OK &&
	    keep(endpoint, &item->action.report.text) == OK)
		queue(endpoint, item);
}

void endpoint_blame(struct endpoint *endpoint, flow_id flow, enum misdeed misdeed)
{
	struct item *item;

	/* what cannot be held against anybody for lack of memory is let go */
	if (new_item(endpoint, ACTION_BLAME, &item) != OK)
		return;
	item->action.blame.flow = flow;
	item->action.blame.misdeed = misdeed;
	queue(endpoint, item);
}

void put_fact(struct writer *out, const char *name, struct slice text)
{
	put_char(out, ' ');
	put(out, slice_of(name));
	put(out, SLICE("=\""));
	put_escaped(out, text);
	put_char(out, '"');
}

/* Up to the first line end. */
static struct slice start_line(const struct sip_message *message)
{
	return slice_sub(message->text, 0, slice_find(message->text, '\r'));
}

void report_passing(struct endpoint *endpoint, const char *event, flow_id flow,
		    const struct sip_message *message)
{
	char buf[512];
	struct writer out = writer_of(buf, sizeof(buf));

	if (!endpoint_reports(endpoint, REPORT_DEBUG))
		return;
	put_fact(&out, "start", start_line(message));
	put_fact(&out, "cseq", sip_message_value(message, SIP_CSEQ));
	endpoint_report(endpoint, &(struct report){
					  .level = REPORT_DEBUG,
					  .event = event,
					  .flow = flow,
					  .call_id = message->call_id,
					  .text = writer_text(&out),
				  });
}

/* The next action of the arena, with what it holds. */
static bool take_item(struct endpoint *endpoint, struct action *ret_action)
{
	struct link *link = list_take_first(&endpoint->outbox);

	aor_unref(TAKE(endpoint->wanted));
	if (!link)
		return false;
	*ret_action = CONTAINER_OF(link, struct item, link)->action;
	if (ret_action->kind == ACTION_STORE)
		endpoint->wanted = ret_action->store.wanted;
	return true;
}

void outbox_drop(struct endpoint *endpoint)
{
	struct action ignored;

	while (take_item(endpoint, &ignored))
		;
}

bool endpoint_output(struct endpoint *endpoint, struct action *ret_action)
{
	struct link *link;

	if (take_item(endpoint, ret_action))
		return true;
	arena_reset(endpoint->outbox_arena);

	link = list_take_first(&endpoint->letters);
	if (link) {
		*ret_action = (struct action){
			.kind = ACTION_POST,
			.post = CONTAINER_OF(link, struct letter, link),
		};
		return true;
	}
	link = list_take_first(&endpoint->closing);
	if (link) {
		const struct flow *flow = CONTAINER_OF(link, struct flow, closing);

		*ret_action = (struct action){ .kind = ACTION_CLOSE, .close = { flow->id, flow->why } };
		return true;
	}
	return false;
}
