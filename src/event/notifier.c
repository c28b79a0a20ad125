#include "event/notifier.h"

#include "base/mem.h"
#include "event/state.h"
#include "sip/accept.h"
#include "sip/build.h"
#include "sip/fields.h"

enum {
	EXPIRES_MIN = 60,
	LOOK_MS = 1000, /* between looks at the snapshot */
	DIAL_DOUBLINGS =
		6, /* the wait between two attempts to reach a domain is a second at first, and 64 at last */
};

/* -- life ---------------------------------------------------------------------------------------------------------- */

struct notifier *notifier_new(const struct event_package *const packages[], size_t n_packages,
			      struct map_key map_key)
{
	AUTO(notifier) struct notifier *notifier = mem_new(struct notifier);

	if (!notifier)
		return NULL;
	list_init(&notifier->all);
	notifier->packages = packages;
	notifier->n_packages = n_packages;
	notifier->subscriptions = map_new(NOTIFIER_SUBSCRIPTIONS, map_key);
	notifier->scratch = mem_alloc(EVENT_SCRATCH);
	notifier->rates = rates_new(map_key);
	notifier->per_minute = NOTIFIER_PER_MINUTE;
	if (!notifier->subscriptions || !notifier->scratch || !notifier->rates)
		return NULL;
	return TAKE(notifier);
}

void notifier_attach(struct notifier *notifier, struct endpoint *endpoint)
{
	notifier->endpoint = endpoint;
}

void notifier_set_way(struct notifier *notifier, const struct notifier_way *way)
{
	notifier->way = *way;
}

void notifier_set_place(struct notifier *notifier, const struct notifier_place *place)
{
	notifier->place = *place;
}

void notifier_set_rate(struct notifier *notifier, uint32_t per_minute)
{
	notifier->per_minute = per_minute;
}

/* Out of every table. The endpoint is there while subscriptions come and go, but not when the notifier does. */
static void release(struct subscription *subscription)
{
	list_remove(&subscription->notifier->all, &subscription->link);
	dlg_free(subscription->dialog);
	aor_unref(subscription->told);
	aor_unref(subscription->vouching);
	mem_free(subscription->key);
	mem_free(subscription);
}

void subscription_free(struct subscription *subscription)
{
	struct notifier *notifier = subscription->notifier;

	if (subscription->client)
		subscription->client->user = NULL;
	if (subscription->node.key.ptr)
		map_remove(notifier->subscriptions, &subscription->node);
	timers_clear(endpoint_timers(notifier->endpoint), &subscription->timer);
	endpoint_forget(notifier->endpoint, &subscription->question);
	release(subscription);
}

void notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return;
	LIST_EACH (subscription, &notifier->all, struct subscription, link)
		release(subscription);
	map_free(notifier->subscriptions);
	rates_free(notifier->rates);
	mem_free(notifier->scratch);
	mem_free(notifier);
}

/* -- which package ------------------------------------------------------------------------------------------------- */

static const struct event_package *find_package(const struct notifier *notifier,
						const struct sip_message *request)
{
	struct sip_event event;

	if (!sip_event_parse(sip_message_value(request, SIP_EVENT), &event))
		return NULL;
	for (size_t i = 0; i < notifier->n_packages; i++)
		if (slice_eq(notifier->packages[i]->name, event.package))
			return notifier->packages[i];
	return NULL;
}

const struct event_package *notifier_serves(const struct notifier *notifier,
					    const struct sip_message *request)
{
	return request->method == SIP_SUBSCRIBE ? find_package(notifier, request) : NULL;
}

void put_allow_events(struct writer *out, const struct notifier *notifier)
{
	put(out, SLICE("Allow-Events: "));
	for (size_t i = 0; i < notifier->n_packages; i++) {
		put(out, i > 0 ? SLICE(", ") : SLICE(""));
		put(out, notifier->packages[i]->name);
	}
	put(out, SLICE("\r\n"));
}

