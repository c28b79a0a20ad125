#include <string.h>

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

static void forget_source(struct transport *transport, struct source *source)
{
	list_remove(&transport->idle_sources, &source->idle);
	map_remove(transport->sources, &source->node);
	mem_free(source);
}

static struct source *source_new(struct transport *transport, const uint8_t key[SOURCE_KEY_SIZE],
				 struct now now)
{
	const struct transport_limits *limits = &transport->config.limits;
	struct link *oldest = list_first(&transport->idle_sources);
	struct source *source = mem_new(struct source);

	if (!source)
		return NULL;
	if (oldest && transport->idle_sources.n >= SOURCES_IDLE_MAX)
		forget_source(transport, CONTAINER_OF(oldest, struct source, idle));
	memcpy(source->key, key, sizeof source->key);
	quota_init(&source->rate, (uint32_t)limits->flows_per_source, limits->flows_per_second, now.mono);
	source->node.key = slice_from(source->key, sizeof source->key);
	if (map_add(transport->sources, &source->node) != OK) {
		mem_free(source);
		return NULL;
	}
	return source;
}

static bool is_exempt(const struct transport *transport, const struct address *peer)
{
	return transport->config.bans ? bans_is_exempt(transport->config.bans, peer)
				      : address_is_loopback(peer);
}

/* Why the source may not have one more connection; NULL: it may. *ret_source is NULL where nothing is counted. */
static const char *source_charge(struct transport *transport, const struct address *peer, struct now now,
				 struct source **ret_source)
{
	const struct transport_limits *limits = &transport->config.limits;
	uint8_t key[SOURCE_KEY_SIZE];

	*ret_source = NULL;
	if (limits->flows_per_source == 0 || is_exempt(transport, peer))
		return NULL;
	make_source_key(peer, key);
	struct source *source = source_of(map_find(transport->sources, slice_from(key, sizeof key)));
	if (!source)
		source = source_new(transport, key, now);
	if (!source)
		return "no memory";
	if (source->n >= limits->flows_per_source)
		return "as many connections as one address may have";
	if (source->n_handshaking >= limits->handshakes_per_source)
		return "as many handshakes as one address may have at a time";
	if (!quota_take(&source->rate, 1, now.mono))
		return "more connections a second than one address may make";
	list_remove(&transport->idle_sources, &source->idle);
	source->n++;
	*ret_source = source;
	return NULL;
}

void source_release(struct transport *transport, struct source *source)
{
	if (source && --source->n == 0)
		list_append(&transport->idle_sources, &source->idle);
}

static void free_source(struct map_node *node, void *arg)
{
	forget_source(arg, source_of(node));
}

void sources_free(struct transport *transport)
{
	if (transport->sources)
		map_each(transport->sources, free_source, transport);
	map_free(transport->sources);
}

/* -- handshakes ------------------------------------------------------------------------------------------ */

static void begin_handshake(struct wire *wire)
{
	wire->is_counted = true;
	wire->transport->n_handshaking++;
	if (wire->source)
		wire->source->n_handshaking++;
}

void handshake_ends(struct wire *wire)
{
	if (!wire->is_counted)
		return;
	wire->is_counted = false;
	wire->transport->n_handshaking--;
	if (wire->source)
		wire->source->n_handshaking--;
}

/* -- accepting ------------------------------------------------------------------------------------------- */

static void refuse(struct transport *transport, const struct address *peer, struct slice why, struct now now)
{
	char text[300];
	struct writer out = writer_of(text, sizeof text);

	transport->counts.refused_connections++;
	if (!quota_take(&transport->refusals, 1, now.mono)) {
		transport->unlogged++;
		return;
	}
	put(&out, SLICE(" peer="));
	put_address(&out, peer);
	put(&out, SLICE(" why=\""));
	put(&out, why);
	put(&out, SLICE("\""));
	transport_report(transport, &(struct report){ .level = REPORT_WARNING,
						      .event = "connection.refused",
						      .text = writer_text(&out) });
}

/* NULL: it is welcome, and charged to *ret_source. */
static const char *find_objection(struct transport *transport, const struct address *peer, struct now now,
				  struct source **ret_source)
{
	const struct transport_limits *limits = &transport->config.limits;

	*ret_source = NULL;
	if (transport->config.bans && bans_has(transport->config.bans, peer, now.mono)) {
		transport->counts.refused_banned++;
		return "the address is banned (see sealine ban list)";
	}
	if (map_count(transport->wires) >= limits->flows)
		return "as many connections as the limit allows";
	if (transport->n_handshaking >= limits->handshakes)
		return "as many handshakes as the limit allows";
	return source_charge(transport, peer, now, ret_source);
}

static void admit(struct listener *listener, int fd, const struct address *peer, struct now now)
{
	struct transport *transport = listener->transport;
	char text[200];
	struct writer why = writer_of(text, sizeof text);
	struct source *source;
	struct wire *wire;
	const char *objection = find_objection(transport, peer, now, &source);

	if (objection) {
		socket_close(fd);
		refuse(transport, peer, slice_of(objection), now);
		return;
	}
	if (wire_new(transport, listener->protocol, fd, &wire) != OK) {
		source_release(transport, source);
		refuse(transport, peer, SLICE("no memory or descriptors"), now);
		return;
	}
	transport->counts.accepted++;
	wire->source = source;
	wire->peer = *peer;
	if (!wire_takes_link(wire, &why)) {
		refuse(transport, peer, writer_text(&why), now);
		wire_free(wire);
		return;
	}
	wire->deadline = now.mono + transport->config.limits.handshake;
	begin_handshake(wire);
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
