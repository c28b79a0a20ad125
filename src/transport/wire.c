#include <errno.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/socket.h"
#include "transport/private.h"

/* -- life ------------------------------------------------------------------------------------------------ */

static enum err wire_watch(struct wire *wire)
{
	struct transport *transport = wire->transport;

	TRY(net_watch_new(transport->config.net, wire->fd, NET_READABLE, wire, &wire->watch));
	return map_add_hashed(transport->wires, &wire->node, map_hash_number(transport->wires, wire->id));
}

enum err wire_new(struct transport *transport, enum transport_protocol protocol, int fd,
		  struct wire **ret_wire)
{
	struct wire *wire = transport->counter < FLOW_COUNTER_MAX ? mem_new(struct wire) : NULL;

	if (!wire) {
		socket_close(fd);
		return ERR_NOMEM;
	}
	*wire = (struct wire){ .owner = OWNER_WIRE, .transport = transport, .fd = fd };
	wire->id = flow_id_of(transport->config.worker, transport->config.start, protocol,
			      ++transport->counter);
	wire->node.key = slice_from(&wire->id, sizeof wire->id);
	enum err err = wire_watch(wire);
	if (err != OK) {
		net_watch_free(wire->watch);
		socket_close(fd);
		mem_free(wire);
		return err;
	}
	*ret_wire = wire;
	return OK;
}

void wire_free(struct wire *wire)
{
	struct transport *transport = wire->transport;

	list_remove(&transport->dirty, &wire->dirty);
	list_remove(&transport->again[wire->turn % 2], &wire->again);
	list_remove(&transport->signing, &wire->signing);
	if (transport->heard == wire)
		transport->heard = NULL;
	map_remove(transport->wires, &wire->node);
	handshake_ends(wire);
	source_release(transport, wire->source);
	if (wire->tls)
		tls_conn_shutdown(wire->tls);
	tls_conn_free(wire->tls);
	websocket_fini(wire);
	net_watch_close(wire->watch);
	mem_free(wire->out);
	mem_free(wire);
}

void wire_tell(const struct wire *wire, enum flow_event event, struct slice why, struct now now)
{
	struct tls_facts tls = {
		.version = "", .cipher = "", .domain = "", .identities = "", .unproven = "", .user = ""
	};

	if (wire->tls && event == FLOW_OPENED)
		tls_conn_facts(wire->tls, &tls);
	struct flow_facts facts = {
		.event = event,
		.transport = flow_transport(wire->id),
		.outbound = wire->outbound,
		.local = event == FLOW_OPENED && wire->outbound ? socket_local_address(wire->fd)
								: (struct address){ 0 },
		.peer = wire->peer,
		.verified = slice_of(wire->outbound ? tls.domain : tls.identities),
		.link = slice_of(wire->link),
		.fingerprint = slice_from(tls.fingerprint, tls.not_after ? sizeof tls.fingerprint : 0),
		.user = slice_of(tls.user),
		.user_key = slice_from(tls.user_key, tls.user[0] ? sizeof tls.user_key : 0),
		.tls_version = slice_of(tls.version),
		.tls_cipher = slice_of(tls.cipher),
		.why = event == FLOW_OPENED ? slice_of(tls.unproven) : why,
	};

	if (event == FLOW_OPENED)
		wire_report_opened(wire, &facts, &tls, now);
	endpoint_flow(wire->transport->config.endpoint, wire->id, &facts, now);
}

/* Came and went without a word, as a balancer of load does every other second to see whether the port is open. */
static bool has_only_looked(const struct wire *wire, enum err err)
{
	bool has_spoken = wire->tls ? tls_conn_has_heard(wire->tls) : wire->n_request > 0;

	return !has_spoken && err != ERR_AGAIN;
}

/* err: ERR_AGAIN, if it took too long. */
static void handshake_failed(struct wire *wire, enum err err, struct now now)
{
	wire->transport->counts.refused_handshakes++;
	/* there is nobody's flow to end */
	if (!has_only_looked(wire, err) &&
	    transport_blame(wire->transport, &wire->peer, MISDEED_HANDSHAKE, now))
		wire->transport->counts.closed_banned++;
}

