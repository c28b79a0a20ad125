/* What the configuration says of peers. */
#include "base/ascii.h"
#include "base/mem.h"
#include "crypto/certificate.h"
#include "crypto/identity.h"
#include "sealined/config.h"

static bool wrong(struct writer *why, const char *text)
{
	put(why, slice_of(text));
	return false;
}

static struct server_peer *last(struct config *config)
{
	return &config->peers[config->n_peers - 1];
}

bool config_begin_peer(struct config *config, struct slice name, struct writer *why)
{
	struct server_peer peer = { .transport = TRANSPORT_TLS };

	if (config->n_peers == CONFIG_PEERS_MAX)
		return wrong(why, "there are more than 100 of them");
	if (!config->peers) {
		config->peers = arena_zalloc(config->arena, CONFIG_PEERS_MAX, sizeof *config->peers);
		config->scopes = arena_zalloc(config->arena, CONFIG_PEERS_MAX, sizeof *config->scopes);
		config->linked = arena_zalloc(config->arena, CONFIG_PEERS_MAX, sizeof *config->linked);
	}
	peer.domains = arena_zalloc(config->arena, CONFIG_PEER_LIST_MAX, sizeof *peer.domains);
	peer.addresses = arena_zalloc(config->arena, CONFIG_PEER_LIST_MAX, sizeof *peer.addresses);
	peer.edge_for = arena_zalloc(config->arena, CONFIG_PEER_LIST_MAX, sizeof *peer.edge_for);
	if (!config->peers || !config->scopes || !config->linked || !peer.domains || !peer.addresses ||
	    !peer.edge_for || arena_copy(config->arena, name, &peer.name) != OK)
		return wrong(why, "there is no memory for it");
	for (size_t i = 0; i < config->n_peers; i++)
		if (slice_eq(config->peers[i].name, name))
			return wrong(why, "it is there already");
	config->peers[config->n_peers++] = peer;
	return true;
}

/* -- one thing ------------------------------------------------------------------------------------------- */

static bool is_taken(const struct config *config, struct slice domain)
{
	for (size_t i = 0; i < config->n_peers; i++)
		for (size_t n = 0; n < config->peers[i].n_domains; n++)
			if (slice_eq(config->peers[i].domains[n], domain))
				return true;
	return false;
}

/* Some speak for their address; only one in clear is known by it (config_end_peer). */
static bool say_domain(struct config *config, struct slice value, struct writer *why)
{
	struct server_peer *peer = last(config);
	struct address address;
	struct slice name;

	if (peer->n_domains == CONFIG_PEER_LIST_MAX)
		return wrong(why, "there are more than 32 of them");
	if (address_parse_ip(value, &address)) {
		if (!config_keep_lower(config, value, &name, why))
			return false;
	} else if (!config_keep_name(config, value, &name, why)) {
		return wrong(why, ", and no IP address");
	}
	if (is_taken(config, name))
		return wrong(why, "a peer has it already");
	((struct slice *)peer->domains)[peer->n_domains++] = name;
	return true;
}

/* HOST[:PORT], with a name or an address */
static bool say_address(struct config *config, struct slice value, struct writer *why)
{
	struct server_peer *peer = last(config);
	struct address address;
	size_t colon = slice_find(value, ':');
	struct slice host = slice_sub(value, 0, colon);
	uint64_t port = 0;

	if (address_parse_ip(value, &address))
		return config_keep_lower(config, value, &peer->host, why);
	if (address_parse(value, &address)) {
		peer->port = address.port;
		for (colon = value.len; value.ptr[colon - 1] != ':'; colon--)
			;
		return config_keep_lower(config, slice_sub(value, 0, colon - 1), &peer->host, why);
	}
	struct scan in = scan_of(slice_sub(value, colon + 1, value.len));
	if (colon < value.len && (!scan_number(&in, UINT16_MAX, &port) || !scan_done(&in) || port == 0))
		return wrong(why, "it is no name or IP address, with or without a port");
	peer->port = (uint16_t)port;
	return config_keep_name(config, host, &peer->host, why) || wrong(why, ", and no IP address");
}

static bool say_proves(struct config *config, struct slice value, struct writer *why)
{
	return config_keep_name(config, value, &last(config)->proves, why);
}

