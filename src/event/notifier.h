/*
 * The notifier: subscriptions that the server itself serves (RFC 6665 §4.2). Each lives on the worker whose flow it was
 * asked for on, and ends with its time, with its account, or when a NOTIFY finds nobody. When its flow is lost it waits
 * for a refresh on another flow of that worker where its account is proven; a subscriber of another domain is dialled as
 * soon as there is something to tell him.
 *
 * What it tells of are snapshots of addresses-of-record. Whichever worker changes one, the subscription notices by the
 * snapshot's version when it looks, once a second; it then tells what is new, as often as the package allows. Nothing has
 * to be told to it, and there is nothing to be lost.
 *
 * Pure like all below the I/O line; called by the server's core (proxy/core.h), which has the sender prove who he is
 * before anything gets here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/map.h"
#include "base/own.h"
#include "endpoint/endpoint.h"
#include "event/package.h"

/* Codes of ours among the transaction user's own. */
enum { NOTIFIER_QUESTION = 50, NOTIFIER_VOUCHED, NOTIFIER_TIMER = ENDPOINT_TIMER_USER + 16 };

/* Subscriptions on one worker; past them 503 with Retry-After. */
enum { NOTIFIER_SUBSCRIPTIONS = 10000, NOTIFIER_PER_MINUTE = 600 };

/* How a subscriber reaches us, for Contact; borrowed until the next one is set. */
struct notifier_place {
	struct slice host;
	const uint16_t *ports; /* by enum transport_protocol; 0: the default one */
};

/*
 * How a subscriber of another domain is reached whose connection was lost: an open flow on which the name of his domain is proven, or 0; then
 * one is being opened, if that can be, and the notifier asks again. Calls nothing here.
 */
struct notifier_way {
	void *self;
	flow_id (*to)(void *self, struct slice name);
};

struct notifier;

/* NULL without memory. The packages are borrowed, and so is the endpoint, which is set before anything else is done. */
MUST_CHECK struct notifier *notifier_new(const struct event_package *const packages[], size_t n_packages,
					 struct map_key map_key);
void notifier_attach(struct notifier *notifier, struct endpoint *endpoint);
/* Until it is set nobody is dialled. What it points to is borrowed. */
void notifier_set_way(struct notifier *notifier, const struct notifier_way *way);
void notifier_set_place(struct notifier *notifier, const struct notifier_place *place);
/*
 * How often one account or one other domain may ask for what is vouched for, new or again; past it 500 with Retry-After, which is reported.
 * NOTIFIER_PER_MINUTE in the beginning.
 */
void notifier_set_rate(struct notifier *notifier, uint32_t per_minute);
/* After the endpoint, which tells it of all that goes. */
void notifier_free(struct notifier *notifier);
OWN(notifier)

/* "Allow-Events: reg\r\n" (RFC 6665 §8.2.2) */
void put_allow_events(struct writer *out, const struct notifier *notifier);

/* The package of a SUBSCRIBE that is served here, or NULL. */
const struct event_package *notifier_serves(const struct notifier *notifier,
					    const struct sip_message *request);

/* Who subscribes, and to what: the sender is proven, and may know of this AOR. */
struct notifier_request {
	struct server *server;
	account_id watcher;  /* the account of the sender; below 0 for one of another domain */
	struct slice domain; /* the name that his server, or his edge, has proven on the flow; else empty */
	struct slice name;   /* the AOR that he wants to know of, canonical */
	struct aor *aor; /* that one, if it is known already; a reference is taken. NULL: it is looked up */
};

/* A SUBSCRIBE outside of a dialog that notifier_serves(). Answers it, and notifies. */
void notifier_subscribe(struct notifier *notifier, const struct notifier_request *request, struct now now);

/* A SUBSCRIBE in a dialog: false if that is none of ours; else it has been answered. */
bool notifier_refresh(struct notifier *notifier, struct server *server, struct now now);

/* For questions of kind NOTIFIER_QUESTION and NOTIFIER_VOUCHED, and timers of kind NOTIFIER_TIMER. */
void notifier_answer(struct question *question, const struct answer *answer, struct now now);
void notifier_timer(struct timer *timer, struct now now);
