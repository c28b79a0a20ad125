/*
 * Servers of others that the configuration names (struct server_peer): what they have proven on a flow, and what we demand
 * of one. Private to the room.
 */
#pragma once

#include "proxy/hop.h"
#include "proxy/state.h"

/* The peer to which requests for the host go: one of its domains, or where it is. NULL if there is none. */
const struct server_peer *peer_of(const struct core *core, struct slice host);

/*
 * Whether the flow is proven for the domain: its certificate names it; for a domain of a peer what the peer has to prove, and is
 * the one that is pinned; or the peer is one in clear, and the flow comes from one of its addresses, or over the link that it is declared to be behind. For sips an exception from
 * what it has to prove does not count. For an own flow only.
 */
bool peer_proves(const struct core *core, flow_id flow, struct slice domain, bool sips);
/* Whether a peer has proven itself on the flow by an exception alone: no sips request comes from there. */
bool peer_is_excepted(const struct core *core, flow_id flow);

/*
 * What a flow has to meet that carries a request for the domain. For a sips request no exception counts: then it is the
 * domain itself.
 */
struct requirement peer_requirement(const struct core *core, struct slice domain, bool sips);

/* A domain for which that name has to be proven under sips: a peer's, or the name itself. */
struct slice peer_domain_proven_by(const struct core *core, struct slice name);

/*
 * Whether a request in a dialog may go without a Route of ours, by its Request-URI: it speaks for a peer that may relay, and the
 * next hop is a peer. Out of a dialog such a sender may have anything sent there. That the flow is his is still to be proven.
 */
bool peer_needs_no_route(const struct core *core, const struct sip_message *request,
			 const struct sip_uri *next_hop);

/* Whether the flow comes from an address that a peer in clear may come from, or over its link. */
bool peer_is_in_clear(const struct core *core, flow_id flow);

/*
 * Whether sips may come on the flow from a sender of that domain: it is TLS, or runs over the declared link that the domain is behind,
 * and that may carry sips. For an own flow, if it is in clear.
 */
bool peer_is_protected(const struct core *core, flow_id flow, struct slice domain);
/* The same for the domain that is the party (core_domain_party()). */
bool peer_is_safe_for(const struct core *core, flow_id flow, account_id party);
/* The one of its domains that is the party; empty: none is. */
struct slice peer_party_domain(const struct core *core, const struct server_peer *peer, account_id party);
/* The peer that has one which is, or NULL. */
const struct server_peer *peer_of_party(const struct core *core, account_id party);
/* The peer with that domain, if it is behind a declared link; else NULL. */
const struct server_peer *peer_of_link(const struct core *core, struct slice domain);

/* The way to the next hop; false: under our policy there is none. */
bool peer_goal(const struct core *core, const struct sip_uri *next_hop, bool sips, struct hop_goal *ret_goal);
