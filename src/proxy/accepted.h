/*
 * What is left of a call that was accepted, for the 64*T1 in which its transactions stay (RFC 6026 §7.1, §7.2): where further 2xx go.
 * There are as many calls in that time as there are calls in half a minute, so it is little. Private to the room.
 */
#pragma once

#include "proxy/context.h"

/*
 * The client transaction, which has its final response, needs the context no more: each 2xx that still comes goes upstream by itself,
 * without our proof, which the first one had. False without memory: nothing has changed.
 */
MUST_CHECK bool accepted_take_over(const struct context *context, struct client *client);