/* -- answering SUBSCRIBE ------------------------------------------------------------------------------------------- */

struct asked {
	struct notifier *notifier;
	struct server *server;
	struct now now;
};

static void refuse(const struct asked *asked, unsigned status, struct slice reason, struct slice headers)
{
	endpoint_respond(asked->notifier->endpoint, asked->server,
			 &(struct sip_reply){ .status = status, .reason = reason, .headers = headers },
			 asked->now);
}

static void refuse_overload(const struct asked *asked)
{
	refuse(asked, 503, slice_of(NULL), SLICE("Retry-After: 60\r\n"));
}

/* The first of a row is said, and every hundredth. */
static void report_rate(const struct asked *asked, struct slice who, uint64_t refused)
{
	char buf[RATE_KEY_MAX + 100];
	struct writer text = writer_of(buf, sizeof buf);

	if (refused % 100 != 1)
		return;
	put(&text, SLICE(" by=\""));
	put_escaped(&text, who);
	put(&text, SLICE("\" refused="));
	put_number(&text, refused);
	put(&text, SLICE(" per-minute="));
	put_number(&text, asked->notifier->per_minute);
	endpoint_report(asked->notifier->endpoint, &(struct report){
							   .level = REPORT_WARNING,
							   .event = "certificate.asked-too-often",
							   .flow = asked->server->flow,
							   .call_id = asked->server->request->call_id,
							   .text = writer_text(&text),
						   });
}

/* Each costs a signature. False: it has been refused. Not by 503, after which nothing would be asked of us for a while. */
static bool is_within_rate(const struct asked *asked, const struct event_package *package, account_id watcher,
			   struct slice domain)
{
	struct notifier *notifier = asked->notifier;
	char who[RATE_KEY_MAX], buf[64];
	struct writer key = writer_of(who, sizeof who), headers = writer_of(buf, sizeof buf);
	struct rate_answer answer;

	if (!package->is_vouched)
		return true;
	if (watcher < 0) {
		put_lower(&key, domain);
	} else {
		put(&key, SLICE("account "));
		put_number(&key, (uint64_t)watcher);
	}
	answer = rates_take(notifier->rates, writer_text(&key), notifier->per_minute, asked->now.mono);
	if (answer.wait == 0)
		return true;
	report_rate(asked, writer_text(&key), answer.refused);
	put(&headers, SLICE("Retry-After: "));
	put_number(&headers, (answer.wait + 999) / 1000);
	put(&headers, SLICE("\r\n"));
	refuse(asked, 500, SLICE("Asked Too Often"), writer_text(&headers));
	return false;
}

/* Whether a document may be sent; without Accept its own format is meant (RFC 3680 §4.5). */
static bool accepts(const struct sip_message *request, struct slice format)
{
	struct sip_values it = sip_values_of(request, SIP_ACCEPT);
	struct sip_accept_range range;
	struct sip_media_type wanted;
	struct slice value;

	if (!sip_message_header(request, SIP_ACCEPT))
		return true;
	if (!sip_media_type_parse(format, &wanted))
		return false;
	while (sip_values_next(&it, &value))
		if (sip_accept_range_parse(value, &range) && range.q > 0 &&
		    (slice_eq(range.type, SLICE("*")) || slice_eq_nocase(range.type, wanted.type)) &&
		    (slice_eq(range.subtype, SLICE("*")) || slice_eq_nocase(range.subtype, wanted.subtype)))
			return true;
	return false;
}

/* RFC 6665 §4.2.1.1. False: it has been refused. */
static bool choose_expires(const struct asked *asked, const struct event_package *package,
			   uint32_t *ret_expires)
{
	struct slice value = sip_message_value(asked->server->request, SIP_EXPIRES);
	uint32_t expires = package->expires_default;
	char buf[64];
	struct writer headers = writer_of(buf, sizeof buf);

	if (value.ptr && !sip_delta_parse(value, &expires)) {
		refuse(asked, 400, SLICE("Bad Expires"), slice_of(NULL));
		return false;
	}
	if (expires > 0 && expires < EXPIRES_MIN) {
		put(&headers, SLICE("Min-Expires: "));
		put_number(&headers, EXPIRES_MIN);
		put(&headers, SLICE("\r\n"));
		refuse(asked, 423, slice_of(NULL), writer_text(&headers));
		return false;
	}
	*ret_expires = expires < package->expires_max ? expires : package->expires_max;
	return true;
}

