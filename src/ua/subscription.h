/*
 * Subscriptions of ours (RFC 6665 §4.1): SUBSCRIBE, refreshed as long as our user wants it, and the NOTIFYs that come. The
 * dialog is that of the first NOTIFY (§4.4.1). One that another phone of a forked SUBSCRIBE sends is refused.
 */
#pragma once

#include "base/list.h"
#include "dlg/dialog.h"
#include "ua/state.h"

enum subscription_state {
	SUB_NOTIFY_WAIT, /* for the first NOTIFY; timer N runs (RFC 6665 §4.1.2) */
	SUB_ACTIVE,      /* it has come, and made the dialog */
	SUB_AGAIN,       /* ended there, to be begun anew */
	SUB_ENDING,      /* our user does not want it any more; the last NOTIFY is waited for */
	SUB_OVER,        /* told; freed by subscriptions_sweep() */
};

struct subscription;

/* Who has subscribed, where that is not our user, who hears UA_NOTIFIED and UA_WATCH_ENDED. */
struct subscription_user {
	/* A NOTIFY that has been answered. */
	void (*notified)(struct subscription *sub, const struct sip_message *notify, struct now now);
	/* The last thing that is heard of it; why is a sentence. */
	void (*ended)(struct subscription *sub, unsigned status, struct slice why, struct now now);
};

struct subscription_plan {
	struct slice uri, package;
	struct slice accept;                  /* a media type; empty: any */
	const struct subscription_user *user; /* NULL: our user */
};

struct subscription {
	struct link link;
	struct ua *ua;
	const struct subscription_user *user; /* NULL: our user */
	uint64_t id;
	uint64_t series; /* the id of the SUBSCRIBEs of its dialog; 0: in SUB_AGAIN */
	enum subscription_state state;
	bool was_active; /* some time: it is not given up for a lost connection alone */
	bool is_secure;
	bool has_way; /* a 2xx has come */
	char *texts;
	struct slice uri, package, accept;
	struct ua_token call_id, tag;
	struct dlg *dialog; /* in SUB_NOTIFY_WAIT that of the 2xx, or NULL; in SUB_AGAIN NULL */
	uint32_t cseq;
	unsigned wanted;    /* seconds asked for */
	unsigned raises;    /* how often more was asked for than before (423) */
	ms_t until;         /* mono: what was granted is over */
	struct timer timer; /* refresh, or no NOTIFY in time (timer N), or another try */
};

/* Subscribes. Errors as of ua_watch(), but there is no limit here. */
MUST_CHECK enum err subscription_begin(struct ua *ua, const struct subscription_plan *plan, struct now now,
				       struct subscription **ret_sub);
/* That of a user for a URI; NULL: there is none. */
struct subscription *subscription_find(const struct ua *ua, const struct subscription_user *user,
				       struct slice uri);
/* Ends it, and tells its user nothing more. */
void subscription_leave(struct subscription *sub, struct now now);
/* A NOTIFY that belongs to no call; it is answered here. */
void subscription_notify(struct ua *ua, struct server *server, struct now now);
void subscription_due(struct timer *timer, struct now now);
/* Our end of the flow is another one. */
void subscriptions_registered(struct ua *ua, struct now now);
/* Ends all of them; the last NOTIFY of each is still to come, and is answered. */
void subscriptions_end(struct ua *ua, struct now now);
bool subscriptions_are_over(const struct ua *ua);
/* Waits no more for what is still to come. */
void subscriptions_abandon(struct ua *ua, struct now now);
void subscriptions_sweep(struct ua *ua);
void subscriptions_free(struct ua *ua);
