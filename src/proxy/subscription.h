/*
 * A SUBSCRIBE for a package that the server serves itself (event/notifier.h): who may know what. Private to the room.
 */
#pragma once

#include "proxy/context.h"

/* True if it has been answered: it is in a dialog of the notifier, or is for us and not for an account. */
bool subscription_take(struct context *context, struct now now);

/*
 * True if the server serves it, and it has been answered: an account may know of its own registrations (RFC 3680 §4.6),
 * nobody else; certificates of our users may be known by everybody who is proven, those of another domain's users are
 * asked of that domain. sender is whose credentials came with it, or NULL.
 */
bool subscription_begin(struct context *context, struct aor *sender, struct now now);
