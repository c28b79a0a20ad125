/*
 * Session timers (RFC 4028): who refreshes a call, how often, and when it counts as dead. We never ask for
 * one, and do our part when the other side or a proxy does.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/time.h"
#include "base/writer.h"
#include "sip/message.h"

enum { SESSION_MIN_SE = 90 };

struct session_timer {
	unsigned interval; /* seconds; 0: there is no timer */
	bool we_refresh;
};

/*
 * From a request that we are about to answer 2xx. ERR_LIMIT: the interval is below SESSION_MIN_SE, and the
 * other side can be told so (422). ERR_SYNTAX. No Session-Expires turns the timer off.
 */
MUST_CHECK enum err session_timer_asked(struct session_timer *timer, const struct sip_message *request);
/* From the 2xx to a request of ours. What cannot be understood turns the timer off. */
void session_timer_told(struct session_timer *timer, const struct sip_message *response);

/* The lines of our 2xx to that request (§9), or of a refresh of ours. */
void put_session_timer_reply(struct writer *out, const struct session_timer *timer,
			     const struct sip_message *request);
void put_session_timer_request(struct writer *out, const struct session_timer *timer);

/* From now until we refresh, or give up on theirs (§10); 0: never. */
ms_t session_timer_wait(const struct session_timer *timer);
