#include "ua/arrival.h"

#include "base/mem.h"
#include "ua/admission.h"
#include "ua/content.h"
#include "ua/opening.h"
#include "ua/protect.h"
#include "ua/request.h"
#include "ua/tunnel.h"

/* -- requests ---------------------------------------------------------------------------------------------- */

static void arrival_free(struct arrival *arrival)
{
	if (!arrival)
		return;
	credentials_cease(arrival->ua->credentials, &arrival->waiter);
	list_remove(&arrival->ua->arrivals, &arrival->link);
	opening_forget(arrival);
	sip_message_free(arrival->part);
	mem_free(arrival);
}

static struct arrival *find_any(const struct ua *ua, const struct server *server)
{
	LIST_EACH (arrival, &ua->arrivals, struct arrival, link)
		if (arrival->server == server)
			return arrival;
	return NULL;
}

/* One that came protected. */
static struct arrival *find(const struct ua *ua, const struct server *server)
{
	struct arrival *arrival = find_any(ua, server);

	return arrival && !arrival->is_plain ? arrival : NULL;
}

const struct arrival *arrival_of(const struct ua *ua, const struct server *server)
{
	return find(ua, server);
}

const struct arrival *arrival_current(const struct ua *ua)
{
	return ua->arrival;
}

struct slice arrival_from(const struct ua *ua, const struct server *server)
{
	const struct arrival *arrival = find(ua, server);

	return arrival ? slice_from(arrival->from, arrival->from_len) : server->request->from.uri.text;
}

const struct ua_protection *arrival_protection(const struct ua *ua, const struct server *server)
{
	const struct arrival *arrival = find(ua, server);

	return arrival ? &arrival->protection : NULL;
}

/*
 * Whoever writes has us ask his domain, so that many who are unknown would have us ask without end. Who was known before is not counted, nor
 * is whom our user writes to.
 */
static enum err ask_for(struct arrival *arrival, struct slice aor, struct now now)
{
	enum { EACH = 60 /* of a quota that is refilled by the second, with so many a minute */ };
	struct ua *ua = arrival->ua;
	struct credentials_found found;
	enum err err;

	credentials_of(ua->credentials, aor, now.wall, &found);
	if (!found.was_protected && found.state != CREDENTIALS_ASKED &&
	    !quota_take(&ua->strangers, EACH, now.mono)) {
		arrival->is_unasked = true;
		ua->n_unasked++;
		return ERR_LIMIT;
	}
	err = credentials_want(ua->credentials, aor, &arrival->waiter, now);
	return err == ERR_EXISTS ? credentials_want_anew(ua->credentials, aor, &arrival->waiter, now) : err;
}

static bool proceed(struct arrival *arrival, bool may_wait, struct now now)
{
	struct ua *ua = arrival->ua;
	struct server *server = arrival->server;
	const struct sip_message *outside = arrival->part ? arrival->part : server->request;
	enum err err = opening_do(arrival, outside, may_wait, now);

	if (err == ERR_AGAIN) {
		err = ask_for(arrival, arrival_aor(arrival), now);
		return err == OK ? false : proceed(arrival, false, now);
	}
	if (err != OK) {
		admission_refuse_content(ua, server, err, now);
		return false;
	}
	if (arrival->protection.is_broken) {
		admission_refuse(ua, server, arrival->status, &arrival->protection, now);
		return false;
	}
	server->request = arrival->message;
	return admission_check(ua, server, arrival, now);
}

static void on_come(struct credentials_waiter *waiter, struct now now)
{
	struct arrival *arrival = CONTAINER_OF(waiter, struct arrival, waiter);

	if (arrival->server->flow != arrival->ua->flow) /* nobody hears it, but the transaction ends */
		ua_reply(arrival->ua, arrival->server, 480, SLICE(""), now);
	else if (proceed(arrival, false, now))
		request_take_opened(arrival->ua, arrival->server, now);
}

