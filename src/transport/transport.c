#include "transport/transport.h"

#include "base/mem.h"
#include "net/socket.h"
#include "transport/private.h"

const struct transport_limits transport_limits_default = {
	.flows = 20000,
	.flows_per_source = 1000,
	.flows_per_second = 50,
	.handshakes = 5000,
	.handshakes_per_source = 200,
	.associations = 10000,
	.high_mark = 64 << 10,
	.output = 1 << 20,
	.message = 64 << 10,
	.input_per_turn = 64 << 10,
	.handshakes_per_turn = 32,
	.handshake = 10 * 1000,
	.connect = 20 * 1000,
	.write = 20 * 1000,
	.unproven = 180 * 1000,
	.idle = 60 * 1000,
	.idle_proven = 2 * 3600 * 1000,
};

/* Refusals that are logged: a burst, and then so many a second. */
enum { REFUSALS_BURST = 100, REFUSALS_PER_SECOND = 10 };
/* New senders over UDP: so many at once, and then so many a second. */
enum { NEWCOMERS_BURST = 5000, NEWCOMERS_PER_SECOND = 500 };

/* -- life ------------------------------------------------------------------------------------------------ */

static bool make_tables(struct transport *transport)
{
	const struct transport_config *config = &transport->config;

	transport->wires = map_new(config->limits.flows + 1, config->map_key);
	transport->sources = map_new(config->limits.flows + SOURCES_IDLE_MAX, config->map_key);
	transport->associations = map_new(config->limits.associations, config->map_key);
	transport->peers = map_new(config->limits.associations, config->map_key);
	transport->input = mem_alloc(config->limits.input_per_turn);
	return transport->wires && transport->sources && transport->associations && transport->peers &&
	       transport->input;
}

struct transport *transport_new(const struct transport_config *config)
{
	struct transport *transport = mem_new(struct transport);

	if (!transport)
		return NULL;
	transport->config = *config;
	transport->handshakes = config->limits.handshakes_per_turn;
	list_init(&transport->dirty);
	list_init(&transport->letters);
	list_init(&transport->again[0]);
	list_init(&transport->again[1]);
	list_init(&transport->signing);
	list_init(&transport->dials);
	list_init(&transport->idle_sources);
	list_init(&transport->strangers);
	list_init(&transport->proven);
	quota_init(&transport->refusals, REFUSALS_BURST, REFUSALS_PER_SECOND, net_now(config->net).mono);
	quota_init(&transport->newcomers, NEWCOMERS_BURST, NEWCOMERS_PER_SECOND, net_now(config->net).mono);
	if (!make_tables(transport)) {
		transport_free(transport);
		return NULL;
	}
	return transport;
}

static struct wire *wire_of(struct map_node *node)
{
	return node ? (struct wire *)(void *)((char *)node - offsetof(struct wire, node)) : NULL;
}

static void free_each(struct map_node *node, void *arg)
{
	(void)arg;
	wire_free(wire_of(node));
}

/* Once or more often. */
static void close_listener(struct listener *listener)
{
	net_watch_free(TAKE(listener->watch));
	socket_close(listener->fd);
	listener->fd = -1;
}

void transport_free(struct transport *transport)
{
	if (!transport)
		return;
	if (transport->associations)
		udp_forget_all(transport);
	for (size_t i = 0; i < transport->n_listeners; i++)
		close_listener(&transport->listeners[i]);
	if (transport->wires)
		map_each(transport->wires, free_each, NULL);
	LIST_EACH (dial, &transport->dials, struct dial, link)
		dial_free(dial);
	LIST_EACH (letter, &transport->letters, struct letter, link)
		letter_free(letter);
	map_free(transport->wires);
	sources_free(transport);
	map_free(transport->associations);
	map_free(transport->peers);
	while (transport->n_spares > 0)
		mem_free(transport->spares[--transport->n_spares]);
	mem_free(transport->input);
	mem_free(transport);
}

enum err transport_listen(struct transport *transport, enum transport_protocol protocol, int fd)
{
	struct listener *listener = &transport->listeners[transport->n_listeners];