static void answer_ok(const struct asked *asked, const struct subscription *subscription, uint32_t expires)
{
	struct writer headers = writer_of(asked->notifier->scratch, EVENT_SCRATCH);
	struct sip_values it = sip_values_of(asked->server->request, SIP_RECORD_ROUTE);
	struct slice value;

	/* RFC 3261 §12.1.1: "the UAS MUST copy all Record-Route header field values from the request into the response" */
	while (sip_values_next(&it, &value))
		put_header(&headers, SIP_RECORD_ROUTE, value);
	put(&headers, SLICE("Expires: "));
	put_number(&headers, expires);
	put(&headers, SLICE("\r\n"));
	put_notifier_contact(&headers, subscription);
	put_allow_events(&headers, asked->notifier);
	endpoint_respond(asked->notifier->endpoint, asked->server,
			 &(struct sip_reply){
				 .status = 200,
				 .to_tag = subscription->dialog->local_tag,
				 .headers = writer_text(&headers),
			 },
			 asked->now);
}

/* -- the next step ------------------------------------------------------------------------------------------------- */

static bool set_timer(struct subscription *subscription, struct now now)
{
	ms_t due = now.mono + LOOK_MS;

	if (due > subscription->ends && subscription->ends > now.mono)
		due = subscription->ends;
	return timers_set(endpoint_timers(subscription->notifier->endpoint), &subscription->timer, due) == OK;
}

/* The last NOTIFY, which says why; what cannot be said ends in silence. */
static void finish(struct subscription *subscription, const char *reason, struct aor *aor, struct now now)
{
	subscription->reason = reason;
	subscription->wants_all = true;
	if (!notify_send(subscription, aor, now))
		subscription_free(subscription);
}

static void look(struct subscription *subscription)
{
	subscription->question.kind = NOTIFIER_QUESTION;
	if (endpoint_lookup(subscription->notifier->endpoint, &subscription->question, subscription->name) !=
	    OK)
		subscription->question.id = 0; /* the next look is due soon */
}

/* Nothing reaches the subscriber. */
static bool is_cut_off(const struct subscription *subscription)
{
	return !endpoint_flow_view(subscription->notifier->endpoint, subscription->flow);
}

static bool can_be_dialled(const struct subscription *subscription)
{
	return subscription->domain.len > 0 && subscription->notifier->way.to;
}

/* Whether there is a flow to the subscriber, or may be one when there is something to tell. */
static bool is_reachable(const struct subscription *subscription, struct now now)
{
	return !is_cut_off(subscription) ||
	       (can_be_dialled(subscription) && now.mono >= subscription->dial_due);
}

void subscription_dial_later(struct subscription *subscription, struct now now)
{
	unsigned doublings = subscription->dialled < DIAL_DOUBLINGS ? subscription->dialled : DIAL_DOUBLINGS;

	subscription->dial_due = now.mono + ((ms_t)LOOK_MS << doublings);
	subscription->dialled++;
}

/* The domain is dialled where its flow is gone. False: nothing can be sent now. */
static bool reach(struct subscription *subscription, struct now now)
{
	const struct notifier_way *way = &subscription->notifier->way;
	flow_id flow;

	if (!is_cut_off(subscription))
		return true;
	if (!is_reachable(subscription, now))
		return false;
	flow = way->to(way->self, subscription->domain);
	if (flow == 0) {
		subscription_dial_later(subscription, now);
		return false;
	}
	subscription->flow = flow;
	return true;
}