static enum content_reach reach_of(const struct ua *ua)
{
	return protect_can_read(ua) ? CONTENT_SEALED : CONTENT_SIGNED;
}

/* part is taken over. */
static struct arrival *arrival_new(struct ua *ua, struct server *server, struct sip_message *part)
{
	struct arrival *arrival = mem_new(struct arrival);

	if (!arrival) {
		sip_message_free(part);
		return NULL;
	}
	arrival->ua = ua;
	arrival->server = server;
	arrival->part = part;
	arrival->is_plain = !opening_is_for(part ? part : server->request);
	arrival->waiter.come = on_come;
	list_append(&ua->arrivals, &arrival->link);
	return arrival;
}

bool arrival_take(struct ua *ua, struct server *server, struct now now)
{
	struct arrival *arrival;
	struct sip_message *part;
	enum err err = content_choose(server->request, reach_of(ua), &part);

	if (err != OK) {
		admission_refuse_content(ua, server, err, now);
		return false;
	}
	if (!part && !opening_is_for(server->request))
		return admission_check(ua, server, NULL, now);
	arrival = arrival_new(ua, server, part);
	if (!arrival) {
		ua_reply(ua, server, 500, SLICE(""), now);
		return false;
	}
	if (!part || !arrival->is_plain)
		return proceed(arrival, true, now);
	server->request = part;
	return admission_check(ua, server, NULL, now);
}

bool arrival_cancelled(struct ua *ua, struct server *server, struct now now)
{
	const struct arrival *arrival = find(ua, server);

	if (!arrival || arrival->message || server->final != 0)
		return false;
	ua_reply(ua, server, 487, SLICE(""), now);
	arrival_gone(ua, server);
	return true;
}

void arrival_gone(struct ua *ua, struct server *server)
{
	arrival_free(find_any(ua, server));
}

void arrivals_free(struct ua *ua)
{
	LIST_EACH (arrival, &ua->arrivals, struct arrival, link)
		arrival_free(arrival);
	replay_fini(&ua->replay);
}

/* -- responses and ACKs ------------------------------------------------------------------------------------ */

/* A body that cannot be taken is none: there is nobody to refuse it to. */
static enum err choose_part(struct ua *ua, const struct sip_message *message, struct sip_message **ret_part)
{
	enum err err;

	*ret_part = NULL;
	if (message->kind == SIP_RESPONSE && message->status >= 300)
		return OK; /* why it was refused is for who reads that (ua/enclosed.h) */
	err = content_choose(message, reach_of(ua), ret_part);
	return err == OK || err == ERR_NOMEM ? err : tunnel_strip(message, ret_part);
}

static enum err open_answer(struct arrival *arrival, const struct sip_message *message, struct now now)
{
	enum err err = opening_do(arrival, message, false, now);

	if (err == OK || err == ERR_NOMEM)
		return err;
	sip_message_free(arrival->message);
	arrival->message = NULL;
	return tunnel_strip(message, &arrival->message);
}

bool arrival_begin(struct ua *ua, const struct sip_message *message, struct now now,
		   struct arrival *ret_arrival, const struct sip_message **ret_message)
{
	struct sip_message *part;

	*ret_arrival = (struct arrival){ .ua = NULL };
	if (choose_part(ua, message, &part) != OK)
		return false;
	ret_arrival->part = part;
	*ret_message = part ? part : message;
	if (!opening_is_for(*ret_message))
		return true;
	ret_arrival->ua = ua;
	if (open_answer(ret_arrival, *ret_message, now) != OK) {
		opening_forget(ret_arrival);
		sip_message_free(part);
		return false;
	}
	ua->arrival = ret_arrival;
	*ret_message = ret_arrival->message;
	return true;
}

void arrival_end(struct ua *ua, struct arrival *arrival)
{
	if (arrival->ua) {
		ua->arrival = NULL;
		opening_forget(arrival);
	}
	sip_message_free(arrival->part);
}
