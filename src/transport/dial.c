#include "base/mem.h"
#include "net/socket.h"
#include "transport/private.h"

static uint16_t default_port(enum transport_protocol protocol)
{
	return transport_is_secure(protocol) ? 5061 : 5060;
}

static struct dial *dial_new(struct transport *transport, const struct connect_question *connect)
{
	size_t texts = connect->host.len + connect->domain.len + connect->pin.len + connect->tlsa.len +
		       connect->as.len;
	struct dial *dial = mem_zalloc(1, sizeof *dial + texts);
	char *at;

	if (!dial)
		return NULL;
	at = (char *)(dial + 1);
	dial->owner = OWNER_DIAL;
	dial->transport = transport;
	dial->protocol = connect->transport;
	dial->host = slice_copy(&at, connect->host);
	dial->domain = slice_copy(&at, connect->domain);
	dial->pin = slice_copy(&at, connect->pin);
	dial->tlsa = slice_copy(&at, connect->tlsa);
	dial->as = slice_copy(&at, connect->as);
	list_append(&transport->dials, &dial->link);
	return dial;
}

void dial_free(struct dial *dial)
{
	list_remove(&dial->transport->dials, &dial->link);
	net_lookup_free(dial->lookup);
	mem_free(dial);
}

static void answer(struct transport *transport, const struct answer *answer, struct now now)
{
	endpoint_answer(transport->config.endpoint, answer, now);
}

/* Answers with a refusal that says with whom it was, and forgets the dial. */
static void give_up_by(struct dial *dial, const struct wire_end *end, struct now now)
{
	struct transport *transport = dial->transport;
	char text[1000];
	struct writer out = writer_of(text, sizeof text);

	put_escaped(&out, dial->host);
	if (dial->next > 0) {
		put(&out, SLICE(" ("));
		put_address(&out, &dial->addresses[dial->next - 1]);
		put(&out, SLICE(")"));
	}
	put(&out, SLICE(": "));
	put(&out, end->why);
	struct answer refusal = {
		.question = dial->question,
		.err = end->err,
		.why = writer_text(&out),
		.verdict = end->verdict,
	};
	dial_free(dial);
	answer(transport, &refusal, now);
}

static void give_up(struct dial *dial, enum err err, struct slice why, struct now now)
{
	give_up_by(dial, &(struct wire_end){ .err = err, .why = why }, now);
}

/* Over UDP there is nothing to wait for; whether somebody is there shows when he is spoken to. */
static void try_udp(struct dial *dial, struct now now)
{
	flow_id flow;

	dial->next = 1;
	switch (udp_dial(dial->transport, &dial->addresses[0], now, &flow)) {
	case OK: dial_done(dial, flow, now); return;
	case ERR_NOT_FOUND:
		give_up(dial, ERR_IO, SLICE("we listen on no address over UDP from which it is reached"),
			now);
		return;
	default: give_up(dial, ERR_LIMIT, SLICE("there is no room for one more over UDP"), now); return;
	}
}

/* Each address gets its share of the time that is left, so that a dead one does not use it all. */
static enum err try_address(struct dial *dial, const struct address *address, struct now now)
{
	struct transport *transport = dial->transport;
	size_t left = dial->n_addresses - dial->next + 1;
	const struct transport_link *link = link_to(transport, dial->protocol, address);
	struct wire *wire;
	int fd;

	TRY(socket_connect_by(address, link ? link->interface : slice_of(NULL), &fd));
	TRY(wire_new(transport, dial->protocol, fd, &wire));
	transport->counts.connected++;
	wire->outbound = true;
	wire->dial = dial;
	wire->peer = *address;
	wire_runs_over(wire, link);
	wire->deadline = dial->due > now.mono ? now.mono + (dial->due - now.mono) / left : now.mono;
	net_watch_deadline(wire->watch, wire->deadline);
	net_watch_set(wire->watch, NET_WRITABLE);
	return OK;
}

/* why_not: what to say if there is no address left. */
static void try_next(struct dial *dial, const struct wire_end *why_not, struct now now)
{
	struct wire_end failed;

	if (dial->protocol == TRANSPORT_UDP && dial->n_addresses > 0) {
		try_udp(dial, now);
		return;
	}
	while (dial->next < dial->n_addresses) {
		const struct address *address = &dial->addresses[dial->next++];
		enum err err = try_address(dial, address, now);

		if (err == OK)
			return;
		failed = (struct wire_end){
			.err = ERR_IO,
			.why = err == ERR_DENIED      ? SLICE("nobody listens there (connection refused)")
			       : err == ERR_NOT_FOUND ? SLICE("there is no way to it")
						      : slice_of(err_text(err)),
		};
		why_not = &failed;
	}
	give_up_by(dial, why_not, now);
}

void dial_start(struct transport *transport, uint64_t question, const struct connect_question *connect,
		struct now now)
{
	uint16_t port = connect->port ? connect->port : default_port(connect->transport);
	struct dial *dial = dial_new(transport, connect);

	if (!dial) {
		answer(transport,
		       &(struct answer){ .question = question, .err = ERR_NOMEM, .why = SLICE("no memory") },
		       now);
		return;
	}
	dial->question = question;
	if (!transport_is_stream(connect->transport) && connect->transport != TRANSPORT_UDP) {
		give_up(dial, ERR_DENIED, SLICE("only TLS, TCP and UDP are dialled"), now);
		return;
	}
	dial->due = now.mono + (connect->patience ? connect->patience : transport->config.limits.connect);
	if (address_parse_ip(connect->host, &dial->addresses[0])) {
		dial->addresses[0].port = port;
		dial->n_addresses = 1;
		try_next(dial, &(struct wire_end){ .err = ERR_IO }, now);
		return;
	}
	enum err err = net_lookup_new(transport->config.net, &(struct net_name){ dial->host, port },
				      dial->due, dial, &dial->lookup);
	if (err != OK)
		give_up(dial, err == ERR_SYNTAX ? ERR_NOT_FOUND : err,
			err == ERR_SYNTAX ? SLICE("that is no host name") : slice_of(err_text(err)), now);
}

void dial_found(struct dial *dial, const struct net_event *event, struct now now)
{
	dial->lookup = NULL;
	if (event->err == ERR_NOT_FOUND) {
		give_up(dial, ERR_NOT_FOUND, SLICE("there is no such host"), now);
	} else if (event->err != OK) {
		give_up(dial, event->err,
			event->err == ERR_AGAIN ? SLICE("its name was not looked up in time")
						: SLICE("its name cannot be looked up"),
			now);
	} else {
		dial->n_addresses = event->n_addresses < NET_ADDRESSES_MAX ? event->n_addresses
									   : NET_ADDRESSES_MAX;
		memcpy(dial->addresses, event->addresses, dial->n_addresses * sizeof *dial->addresses);
		try_next(dial, &(struct wire_end){ .err = ERR_NOT_FOUND, .why = SLICE("it has no address") },
			 now);
	}
}

void dial_done(struct dial *dial, flow_id flow, struct now now)
{
	struct answer reached = { .question = dial->question, .err = OK, .flow = flow };
	struct transport *transport = dial->transport;

	dial_free(dial);
	answer(transport, &reached, now);
}

void dial_failed(struct dial *dial, const struct wire_end *end, struct now now)
{
	/* Who is not who he should be is told at once: another address would not make that better. */
	if (end->err == ERR_DENIED)
		give_up_by(dial, end, now);
	else
		try_next(dial, end, now);
}
