/*
 * Session timers (RFC 4028): who refreshes a call, how often, and when it counts as dead. We ask for one where
 * our user wants it, and do our part when the other side or a proxy asks.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/time.h"
#include "base/writer.h"
#include "sip/message.h"

enum { SESSION_MIN_SE = 90 };

struct session_timer {
	unsigned wanted;   /* seconds that we ask for; 0: we do not ask */
	unsigned interval; /* seconds; 0: there is no timer */
	unsigned least;    /* the greatest Min-SE that a 422 told us in this call; 0: none did (§7.3) */
	unsigned raises;   /* how often one did */
	bool we_refresh;
	bool is_overdue; /* our refresh has failed, and was not made up for */
};

/* Wants a timer of so many seconds, 0 for none; at least SESSION_MIN_SE. */
void session_timer_init(struct session_timer *timer, unsigned wanted);

/*
 * From a request that we are about to answer 2xx. ERR_LIMIT: the interval is below SESSION_MIN_SE, and the
 * other side can be told so (422). ERR_SYNTAX. Without a Session-Expires the timer is off, or ours to run if we want one (§9).
 */
MUST_CHECK enum err session_timer_asked(struct session_timer *timer, const struct sip_message *request);
/* From the 2xx to a request of ours. What cannot be understood turns the timer off. */
void session_timer_told(struct session_timer *timer, const struct sip_message *response);

/*
 * From a 422 to a request of ours: the interval goes up to its Min-SE. False if that is no reason to ask again: it is
 * malformed, or not above what we asked for, or it was told too often.
 */
MUST_CHECK bool session_timer_raise(struct session_timer *timer, const struct sip_message *response);

/* The lines of our 2xx to that request (§9), of an INVITE that begins a call, or of a refresh of ours. */
void put_session_timer_reply(struct writer *out, const struct session_timer *timer,
			     const struct sip_message *request);
void put_session_timer_wish(struct writer *out, const struct session_timer *timer);
void put_session_timer_request(struct writer *out, const struct session_timer *timer);

/* From the last refresh until we refresh, or give up on theirs, or on ours that is overdue (§10); 0: never. */
ms_t session_timer_wait(const struct session_timer *timer);
