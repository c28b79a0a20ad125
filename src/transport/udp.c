/*
 * UDP (RFC 3261 §18, RFC 3581): all that comes from one address and port to one of our sockets is a flow of its
 * own, an association. There may be so many of them and no more; one that is silent is forgotten.
 *
 * An address in a datagram proves nothing. So whoever has not proven an account there gets no more than three
 * times the bytes that came from it within a second, and only at once: what timers would repeat is withheld, and
 * so nobody can have us send to a third party more than he could himself.
 */
#include "base/ascii.h"
#include "base/mem.h"
#include "net/socket.h"
#include "transport/private.h"

enum {
	DATAGRAMS_PER_TURN = 256,
	WINDOW_MS = 1000,
	AMPLIFICATION = 3,
};

/* -- life ------------------------------------------------------------------------------------------------ */

static struct association *by_flow(struct transport *transport, flow_id flow)
{
	struct map_node *node = map_find(transport->associations, slice_from(&flow, sizeof flow));

	return node ? (struct association *)(void *)((char *)node - offsetof(struct association, by_flow))
		    : NULL;
}

/* Whom one of our sockets hears, or speaks to. */
struct sender {
	struct address peer;
	unsigned zone; /* see struct socket_datagram */
};

/* Which of our sockets, and the peer's address, zone and port. */
static struct slice make_key(const struct listener *listener, const struct sender *sender,
			     uint8_t key[ASSOCIATION_KEY_SIZE])
{
	struct writer out = writer_of(key, ASSOCIATION_KEY_SIZE);
	uint8_t place = (uint8_t)(listener - listener->transport->listeners);

	put(&out, slice_from(&place, 1));
	put(&out, slice_from(&sender->peer.family, 1));
	put(&out, slice_from(&sender->peer.port, sizeof sender->peer.port));
	put(&out, slice_from(sender->peer.ip, sizeof sender->peer.ip));
	put(&out, slice_from(&sender->zone, sizeof sender->zone));
	return writer_text(&out);
}

static struct association *by_sender(const struct listener *listener, const struct sender *sender)
{
	uint8_t key[ASSOCIATION_KEY_SIZE];
	struct map_node *node = map_find(listener->transport->peers, make_key(listener, sender, key));

	return node ? (struct association *)(void *)((char *)node - offsetof(struct association, by_peer))
		    : NULL;
}

static void tell(const struct association *association, enum flow_event event, struct slice why,
		 struct now now)
{
	const struct flow_facts facts = {
		.event = event,
		.transport = TRANSPORT_UDP,
		.outbound = association->is_dialled,
		.local = association->local,
		.peer = association->peer,
		.why = why,
	};

	endpoint_flow(association->listener->transport->config.endpoint, association->id, &facts, now);
}

/* At debug level: anybody can make up as many senders as he likes. */
static void report(const struct association *association, const char *event, struct slice why)
{
	struct transport *transport = association->listener->transport;
	char text[300];
	struct writer out = writer_of(text, sizeof text);

	if (!transport_reports(transport, REPORT_DEBUG))
		return;
	put(&out, SLICE(" peer="));
	put_address(&out, &association->peer);
	put(&out, SLICE(" transport=UDP"));
	if (why.len > 0) {
		put(&out, SLICE(" why=\""));
		put_escaped(&out, why);
		put(&out, SLICE("\""));
	}
	transport_report(transport, &(struct report){ .level = REPORT_DEBUG,
						      .event = event,
						      .flow = association->id,
						      .text = writer_text(&out) });
}

static void association_free(struct association *association)
{
	struct transport *transport = association->listener->transport;

	map_remove(transport->associations, &association->by_flow);
	map_remove(transport->peers, &association->by_peer);
	list_remove(association->heard_in, &association->order);
	mem_free(association);
}

static void lose(struct association *association, struct slice why, struct now now)
{
	report(association, "flow.lost", why);
	tell(association, FLOW_LOST, why, now);
	association_free(association);
}

/* Puts it into both tables. */
static bool enter(struct transport *transport, struct association *association)
{
	if (map_add(transport->associations, &association->by_flow) != OK)
		return false;
	if (map_add(transport->peers, &association->by_peer) == OK)
		return true;
	map_remove(transport->associations, &association->by_flow);
	return false;
}

static bool is_proven(const struct association *association)
{
	return association->is_dialled ||
	       transport_is_proven(association->listener->transport, association->id);
}