void wire_lose(struct wire *wire, const struct wire_end *end, struct now now)
{
	struct dial *dial = wire->dial;

	wire_report_end(wire, end, now);
	if (wire->known)
		wire_tell(wire, FLOW_LOST, end->why, now);
	else if (!dial)
		handshake_failed(wire, end->err, now);
	wire_free(wire);
	if (dial)
		dial_failed(dial, end, now);
}

/* -- what to wait for, and how long ---------------------------------------------------------------------- */

/* A peer that does not read is not read from either. */
void wire_wait_for_more(struct wire *wire)
{
	unsigned bits = 0;

	if ((wire->state == WIRE_OPEN || wire->state == WIRE_UPGRADING) &&
	    wire_waiting(wire) < wire->transport->config.limits.high_mark)
		bits |= NET_READABLE;
	/* one that is to be written to is tried at the end of this turn */
	if (!link_is_in_list(&wire->dirty) && (wire_waiting(wire) > 0 || wire_holds_sealed(wire)))
		bits |= NET_WRITABLE;
	net_watch_set(wire->watch, bits);
}

static void go_on_at_the_end_of(struct wire *wire, unsigned turn)
{
	if (link_is_in_list(&wire->again))
		return;
	wire->turn = turn;
	list_append(&wire->transport->again[turn % 2], &wire->again);
}

static void put_off(struct wire *wire)
{
	go_on_at_the_end_of(wire, wire->transport->turn + 1);
}

/* What others wait for in this turn comes first. */
static void put_last(struct wire *wire)
{
	go_on_at_the_end_of(wire, wire->transport->turn);
}

/* What came along with the end of the handshake lies in the TLS connection already. */
static void hear_the_rest(struct wire *wire)
{
	if (wire->tls && tls_conn_has_pending(wire->tls))
		put_last(wire);
}

static ms_t idle_until(const struct wire *wire)
{
	const struct transport_limits *limits = &wire->transport->config.limits;

	return wire->heard +
	       (transport_is_proven(wire->transport, wire->id) ? limits->idle_proven : limits->idle);
}

/* Whoever came to us has so long to prove himself, however much he says. */
static ms_t strange_until(const struct wire *wire)
{
	if (wire->outbound || transport_is_proven(wire->transport, wire->id))
		return UINT64_MAX;
	return wire->opened + wire->transport->config.limits.unproven;
}

static ms_t earlier(ms_t a, ms_t b)
{
	return a < b ? a : b;
}

/* Whoever becomes proven, or says something, moves the end of his time; that is noticed when it comes. */
void wire_set_deadline(struct wire *wire)
{
	ms_t due = earlier(earlier(idle_until(wire), strange_until(wire)), wire->deadline);
	ms_t stuck_until = wire->stuck + wire->transport->config.limits.write;

	net_watch_deadline(wire->watch, wire->stuck && stuck_until < due ? stuck_until : due);
}

static void open_deadline_passed(struct wire *wire, struct now now)
{
	struct transport *transport = wire->transport;

	if (wire->stuck && now.mono >= wire->stuck + transport->config.limits.write) {
		transport->counts.closed_blocked++;
		wire_lose(wire,
			  &(struct wire_end){ .level = REPORT_WARNING,
					      .err = ERR_AGAIN,
					      .why = SLICE("it takes nothing any more") },
			  now);
	} else if (now.mono >= strange_until(wire)) {
		transport->counts.closed_unproven++;
		wire_lose(wire,
			  &(struct wire_end){ .level = REPORT_INFO,
					      .err = ERR_AGAIN,
					      SLICE("nobody has proven himself on it in time") },
			  now);
	} else if (now.mono >= wire->deadline) {
		wire_lose(wire,
			  &(struct wire_end){
				  .level = REPORT_INFO,
				  .err = ERR_DENIED,
				  .why = SLICE("the certificate that its user has shown has ended") },
			  now);
	} else if (now.mono >= idle_until(wire)) {
		transport->counts.closed_idle++;
		wire_lose(wire,
			  &(struct wire_end){ .level = REPORT_INFO,
					      .err = ERR_AGAIN,
					      .why = SLICE("it was silent for too long") },
			  now);
	} else {
		wire_set_deadline(wire);
	}
}

