/*
 * What this server itself is asked, as the user agent server that it is then (RFC 3261 §8.2): a request whose Request-URI names
 * the server or a domain of it, and no user. It answers OPTIONS, and nothing else but REGISTER, which has a way of its own. It
 * gives nothing away that a caller would not learn otherwise, so nobody has to prove anything. Private to the room.
 */
#pragma once

#include "proxy/context.h"

void own_request(struct context *context, struct now now);
