/*
 * Route information preprocessing (RFC 3261 §16.4): a request whose last hop was a strict router, or whose Request-URI has
 * a maddr that means us, is taken for what it would be without that. Private to the room.
 */
#pragma once

#include "proxy/context.h"

/* Sets context->request. False without memory. */
MUST_CHECK bool preprocess(struct context *context);
/* The same for an ACK: *ret_message is NULL, or another one, which is the caller's. */
MUST_CHECK bool preprocess_message(const struct core *core, const struct sip_message *message,
				   struct sip_message **ret_message);
