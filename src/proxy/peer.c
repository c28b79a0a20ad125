#include "proxy/peer.h"

static bool is_clear(const struct server_peer *peer)
{
	return !transport_is_secure(peer->transport);
}

static bool has_domain(const struct server_peer *peer, struct slice domain)
{
	for (size_t i = 0; i < peer->n_domains; i++)
		if (slice_eq_nocase(peer->domains[i], domain))
			return true;
	return false;
}

const struct server_peer *peer_of(const struct core *core, struct slice host)
{
	for (size_t i = 0; i < core->server->n_peers; i++) {
		const struct server_peer *peer = &core->server->peers[i];

		if (has_domain(peer, host) || slice_eq_nocase(peer->host, host))
			return peer;
	}
	return NULL;
}

bool peer_needs_no_route(const struct core *core, const struct sip_message *request,
			 const struct sip_uri *next_hop)
{
	const struct server_peer *sender = peer_of(core, request->from.uri.host);

	return sender && sender->relays && peer_of(core, next_hop->host);
}

/* Whether a request goes to it in clear. Sips does only over a link that may carry it; else as if there were no such peer. */
static bool is_reached_by_link(const struct server_peer *peer, bool sips)
{
	return peer->link.len > 0 && (!sips || peer->link_has_sips);
}

/* What it has to prove for that domain. */
static struct slice identity_of(const struct server_peer *peer, struct slice domain, bool sips)
{
	struct slice name = peer && peer->proves.len > 0 ? peer->proves : domain;

	for (size_t i = 0; peer && i < peer->n_identities; i++)
		if (slice_eq_nocase(peer->identities[i].name, name))
			return sips ? peer->identities[i].sips : peer->identities[i].sip;
	return name;
}

static bool comes_from(const struct server_peer *peer, const struct flow_view *view)
{
	for (size_t i = 0; i < peer->n_addresses; i++)
		if (address_eq_ip(&peer->addresses[i], &view->peer))
			return true;
	return false;
}

static bool is_by_link(const struct server_peer *peer, const struct flow_view *view, bool sips)
{
	return peer->link.len > 0 && slice_eq(view->link, peer->link) && (!sips || peer->link_has_sips);
}

/* One over UDP takes TCP for what is too large (RFC 3261 §18.1.1). */
static bool is_transport_of(const struct server_peer *peer, enum transport_protocol transport)
{
	return transport == peer->transport ||
	       (transport == TRANSPORT_TCP && peer->transport == TRANSPORT_UDP);
}

/* What is in clear is known by where it comes from; behind a link by that alone. */
static bool comes_as_declared(const struct server_peer *peer, const struct flow_view *view, bool sips)
{
	if (peer->link.len > 0)
		return is_by_link(peer, view, sips);
	return is_transport_of(peer, view->transport) && comes_from(peer, view);
}

bool peer_proves(const struct core *core, flow_id flow, struct slice domain, bool sips)
{
	const struct flow_view *view = endpoint_flow_view(core->endpoint, flow);

	const struct server_peer *peer = NULL;

	if (!view)
		return false;
	for (size_t i = 0; i < core->server->n_peers && !peer; i++)
		if (has_domain(&core->server->peers[i], domain))
			peer = &core->server->peers[i];
	if (!peer)
		return endpoint_flow_proves(core->endpoint, flow, domain);
	if (is_clear(peer))
		return comes_as_declared(peer, view, sips) ||
		       endpoint_flow_proves(core->endpoint, flow, domain);
	if (peer->pin.len > 0 && !slice_eq(peer->pin, view->fingerprint))
		return false;
	return endpoint_flow_proves(core->endpoint, flow, identity_of(peer, domain, true)) ||
	       (!sips && endpoint_flow_proves(core->endpoint, flow, identity_of(peer, domain, false)));
}

bool peer_is_excepted(const struct core *core, flow_id flow)
{
	for (size_t i = 0; i < core->server->n_peers; i++) {
		const struct server_peer *peer = &core->server->peers[i];

		for (size_t n = 0; n < peer->n_identities; n++)
			if (endpoint_flow_proves(core->endpoint, flow, peer->identities[n].sip) &&
			    !endpoint_flow_proves(core->endpoint, flow, peer->identities[n].sips))
				return true;
	}
	return false;
}

