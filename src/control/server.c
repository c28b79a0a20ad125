#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/writer.h"
#include "control/control.h"
#include "net/socket.h"

enum {
	CONNECTIONS_MAX = 16,
	READ_SIZE = 65536,
	IDLE_MS = 30 * 1000, /* without a call under way */
};

struct connection {
	struct link link;
	struct control *control;
	int fd;
	struct net_watch *watch;
	char *in;
	size_t n_in, size_in;
	char *out;
	size_t n_out, at_out;
	bool ended; /* nothing more will be asked */

	/* the call under way */
	json_t *request;
	struct control_call call;
	struct link ready; /* in control->ready until it was taken */
};

struct control {
	struct net *net;
	int listener;
	struct net_watch *watch;
	struct list connections, ready;
	size_t path_len;
	char path[];
};

/* -- life ------------------------------------------------------------------------------------------------ */

static void connection_free(struct connection *connection)
{
	list_remove(&connection->control->connections, &connection->link);
	list_remove(&connection->control->ready, &connection->ready);
	net_watch_free(connection->watch);
	socket_close(connection->fd);
	json_decref(connection->request);
	if (connection->in)
		mem_wipe(connection->in, connection->size_in);
	mem_free(connection->in);
	mem_free(connection->out);
	mem_free(connection);
}

void control_free(struct control *control)
{
	if (!control)
		return;
	LIST_EACH (connection, &control->connections, struct connection, link)
		connection_free(connection);
	net_watch_free(control->watch);
	if (control->listener >= 0) {
		unlink(control->path);
		socket_close(control->listener);
	}
	mem_free(control);
}

enum err control_new(struct net *net, struct slice path, struct control **ret_control)
{
	AUTO(control) struct control *control = mem_zalloc(1, sizeof *control + path.len + 1);
	if (!control)
		return ERR_NOMEM;
	control->net = net;
	control->listener = -1;
	list_init(&control->connections);
	list_init(&control->ready);
	memcpy(control->path, path.ptr, path.len);
	TRY(socket_listen_unix(path, &control->listener));
	TRY(net_watch_new(net, control->listener, NET_READABLE, control, &control->watch));
	*ret_control = TAKE(control);
	return OK;
}

/* -- in -------------------------------------------------------------------------------------------------- */

static bool may_ask(int fd)
{
	uid_t user;

	return socket_peer_user(fd, &user) && (user == geteuid() || user == 0);
}

static void connection_new(struct control *control, int fd, struct now now)
{
	struct connection *connection = mem_new(struct connection);

	if (!connection) {
		socket_close(fd);
		return;
	}
	connection->control = control;
	connection->fd = fd;
	list_append(&control->connections, &connection->link);
	if (net_watch_new(control->net, fd, NET_READABLE, connection, &connection->watch) != OK)
		connection_free(connection);
	else
		net_watch_deadline(connection->watch, now.mono + IDLE_MS);
}

static void accept_some(struct control *control, struct now now)
{
	struct address nobody;
	int fd;

	for (int i = 0; i < CONNECTIONS_MAX && socket_accept(control->listener, &fd, &nobody) == OK; i++) {
		if (control->connections.n < CONNECTIONS_MAX && may_ask(fd))
			connection_new(control, fd, now);
		else
			socket_close(fd);
	}
}

static bool grow(struct connection *connection)
{
	size_t size = connection->size_in ? 2 * connection->size_in : READ_SIZE;

	if (connection->n_in < connection->size_in)
		return true;
	if (size > CONTROL_LINE_MAX)
		return false;
	char *in = mem_resize(connection->in, size);
	if (!in)
		return false;
	connection->in = in;
	connection->size_in = size;
	return true;
}

static void begin_call(struct connection *connection, const char *trouble)
{
	const char *name = json_string_value(json_object_get(connection->request, "request"));

	net_watch_set(connection->watch, 0);
	net_watch_deadline(connection->watch, 0);
	connection->call = (struct control_call){ .request = connection->request, .name = slice_of(name) };
	if (name)
		list_append(&connection->control->ready, &connection->ready);
	else
		control_refuse(&connection->call, "syntax",
			       connection->request ? "the object has no text member \"request\"" : trouble);
}