static void lose_by(struct wire *wire, enum err err, struct verdict *verdict, struct now now)
{
	char text[2048], peer[64];
	struct writer out = writer_of(text, sizeof text), address = writer_of(peer, sizeof peer);

	put_address(&address, &wire->peer);
	verdict_text_set(&verdict->peer, writer_text(&address));
	put_verdict(&out, verdict);
	wire_lose(wire,
		  &(struct wire_end){ .level = !wire->outbound && has_only_looked(wire, err) ? REPORT_DEBUG
											     : REPORT_WARNING,
				      .err = err,
				      .why = writer_text(&out),
				      .verdict = verdict },
		  now);
}

static void deadline_passed(struct wire *wire, struct now now)
{
	char text[700];
	struct writer out = writer_of(text, sizeof text);
	struct verdict verdict;

	switch (wire->state) {
	case WIRE_CONNECTING: put(&out, SLICE("there was no answer in time")); break;
	case WIRE_HANDSHAKING:
		tls_conn_timed_out(wire->tls, &verdict);
		lose_by(wire, ERR_AGAIN, &verdict, now);
		return;
	case WIRE_UPGRADING: put(&out, SLICE("there was no request for a WebSocket in time")); break;
	case WIRE_OPEN:
	case WIRE_CLOSING: open_deadline_passed(wire, now); return;
	}
	wire_lose(wire,
		  &(struct wire_end){ .level = REPORT_WARNING, .err = ERR_AGAIN, .why = writer_text(&out) },
		  now);
}

/* -- in -------------------------------------------------------------------------------------------------- */

