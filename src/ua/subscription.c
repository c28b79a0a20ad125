#include "ua/subscription.h"

#include "base/mem.h"
#include "sip/fields.h"
#include "ua/exchange.h"

enum {
	LINES_MAX = 16 * 1024,
	EXPIRES = 3600,
	EXPIRES_MAX = 7 * 86400,
	AGAIN_MS = 2000,     /* between two subscriptions in a row, if the other side ends them at once */
	RETRY_MAX = 30 * 60, /* seconds: a Retry-After beyond this counts as never */
	LATER = 60,          /* seconds: "at some later time", where none is said */
	SPARE = 32,          /* seconds before the end at which it is refreshed */
	RAISES_MAX = 4,      /* more often nobody has us ask again (423) */
};

/* -- life -------------------------------------------------------------------------------------------- */

static struct subscription *subscription_new(struct ua *ua, const struct subscription_plan *plan)
{
	struct subscription *sub = mem_new(struct subscription);
	char *at;

	if (!sub)
		return NULL;
	sub->texts = mem_alloc(plan->uri.len + plan->package.len + plan->accept.len + 1);
	if (!sub->texts) {
		mem_free(sub);
		return NULL;
	}
	at = sub->texts;
	sub->uri = slice_copy(&at, plan->uri);
	sub->package = slice_copy(&at, plan->package);
	sub->accept = slice_copy(&at, plan->accept);
	sub->user = plan->user;
	sub->ua = ua;
	sub->id = ++ua->next_id;
	sub->wanted = EXPIRES;
	list_append(&ua->subscriptions, &sub->link);
	return sub;
}

static void subscription_free(struct subscription *sub)
{
	list_remove(&sub->ua->subscriptions, &sub->link);
	dlg_free(sub->dialog);
	mem_free(sub->texts);
	mem_free(sub);
}

static struct subscription *find(const struct ua *ua, uint64_t id)
{
	LIST_EACH (sub, &ua->subscriptions, struct subscription, link)
		if (sub->id == id && sub->state != SUB_OVER)
			return sub;
	return NULL;
}

/* The one that asked so; NULL: the dialog in which it did is over, and with it what becomes of that. */
static struct subscription *find_asking(const struct exchange *exchange)
{
	LIST_EACH (sub, &exchange->ua->subscriptions, struct subscription, link)
		if (sub->series == exchange->id && sub->state != SUB_OVER)
			return sub;
	return NULL;
}

static void end(struct subscription *sub, enum ua_cause cause, unsigned status, struct slice why,
		struct now now)
{
	bool wanted = sub->state == SUB_ENDING;

	ua_clear_timer(sub->ua, &sub->timer);
	sub->state = SUB_OVER;
	if (sub->user) {
		if (!wanted)
			sub->user->ended(sub, status, why, now);
		return;
	}
	ua_tell(sub->ua, &(struct ua_event){
				 .kind = UA_WATCH_ENDED,
				 .id = sub->id,
				 .cause = wanted ? UA_HUNG_UP : cause,
				 .status = status,
				 .text = why,
				 .peer = sub->uri,
			 });
}

/* -- SUBSCRIBE --------------------------------------------------------------------------------------- */

static const struct exchange_user subscribe_user;

static void put_from(struct writer *out, const struct subscription *sub)
{
	put_char(out, '<');
	put(out, sub->ua->aor);
	put(out, SLICE(">;tag="));
	put(out, ua_token(&sub->tag));
}

/* Outside of a dialog, as long as there is none. */
static void put_first_headers(struct writer *out, const struct subscription *sub)
{
	put(out, SLICE("From: "));
	put_from(out, sub);
	put(out, SLICE("\r\nTo: <"));
	put(out, sub->uri);
	put(out, SLICE(">\r\n"));
	put_header(out, SIP_CALL_ID, ua_token(&sub->call_id));
	put(out, SLICE("Max-Forwards: 70\r\n"));
}

/* The CSeq of what was sent last in its dialog, which is one more than we know of where a challenge was met meanwhile. */
static uint32_t last_cseq(const struct subscription *sub)
{
	uint32_t last = sub->cseq;

	LIST_EACH (exchange, &sub->ua->exchanges, struct exchange, link)
		if (exchange->method == SIP_SUBSCRIBE && exchange->id == sub->series &&
		    exchange->number > last)
			last = exchange->number;
	return last;
}