/* True: a line was there, so a call is under way or was refused, and the connection may be gone. */
static bool take_request(struct connection *connection)
{
	size_t end = slice_find(slice_from(connection->in, connection->n_in), '\n');
	json_error_t error;

	if (end == connection->n_in)
		return false;
	connection->request = json_loadb(connection->in, end, JSON_REJECT_DUPLICATES, &error);
	connection->n_in -= end + 1;
	memmove(connection->in, connection->in + end + 1, connection->n_in);
	begin_call(connection, error.text);
	return true;
}

static void read_some(struct connection *connection)
{
	if (!grow(connection)) {
		connection_free(connection);
		return;
	}
	ssize_t n = read(connection->fd, connection->in + connection->n_in,
			 connection->size_in - connection->n_in);
	if (n < 0)
		return; /* not now, or broken: then writing the reply fails, or the deadline comes */
	connection->n_in += (size_t)n;
	connection->ended = n == 0;
	if (!take_request(connection) && connection->ended)
		connection_free(connection);
}

/* -- out ------------------------------------------------------------------------------------------------- */

/* Goes on with the next request, once this one's reply has left. */
static void next_request(struct connection *connection)
{
	mem_free(TAKE(connection->out));
	net_watch_set(connection->watch, NET_READABLE);
	net_watch_deadline(connection->watch, net_now(connection->control->net).mono + IDLE_MS);
	if (!take_request(connection) && connection->ended)
		connection_free(connection);
}

static void write_some(struct connection *connection)
{
	ssize_t n = write(connection->fd, connection->out + connection->at_out,
			  connection->n_out - connection->at_out);

	if (n < 0) {
		connection_free(connection);
		return;
	}
	connection->at_out += (size_t)n;
	if (connection->at_out == connection->n_out)
		next_request(connection);
}

static void send_reply(struct connection *connection, const json_t *reply)
{
	size_t size = json_dumpb(reply, NULL, 0, JSON_COMPACT);

	connection->out = size && size < CONTROL_LINE_MAX ? mem_alloc(size + 1) : NULL;
	if (!connection->out || json_dumpb(reply, connection->out, size, JSON_COMPACT) != size) {
		connection_free(connection);
		return;
	}
	connection->out[size] = '\n';
	connection->n_out = size + 1;
	connection->at_out = 0;
	net_watch_set(connection->watch, NET_WRITABLE);
	net_watch_deadline(connection->watch, net_now(connection->control->net).mono + IDLE_MS);
}

static struct connection *connection_of(struct control_call *call)
{
	return (struct connection *)(void *)((char *)call - offsetof(struct connection, call));
}

void control_reply(struct control_call *call, json_t *reply)
{
	struct connection *connection = connection_of(call);

	json_decref(TAKE(connection->request));
	if (reply)
		send_reply(connection, reply);
	else
		connection_free(connection);
	json_decref(reply);
}

void control_refuse(struct control_call *call, const char *error, const char *message)
{
	control_reply(call, json_pack("{s:b, s:s, s:s}", "ok", false, "error", error, "message", message));
}

/* -- the loop -------------------------------------------------------------------------------------------- */

void control_event(struct control *control, const struct net_event *event, struct now now)
{
	struct connection *connection = event->owner;

	if (event->owner == control)
		accept_some(control, now);
	else if (event->ready & NET_DEADLINE)
		connection_free(connection);
	else if (event->ready & NET_WRITABLE)
		write_some(connection);
	else if (event->ready & NET_READABLE)
		read_some(connection);
}

struct control_call *control_next(struct control *control)
{
	struct link *link = list_take_first(&control->ready);

	return link ? &CONTAINER_OF(link, struct connection, ready)->call : NULL;
}