static enum err read_clear(int fd, void *buf, size_t size, size_t *ret_n)
{
	ssize_t n = recv(fd, buf, size, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_IO;
	*ret_n = (size_t)n;
	return n > 0 ? OK : ERR_CLOSED;
}

static bool is_websocket(const struct wire *wire)
{
	enum transport_protocol protocol = flow_transport(wire->id);

	return protocol == TRANSPORT_WSS || protocol == TRANSPORT_WS;
}

/* False: nothing more is to be read. */
static bool take_in(struct wire *wire, struct slice bytes, struct now now)
{
	wire->transport->counts.bytes_in += bytes.len;
	wire->heard = now.mono;
	if (is_websocket(wire))
		return websocket_hear(wire, bytes, now);
	endpoint_input(wire->transport->config.endpoint, wire->id, bytes, now);
	return true;
}

/*
 * Stops as soon as nothing more lies in our own buffers instead of asking the socket until it says so, which would cost
 * a second system call for each message: the watch tells it when there is more.
 */
static void hear(struct wire *wire, struct now now)
{
	struct transport *transport = wire->transport;
	size_t room = transport->config.limits.input_per_turn;
	enum err err = OK;
	bool more = true;
	size_t n;

	while (more && room > 0) {
		err = wire->tls ? tls_conn_read(wire->tls, transport->input, room, &n)
				: read_clear(wire->fd, transport->input, room, &n);
		if (err != OK)
			break;
		room -= n;
		more = wire->tls ? tls_conn_has_pending(wire->tls) : room == 0;
		if (!take_in(wire, slice_from(transport->input, n), now))
			return;
	}
	/* what it has said before it closed is seen to, and answered, before it is gone */
	bool has_spoken = room < transport->config.limits.input_per_turn;
	if ((err == OK && more) || (err == ERR_CLOSED && has_spoken))
		put_off(wire);
	else if (err == OK || err == ERR_AGAIN)
		wire_wait_for_more(wire);
	else if (err == ERR_CLOSED)
		wire_lose(wire,
			  &(struct wire_end){ .level = REPORT_INFO,
					      .err = err,
					      .why = SLICE("the peer closed the connection") },
			  now);
	else
		wire_lose(wire,
			  &(struct wire_end){
				  .level = REPORT_INFO, .err = err, .why = SLICE("the connection broke") },
			  now);
}

/* -- the way to being open ------------------------------------------------------------------------------- */

/* RFC 5280 §4.1.2.5: what a certificate says it says until it ends. Whoever has a new one by then shows it on another connection. */
static ms_t user_until(const struct wire *wire, struct now now)
{
	utc_t until = wire->tls ? tls_conn_user_until(wire->tls) : 0;

	if (until == 0)
		return UINT64_MAX;
	return until < now.wall ? now.mono : now.mono + (ms_t)(until + 1 - now.wall) * 1000;
}

void wire_open(struct wire *wire, struct now now)
{
	struct dial *dial = TAKE(wire->dial);
	flow_id id = wire->id;

	wire->state = WIRE_OPEN;
	wire->known = true;
	wire->opened = wire->heard = now.mono;
	wire->deadline = user_until(wire, now);
	handshake_ends(wire);
	wire_tell(wire, FLOW_OPENED, slice_of(NULL), now);
	wire_set_deadline(wire);
	wire_wait_for_more(wire);
	hear_the_rest(wire);
	if (dial)
		dial_done(dial, id, now);
}

void wire_wait_for_request(struct wire *wire)
{
	wire->state = WIRE_UPGRADING;
	net_watch_deadline(wire->watch, wire->deadline);
	wire_wait_for_more(wire);
	hear_the_rest(wire);
}

static const struct verdict not_pinned = {
	.code = "certificate.not-pinned",
	.what = "its certificate is not the one that is pinned for this peer",
	.remedy = "ask who runs it whether it has a new one, and pin that",
};

/* Whether its certificate is the very one that the configuration has, if it has one. */
static bool is_pinned_one(const struct wire *wire)
{
	struct tls_facts facts;

	if (!wire->dial || wire->dial->pin.len == 0)
		return true;
	tls_conn_facts(wire->tls, &facts);
	return slice_eq(slice_from(facts.fingerprint, sizeof facts.fingerprint), wire->dial->pin);
}

bool wire_is_revoked(const struct wire *wire)
{
	const struct tls_context *client = wire->transport->config.client;

	return wire->tls && client && tls_conn_is_revoked(wire->tls, client);
}

static void lose_over(struct wire *wire, enum err err, struct slice change, struct now now)
{
	wire_lose(wire, &(struct wire_end){ .level = REPORT_WARNING, .err = err, .why = change }, now);
}

/* The connection stands, and is protected if it is to be. What it is judged by may have changed while it was made. */
static void stands(struct wire *wire, struct now now)
{
	struct verdict verdict = not_pinned;

	if (!wire_is_as_declared(wire)) {
		lose_over(wire, ERR_IO, SLICE("its link is declared otherwise now"), now);
		return;
	}
	if (wire_is_revoked(wire)) {
		lose_over(wire, ERR_DENIED, SLICE("its certificate was revoked meanwhile"), now);
		return;
	}
	if (wire->tls && !is_pinned_one(wire)) {
		lose_by(wire, ERR_DENIED, &verdict, now);
		return;
	}
	if (is_websocket(wire))
		websocket_begin(wire, now);
	else
		wire_open(wire, now);
}

static void wait_to_go_on(struct wire *wire, unsigned wants)
{
	if (wants)
		net_watch_set(wire->watch, wants);
	else
		list_append(&wire->transport->signing, &wire->signing);
}

void wire_shake_hands(struct wire *wire, struct now now)
{
	struct verdict verdict;
	enum err err = tls_conn_handshake(wire->tls, now, &verdict);
	if (err == OK) {
		if (wire_holds_sealed(wire))
			wire_flush_later(wire);
		stands(wire, now);
	} else if (err == ERR_AGAIN) {
		wait_to_go_on(wire, tls_conn_wants(wire->tls));
	} else if (err == ERR_DENIED || err == ERR_CLOSED) {
		lose_by(wire, err, &verdict, now);
	} else {
		wire_lose(wire,
			  &(struct wire_end){
				  .level = REPORT_WARNING, .err = err, .why = slice_of(err_text(err)) },
			  now);
	}
}

static void shake_hands(struct wire *wire, struct now now)
{
	if (link_is_in_list(&wire->signing))
		return;
	if (wire->transport->handshakes == 0) {
		put_off(wire);
		return;
	}
	wire->transport->handshakes--;
	wire_shake_hands(wire, now);
}

static enum err start_tls(struct wire *wire)
{
	const struct transport_config *config = &wire->transport->config;
	struct tls_context *context = wire->outbound ? config->client : config->server;

