/*
 * Requests that have come on two ways (RFC 3261 §8.2.2.2): what the server itself answers it does once. What it passes on
 * is none of this: a proxy sends on what has merged (§16.3).
 *
 * A request is compared with those that have been taken up, as long as their transactions go on: those that need no proof,
 * or have given it. So nobody gets another's request refused by sending one like it first. The copies of one that has
 * proven nothing yet are challenged each; and the credentials of a copy are good for one of the two ways only, so that on
 * whatever worker it comes it is not done a second time. Private to the room.
 */
#pragma once

#include "proxy/context.h"

enum { MERGED_MAX = 1000000 }; /* as many as there can be server transactions */

/* The server answers the request itself; once for each. Without memory copies of it are not known as such. */
void merged_note(struct context *context);
/* Whether the request is a copy of one that goes on, and not sent again by the same branch. */
bool merged_is_copy(const struct context *context);
/* The transaction is gone: the last word. Does nothing to a request that was not noted. */
void merged_forget(struct context *context);
