/* What the files of this room share; nobody else includes it. */
#pragma once

#include "base/list.h"
#include "dlg/dialog.h"
#include "event/notifier.h"
#include "event/rate.h"

enum { EVENT_TAG_SIZE = 16, EVENT_ID_MAX = 64 };

struct notifier {
	struct endpoint *endpoint;
	const struct event_package *const *packages;
	size_t n_packages;
	struct notifier_place place;
	struct map *subscriptions; /* by their dialogs */
	struct list all;
	char *scratch;           /* one document, or one NOTIFY */
	struct notifier_way way; /* to: NULL while there is none */
	struct rates *rates;     /* of what is vouched for, by who asks */
	uint32_t per_minute;
};

enum { EVENT_SCRATCH = 128 * 1024 };

struct subscription {
	struct map_node node; /* Call-ID, our tag, their tag */
	struct link link;     /* in notifier->all */
	struct notifier *notifier;
	const struct event_package *package;
	struct dlg *dialog;
	char *key; /* owned */
	char id[EVENT_ID_MAX];
	size_t id_len; /* the Event's id parameter; 0: it has none */

	account_id watcher;  /* as in struct notifier_request */
	struct slice domain; /* likewise; in key's allocation, like the next one */
	struct slice name;   /* the AOR's */
	flow_id flow;
	ms_t ends;
	struct timer timer;
	struct question question;

	utc_t vouched_at; /* the Date of the NOTIFY that is being signed */
	struct aor
		*vouching; /* what the domain is asked to sign is of; NULL also where there is no account */
	struct aor *told;  /* what the subscriber knows; NULL: nothing yet */
	utc_t told_at;
	uint32_t version;      /* of the next document */
	ms_t notified;         /* when the last one left */
	bool wants_all;        /* the next one tells all */
	unsigned dialled;      /* how often in vain, since its flow was lost */
	ms_t dial_due;         /* when to look for another flow again */
	const char *reason;    /* it has ended, and why; the last NOTIFY is on its way or to be sent */
	struct client *client; /* a NOTIFY that is not answered yet; NULL: none */
};

/* -- notify.c ----------------------------------------------------------------------------------------------------- */

/*
 * Sends what is new on top of what was told, or everything; or has it signed first. False: it could not be sent, and the
 * subscription is over.
 */
MUST_CHECK bool notify_send(struct subscription *subscription, struct aor *now_known, struct now now);
/* It is signed. False as above. */
MUST_CHECK bool notify_vouched(struct subscription *subscription, const struct answer *answer,
			       struct now now);
/* "Contact: <…>\r\n" as the subscriber on its flow reaches us. */
void put_notifier_contact(struct writer *out, const struct subscription *subscription);

/* -- notifier.c --------------------------------------------------------------------------------------------------- */

void subscription_free(struct subscription *subscription);
/* Its flow is gone, or none could be had. */
void subscription_dial_later(struct subscription *subscription, struct now now);
