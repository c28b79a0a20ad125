#include "sealine/load_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/socket.h"

enum { UNSENT_MAX = 1 << 20 };

struct slice load_wire_reason(enum err err)
{
	switch (err) {
	case ERR_DENIED: return SLICE("connection refused");
	case ERR_NOT_FOUND:
		return SLICE(
			"there is no route to it, or this machine has no port left (ip_local_port_range in ip(7))");
	default: return slice_of(err_text(err));
	}
}

enum err load_wire_connect(struct load_wire *wire, const struct load_target *target, void *owner)
{
	enum err err;

	*wire = (struct load_wire){ .fd = -1, .is_datagram = target->transport == TRANSPORT_UDP };
	TRY(wire->is_datagram ? socket_connect_udp(&target->address, &wire->fd)
			      : socket_connect(&target->address, &wire->fd));
	err = net_watch_new(target->net, wire->fd, NET_WRITABLE, owner, &wire->watch);
	if (err != OK) {
		socket_close(wire->fd);
		return err;
	}
	wire->state = LOAD_WIRE_CONNECTING;
	return OK;
}

void load_wire_close(struct load_wire *wire)
{
	if (wire->state == LOAD_WIRE_CLOSED)
		return;
	if (wire->tls)
		tls_conn_shutdown(wire->tls);
	tls_conn_free(wire->tls);
	net_watch_free(wire->watch);
	socket_close(wire->fd);
	mem_free(wire->in);
	mem_free(wire->out);
	*wire = (struct load_wire){ .state = LOAD_WIRE_CLOSED };
}

static enum err connected(struct load_wire *wire, const struct load_target *target, struct writer *why)
{
	enum err err = socket_connected(wire->fd);

	if (err == ERR_AGAIN)
		return err;
	if (err == OK && target->tls)
		err = tls_conn_new(target->tls, wire->fd, target->domain, &wire->tls);
	if (err != OK) {
		put(why, load_wire_reason(err));
		return err;
	}
	wire->local = socket_local_address(wire->fd);
	wire->state = LOAD_WIRE_HANDSHAKING;
	return OK;
}

static enum err shake_hands(struct load_wire *wire, struct now now, struct writer *why)
{
	struct verdict verdict;
	enum err err = tls_conn_handshake(wire->tls, now, &verdict);

	if (err == ERR_AGAIN)
		net_watch_set(wire->watch, tls_conn_wants(wire->tls));
	else if (err == ERR_DENIED)
		put_verdict(why, &verdict);
	else if (err != OK)
		put(why, slice_of(err_text(err)));
	return err;
}

enum err load_wire_proceed(struct load_wire *wire, const struct load_target *target, struct now now,
			   struct writer *why)
{
	if (wire->state == LOAD_WIRE_CONNECTING)
		TRY(connected(wire, target, why));
	if (wire->tls)
		TRY(shake_hands(wire, now, why));
	wire->state = LOAD_WIRE_OPEN;
	net_watch_set(wire->watch, NET_READABLE);
	return OK;
}

bool load_wire_is_resumed(const struct load_wire *wire)
{
	struct tls_facts facts = { .resumed = false };

	if (wire->tls)
		tls_conn_facts(wire->tls, &facts);
	return facts.resumed;
}

/* Of a datagram, too: nobody has the port. */
static enum err err_of_socket(void)
{
	if (errno == EAGAIN || errno == EINTR)
		return ERR_AGAIN;
	return errno == ECONNREFUSED ? ERR_DENIED : ERR_CLOSED;
}

static enum err write_some(struct load_wire *wire, struct slice bytes, size_t *ret_n)
{
	ssize_t n;

	if (wire->tls)
		return tls_conn_write(wire->tls, bytes, ret_n);
	n = send(wire->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
	if (n < 0)
		return err_of_socket();
	*ret_n = (size_t)n;
	return OK;
}

static enum err write_all(struct load_wire *wire, struct slice *bytes)
{
	size_t n = 0;

	while (bytes->len > 0) {
		TRY(write_some(wire, *bytes, &n));
		*bytes = slice_sub(*bytes, n, bytes->len);
	}
	return OK;
}

/* Puts the bytes behind those that wait already. */
static enum err put_off(struct load_wire *wire, struct slice bytes)
{
	char *out;

	if (wire->n_out + bytes.len > UNSENT_MAX)
		return ERR_LIMIT;
	out = mem_resize(wire->out, wire->n_out + bytes.len);
	if (!out)
		return ERR_NOMEM;
	memcpy(out + wire->n_out, bytes.ptr, bytes.len);
	wire->out = out;
	wire->n_out += bytes.len;
	net_watch_set(wire->watch, NET_READABLE | NET_WRITABLE);
	return OK;
}

enum err load_wire_send(struct load_wire *wire, struct slice bytes)
{
	enum err err = wire->n_out > 0 ? ERR_AGAIN : write_all(wire, &bytes);

	if (wire->is_datagram)
		return err;
	return err == ERR_AGAIN ? put_off(wire, bytes) : err;
}

enum err load_wire_flush(struct load_wire *wire)
{
	struct slice rest = slice_from(wire->out, wire->n_out);
	enum err err = write_all(wire, &rest);

	if (err != OK && err != ERR_AGAIN)
		return err;
	memmove(wire->out, rest.ptr, rest.len);
	wire->n_out = rest.len;
	if (rest.len > 0)
		return OK;
	mem_free(TAKE(wire->out));
	net_watch_set(wire->watch, NET_READABLE);
	return OK;
}

static enum err read_some(struct load_wire *wire, char *buf, size_t size, size_t *ret_n)
{
	ssize_t n;

	if (wire->tls)
		return tls_conn_read(wire->tls, buf, size, ret_n);
	n = recv(wire->fd, buf, size, 0);
	if (n == 0 && wire->is_datagram)
		return ERR_AGAIN; /* an empty one */
	if (n <= 0)
		return n == 0 ? ERR_CLOSED : err_of_socket();
	*ret_n = (size_t)n;
	return OK;
}

enum err load_wire_read(struct load_wire *wire, char *buf, size_t size, struct slice *ret_bytes,
			bool *ret_more)
{
	size_t n = 0;

	if (wire->n_in >= size)
		return ERR_LIMIT;
	TRY(read_some(wire, buf + wire->n_in, size - wire->n_in, &n));
	if (wire->n_in > 0)
		memcpy(buf, wire->in, wire->n_in);
	*ret_bytes = slice_from(buf, wire->n_in + n);
	*ret_more = wire->tls && tls_conn_has_pending(wire->tls);
	wire->n_in = 0;
	mem_free(TAKE(wire->in));
	return OK;
}

enum err load_wire_keep(struct load_wire *wire, struct slice rest)
{
	if (rest.len == 0)
		return OK;
	wire->in = mem_alloc(rest.len);
	if (!wire->in)
		return ERR_NOMEM;
	memcpy(wire->in, rest.ptr, rest.len);
	wire->n_in = rest.len;
	return OK;
}