	if (transport->n_listeners == LISTENERS_MAX)
		return ERR_LIMIT;
	*listener = (struct listener){
		.owner = OWNER_LISTENER, .transport = transport, .protocol = protocol, .fd = fd
	};
	TRY(net_watch_new(transport->config.net, fd, NET_READABLE, listener, &listener->watch));
	transport->n_listeners++;
	return OK;
}

void transport_deafen(struct transport *transport)
{
	transport->is_deaf = true;
	for (size_t i = 0; i < transport->n_listeners; i++)
		if (transport->listeners[i].protocol != TRANSPORT_UDP)
			close_listener(&transport->listeners[i]);
}

static void end_revoked(struct map_node *node, void *arg)
{
	struct wire *wire = wire_of(node);
	const struct now *now = arg;

	if (wire->state == WIRE_OPEN && wire_is_revoked(wire))
		wire_finish(wire, "its certificate was revoked meanwhile", *now);
}

void transport_set_tls(struct transport *transport, struct tls_context *server, struct tls_context *client,
		       struct now now)
{
	transport->config.server = server;
	transport->config.client = client;
	map_each(transport->wires, end_revoked, &now);
}

void transport_set_idle_proven(struct transport *transport, ms_t idle_proven)
{
	transport->config.limits.idle_proven = idle_proven;
}

/* -- the log --------------------------------------------------------------------------------------------- */

bool transport_reports(const struct transport *transport, enum report_level level)
{
	return transport->config.services.report && endpoint_reports(transport->config.endpoint, level);
}

void transport_report(struct transport *transport, const struct report *report)
{
	if (transport_reports(transport, report->level))
		transport->config.services.report(transport->config.services.self, report);
}

bool transport_is_proven(const struct transport *transport, flow_id flow)
{
	const struct flow_view *view = endpoint_flow_view(transport->config.endpoint, flow);

	return view && flow_view_is_proven(view);
}

/* -- what the endpoint asks for -------------------------------------------------------------------------- */

static struct wire *find(struct transport *transport, flow_id flow)
{
	if (transport->heard && transport->heard->id == flow)
		return transport->heard;
	return wire_of(map_find_hashed(transport->wires, slice_from(&flow, sizeof flow),
				       map_hash_number(transport->wires, flow)));
}

static void send_on_flow(struct transport *transport, const struct action *action, struct now now)
{
	struct wire *wire;

	if (flow_transport(action->send.flow) == TRANSPORT_UDP) {
		udp_send(transport, action->send.flow,
			 &(struct udp_message){ action->send.bytes, action->send.port }, now);
		return;
	}
	wire = find(transport, action->send.flow);
	if (wire)
		wire_send(wire, action->send.bytes, now);
}

static void close_flow(struct transport *transport, flow_id flow, const char *why, struct now now)
{
	struct wire *wire = find(transport, flow);

	if (flow_transport(flow) == TRANSPORT_UDP)
		udp_close(transport, flow, why, now);
	else if (wire && wire->state == WIRE_OPEN)
		wire_finish(wire, why, now);
}

static void look_up(struct transport *transport, const struct action *action, struct now now)
{
	const struct transport_services *services = &transport->config.services;
	AUTO(aor) struct aor *aor = NULL;
	enum err err = services->lookup ? services->lookup(services->self, action->lookup.aor, &aor)
					: ERR_NOT_FOUND;
	struct answer answer = { .question = action->question, .err = err, .aor = aor };

	endpoint_answer(transport->config.endpoint, &answer, now);
}

static void store(struct transport *transport, const struct action *action, struct now now)
{
	const struct transport_services *services = &transport->config.services;
	AUTO(aor) struct aor *aor = NULL;
	enum err err = services->store
			       ? services->store(services->self, action->question, &action->store, &aor)
			       : ERR_IO;
	struct answer answer = { .question = action->question, .err = err, .aor = aor };

	if (err != OK || aor)
		endpoint_answer(transport->config.endpoint, &answer, now);
}

static void certify(struct transport *transport, const struct action *action, struct now now)
{
	const struct transport_services *services = &transport->config.services;
	enum err err = services->certify
			       ? services->certify(services->self, action->question, &action->certify, now)
			       : ERR_IO;
	const struct answer answer = { .question = action->question, .err = err };

	if (err != OK)
		endpoint_answer(transport->config.endpoint, &answer, now);
}

