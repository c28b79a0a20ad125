/*
 * What a request must be before anything else is looked at (RFC 3261 §16.3), and what its Route says to us
 * (§16.4). Pure functions of the request and the configuration. Private to the room.
 */
#pragma once

#include <stdbool.h>

#include "proxy/state.h"
#include "sip/message.h"

/*
 * True if the request may go on. Else *ret_refusal says why not; its header lines are written to headers.
 */
bool check_request(struct core *core, const struct sip_message *request, struct writer *headers,
		   struct refusal *ret_refusal);

/*
 * The second part of our branches (RFC 5393 §4.2.1), a keyed hash over what decides where the request goes from here: as
 * it came, its Request-URI and Route. Uses the core's scratch. False if the library fails.
 */
MUST_CHECK bool check_make_loop(struct core *core, const struct sip_message *request,
				char ret_loop[ENDPOINT_LOOP_SIZE]);

/* The Max-Breadth that a request comes with: at most ours, which is also that of one that names none (RFC 5393 §5.3.3). */
unsigned check_breadth(const struct sip_message *request);

/*
 * RFC 3261 §16.5: a maddr in the Request-URI, which is the only place for the request to go to. One that means us has been
 * taken out (preprocess.h).
 */
bool check_leads_to(const struct sip_message *request);

/* Whether its Request-URI means this server itself. */
bool check_is_for_us(const struct core *core, const struct sip_message *request);

/* The Routes of a request that are ours: they stand first, and are taken off before it goes on. */
struct own_routes {
	unsigned n;
	struct slice user;        /* the user part of the topmost that has one: a token; absent if none has */
	bool leads_elsewhere;     /* what follows them, or comes first, is another's */
	struct sip_values others; /* from there on */
};
struct own_routes check_routes(const struct core *core, const struct sip_message *request);
