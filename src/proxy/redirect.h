/*
 * A domain that redirects (RFC 3261 §8.3): the sender is told where the phones are, and goes there himself. Private to the
 * room.
 */
#pragma once

#include "proxy/context.h"

/*
 * Answers 302 with a Contact for each binding of the AOR, or 480. To a sips request no SIP Contact is given (RFC 5630 §5.4).
 */
void redirect_answer(struct context *context, const struct aor *aor, struct now now);
