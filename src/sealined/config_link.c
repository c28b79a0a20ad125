/* What the configuration says of links: see struct transport_link. */
#include "base/ascii.h"
#include "net/socket.h"
#include "sealined/config.h"

static bool wrong(struct writer *why, const char *text)
{
	put(why, slice_of(text));
	return false;
}

static struct transport_link *last(struct config *config)
{
	return (struct transport_link *)&config->links.all[config->links.n - 1];
}

static struct config_link *last_facts(struct config *config)
{
	return &config->link_facts[config->links.n - 1];
}

/* So that it stands in the log as it is. */
static bool is_name(struct slice name)
{
	size_t n = 0;

	while (n < name.len && (ascii_is_alnum(name.ptr[n]) || name.ptr[n] == '-' || name.ptr[n] == '_'))
		n++;
	return n > 0 && n == name.len && n <= LINK_NAME_MAX;
}

static const struct transport_link *find(const struct config *config, struct slice name)
{
	for (size_t i = 0; i < config->links.n; i++)
		if (slice_eq(config->links.all[i].name, name))
			return &config->links.all[i];
	return NULL;
}

bool config_begin_link(struct config *config, struct slice name, struct writer *why)
{
	struct transport_link link = { .n_addresses = 0 };

	if (!is_name(name))
		return wrong(why, "it is no name of letters, digits, - and _, at most 32");
	if (config->links.n == CONFIG_LINKS_MAX)
		return wrong(why, "there are more than 32 of them");
	if (find(config, name))
		return wrong(why, "it is there already");
	if (!config->links.all)
		config->links.all = arena_zalloc(config->arena, CONFIG_LINKS_MAX, sizeof *config->links.all);
	link.addresses = arena_zalloc(config->arena, LINK_ADDRESSES_MAX, sizeof *link.addresses);
	if (!config->links.all || !link.addresses || arena_copy(config->arena, name, &link.name) != OK)
		return wrong(why, "there is no memory for it");
	config->link_facts[config->links.n++] = (struct config_link){ .has_sips = false };
	*last(config) = link;
	return true;
}

/* -- one thing ------------------------------------------------------------------------------------------- */

static bool has_address(const struct transport_link *link, const struct address *address)
{
	for (size_t i = 0; i < link->n_addresses; i++)
		if (address_eq_ip(&link->addresses[i], address))
			return true;
	return false;
}

static bool say_address(struct config *config, struct slice value, struct writer *why)
{
	struct transport_link *link = last(config);
	struct address address;

	if (link->n_addresses == LINK_ADDRESSES_MAX)
		return wrong(why, "there are more than 32 of them");
	if (!address_parse_ip(value, &address))
		return wrong(why, "it is no IP address");
	for (size_t i = 0; i < config->links.n; i++)
		if (has_address(&config->links.all[i], &address))
			return wrong(why, "a link has it already");
	((struct address *)link->addresses)[link->n_addresses++] = address;
	return true;
}

/* Whether the interface alone tells that it is this link. IPsec may protect what comes by any. */
static const struct {
	struct slice name;
	bool is_interface;
} mechanisms[] = {
	{ SLICE_INIT("ipsec"), false },
	{ SLICE_INIT("macsec"), true },
	{ SLICE_INIT("wireguard"), true },
	{ SLICE_INIT("private-wire"), true },
};

static bool say_mechanism(struct config *config, struct slice value, struct writer *why)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
		if (slice_eq(value, mechanisms[i].name)) {
			last_facts(config)->mechanism = mechanisms[i].name;
			return true;
		}
	}
	return wrong(why, "it is none of ipsec, macsec, wireguard, private-wire");
}

static bool say_interface(struct config *config, struct slice value, struct writer *why)
{
	if (value.len == 0 || value.len >= SOCKET_INTERFACE_SIZE || slice_find(value, '/') < value.len ||
	    slice_find(value, '\0') < value.len)
		return wrong(why, "it is no name of an interface, which has at most 15 characters");
	return arena_copy(config->arena, value, &last(config)->interface) == OK ||
	       wrong(why, "there is no memory for it");
}

static bool say_sips(struct config *config, struct slice value, struct writer *why)
{
	bool yes = slice_eq(value, SLICE("yes"));

	if (!yes && !slice_eq(value, SLICE("no")))
		return wrong(why, "it is neither yes nor no");
	last_facts(config)->has_sips = yes;
	return true;
}

/* clang-format off */
static const struct {
	struct slice name;
	bool (*say)(struct config *config, struct slice value, struct writer *why);
} settings[LINK_SETTINGS] = {
	[LINK_ADDRESSES] = { SLICE_INIT("addresses"), say_address },
	[LINK_MECHANISM] = { SLICE_INIT("mechanism"), say_mechanism },
	[LINK_INTERFACE] = { SLICE_INIT("interface"), say_interface },
	[LINK_SIPS]      = { SLICE_INIT("sips"),      say_sips },
};
/* clang-format on */

struct slice link_setting_name(enum link_setting setting)
{
	return settings[setting].name;
}

bool config_say_of_link(struct config *config, enum link_setting setting, struct slice value,
			struct writer *why)
{
	return settings[setting].say(config, value, why);
}

/* -- the whole of it ------------------------------------------------------------------------------------- */

bool config_end_link(struct config *config, struct writer *why)
{
	const struct transport_link *link = last(config);
	struct slice mechanism = last_facts(config)->mechanism;

	if (link->n_addresses == 0)
		return wrong(why, "the link has no addresses");
	if (mechanism.len == 0)
		return wrong(why, "the link has no mechanism: say what protects it");
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (slice_eq(mechanism, mechanisms[i].name) && mechanisms[i].is_interface &&
		    link->interface.len == 0)
			return wrong(
				why,
				"an address can be forged from elsewhere: say the interface of the link");
	return true;
}

static const char *objection_to(const struct config *config, struct server_peer *peer)
{
	const struct transport_link *link = find(config, peer->link);
	struct address address;

	if (!link)
		return "no link has that name";
	if (!address_parse_ip(peer->host, &address) || !has_address(link, &address))
		return "its address is none of those of its link";
	peer->link_has_sips = config->link_facts[link - config->links.all].has_sips;
	return NULL;
}

bool config_join_links(struct config *config, struct writer *why)
{
	for (size_t i = 0; i < config->n_peers; i++) {
		struct server_peer *peer = &config->peers[i];
		const char *objection = peer->link.len > 0 ? objection_to(config, peer) : NULL;

		if (!objection)
			continue;
		put_config_said(why, config, &config->linked[i]);
		put(why, SLICE("peer "));
		put(why, peer->name);
		put(why, SLICE(": link "));
		put(why, peer->link);
		put(why, SLICE(": "));
		return wrong(why, objection);
	}
	return true;
}
