#include "base/mem.h"
#include "net/socket.h"
#include "transport/private.h"

enum {
	ACCEPTS_PER_TURN = 64,
	PAUSE_MS = 500, /* without descriptors */
};

/* -- sources --------------------------------------------------------------------------------------------- */

static struct source *source_of(struct map_node *node)
{
	return node ? (struct source *)(void *)((char *)node - offsetof(struct source, node)) : NULL;
}

static struct source *source_new(struct transport *transport, struct slice ip)
{
	struct source *source = mem_new(struct source);

	if (!source)
		return NULL;
	memcpy(source->ip, ip.ptr, sizeof source->ip);
	source->node.key = slice_from(source->ip, sizeof source->ip);
	if (map_add(transport->sources, &source->node) != OK) {
		mem_free(source);
		return NULL;
	}
	return source;
}

/* False: it has enough connections already. *ret_source is NULL where nothing is counted. */
static bool source_charge(struct transport *transport, const struct address *peer, struct source **ret_source)
{
	size_t max = transport->config.limits.flows_per_source;
	uint8_t ip[sizeof(((struct source *)NULL)->ip)] = { peer->family };

	*ret_source = NULL;
	if (max == 0 || address_is_loopback(peer))
		return true;
	memcpy(ip + 1, peer->ip, sizeof peer->ip);
	struct slice key = slice_from(ip, sizeof ip);
	struct source *source = source_of(map_find(transport->sources, key));
	if (!source)
		source = source_new(transport, key);
	if (!source || source->n >= max)
		return false;
	source->n++;
	*ret_source = source;
	return true;
}

void source_release(struct transport *transport, struct source *source)
{
	if (!source || --source->n > 0)
		return;
	map_remove(transport->sources, &source->node);
	mem_free(source);
}

/* -- accepting ------------------------------------------------------------------------------------------- */

static void refuse(struct transport *transport, const struct address *peer, const char *why, struct now now)
{
	char text[200];
	struct writer out = writer_of(text, sizeof text);

	transport->counts.refused_connections++;
	if (!quota_take(&transport->refusals, 1, now.mono)) {
		transport->unlogged++;
		return;
	}
	put(&out, SLICE(" peer="));
	put_address(&out, peer);
	put(&out, SLICE(" why=\""));
	put(&out, slice_of(why));
	put(&out, SLICE("\""));
	transport_report(transport, &(struct report){ .level = REPORT_WARNING,
						      .event = "connection.refused",
						      .text = writer_text(&out) });
}

static void admit(struct listener *listener, int fd, const struct address *peer, struct now now)
{
	struct transport *transport = listener->transport;
	struct source *source;
	struct wire *wire;

	if (map_count(transport->wires) >= transport->config.limits.flows) {
		socket_close(fd);
		refuse(transport, peer, "as many connections as the limit allows", now);
		return;
	}
	if (!source_charge(transport, peer, &source)) {
		socket_close(fd);
		refuse(transport, peer, "as many connections as one address may have", now);
		return;
	}
	if (wire_new(transport, listener->protocol, fd, &wire) != OK) {
		source_release(transport, source);
		refuse(transport, peer, "no memory or descriptors", now);
		return;
	}
	transport->counts.accepted++;
	wire->source = source;
	wire->peer = *peer;
	wire->deadline = now.mono + transport->config.limits.handshake;
	wire_begin(wire, now);
}

/* Without descriptors the listener would be ready for ever; it pauses, and those who wait keep waiting. */
static void pause_for_descriptors(struct listener *listener, struct now now)
{
	net_watch_set(listener->watch, 0);
	net_watch_deadline(listener->watch, now.mono + PAUSE_MS);
	transport_report(
		listener->transport,
		&(struct report){ .level = REPORT_ERROR,
				  .event = "connection.no-descriptors",
				  .text = SLICE(" why=\"raise the limit of open files (LimitNOFILE)\"") });
}

void listener_event(struct listener *listener, struct now now)
{
	struct address peer;
	enum err err = OK;
	int fd;

	if (listener->protocol == TRANSPORT_UDP) {
		udp_event(listener, now);
		return;
	}
	net_watch_set(listener->watch, NET_READABLE);
	for (int i = 0; i < ACCEPTS_PER_TURN && err == OK; i++) {
		err = socket_accept(listener->fd, &fd, &peer);
		if (err == OK)
			admit(listener, fd, &peer, now);
	}
	if (err == ERR_LIMIT || err == ERR_NOMEM)
		pause_for_descriptors(listener, now);
}
