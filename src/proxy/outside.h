/*
 * Requests for other domains (RFC 3261 §16.5, §16.6 steps 6 to 8): where the next hop is, and what it has to prove. Every one
 * is reached over TLS, whatever the scheme, and its certificate has to prove the domain that was asked for (RFC 5922 §7.3), but
 * for what the configuration says of a peer.
 * Private to the room.
 */
#pragma once

#include "proxy/context.h"

/*
 * The URI that leads on: the first Route behind those that are ours, else the Request-URI. False for a Route that is
 * malformed.
 */
bool outside_next_hop(const struct context *context, struct sip_uri *ret_uri);

/*
 * The way to that next hop, for the request of the context, or an ACK. In a dialog under sips it is one for sips, whatever the request says.
 * False: under our policy there is none.
 */
bool outside_target(const struct context *context, const struct sip_uri *next_hop, struct target *ret_target);

/*
 * The same for a target outside that has been gone to before, or a party of a dialog: where its way leads by the configuration of now. Both may be the
 * same struct. False: there is none.
 */
bool outside_anew(const struct context *context, const struct target *target, struct target *ret_target);

/* What is too large for UDP goes over TCP. False: UDP is not where it would have gone. */
bool outside_leave_udp(struct target *target);

/* Forwards to the next hop, or refuses. The sender is proven, and out of a dialog he may go there. */
void outside_forward(struct context *context, struct now now);