/* 64 hexadecimal digits, with or without colons between the bytes */
static bool say_pin(struct config *config, struct slice value, struct writer *why)
{
	unsigned char *pin = arena_alloc(config->arena, CERTIFICATE_FINGERPRINT_SIZE);
	size_t n = 0;

	if (!pin)
		return wrong(why, "there is no memory for it");
	while (value.len >= 2 && n < CERTIFICATE_FINGERPRINT_SIZE) {
		int high = ascii_hex(value.ptr[0]), low = ascii_hex(value.ptr[1]);

		if (high < 0 || low < 0)
			break;
		pin[n++] = (unsigned char)(high << 4 | low);
		value = slice_sub(value, value.len > 2 && value.ptr[2] == ':' ? 3 : 2, value.len);
	}
	if (n != CERTIFICATE_FINGERPRINT_SIZE || value.len > 0)
		return wrong(why,
			     "it is no SHA-256 fingerprint, 64 hexadecimal digits with or without colons");
	last(config)->pin = slice_from(pin, CERTIFICATE_FINGERPRINT_SIZE);
	return true;
}

static bool say_transport(struct config *config, struct slice value, struct writer *why)
{
	static const enum transport_protocol known[] = { TRANSPORT_TLS, TRANSPORT_TCP, TRANSPORT_UDP };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (slice_eq_nocase(value, transport_name(known[i]))) {
			last(config)->transport = known[i];
			return true;
		}
	}
	return wrong(why, "it is none of tls, tcp, udp");
}

static bool say_from(struct config *config, struct slice value, struct writer *why)
{
	struct server_peer *peer = last(config);

	if (peer->n_addresses == CONFIG_PEER_LIST_MAX)
		return wrong(why, "there are more than 32 of them");
	if (!address_parse_ip(value, &((struct address *)peer->addresses)[peer->n_addresses]))
		return wrong(why, "it is no IP address");
	peer->n_addresses++;
	return true;
}

static bool say_whether(struct slice value, bool *ret_yes, struct writer *why)
{
	bool yes = slice_eq(value, SLICE("yes"));

	if (!yes && !slice_eq(value, SLICE("no")))
		return wrong(why, "it is neither yes nor no");
	*ret_yes = yes;
	return true;
}

static bool say_relay(struct config *config, struct slice value, struct writer *why)
{
	return say_whether(value, &last(config)->relays, why);
}

static bool say_trust_domain(struct config *config, struct slice value, struct writer *why)
{
	return say_whether(value, &last(config)->in_trust_domain, why);
}

static bool say_route(struct config *config, struct slice value, struct writer *why)
{
	return say_whether(value, &last(config)->routes, why);
}

static bool say_registers(struct config *config, struct slice value, struct writer *why)
{
	return say_whether(value, &last(config)->registers, why);
}

/* That they are ours is seen when all has been said. */
static bool say_edge_for(struct config *config, struct slice value, struct writer *why)
{
	struct server_peer *peer = last(config);

	if (peer->n_edge_for == CONFIG_PEER_LIST_MAX)
		return wrong(why, "there are more than 32 of them");
	if (!config_keep_name(config, value, &((struct slice *)peer->edge_for)[peer->n_edge_for], why))
		return false;
	peer->n_edge_for++;
	return true;
}

static struct config_scope *last_scope(struct config *config)
{
	return &config->scopes[config->n_peers - 1];
}

static bool say_trust(struct config *config, struct slice value, struct writer *why)
{
	return config_keep_path(config, value, &last_scope(config)->trust, why);
}

static bool say_exception(struct config *config, struct slice value, struct writer *why)
{
	if (!slice_eq(value, SLICE("wildcard")))
		return wrong(why, "there is no such exception, only wildcard");
	last_scope(config)->takes_wildcards = true;
	return true;
}

static bool say_dane(struct config *config, struct slice value, struct writer *why)
{
	bool is_required = slice_eq(value, SLICE("require"));

	if (!is_required && !slice_eq(value, SLICE("allow")))
		return wrong(why, "it is neither allow nor require");
	last(config)->needs_dane = is_required;
	return true;
}

static bool say_link(struct config *config, struct slice value, struct writer *why)
{
	config->linked[config->n_peers - 1] = config->saying;
	return arena_copy(config->arena, value, &last(config)->link) == OK ||
	       wrong(why, "there is no memory for it");
}

