/*
 * Connections that other domains' servers have opened to us, and that requests in the other direction may take (RFC 5923): the alias table
 * of a worker. An alias is formed where the sender says `alias` in its Via over TLS, and its certificate covers the name in sent-by. It is
 * found by what RFC 3263 says of a domain, the address and port, by the domain, which that certificate has to name as well, and by the
 * domain of ours for which the other end has connected. So two domains on one address never share one (CVE-2020-15260), and who cannot bend the DNS draws
 * nothing to himself by it. A domain that DANE (RFC 6698) speaks of is always dialled: there the certificate of a client says nothing.
 *
 * Private to the room.
 */
#pragma once

#include "proxy/context.h"

enum { ALIASES_MAX = 256 };

/* What a request that has come says: forms an alias, or does nothing. */
void alias_note(const struct context *context);

/* The flow that leads to the target as well as a new connection to it would; 0: there is none. */
flow_id alias_find(const struct core *core, const struct hop_goal *goal, const struct locate_target *target);

/* True if it was one. */
bool alias_flow_lost(struct core *core, flow_id flow);

/* With the core. */
void alias_free_all(struct core *core);
