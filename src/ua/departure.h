/*
 * MESSAGEs before they leave: one waits for the certificates of whom it is for, or for our user's word whether it may go without
 * protection.
 */
#pragma once

#include "base/timers.h"
#include "ua/credentials.h"
#include "ua/exchange.h"

/* What it may not fall below any more. */
enum departure_floor {
	DEPARTURE_ANY,
	DEPARTURE_CONSENT, /* it left protected once: in clear by our user's word alone */
	DEPARTURE_SEALED,  /* it was refused for want of protection: with it, or not at all */
};

struct departure {
	struct link link;
	struct ua *ua;
	uint64_t id;
	bool is_asking; /* UA_IN_CLEAR was told */
	bool is_again;  /* it was refused once */
	bool is_anonymous;
	enum departure_floor floor;
	struct chain *enclosed; /* certificates that came with the refusal; NULL: none */
	struct timer timer;
	struct credentials_waiter waiter;
	char *texts;
	struct slice uri, text;
};

/* Sends a text in a MESSAGE, protected if it can be; or says by *ret_way that it cannot be sent so. Errors as of exchange_start(). */
struct departure_plan {
	uint64_t id;
	struct slice uri, text;
	bool is_protected, is_again, is_anonymous;
	const struct certificate *also; /* as in struct exchange_plan */
};
MUST_CHECK enum err message_send(struct ua *ua, const struct departure_plan *plan,
				 const struct ua_protection *how, struct now now);

/* Chooses how it leaves; what does not leave at once is kept, or told as failed. Errors as of exchange_start(): nothing will be told. */
MUST_CHECK enum err departure_begin(struct ua *ua, const struct departure_plan *plan, struct now now);
/* A message that left protected was refused for that: our user is asked. False if it may not even be asked, or without memory. */
MUST_CHECK bool departure_ask(struct exchange *refused, struct slice why, struct now now);
/*
 * One that was refused goes once more: protected where it was not, or to certificates of whom there is news. Those that came with the refusal
 * (NULL: none) are taken over. False if protection is not to be had, or without memory.
 */
MUST_CHECK bool departure_again(struct exchange *refused, struct chain *enclosed, struct now now);
/* What our user says of one that waits for it. */
MUST_CHECK enum err departure_in_clear(struct ua *ua, uint64_t id, bool yes, struct now now);
void departure_due(struct timer *timer, struct now now);
void departures_free(struct ua *ua);