/* clang-format off */
static const struct {
	struct slice name;
	bool (*say)(struct config *config, struct slice value, struct writer *why);
} settings[PEER_SETTINGS] = {
	[PEER_DOMAINS]   = { SLICE_INIT("domains"),   say_domain },
	[PEER_ADDRESS]   = { SLICE_INIT("address"),   say_address },
	[PEER_PROVES]    = { SLICE_INIT("proves"),    say_proves },
	[PEER_PIN]       = { SLICE_INIT("pin"),       say_pin },
	[PEER_TRANSPORT] = { SLICE_INIT("transport"), say_transport },
	[PEER_FROM]      = { SLICE_INIT("from"),      say_from },
	[PEER_RELAY]     = { SLICE_INIT("relay"),     say_relay },
	[PEER_ROUTE]     = { SLICE_INIT("route"),     say_route },
	[PEER_TRUST_DOMAIN] = { SLICE_INIT("trust-domain"), say_trust_domain },
	[PEER_REGISTERS] = { SLICE_INIT("registers"), say_registers },
	[PEER_EDGE_FOR]  = { SLICE_INIT("edge-for"),  say_edge_for },
	[PEER_TRUST]     = { SLICE_INIT("trust"),     say_trust },
	[PEER_EXCEPTIONS] = { SLICE_INIT("exceptions"), say_exception },
	[PEER_DANE]      = { SLICE_INIT("dane"),      say_dane },
	[PEER_LINK]      = { SLICE_INIT("link"),      say_link },
};
/* clang-format on */

struct slice peer_setting_name(enum peer_setting setting)
{
	return settings[setting].name;
}

bool config_say_of_peer(struct config *config, enum peer_setting setting, struct slice value,
			struct writer *why)
{
	return settings[setting].say(config, value, why);
}

/* -- rules of its own ------------------------------------------------------------------------------------- */

/* So that it cannot be taken for anything else in "b.example/NAME, c.example". */
static bool is_scope_name(struct slice name)
{
	size_t n = 0;

	while (n < name.len && (ascii_is_alnum(name.ptr[n]) || name.ptr[n] == '-' || name.ptr[n] == '_'))
		n++;
	return n > 0 && n == name.len && n <= CONFIG_SCOPE_NAME_MAX;
}

static bool join(struct config *config, struct slice a, const char *b, struct slice c, struct slice *ret_text)
{
	size_t size = a.len + slice_of(b).len + c.len;
	char *text = arena_alloc(config->arena, size);
	struct writer out = writer_of(text, size);

	if (!text)
		return false;
	put(&out, a);
	put(&out, slice_of(b));
	put(&out, c);
	*ret_text = writer_text(&out);
	return true;
}

/* What it may have to prove: one name for all, or each domain, and where it is. */
static bool name_all(struct config *config, struct slice **ret_names, size_t *ret_n)
{
	const struct server_peer *peer = last(config);
	struct slice *names = arena_zalloc(config->arena, peer->n_domains + 1, sizeof *names);
	size_t n = 0;

	if (!names)
		return false;
	if (peer->proves.len > 0)
		names[n++] = peer->proves;
	for (size_t i = 0; peer->proves.len == 0 && i < peer->n_domains; i++)
		names[n++] = peer->domains[i];
	if (peer->proves.len == 0 && identity_is_name(peer->host))
		names[n++] = peer->host;
	*ret_names = names;
	*ret_n = n;
	return true;
}

static bool identify(struct config *config, const struct config_scope *scope)
{
	struct server_peer *peer = last(config);
	struct server_identity *identities = arena_zalloc(config->arena, scope->n_names, sizeof *identities);

	if (!identities)
		return false;
	for (size_t i = 0; i < scope->n_names; i++) {
		struct server_identity *identity = &identities[i];

		identity->name = identity->sips = scope->names[i];
		if (scope->sips.len > 0 && !join(config, scope->names[i], "/", scope->sips, &identity->sips))
			return false;
		if (!join(config, scope->names[i], "/", scope->sip, &identity->sip))
			return false;
	}
	peer->identities = identities;
	peer->n_identities = scope->n_names;
	return true;
}