struct requirement peer_requirement(const struct core *core, struct slice domain, bool sips)
{
	const struct server_peer *peer = peer_of(core, domain);

	if (peer && is_reached_by_link(peer, sips))
		return (struct requirement){ .level = REQUIRE_LINK, .domain = peer->link };
	if (peer && is_clear(peer))
		return sips ? (struct requirement){ .level = REQUIRE_DOMAIN, .domain = domain }
			    : (struct requirement){ .level = REQUIRE_NOTHING };
	return (struct requirement){ .level = REQUIRE_DOMAIN, .domain = identity_of(peer, domain, sips) };
}

struct slice peer_domain_proven_by(const struct core *core, struct slice name)
{
	for (size_t i = 0; i < core->server->n_peers; i++) {
		const struct server_peer *peer = &core->server->peers[i];

		for (size_t n = 0; n < peer->n_domains; n++)
			if (slice_eq_nocase(identity_of(peer, peer->domains[n], true), name))
				return peer->domains[n];
	}
	return name;
}

bool peer_is_in_clear(const struct core *core, flow_id flow)
{
	const struct flow_view *view = endpoint_flow_view(core->endpoint, flow);

	if (!view)
		return false;
	for (size_t i = 0; i < core->server->n_peers; i++) {
		const struct server_peer *peer = &core->server->peers[i];

		if (is_clear(peer) && comes_as_declared(peer, view, false))
			return true;
	}
	return false;
}

bool peer_is_protected(const struct core *core, flow_id flow, struct slice domain)
{
	const struct server_peer *peer;
	const struct flow_view *view;

	if (transport_is_secure(flow_transport(flow)))
		return true;
	peer = peer_of(core, domain);
	view = peer ? endpoint_flow_view(core->endpoint, flow) : NULL;
	return view && is_by_link(peer, view, true);
}

struct slice peer_party_domain(const struct core *core, const struct server_peer *peer, account_id party)
{
	for (size_t n = 0; n < peer->n_domains; n++)
		if (core_domain_party(core, peer->domains[n]) == party)
			return peer->domains[n];
	return SLICE("");
}

const struct server_peer *peer_of_party(const struct core *core, account_id party)
{
	for (size_t i = 0; i < core->server->n_peers; i++)
		if (peer_party_domain(core, &core->server->peers[i], party).len > 0)
			return &core->server->peers[i];
	return NULL;
}

bool peer_is_safe_for(const struct core *core, flow_id flow, account_id party)
{
	const struct server_peer *peer = peer_of_party(core, party);

	return peer && peer->link_has_sips &&
	       peer_is_protected(core, flow, peer_party_domain(core, peer, party));
}

const struct server_peer *peer_of_link(const struct core *core, struct slice domain)
{
	const struct server_peer *peer = peer_of(core, domain);

	return peer && peer->link.len > 0 ? peer : NULL;
}

bool peer_goal(const struct core *core, const struct sip_uri *next_hop, bool sips, struct hop_goal *ret_goal)
{
	const struct server_peer *peer = peer_of(core, next_hop->host);
	struct hop_goal goal = { .as = SLICE("") };

	if (!peer || (is_clear(peer) && sips && !is_reached_by_link(peer, sips))) {
		if (!locate_request_of(next_hop, LOCATE_WITH(TRANSPORT_TLS), &goal.locate))
			return false;
	} else {
		goal.pin = peer->pin;
		goal.link = peer->link;
		goal.locate = (struct locate_request){
			.domain = identity_of(peer, next_hop->host, sips),
			.target = peer->host.len > 0 ? peer->host : next_hop->host,
			.port = peer->host.len > 0 ? peer->port : next_hop->port,
			.transports = LOCATE_WITH(peer->transport),
			.is_transport_given = is_clear(peer),
			.needs_tlsa = peer->needs_dane,
		};
	}
	*ret_goal = goal;
	return true;
}