void notifier_timer(struct timer *timer, struct now now)
{
	struct subscription *subscription = CONTAINER_OF(timer, struct subscription, timer);
	bool ended = now.mono >= subscription->ends;

	if ((ended && !subscription->client && is_cut_off(subscription)) || !set_timer(subscription, now)) {
		subscription_free(subscription);
		return;
	}
	if (subscription->client || subscription->reason || subscription->question.id ||
	    !is_reachable(subscription, now))
		return;
	if (ended || subscription->wants_all ||
	    now.mono >= subscription->notified + subscription->package->throttle)
		look(subscription);
}

/* Whether there is nothing more to be told. A package that anybody may ask for tells of an account's end, too. */
static bool has_lost_account(const struct subscription *subscription, const struct aor *aor)
{
	return !subscription->package->is_vouched && (!aor || aor->account.id != subscription->watcher);
}

static void take_look(struct subscription *subscription, const struct answer *answer, struct now now)
{
	struct aor *aor = answer->err == OK ? answer->aor : NULL;
	struct event_state state = {
		.name = subscription->name,
		.now = aor,
		.before = subscription->told,
		.wall = now.wall,
		.wall_before = subscription->told_at,
	};

	/* That it could not be found out is no answer. */
	if (subscription->client || subscription->reason ||
	    (answer->err != OK && answer->err != ERR_NOT_FOUND))
		return;
	if (has_lost_account(subscription, aor))
		finish(subscription, "noresource", NULL, now);
	else if (now.mono >= subscription->ends)
		finish(subscription, "timeout", aor, now);
	else if ((subscription->wants_all || subscription->package->has_changed(&state)) &&
		 reach(subscription, now) && !notify_send(subscription, aor, now))
		subscription_free(subscription);
}

void notifier_answer(struct question *question, const struct answer *answer, struct now now)
{
	struct subscription *subscription = CONTAINER_OF(question, struct subscription, question);

	if (question->kind == NOTIFIER_QUESTION)
		take_look(subscription, answer, now);
	else if (!notify_vouched(subscription, answer, now))
		subscription_free(subscription);
}

/* -- a new one ----------------------------------------------------------------------------------------------------- */

/* Those of the subscriber, after some that are cut off have made room: all of them, or those that nobody will dial. */
static size_t count_of(struct notifier *notifier, const struct event_package *package, account_id watcher,
		       bool ends_all)
{
	size_t n = 0;

	LIST_EACH (subscription, &notifier->all, struct subscription, link) {
		if (subscription->watcher != watcher || subscription->package != package)
			continue;
		if (!subscription->client && is_cut_off(subscription) &&
		    (ends_all || !can_be_dialled(subscription)))
			subscription_free(subscription);
		else
			n++;
	}
	return n;
}

/* For one more of the subscriber. */
static bool has_room(struct notifier *notifier, const struct event_package *package, account_id watcher)
{
	size_t most = watcher < 0 ? package->per_domain : package->per_account;

	return count_of(notifier, package, watcher, false) < most ||
	       count_of(notifier, package, watcher, true) < most;
}

static void put_key(struct writer *out, struct slice call_id, struct slice ours, struct slice theirs)
{
	put(out, call_id);
	put_char(out, '\n');
	put(out, ours);
	put_char(out, '\n');
	put(out, theirs);
}

/* The key of the dialog, and behind it the name of the AOR and the subscriber's domain. */
static enum err set_texts(struct subscription *subscription, const struct notifier_request *request)
{
	const struct dlg *dialog = subscription->dialog;
	struct slice name = request->name, domain = request->domain;
	size_t size = dialog->call_id.len + dialog->local_tag.len + dialog->remote_tag.len + 2 + name.len +
		      domain.len;
	struct writer out;
	size_t n_key;

