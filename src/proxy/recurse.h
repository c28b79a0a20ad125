/*
 * Recursion (RFC 3261 §16.7 step 4): where the domain says so, a redirection (3xx) is followed by us instead of being told to
 * the sender. Never to less protection: every Contact has to have the scheme of the request, and each target is held to what
 * any request for it is held to. Nor to where the sender could not have gone himself: to another domain only for an account
 * of ours, or a peer that may relay. Private to the room.
 */
#pragma once

#include "proxy/context.h"

enum { RECURSE_MAX = 10 }; /* URIs that one request is led to */

/*
 * A final response, to a request that may still be tried elsewhere. With 3xx: true if all its Contacts are taken for targets that
 * come after those there are. False: it is a response like any other.
 */
bool recurse_take(struct context *context, const struct sip_message *response);
/* Goes to the next one of them. False: there is none, or it is being looked up (CONTEXT_REDIRECTED). */
bool recurse_next(struct context *context, struct now now);
/* The look-up came back. */
void recurse_answer(struct context *context, const struct answer *answer, struct now now);
/* Forgets what has not been tried. */
void recurse_stop(struct context *context);
/* With the context. */
void recurse_free(struct context *context);
