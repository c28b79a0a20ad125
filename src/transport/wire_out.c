/* What a connection is told: queued, encrypted, written. */
#include <errno.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "transport/private.h"

size_t wire_waiting(const struct wire *wire)
{
	return wire->n_out - wire->at_out;
}

bool wire_holds_sealed(const struct wire *wire)
{
	return wire->tls && tls_conn_holds(wire->tls);
}

void wire_flush_later(struct wire *wire)
{
	if (!link_is_in_list(&wire->dirty))
		list_append(&wire->transport->dirty, &wire->dirty);
}

static char *take_spare(struct transport *transport)
{
	return transport->n_spares > 0 ? transport->spares[--transport->n_spares] : mem_alloc(OUT_FIRST);
}

static bool make_room(struct wire *wire, size_t n)
{
	size_t size = wire->size_out ? wire->size_out : OUT_FIRST;

	if (wire->at_out > 0) {
		wire->n_out -= wire->at_out;
		memmove(wire->out, wire->out + wire->at_out, wire->n_out);
		wire->at_out = 0;
	}
	while (size < wire->n_out + n)
		size *= 2;
	if (size == wire->size_out)
		return true;
	char *out = wire->out || size > OUT_FIRST ? mem_resize(wire->out, size) : take_spare(wire->transport);
	if (!out)
		return false;
	wire->out = out;
	wire->size_out = size;
	return true;
}

bool wire_queue(struct wire *wire, struct slice bytes, struct now now)
{
	struct transport *transport = wire->transport;
	bool fits = wire_waiting(wire) + bytes.len <= transport->config.limits.output;

	if (bytes.len == 0)
		return true;
	if (!fits || !make_room(wire, bytes.len)) {
		/* A message that is left out would leave a gap in the stream's sense, so the stream ends. */
		transport->counts.closed_blocked++;
		wire_lose(wire,
			  &(struct wire_end){ .level = REPORT_WARNING,
					      .err = ERR_LIMIT,
					      .why = fits ? SLICE("no memory for what is sent to it")
							  : SLICE("it does not read what is sent to it") },
			  now);
		return false;
	}
	memcpy(wire->out + wire->n_out, bytes.ptr, bytes.len);
	wire->n_out += bytes.len;
	wire_flush_later(wire);
	return true;
}

void wire_send(struct wire *wire, struct slice message, struct now now)
{
	if (wire->state != WIRE_OPEN)
		return;
	if (wire->ws)
		websocket_send(wire, message, now);
	else
		(void)wire_queue(wire, message, now);
}

void wire_finish(struct wire *wire, const char *why, struct now now)
{
	if (wire->ws && !websocket_close(wire, now))
		return;
	wire->state = WIRE_CLOSING;
	wire->why = why;
	wire_flush_later(wire);
}

static enum err write_clear(int fd, struct slice text, size_t *ret_n)
{
	ssize_t n = send(fd, text.ptr, text.len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : errno == EPIPE ? ERR_CLOSED : ERR_IO;
	*ret_n = (size_t)n;
	return OK;
}

/* Most connections have nothing to say for minutes: the buffer is worth more elsewhere. */
static void release_out(struct wire *wire)
{
	struct transport *transport = wire->transport;
	char *out = TAKE(wire->out);

	if (wire->size_out == OUT_FIRST && transport->n_spares < SPARES_MAX)
		transport->spares[transport->n_spares++] = out;
	else
		mem_free(out);
	wire->at_out = wire->n_out = wire->size_out = 0;
}

static struct slice queued(const struct wire *wire)
{
	return slice_from(wire->out + wire->at_out, wire_waiting(wire));
}

static void wrote(struct wire *wire, size_t n)
{
	wire->at_out += n;
	wire->transport->counts.bytes_out += n;
	if (wire_waiting(wire) == 0)
		release_out(wire);
}

static enum err write_some(struct wire *wire)
{
	size_t n = 0;

	TRY(wire->tls ? tls_conn_write(wire->tls, queued(wire), &n)
		      : write_clear(wire->fd, queued(wire), &n));
	wrote(wire, n);
	wire->stuck = 0;
	return OK;
}

/* One record at most, so that a peer that takes nothing is not encrypted for. An error comes again when it is written to. */
void wire_seal(struct wire *wire)
{
	size_t n;

	if (wire->tls && wire_waiting(wire) > 0 && !wire_holds_sealed(wire) &&
	    tls_conn_seal(wire->tls, queued(wire), &n) == OK)
		wrote(wire, n);
}

/* Tells the endpoint when the peer begins or ends to be too slow. */
static void tell_blocked(struct wire *wire, struct now now)
{
	bool blocked = wire_waiting(wire) >= wire->transport->config.limits.high_mark;

	if (blocked == wire->blocked || wire->state != WIRE_OPEN)
		return;
	wire->blocked = blocked;
	wire_tell(wire, blocked ? FLOW_BLOCKED : FLOW_UNBLOCKED, slice_of(NULL), now);
}

void wire_flush(struct wire *wire, struct now now)
{
	bool was_stuck = wire->stuck;
	enum err err = OK;

	while (err == OK && wire_waiting(wire) > 0)
		err = write_some(wire);
	if (err == OK && wire->tls)
		err = tls_conn_flush(wire->tls);
	if (err != OK && err != ERR_AGAIN) {
		wire_lose(wire,
			  &(struct wire_end){
				  .level = REPORT_INFO, .err = err, .why = SLICE("the connection broke") },
			  now);
		return;
	}
	if (err == OK && wire->state == WIRE_CLOSING) {
		wire_lose(wire,
			  &(struct wire_end){
				  .level = REPORT_INFO, .err = ERR_CLOSED, .why = slice_of(wire->why) },
			  now);
		return;
	}
	if (err == OK)
		wire->stuck = 0;
	else if (!wire->stuck)
		wire->stuck = now.mono;
	if (was_stuck != (wire->stuck != 0))
		wire_set_deadline(wire);
	tell_blocked(wire, now);
	wire_wait_for_more(wire);
}