static void vouch(struct transport *transport, const struct action *action, struct now now)
{
	const struct transport_services *services = &transport->config.services;
	struct answer answer = { .question = action->question, .err = ERR_IO };

	if (services->vouch)
		answer.err = services->vouch(services->self, &action->vouch, &answer.entity);
	endpoint_answer(transport->config.endpoint, &answer, now);
}

static void resolve(struct transport *transport, const struct action *action, struct now now)
{
	const struct transport_services *services = &transport->config.services;
	enum err err = services->resolve
			       ? services->resolve(services->self, action->question, &action->resolve)
			       : ERR_IO;
	const struct answer answer = { .question = action->question, .err = err, .dns.err = err };

	if (err != OK)
		endpoint_answer(transport->config.endpoint, &answer, now);
}

bool transport_blame(struct transport *transport, const struct address *peer, enum misdeed misdeed,
		     struct now now)
{
	struct bans *bans = transport->config.bans;
	char text[200];
	struct writer out = writer_of(text, sizeof text);

	if (!bans)
		return false;
	transport->counts.blamed++;
	if (!bans_blame(bans, peer, misdeed, now.mono))
		return bans_has(bans, peer, now.mono);
	put(&out, SLICE(" peer="));
	put_ip(&out, peer);
	put(&out,
	    SLICE(" why=\"it did too much that only an attacker does; lift it with sealine ban lift\""));
	transport_report(transport, &(struct report){ .level = REPORT_WARNING,
						      .event = "source.banned",
						      .text = writer_text(&out) });
	return true;
}

/* A flow that is about to be closed is not known below any more. */
static bool find_peer(struct transport *transport, flow_id flow, struct address *ret_peer)
{
	const struct wire *wire = find(transport, flow);
	const struct flow_view *view;

	if (wire) {
		*ret_peer = wire->peer;
		return true;
	}
	view = endpoint_flow_view(transport->config.endpoint, flow);
	if (!view)
		return false;
	*ret_peer = view->peer;
	return true;
}

/* Whoever is proven is not blamed; over UDP the endpoint has seen to it that it was he who sent it. */
static void blame(struct transport *transport, flow_id flow, enum misdeed misdeed, struct now now)
{
	struct wire *wire = find(transport, flow);
	struct address peer;

	if (transport_is_proven(transport, flow) || !find_peer(transport, flow, &peer) ||
	    !transport_blame(transport, &peer, misdeed, now))
		return;
	transport->counts.closed_banned++;
	if (wire && wire->state == WIRE_OPEN)
		wire_finish(wire, "its address is banned", now);
}

static void perform(struct transport *transport, const struct action *action, struct now now)
{
	switch (action->kind) {
	case ACTION_SEND: send_on_flow(transport, action, now); break;
	case ACTION_CLOSE: close_flow(transport, action->close.flow, action->close.why, now); break;
	case ACTION_RESOLVE: resolve(transport, action, now); break;
	case ACTION_CONNECT: dial_start(transport, action->question, &action->connect, now); break;
	case ACTION_LOOKUP: look_up(transport, action, now); break;
	case ACTION_STORE: store(transport, action, now); break;
	case ACTION_CERTIFY: certify(transport, action, now); break;
	case ACTION_VOUCH: vouch(transport, action, now); break;
	case ACTION_POST: list_append(&transport->letters, &action->post->link); break;
	case ACTION_BLAME: blame(transport, action->blame.flow, action->blame.misdeed, now); break;
	case ACTION_REPORT: transport_report(transport, &action->report); break;
	}
}

/* -- a turn ---------------------------------------------------------------------------------------------- */

/* Does what the endpoint asks for. False: it asked for nothing. */
static bool act(struct transport *transport, struct now now)
{
	struct action action;
	bool has_acted = false;

	while (endpoint_output(transport->config.endpoint, &action)) {
		perform(transport, &action, now);
		has_acted = true;
	}
	return has_acted;
}

static void post(struct transport *transport, struct letter *letter)
{
	const struct transport_services *services = &transport->config.services;

	if (services->post)
		services->post(services->self, letter);
	else
		letter_free(letter);
}

/*
 * Letters leave first, so that other workers have something to do meanwhile, and together: what two of them say to one
 * connection is joined there. A flow that is lost while it is written to may leave the endpoint with more to do.
 */