	subscription->key = mem_alloc(size);
	if (!subscription->key)
		return ERR_NOMEM;
	out = writer_of(subscription->key, size);
	put_key(&out, dialog->call_id, dialog->local_tag, dialog->remote_tag);
	n_key = out.len;
	put(&out, name);
	put_lower(&out, domain);
	subscription->node.key = slice_from(out.buf, n_key);
	subscription->name = slice_from(out.buf + n_key, name.len);
	subscription->domain = slice_from(out.buf + n_key + name.len, domain.len);
	return OK;
}

/* The Event's id goes into every NOTIFY (RFC 6665 §8.2.1). */
static enum err set_event_id(struct subscription *subscription, const struct sip_message *request)
{
	struct writer out = writer_of(subscription->id, sizeof subscription->id);
	struct sip_event event;

	if (!sip_event_parse(sip_message_value(request, SIP_EVENT), &event))
		return ERR_SYNTAX;
	put(&out, event.id);
	subscription->id_len = out.len;
	return out.overflow ? ERR_SYNTAX : OK;
}

static bool is_secure(const struct server *server)
{
	return server->request->uri.scheme == SIP_SCHEME_SIPS &&
	       transport_is_secure(flow_transport(server->flow));
}

static enum err subscription_new(const struct asked *asked, const struct notifier_request *request,
				 struct subscription **ret_subscription)
{
	struct notifier *notifier = asked->notifier;
	struct subscription *subscription = mem_new(struct subscription);
	unsigned char bytes[EVENT_TAG_SIZE / 2];
	char tag[EVENT_TAG_SIZE];
	struct writer out = writer_of(tag, sizeof tag);
	enum err err;

	if (!subscription)
		return ERR_NOMEM;
	random_bytes(endpoint_random(notifier->endpoint), bytes, sizeof bytes);
	put_hex(&out, bytes, sizeof bytes);
	subscription->notifier = notifier;
	subscription->package = find_package(notifier, asked->server->request);
	subscription->watcher = request->watcher;
	subscription->flow = asked->server->flow;
	subscription->timer.kind = NOTIFIER_TIMER;
	list_append(&notifier->all, &subscription->link);
	err = dlg_new_uas(asked->server->request, writer_text(&out), is_secure(asked->server),
			  &subscription->dialog);
	if (err == OK)
		err = set_event_id(subscription, asked->server->request);
	if (err == OK)
		err = set_texts(subscription, request);
	if (err == OK)
		err = map_add(notifier->subscriptions, &subscription->node);
	if (err != OK)
		subscription->node.key = slice_of(NULL); /* it is not in the table */
	if (err == OK && !set_timer(subscription, asked->now))
		err = ERR_NOMEM;
	if (err != OK) {
		subscription_free(subscription);
		return err;
	}
	dlg_confirm_uas(subscription->dialog);
	*ret_subscription = subscription;
	return OK;
}

/* It is answered; Expires 0 is a look, or an end (RFC 6665 §4.1.2.3, §4.4.3). */
static void settle(const struct asked *asked, struct subscription *subscription, uint32_t expires,
		   struct aor *aor)
{
	subscription->ends = asked->now.mono + (ms_t)expires * 1000;
	subscription->wants_all = true;
	answer_ok(asked, subscription, expires);
	if (!aor)
		look(subscription);
	else if (expires == 0)
		finish(subscription, "timeout", aor, asked->now);
	else if (!notify_send(subscription, aor, asked->now))
		subscription_free(subscription);
}