static enum err subscribe(struct subscription *sub, unsigned expires, struct now now)
{
	char *lines = mem_alloc(LINES_MAX);
	struct writer out = writer_of(lines, LINES_MAX);
	struct exchange_plan plan = {
		.user = &subscribe_user,
		.id = sub->series,
		.method = SIP_SUBSCRIBE,
		.uri = sub->dialog ? dlg_request_uri(sub->dialog) : sub->uri,
		.after = last_cseq(sub),
		.in_dialog = sub->dialog != NULL,
	};
	struct exchange *exchange;
	enum err err;

	if (!lines)
		return ERR_NOMEM;
	if (sub->dialog)
		put_dlg_headers(&out, sub->dialog);
	else
		put_first_headers(&out, sub);
	put(&out, SLICE("Contact: "));
	put_ua_contact(&out, sub->ua, sub->is_secure);
	put(&out, SLICE("\r\nEvent: "));
	put(&out, sub->package);
	put(&out, SLICE("\r\n"));
	if (sub->accept.len > 0)
		put_header(&out, SIP_ACCEPT, sub->accept);
	put_ua_line(&out, SLICE("Expires"), expires);
	put_ua_agent(&out);
	plan.lines = writer_text(&out);
	err = out.overflow ? ERR_LIMIT : exchange_start(sub->ua, &plan, now, &exchange);
	mem_free(lines);
	if (err == OK)
		sub->cseq = exchange->number;
	return err;
}

/* A new dialog; timer N runs until its first NOTIFY is there (RFC 6665 §4.1.2.4). */
static enum err begin(struct subscription *sub, struct now now)
{
	enum err err;

	sub->state = SUB_NOTIFY_WAIT;
	sub->series = ++sub->ua->next_id;
	sub->has_way = false;
	sub->call_id = ua_token_make(sub->ua);
	sub->tag = ua_token_make(sub->ua);
	sub->cseq = 0;
	err = subscribe(sub, sub->wanted, now);
	if (err == OK)
		ua_set_timer(sub->ua, &sub->timer, UA_TIMER_SUBSCRIPTION, now.mono + UA_GIVE_UP);
	return err;
}

static void refresh_in(struct subscription *sub, unsigned seconds, struct now now)
{
	ms_t life = (ms_t)seconds * 1000, wait = seconds > 2 * SPARE ? life - SPARE * 1000 : life / 2;

	sub->until = now.mono + life;
	ua_set_timer(sub->ua, &sub->timer, UA_TIMER_SUBSCRIPTION, now.mono + wait);
}

/* In another dialog: this one is over. */
static void begin_anew(struct subscription *sub, ms_t wait, struct now now)
{
	dlg_free(sub->dialog);
	sub->dialog = NULL;
	sub->series = 0;
	sub->state = SUB_AGAIN;
	ua_set_timer(sub->ua, &sub->timer, UA_TIMER_SUBSCRIPTION, now.mono + wait);
}

static unsigned bounded(uint32_t seconds)
{
	return seconds < EXPIRES_MAX ? seconds : EXPIRES_MAX;
}

/*
 * The 2xx of the first SUBSCRIBE has the whole way with it, which a NOTIFY that was not record-routed lacks. It makes no
 * dialog usage yet: that takes the NOTIFY.
 */
static void keep_way(struct subscription *sub, const struct sip_message *response)
{
	char from[1024];
	struct writer out = writer_of(from, sizeof from);
	struct dlg_sent sent = {
		.call_id = ua_token(&sub->call_id),
		.from_tag = ua_token(&sub->tag),
		.cseq = sub->cseq,
		.secure = sub->is_secure,
	};

	if (sub->dialog) {
		if (sip_message_header(response, SIP_RECORD_ROUTE) &&
		    dlg_has_response(sub->dialog, response) && dlg_confirm_uac(sub->dialog, response) != OK)
			return; /* that of the NOTIFY stays */
		return;
	}
	put_from(&out, sub);
	sent.from = writer_text(&out);
	if (out.overflow || dlg_new_uac(&sent, response, &sub->dialog) != OK)
		sub->dialog = NULL; /* the NOTIFY has to do */
}

/* RFC 3261 §12.2.1.2: of a 2xx to a refresh the Contact counts. One that may not be followed leaves all as it is. */
static void follow(struct subscription *sub, const struct sip_message *response)
{
	if (dlg_has_response(sub->dialog, response) && dlg_refresh_target(sub->dialog, response) == ERR_NOMEM)
		sub->ua->events.lost = true;
}

