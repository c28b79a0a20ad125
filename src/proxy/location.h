/*
 * From the AOR in a Request-URI to the phones behind it (RFC 3261 §16.5): those of its bindings that a flow
 * leads to and that the SIPS rules allow (RFC 5630 §5.3). Private to the room.
 */
#pragma once

#include "proxy/context.h"

/* Asks for the AOR of the Request-URI (CONTEXT_CALLED), or refuses. The sender is proven. */
void location_ask(struct context *context, struct now now);
/* The look-up came back: forwards, or answers 404 or 480. */
void location_answer(struct context *context, const struct answer *answer, struct now now);

/* Why there is no target, if there is none. */
enum location_lack {
	LOCATION_FOUND,
	LOCATION_NO_MEMORY,
	LOCATION_NOBODY,     /* no binding at all */
	LOCATION_UNREACHED,  /* bindings, but their flows are gone: the phones will be back */
	LOCATION_NOT_SECURE, /* for a sips request: none that is under SIPS */
	LOCATION_TOO_SECURE, /* for a sip request: none that may be called without SIPS */
};

/* Forwards to what is found behind the AOR. LOCATION_FOUND, or why nothing is; then nothing was done. */
enum location_lack location_forward(struct context *context, struct aor *aor, struct now now);