void notifier_subscribe(struct notifier *notifier, const struct notifier_request *request, struct now now)
{
	const struct asked asked = { notifier, request->server, now };
	const struct event_package *package = find_package(notifier, request->server->request);
	struct subscription *subscription = NULL; /* for a compiler that cannot follow */
	uint32_t expires;

	if (!accepts(request->server->request, package->format)) {
		refuse(&asked, 406, slice_of(NULL), slice_of(NULL));
		return;
	}
	if (!choose_expires(&asked, package, &expires) ||
	    !is_within_rate(&asked, package, request->watcher, request->domain))
		return;
	if (!has_room(notifier, package, request->watcher)) {
		refuse_overload(&asked);
		return;
	}
	switch (subscription_new(&asked, request, &subscription)) {
	case OK: settle(&asked, subscription, expires, request->aor); return;
	case ERR_SYNTAX:
		refuse(&asked, 400, SLICE("Bad Contact, Record-Route Or Event"), slice_of(NULL));
		return;
	case ERR_DENIED:
		refuse(&asked, 400, SLICE("Contact Or Record-Route Is Not SIPS"), slice_of(NULL));
		return;
	default: refuse_overload(&asked);
	}
}

/* -- in a dialog --------------------------------------------------------------------------------------------------- */

static struct subscription *find(const struct notifier *notifier, const struct sip_message *request)
{
	struct writer key = writer_of(notifier->scratch, EVENT_SCRATCH);
	struct map_node *node;

	put_key(&key, request->call_id, request->to.tag, request->from.tag);
	node = key.overflow ? NULL : map_find(notifier->subscriptions, writer_text(&key));
	return node ? CONTAINER_OF(node, struct subscription, node) : NULL;
}

/* Whether it is the subscriber who asks: on his flow, or on another one where his account or domain is proven since. */
static bool is_from_subscriber(const struct subscription *subscription, flow_id flow)
{
	struct endpoint *endpoint = subscription->notifier->endpoint;

	return flow == subscription->flow ||
	       (subscription->domain.len > 0 ? endpoint_flow_proves(endpoint, flow, subscription->domain)
					     : endpoint_flow_has(endpoint, flow, subscription->watcher));
}

/* False: it has been refused. */
static bool check_refresh(const struct asked *asked, struct subscription *subscription)
{
	const struct sip_message *request = asked->server->request;
	char buf[256];
	struct writer headers = writer_of(buf, sizeof buf);

	put_allow_events(&headers, asked->notifier);
	if (subscription->reason || !is_from_subscriber(subscription, asked->server->flow))
		refuse(asked, 481, slice_of(NULL), slice_of(NULL));
	else if (find_package(asked->notifier, request) != subscription->package)
		refuse(asked, 489, slice_of(NULL), writer_text(&headers));
	else if (!dlg_receive(subscription->dialog, request))
		refuse(asked, 500, SLICE("CSeq Is Not Above That Of The Earlier SUBSCRIBE"), slice_of(NULL));
	else
		return true;
	return false;
}

/* Last of all: with what is refused the subscriber has not moved. False: it has been refused. */
static bool take_contact(const struct asked *asked, struct subscription *subscription)
{
	if (dlg_refresh_target(subscription->dialog, asked->server->request) == OK)
		return true;
	refuse(asked, 400, SLICE("Bad Contact"), slice_of(NULL));
	return false;
}

/* What was sent on the flow before is waited for no longer: it says nothing of whom this one reaches. */
static void move_to(struct subscription *subscription, flow_id flow)
{
	if (subscription->client && subscription->client->flow != flow) {
		subscription->client->user = NULL;
		subscription->client = NULL;
	}
	subscription->flow = flow;
}

bool notifier_refresh(struct notifier *notifier, struct server *server, struct now now)
{
	const struct asked asked = { notifier, server, now };
	struct subscription *subscription = find(notifier, server->request);
	uint32_t expires;

	if (!subscription || server->request->method != SIP_SUBSCRIBE)
		return false;
	if (!check_refresh(&asked, subscription) ||
	    !choose_expires(&asked, subscription->package, &expires) ||
	    !is_within_rate(&asked, subscription->package, subscription->watcher, subscription->domain) ||
	    !take_contact(&asked, subscription))
		return true;
	move_to(subscription, server->flow);
	subscription->ends = now.mono + (ms_t)expires * 1000;
	answer_ok(&asked, subscription, expires);
	subscription->wants_all = true;
	if (!subscription->client && !subscription->question.id)
		look(subscription);
	return true;
}