static void on_granted(struct subscription *sub, const struct sip_message *response, struct now now)
{
	uint32_t seconds = sub->wanted;

	if (!sub->has_way)
		keep_way(sub, response);
	else if (sub->state == SUB_ACTIVE)
		follow(sub, response);
	sub->has_way = true;
	if (!sip_delta_parse(sip_message_value(response, SIP_EXPIRES), &seconds))
		seconds = sub->wanted;
	if (sub->state == SUB_ACTIVE) /* else the NOTIFY is still to come */
		refresh_in(sub, bounded(seconds), now);
}

/* RFC 6665 §4.1.2.1: 423, with what it asks for; that goes up only. */
static bool ask_for_longer(struct subscription *sub, const struct sip_message *response, struct now now)
{
	uint32_t least;

	if (response->status != 423 || sub->raises >= RAISES_MAX ||
	    !sip_delta_parse(sip_message_value(response, SIP_MIN_EXPIRES), &least) || least <= sub->wanted ||
	    least > EXPIRES_MAX)
		return false;
	sub->raises++;
	sub->wanted = least;
	return subscribe(sub, sub->wanted, now) == OK;
}

/* §4.1.2.2: after these, and after any refusal of the first one, there is no subscription. */
static bool ends(unsigned status)
{
	return status == 404 || status == 405 || status == 410 || status == 416 ||
	       (status >= 480 && status <= 485) || status == 489 || status == 501 || status == 604;
}

static void on_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct subscription *sub = find_asking(exchange);

	if (!sub || response->status < 200)
		return;
	sub->cseq = last_cseq(sub);
	if (response->status < 300)
		on_granted(sub, response, now);
	else if (response->status == 481 && sub->state == SUB_ACTIVE)
		begin_anew(sub, AGAIN_MS, now); /* §4.1.2.2: the notifier was started anew, say */
	else if (!ask_for_longer(sub, response, now) && (sub->state != SUB_ACTIVE || ends(response->status)))
		end(sub, ua_cause_of(response->status), response->status, ua_why_of(response), now);
	/* else it lives until what was granted is over, and another one is asked for then */
}

static void on_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	struct subscription *sub = find_asking(exchange);

	if (!sub)
		return;
	if (sub->state == SUB_NOTIFY_WAIT && sub->was_active && cause == UA_SERVER_GONE)
		begin_anew(sub, AGAIN_MS, now);
	else if (sub->state != SUB_ACTIVE || cause == UA_NOT_AUTHENTIC)
		end(sub, cause, 0, why, now);
}

static const struct exchange_user subscribe_user = { on_response, on_failed };

static bool is_token(struct slice text)
{
	struct sip_event event;

	return sip_event_parse(text, &event) && event.package.len == text.len;
}

enum err subscription_begin(struct ua *ua, const struct subscription_plan *plan, struct now now,
			    struct subscription **ret_sub)
{
	struct subscription *sub;
	struct sip_uri parsed;
	enum err err;

	if (!ua_can_reach(plan->uri, &parsed) || !is_token(plan->package))
		return ERR_SYNTAX;
	if (parsed.scheme == SIP_SCHEME_SIPS && !transport_is_secure(ua->transport))
		return ERR_DENIED;
	sub = subscription_new(ua, plan);
	if (!sub)
		return ERR_NOMEM;
	sub->is_secure = parsed.scheme == SIP_SCHEME_SIPS;
	err = begin(sub, now);
	if (err != OK)
		subscription_free(sub);
	else
		*ret_sub = sub;
	return err;
}

static size_t count_watches(const struct ua *ua)
{
	size_t n = 0;

	LIST_EACH (sub, &ua->subscriptions, struct subscription, link)
		n += sub->user == NULL;
	return n;
}

enum err ua_watch(struct ua *ua, struct slice uri, struct slice package, struct now now, uint64_t *ret_watch)
{
	const struct subscription_plan plan = { .uri = uri, .package = package };
	struct subscription *sub;

	if (count_watches(ua) >= UA_MAX_WATCHES)
		return ERR_LIMIT;
	TRY(subscription_begin(ua, &plan, now, &sub));
	*ret_watch = sub->id;
	return OK;
}

struct subscription *subscription_find(const struct ua *ua, const struct subscription_user *user,
				       struct slice uri)
{
	LIST_EACH (sub, &ua->subscriptions, struct subscription, link)
		if (sub->user == user && sub->state != SUB_OVER && sub->state != SUB_ENDING &&
		    slice_eq(sub->uri, uri))
			return sub;
	return NULL;
}

