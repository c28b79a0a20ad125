/*
 * A PUBLISH of an account for its own address (RFC 3903 §6): the server is the certificate service of its domains (RFC
 * 6072). Private to the room.
 */
#pragma once

#include "proxy/context.h"

/*
 * True if the server serves it: it has been answered, or will be. sender is whose credentials came with it, or NULL. One for
 * somebody else and another package is a matter of that one's phones.
 */
bool publication_begin(struct context *context, struct aor *sender, struct now now);
/* The certificate was kept, or not. */
void publication_answer(struct context *context, const struct answer *answer, struct now now);