/* Both lists are in the order in which their members were heard last. */
static void file(struct association *association)
{
	struct transport *transport = association->listener->transport;

	list_remove(association->heard_in, &association->order);
	association->heard_in = is_proven(association) ? &transport->proven : &transport->strangers;
	list_append(association->heard_in, &association->order);
}

/* The one who has been silent longest, or NULL. Who has been proven since he was last heard is none any more. */
static struct association *oldest_stranger(struct transport *transport)
{
	struct link *link;

	while ((link = list_first(&transport->strangers))) {
		struct association *oldest = CONTAINER_OF(link, struct association, order);

		if (!is_proven(oldest))
			return oldest;
		file(oldest);
	}
	return NULL;
}

/* Room for one more, if need be that of the stranger who has been silent longest. */
static bool make_room(struct transport *transport, struct now now)
{
	struct association *oldest;

	if (map_count(transport->associations) < transport->config.limits.associations)
		return true;
	oldest = oldest_stranger(transport);
	if (!oldest)
		return false;
	lose(oldest, SLICE("its place was needed"), now);
	return true;
}

/* NULL: there is no room. */
static struct association *association_new(struct listener *listener, const struct sender *sender,
					   struct now now)
{
	struct transport *transport = listener->transport;

	if (transport->udp_counter == FLOW_COUNTER_MAX || !make_room(transport, now))
		return NULL;
	struct association *association = mem_new(struct association);
	if (!association)
		return NULL;
	association->listener = listener;
	association->peer = sender->peer;
	association->zone = sender->zone;
	association->id = flow_id_of(transport->config.worker, transport->config.start, TRANSPORT_UDP,
				     ++transport->udp_counter);
	association->by_flow.key = slice_from(&association->id, sizeof association->id);
	association->by_peer.key = make_key(listener, sender, association->key);
	if (!enter(transport, association)) {
		mem_free(association);
		return NULL;
	}
	association->heard_in = &transport->strangers;
	list_append(association->heard_in, &association->order);
	transport->counts.accepted++;
	return association;
}

/* -- in -------------------------------------------------------------------------------------------------- */

static void note(struct association *association, const struct socket_datagram *datagram, struct now now)
{
	association->local = datagram->local;
	association->heard = now.mono;
	if (now.mono - association->window >= WINDOW_MS) {
		association->window = now.mono;
		association->received = association->sent = 0;
	}
	association->received += datagram->bytes.len;
	file(association);
}

/* Each method and "SIP/2.0" begin with a letter; what does not (STUN, noise, an empty line) makes no flow: a phone whose
 * keep-alives go unanswered learns that its flow is gone (RFC 5626 §4.4.2). */
static bool begins_a_message(struct slice bytes)
{
	return bytes.len > 0 && ascii_is_alpha(bytes.ptr[0]);
}

static bool is_banned(const struct transport *transport, const struct address *peer, struct now now)
{
	return transport->config.bans && bans_has(transport->config.bans, peer, now.mono);
}

/* Whom we dial ourselves is no newcomer: strangers, however many there are, do not keep us from him. */
static bool takes_newcomer(struct transport *transport, const struct socket_datagram *datagram,
			   struct now now)
{
	return !transport->is_deaf && begins_a_message(datagram->bytes) && datagram->peer.port > 0 &&
	       !is_banned(transport, &datagram->peer, now) && quota_take(&transport->newcomers, 1, now.mono);
}

/* RFC 5389 §6: the first two bits are zero; no method begins so. */
static bool may_be_stun(struct slice bytes)
{
	return bytes.len > 0 && ((unsigned char)bytes.ptr[0] & 0xc0) == 0 &&
	       (unsigned char)bytes.ptr[0] < ' ' && !ascii_is_space(bytes.ptr[0]);
}

static void take_in(struct listener *listener, const struct socket_datagram *datagram, struct now now)
{
	struct transport *transport = listener->transport;
	const struct sender sender = { datagram->peer, datagram->zone };
	struct association *association = by_sender(listener, &sender);
	bool is_new = !association;

	transport->counts.bytes_in += datagram->bytes.len;
	if (is_new && takes_newcomer(transport, datagram, now))
		association = association_new(listener, &sender, now);
	if (!association) {
		transport->counts.ignored++;
		return;
	}
	if (is_banned(transport, &datagram->peer, now) && !is_proven(association)) {
		transport->counts.ignored++;
		return;
	}
	note(association, datagram, now);
	if (is_new) {
		report(association, "flow.opened", slice_of(NULL));
		tell(association, FLOW_OPENED, slice_of(NULL), now);
	}
	if (begins_a_message(datagram->bytes) || may_be_stun(datagram->bytes))
		endpoint_input(transport->config.endpoint, association->id, datagram->bytes, now);
}