	if (!context)
		return ERR_DENIED;
	TRY(tls_conn_new(context, wire->fd, wire->dial ? wire->dial->domain : slice_of(NULL), &wire->tls));
	/* a browser would have its user choose a certificate */
	if (!wire->outbound && flow_transport(wire->id) == TRANSPORT_TLS)
		tls_conn_ask(wire->tls);
	if (is_websocket(wire))
		tls_conn_speak_http(wire->tls);
	if (!wire->outbound)
		return OK;
	TRY(tls_conn_dane(wire->tls, wire->dial->tlsa));
	return tls_conn_speak_for(wire->tls, wire->dial->as);
}

void wire_begin(struct wire *wire, struct now now)
{
	if (!transport_is_secure(flow_transport(wire->id))) {
		stands(wire, now);
		return;
	}
	enum err err = start_tls(wire);
	if (err != OK) {
		struct slice why = err == ERR_SYNTAX
					   ? SLICE("none of its TLSA records can be used (RFC 6698)")
				   : err == ERR_DENIED ? SLICE("there is nothing configured for TLS")
						       : slice_of(err_text(err));
		wire_lose(wire,
			  &(struct wire_end){ .level = REPORT_WARNING,
					      .err = err == ERR_SYNTAX ? ERR_DENIED : err,
					      .why = why },
			  now);
		return;
	}
	wire->state = WIRE_HANDSHAKING;
	net_watch_deadline(wire->watch, wire->deadline);
	net_watch_set(wire->watch, NET_READABLE);
	if (wire->outbound) /* the others speak first, and until then cost no more memory */
		shake_hands(wire, now);
}

static void connected(struct wire *wire, struct now now)
{
	enum err err = socket_connected(wire->fd);

	if (err == ERR_AGAIN)
		return;
	if (err == OK) {
		wire_begin(wire, now);
		return;
	}
	struct slice why = err == ERR_DENIED      ? SLICE("nobody listens there (connection refused)")
			   : err == ERR_NOT_FOUND ? SLICE("there is no way to it")
						  : SLICE("it cannot be reached");
	wire_lose(wire, &(struct wire_end){ .level = REPORT_WARNING, .err = ERR_IO, .why = why }, now);
}

/* -- events ---------------------------------------------------------------------------------------------- */

void wire_again(struct wire *wire, struct now now)
{
	if (wire->state == WIRE_HANDSHAKING)
		shake_hands(wire, now);
	else if (wire->state == WIRE_OPEN || wire->state == WIRE_UPGRADING)
		hear(wire, now);
}

void wire_event(struct wire *wire, unsigned ready, struct now now)
{
	if (ready & NET_DEADLINE) {
		deadline_passed(wire, now);
		return;
	}
	if (ready & NET_WRITABLE && (wire_waiting(wire) > 0 || wire_holds_sealed(wire)))
		wire_flush_later(wire);
	switch (wire->state) {
	case WIRE_CONNECTING: connected(wire, now); break;
	case WIRE_HANDSHAKING: put_last(wire); break;
	case WIRE_UPGRADING:
	case WIRE_OPEN:
		if (ready & NET_READABLE)
			hear(wire, now);
		break;
	case WIRE_CLOSING: break;
	}
}