static bool end_scope(struct config *config, struct writer *why)
{
	const struct server_peer *peer = last(config);
	struct config_scope *scope = last_scope(config);
	struct slice lower, *names;

	if (scope->trust.len == 0 && !scope->takes_wildcards)
		return true;
	if (!transport_is_secure(peer->transport))
		return wrong(
			why,
			"what comes in clear proves nothing: leave out trust and exceptions, or the transport");
	if (!is_scope_name(peer->name))
		return wrong(
			why,
			"a peer with trust or exceptions has a name of letters, digits, - and _, at most 32");
	if (!config_keep_lower(config, peer->name, &lower, why))
		return false;
	for (size_t i = 0; i + 1 < config->n_peers; i++)
		if (slice_eq_nocase(config->peers[i].name, peer->name))
			return wrong(why, "another peer has that name in other letters");
	if (scope->trust.len > 0)
		scope->sips = scope->sip = lower;
	if ((scope->takes_wildcards && !join(config, lower, ":sip", SLICE(""), &scope->sip)) ||
	    !name_all(config, &names, &scope->n_names))
		return wrong(why, "there is no memory for it");
	scope->names = names;
	return identify(config, scope) || wrong(why, "there is no memory for it");
}

/* -- the whole of it ------------------------------------------------------------------------------------- */

static bool speaks_for_address(const struct server_peer *peer)
{
	struct address address;

	for (size_t i = 0; i < peer->n_domains; i++)
		if (address_parse_ip(peer->domains[i], &address))
			return true;
	return false;
}

/* Phones register over TLS alone, and there is no way around what an edge, or their server, has to prove. */
static bool end_edge(const struct config *config, struct writer *why)
{
	const struct server_peer *peer = &config->peers[config->n_peers - 1];

	if (!peer->registers && peer->n_edge_for == 0)
		return true;
	if (!transport_is_secure(peer->transport))
		return wrong(
			why,
			"registrations go over TLS alone: leave out registers and edge-for, or the transport");
	if (config->scopes[config->n_peers - 1].takes_wildcards)
		return wrong(
			why,
			"there is no exception where phones register: leave out registers and edge-for, or exceptions");
	if (peer->n_edge_for > 0 && peer->n_domains != 1)
		return wrong(why,
			     "an edge has one name, which stands in its Path: say that alone in domains");
	return true;
}

bool config_peers_fit(const struct config *config, struct writer *why)
{
	for (size_t i = 0; i < config->n_peers; i++) {
		const struct server_peer *peer = &config->peers[i];

		for (size_t n = 0; n < peer->n_edge_for; n++) {
			size_t ours = 0;

			while (ours < config->n_domains &&
			       !slice_eq(config->domains[ours].name, peer->edge_for[n]))
				ours++;
			if (ours < config->n_domains)
				continue;
			put(why, peer->name);
			put(why, SLICE(": edge-for: "));
			put(why, peer->edge_for[n]);
			return wrong(why, " is no domain of ours");
		}
	}
	return true;
}

/* A connection is made over a link, or it is none; a datagram only says where it comes from. */
static bool has_good_link(const struct server_peer *peer, struct writer *why)
{
	if (peer->link.len == 0)
		return true;
	if (peer->transport != TRANSPORT_TCP)
		return wrong(
			why,
			"a link protects what is in clear, and its addresses are known over TCP alone: say transport: tcp, or leave out link");
	return peer->n_addresses == 0 ||
	       wrong(why, "the peer comes from the addresses of its link: leave out from");
}

bool config_end_peer(struct config *config, struct writer *why)
{
	const struct server_peer *peer = last(config);
	bool is_clear = !transport_is_secure(peer->transport);
	struct address address;

	if (peer->n_domains == 0)
		return wrong(why, "the peer has no domains");
	if (is_clear && peer->proves.len + peer->pin.len > 0)
		return wrong(
			why,
			"what comes in clear proves nothing: leave out proves and pin, or the transport");
	if (is_clear && peer->in_trust_domain && peer->link.len == 0)
		return wrong(why,
			     "what comes in clear can be forged: leave out trust-domain, or the transport");
	if (!is_clear && peer->n_addresses > 0)
		return wrong(why, "an address proves nothing: from is for peers in clear only");
	if (peer->needs_dane && (is_clear || peer->host.len > 0))
		return wrong(
			why,
			"dane is for a peer over TLS that the DNS leads to: leave out address and transport");
	if (peer->needs_dane && (last_scope(config)->trust.len > 0 || last_scope(config)->takes_wildcards))
		return wrong(
			why,
			"the peer has rules of its own for its certificate: leave out dane, or trust and exceptions");
	if (is_clear && peer->host.len == 0)
		return wrong(why, "a peer in clear needs an address");
	if (!is_clear && peer->proves.len == 0 &&
	    (address_parse_ip(peer->host, &address) || speaks_for_address(peer)))
		return wrong(why, "a certificate proves no address: say what the peer proves");
	return has_good_link(peer, why) && end_edge(config, why) && end_scope(config, why);
}