void subscription_leave(struct subscription *sub, struct now now)
{
	sub->state = SUB_ENDING;
	if (!sub->dialog || subscribe(sub, 0, now) != OK)
		end(sub, UA_HUNG_UP, 0, SLICE("it was given up"), now);
	else
		ua_set_timer(sub->ua, &sub->timer, UA_TIMER_SUBSCRIPTION, now.mono + UA_GIVE_UP);
}

enum err ua_unwatch(struct ua *ua, uint64_t id, struct now now)
{
	struct subscription *sub = find(ua, id);

	if (!sub || sub->state == SUB_ENDING)
		return ERR_NOT_FOUND;
	subscription_leave(sub, now);
	return OK;
}

/* -- NOTIFY ------------------------------------------------------------------------------------------ */

static bool is_for(const struct subscription *sub, const struct sip_message *request)
{
	struct sip_event event;

	if (sub->state == SUB_OVER || sub->state == SUB_AGAIN ||
	    !sip_event_parse(sip_message_value(request, SIP_EVENT), &event) ||
	    !slice_eq(event.package, sub->package) || event.id.ptr)
		return false;
	if (sub->state != SUB_NOTIFY_WAIT)
		return dlg_has_request(sub->dialog, request);
	return slice_eq(request->call_id, ua_token(&sub->call_id)) &&
	       slice_eq(request->to.tag, ua_token(&sub->tag));
}

static struct subscription *find_notified(const struct ua *ua, const struct sip_message *request)
{
	LIST_EACH (sub, &ua->subscriptions, struct subscription, link)
		if (is_for(sub, request))
			return sub;
	return NULL;
}

/* §4.4.1: the first NOTIFY makes the dialog, and who it is from. */
static enum err take_dialog(struct subscription *sub, const struct sip_message *request)
{
	bool has_way = sub->dialog && dlg_has_request(sub->dialog, request) &&
		       !sip_message_header(request, SIP_RECORD_ROUTE);
	struct dlg *dialog;

	if (sub->state != SUB_NOTIFY_WAIT || has_way) {
		if (!dlg_receive(sub->dialog, request))
			return ERR_LIMIT;
		TRY(dlg_refresh_target(sub->dialog, request));
	} else {
		TRY(dlg_new_uas(request, ua_token(&sub->tag), sub->is_secure, &dialog));
		dlg_confirm_uas(dialog);
		dlg_free(sub->dialog);
		sub->dialog = dialog;
	}
	if (sub->state == SUB_ENDING)
		return OK;
	sub->state = SUB_ACTIVE;
	sub->was_active = true;
	return OK;
}

/* §4.1.3: what the reason says of another try. */
static void on_terminated(struct subscription *sub, const struct sip_subscription_state *state,
			  uint32_t retry_after, struct now now)
{
	bool at_once = slice_eq_nocase(state->reason, SLICE("deactivated")) ||
		       slice_eq_nocase(state->reason, SLICE("timeout"));
	bool probation = slice_eq_nocase(state->reason, SLICE("probation"));
	bool later = probation || slice_eq_nocase(state->reason, SLICE("giveup"));

	if (probation && retry_after == 0)
		retry_after = LATER;
	if (sub->state == SUB_ENDING ||
	    !(at_once || (later && retry_after > 0 && retry_after <= RETRY_MAX))) {
		end(sub, slice_eq_nocase(state->reason, SLICE("rejected")) ? UA_DECLINED : UA_HUNG_UP_THERE,
		    0, state->reason.len > 0 ? state->reason : SLICE("it was ended there"), now);
		return;
	}
	begin_anew(sub, AGAIN_MS + (at_once ? 0 : (ms_t)retry_after * 1000), now);
}

/* retry-after is a parameter of Subscription-State as well (§8.2.1). */
static uint32_t retry_after_of(struct slice value)
{
	size_t semicolon = slice_find(value, ';');
	struct slice text;
	uint32_t seconds = 0;

	if (!sip_param_find(slice_sub(value, semicolon, value.len), SLICE("retry-after"), &text) ||
	    !sip_delta_parse(text, &seconds))
		return 0;
	return seconds;
}

static void tell(struct subscription *sub, const struct sip_message *request,
		 const struct sip_subscription_state *state)
{
	ua_tell(sub->ua, &(struct ua_event){
				 .kind = UA_NOTIFIED,
				 .id = sub->id,
				 .peer = sub->uri,
				 .text = request->body,
				 .state = state->state,
				 .secure = sub->is_secure,
				 .seconds = state->expires,
			 });
}

