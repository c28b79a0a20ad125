/* Links that the configuration declares: see struct transport_link. */
#include <string.h>

#include "transport/private.h"

const struct transport_link *link_to(const struct transport *transport, enum transport_protocol protocol,
				     const struct address *peer)
{
	if (protocol != TRANSPORT_TCP)
		return NULL;
	for (size_t i = 0; i < transport->config.links.n; i++) {
		const struct transport_link *link = &transport->config.links.all[i];

		for (size_t n = 0; n < link->n_addresses; n++)
			if (address_eq_ip(&link->addresses[n], peer))
				return link;
	}
	return NULL;
}

static void explain(struct writer *why, const struct transport_link *link, const char *other)
{
	put(why, SLICE("its address is declared to be behind the link "));
	put_escaped(why, link->name);
	put(why, SLICE(", which is by the interface "));
	put_escaped(why, link->interface);
	put(why, SLICE("; this came by "));
	put(why, *other ? slice_of(other) : SLICE("another"));
}

static void keep(char *to, size_t size, struct slice text)
{
	size_t n = text.len < size ? text.len : size - 1;

	if (n > 0)
		memcpy(to, text.ptr, n);
	to[n] = '\0';
}

void wire_runs_over(struct wire *wire, const struct transport_link *link)
{
	keep(wire->link, sizeof wire->link, link ? link->name : slice_of(NULL));
	keep(wire->interface, sizeof wire->interface, link ? link->interface : slice_of(NULL));
}

bool wire_takes_link(struct wire *wire, struct writer *why)
{
	const struct transport_link *link = link_to(wire->transport, flow_transport(wire->id), &wire->peer);
	char other[SOCKET_INTERFACE_SIZE] = "";

	wire_runs_over(wire, link);
	if (!link || link->interface.len == 0 || socket_hold_to(wire->fd, link->interface, other) == OK)
		return true;
	explain(why, link, other);
	return false;
}

/* -- other links ----------------------------------------------------------------------------------------- */

bool wire_is_as_declared(const struct wire *wire)
{
	const struct transport_link *link = link_to(wire->transport, flow_transport(wire->id), &wire->peer);

	if (!link)
		return !*wire->link;
	return slice_eq(link->name, slice_of(wire->link)) &&
	       slice_eq(link->interface, slice_of(wire->interface));
}

/* One each time: with it others may go. */
static void find_stranded(struct map_node *node, void *arg)
{
	struct wire *wire = CONTAINER_OF(node, struct wire, node);
	struct wire **found = arg;

	if (!*found && wire->state == WIRE_OPEN && !wire_is_as_declared(wire))
		*found = wire;
}

static struct wire *stranded_in(struct transport *transport)
{
	struct wire *found = NULL;

	map_each(transport->wires, find_stranded, &found);
	return found;
}

void transport_set_links(struct transport *transport, struct transport_links links, struct now now)
{
	struct wire *wire;

	transport->config.links = links;
	while ((wire = stranded_in(transport)))
		wire_finish(wire, "its link is declared otherwise now", now);
}