static void act_and_flush(struct transport *transport, struct now now)
{
	struct link *link;

	while (act(transport, now) || transport->letters.n > 0 || transport->dirty.n > 0) {
		while ((link = list_take_first(&transport->letters)))
			post(transport, CONTAINER_OF(link, struct letter, link));
		while ((link = list_take_first(&transport->dirty)))
			wire_flush(CONTAINER_OF(link, struct wire, dirty), now);
	}
}

/* What handshakes were left in the middle for is signed together, and they go on. */
static void sign(struct transport *transport, struct now now)
{
	struct link *link;

	if (transport->signing.n > 0)
		key_sign_waiting(transport->config.crypto);
	while ((link = list_take_first(&transport->signing))) {
		wire_shake_hands(CONTAINER_OF(link, struct wire, signing), now);
		(void)act(transport, now);
	}
}

/*
 * What a message leads to is done while it still lies in the cache, and not after all others of this turn; what is said to the
 * connection that was heard is also encrypted then. The others wait, since more may be said to them in this turn. All are
 * written to one after the other, which wakes somebody on the same machine once and not each time.
 */
static void end_hearing(struct transport *transport, struct now now)
{
	(void)act(transport, now);
	struct wire *wire = TAKE(transport->heard);

	if (wire && link_is_in_list(&wire->dirty) && !link_is_in_list(&wire->again))
		wire_seal(wire);
	if (transport->dirty.n >= FLUSH_TOGETHER_MAX)
		act_and_flush(transport, now);
}

void transport_event(struct transport *transport, const struct net_event *event, struct now now)
{
	enum owner *owner = event->owner;

	if (!owner)
		return;
	switch (*owner) {
	case OWNER_LISTENER: listener_event(event->owner, now); break;
	case OWNER_WIRE:
		transport->heard = event->owner;
		wire_event(transport->heard, event->ready, now);
		break;
	case OWNER_DIAL: dial_found(event->owner, event, now); break;
	}
	end_hearing(transport, now);
}

void transport_answer(struct transport *transport, const struct answer *answer, struct now now)
{
	endpoint_answer(transport->config.endpoint, answer, now);
}

/* What was put off to the end of this turn: what did not fit in the one before, and handshakes. */
static void go_on(struct transport *transport, struct now now)
{
	struct link *link;

	while ((link = list_take_first(&transport->again[transport->turn % 2]))) {
		struct wire *wire = CONTAINER_OF(link, struct wire, again);

		transport->heard = wire;
		wire_again(wire, now);
		end_hearing(transport, now);
		if (transport->signing.n >= KEY_WISHES_MAX)
			sign(transport, now);
	}
}

void transport_perform(struct transport *transport, struct now now)
{
	/* a step of a handshake takes as long as many messages, which do not wait for it */
	act_and_flush(transport, now);
	do {
		go_on(transport, now);
		sign(transport, now);
	} while (transport->again[transport->turn % 2].n > 0);
	udp_sweep(transport, now);
	act_and_flush(transport, now);
	transport->turn++;
	transport->handshakes = transport->config.limits.handshakes_per_turn;
}

ms_t transport_due(const struct transport *transport)
{
	return transport->again[transport->turn % 2].n > 0 ? 1 : udp_due(transport);
}

/* -- counts ---------------------------------------------------------------------------------------------- */

struct counting {
	const struct transport *transport;
	struct transport_counts counts;
};

static void count_each(struct map_node *node, void *arg)
{
	const struct wire *wire = wire_of(node);
	struct counting *counting = arg;
	struct transport_counts *counts = &counting->counts;
	const struct flow_view *view = endpoint_flow_view(counting->transport->config.endpoint, wire->id);

	if (!view)
		counts->handshaking++;
	else if (*wire->link)
		counts->declared++;
	else if (!wire->tls)
		counts->clear++;
	else if (view->verified.len > 0)
		counts->domain++;
	else if (view->n_accounts > 0)
		counts->account++;
	else
		counts->tls++;
}

struct transport_counts transport_counts(const struct transport *transport)
{
	struct counting counting = { .transport = transport, .counts = transport->counts };

	map_each(transport->wires, count_each, &counting);
	counting.counts.clear += map_count(transport->associations);
	return counting.counts;
}