void subscription_notify(struct ua *ua, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;
	struct slice value = sip_message_value(request, SIP_SUBSCRIPTION_STATE);
	struct subscription *sub = find_notified(ua, request);
	struct sip_subscription_state state;

	if (!sub) {
		ua_reply(ua, server, 481, SLICE(""), now);
		return;
	}
	if (!sip_subscription_state_parse(value, &state)) {
		ua_refuse(ua, server, &(struct ua_fault){ 400, 399, SLICE("no good Subscription-State") },
			  now);
		return;
	}
	switch (take_dialog(sub, request)) {
	case OK: break;
	case ERR_DENIED:
		ua_refuse(ua, server, &(struct ua_fault){ 400, 399, SLICE("this way is not sips all along") },
			  now);
		return;
	default:
		ua_refuse(ua, server,
			  &(struct ua_fault){ 500, 399, SLICE("out of order, or without a good Contact") },
			  now);
		return;
	}
	ua_reply(ua, server, 200, SLICE(""), now);
	if (!sub->user)
		tell(sub, request, &state);
	else if (sub->state != SUB_ENDING)
		sub->user->notified(sub, request, now);
	if (slice_eq_nocase(state.state, SLICE("terminated")))
		on_terminated(sub, &state, retry_after_of(value), now);
	else if (sub->state == SUB_ACTIVE)
		refresh_in(sub, bounded(state.has_expires ? state.expires : sub->wanted), now);
}

/* -- time and flows ---------------------------------------------------------------------------------- */

static void refresh(struct subscription *sub, struct now now)
{
	if (now.mono >= sub->until) { /* what was granted is over: a refusal of another one says why */
		begin_anew(sub, AGAIN_MS, now);
		return;
	}
	ua_set_timer(sub->ua, &sub->timer, UA_TIMER_SUBSCRIPTION, sub->until);
	if (subscribe(sub, sub->wanted, now) != OK)
		return; /* when we are registered again; or never, and then it ends */
}

static void try_again(struct subscription *sub, struct now now)
{
	enum err err = begin(sub, now);

	if (err == ERR_CLOSED) /* there is no flow just now */
		begin_anew(sub, AGAIN_MS, now);
	else if (err != OK)
		end(sub, UA_FAILED, 0, SLICE("there is no memory"), now);
}

void subscription_due(struct timer *timer, struct now now)
{
	struct subscription *sub = CONTAINER_OF(timer, struct subscription, timer);

	switch (sub->state) {
	case SUB_NOTIFY_WAIT: end(sub, UA_TIMEOUT, 0, SLICE("nothing was told in time"), now); break;
	case SUB_ACTIVE: refresh(sub, now); break;
	case SUB_AGAIN: try_again(sub, now); break;
	case SUB_ENDING: end(sub, UA_HUNG_UP, 0, SLICE("the other side did not confirm the end"), now); break;
	case SUB_OVER: break;
	}
}

void subscriptions_registered(struct ua *ua, struct now now)
{
	LIST_EACH (sub, &ua->subscriptions, struct subscription, link)
		if (sub->state == SUB_ACTIVE && subscribe(sub, sub->wanted, now) != OK)
			return; /* its timer is still there */
}

void subscriptions_end(struct ua *ua, struct now now)
{
	LIST_EACH (sub, &ua->subscriptions, struct subscription, link)
		if (sub->state != SUB_OVER && sub->state != SUB_ENDING)
			subscription_leave(sub, now);
}

bool subscriptions_are_over(const struct ua *ua)
{
	LIST_EACH (sub, &ua->subscriptions, struct subscription, link)
		if (sub->state != SUB_OVER)
			return false;
	return true;
}

void subscriptions_abandon(struct ua *ua, struct now now)
{
	LIST_EACH (sub, &ua->subscriptions, struct subscription, link)
		if (sub->state != SUB_OVER)
			end(sub, UA_HUNG_UP, 0, SLICE("it was given up"), now);
}

void subscriptions_sweep(struct ua *ua)
{
	LIST_EACH (sub, &ua->subscriptions, struct subscription, link)
		if (sub->state == SUB_OVER)
			subscription_free(sub);
}

void subscriptions_free(struct ua *ua)
{
	LIST_EACH (sub, &ua->subscriptions, struct subscription, link)
		subscription_free(sub);
}