void udp_event(struct listener *listener, struct now now)
{
	struct transport *transport = listener->transport;
	struct socket_datagram datagram;

	for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
		enum err err = socket_receive(listener->fd, transport->input,
					      transport->config.limits.input_per_turn, &datagram);

		if (err == OK)
			take_in(listener, &datagram, now);
		else if (err == ERR_LIMIT)
			transport->counts.ignored++;
		else
			return;
	}
}

/* -- dialling ---------------------------------------------------------------------------------------------- */

static struct listener *socket_for(struct transport *transport, const struct address *peer)
{
	for (size_t i = 0; i < transport->n_listeners; i++) {
		struct listener *listener = &transport->listeners[i];

		if (listener->protocol == TRANSPORT_UDP &&
		    socket_local_address(listener->fd).family == peer->family)
			return listener;
	}
	return NULL;
}

enum err udp_dial(struct transport *transport, const struct address *peer, struct now now, flow_id *ret_flow)
{
	struct listener *listener = socket_for(transport, peer);
	const struct sender sender = { .peer = *peer };
	struct association *association = listener ? by_sender(listener, &sender) : NULL;
	bool is_new = !association;

	if (!listener)
		return ERR_NOT_FOUND;
	if (is_new)
		association = association_new(listener, &sender, now);
	if (!association)
		return ERR_LIMIT;
	association->is_dialled = true;
	association->heard = now.mono;
	file(association);
	if (is_new) {
		report(association, "flow.opened", slice_of(NULL));
		tell(association, FLOW_OPENED, slice_of(NULL), now);
	}
	*ret_flow = association->id;
	return OK;
}

/* -- out ------------------------------------------------------------------------------------------------- */

static bool may_send(struct association *association, size_t n, struct now now)
{
	if (is_proven(association))
		return true;
	if (association->heard != now.mono || association->sent + n > AMPLIFICATION * association->received)
		return false;
	association->sent += n;
	return true;
}

void udp_send(struct transport *transport, flow_id flow, const struct udp_message *message, struct now now)
{
	struct association *association = by_flow(transport, flow);

	if (!association)
		return;
	if (!may_send(association, message->bytes.len, now)) {
		transport->counts.withheld++;
		return;
	}
	struct socket_datagram datagram = { .local = association->local,
					    .peer = association->peer,
					    .zone = association->zone,
					    .bytes = message->bytes };
	if (message->port)
		datagram.peer.port = message->port;
	/* What the kernel does not take is lost, as on the way: timers repeat it. */
	if (socket_send(association->listener->fd, &datagram) == OK)
		transport->counts.bytes_out += message->bytes.len;
	else
		transport->counts.unsent++;
}

void udp_close(struct transport *transport, flow_id flow, const char *why, struct now now)
{
	struct association *association = by_flow(transport, flow);

	if (association)
		lose(association, slice_of(why), now);
}

/* -- silence --------------------------------------------------------------------------------------------- */

static ms_t end_of_silence(const struct list *list, ms_t patience)
{
	const struct link *oldest = list_first(list);

	return oldest ? CONTAINER_OF(oldest, struct association, order)->heard + patience : 0;
}

/* Who has been proven since he was last heard moves over to the others. */
static void sweep(struct transport *transport, struct list *list, ms_t patience, struct now now)
{
	for (ms_t end; (end = end_of_silence(list, patience)) && now.mono >= end;) {
		struct association *oldest = CONTAINER_OF(list_first(list), struct association, order);

		if (list == &transport->strangers && is_proven(oldest))
			file(oldest);
		else
			lose(oldest, SLICE("it was silent for too long"), now);
	}
}

void udp_sweep(struct transport *transport, struct now now)
{
	sweep(transport, &transport->strangers, transport->config.limits.idle, now);
	sweep(transport, &transport->proven, transport->config.limits.idle_proven, now);
}

ms_t udp_due(const struct transport *transport)
{
	ms_t strangers = end_of_silence(&transport->strangers, transport->config.limits.idle);
	ms_t proven = end_of_silence(&transport->proven, transport->config.limits.idle_proven);

	return strangers && (!proven || strangers < proven) ? strangers : proven;
}

void udp_forget_all(struct transport *transport)
{
	struct list *lists[] = { &transport->strangers, &transport->proven };
	struct link *link;

	for (size_t i = 0; i < 2; i++)
		while ((link = list_first(lists[i])))
			association_free(CONTAINER_OF(link, struct association, order));
}
