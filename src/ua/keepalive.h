/*
 * Signs of life of the flow to our server (RFC 5626 §4.4.1): a ping now and then, so that nobody on the way forgets the
 * connection, and so that we notice when the server is gone without a word. Silence counts where there is a sign that it answers: it
 * registers us by outbound, our user says so, or it has answered on this flow before.
 */
#pragma once

#include "ua/state.h"

enum {
	KEEPALIVE_SECONDS = 120, /* the upper bound, unless the server or our user says otherwise */
	KEEPALIVE_LEAST = 5,     /* no server has us ping more often than with this for an upper bound */
	KEEPALIVE_ANSWER_MS = 10000,
};

/* There is a new flow. */
void keepalive_begin(struct ua *ua, struct now now);
/* A 2xx to REGISTER: its Flow-Timer is the upper bound from now on. */
void keepalive_take(struct ua *ua, const struct sip_message *response, struct now now);
void keepalive_end(struct ua *ua);

/* The time has come: for a ping, or for having been answered. */
void keepalive_due(struct ua *ua, struct now now);
void keepalive_answered(struct ua *ua, struct now now);
