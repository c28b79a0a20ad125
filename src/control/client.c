#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/control.h"
#include "net/socket.h"

enum { READ_SIZE = 65536 };

/* A question on its way, and what came back of its answer. */
struct asking {
	int fd;
	ms_t due;
	char *line;
	size_t n, size;
};

static ms_t clock_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (ms_t)time.tv_sec * 1000 + (ms_t)time.tv_nsec / 1000000;
}

static enum err wait_for(const struct asking *asking, short events)
{
	struct pollfd poll_fd = { .fd = asking->fd, .events = events };

	for (;;) {
		ms_t now = clock_ms();

		if (now >= asking->due)
			return ERR_AGAIN;
		int ready = poll(&poll_fd, 1, (int)(asking->due - now < 1000 ? asking->due - now : 1000));
		if (ready > 0)
			return OK;
		if (ready < 0 && errno != EINTR)
			return ERR_IO;
	}
}

static enum err send_text(struct asking *asking, struct slice text)
{
	while (text.len > 0) {
		TRY(wait_for(asking, POLLOUT));
		ssize_t n = write(asking->fd, text.ptr, text.len);

		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return ERR_CLOSED;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return ERR_IO;
		if (n > 0)
			text = slice_sub(text, (size_t)n, text.len);
	}
	return OK;
}

static enum err send_request(struct asking *asking, const json_t *request)
{
	size_t size = json_dumpb(request, NULL, 0, JSON_COMPACT);

	if (size >= CONTROL_LINE_MAX)
		return ERR_LIMIT;
	char *text = size ? mem_alloc(size + 1) : NULL;
	if (!text)
		return ERR_NOMEM;
	enum err err = json_dumpb(request, text, size, JSON_COMPACT) == size ? OK : ERR_NOMEM;
	text[size] = '\n';
	if (err == OK)
		err = send_text(asking, slice_from(text, size + 1));
	mem_wipe(text, size + 1);
	mem_free(text);
	return err;
}

static enum err grow(struct asking *asking)
{
	size_t size = asking->size ? 2 * asking->size : READ_SIZE;

	if (asking->n < asking->size)
		return OK;
	if (size > CONTROL_LINE_MAX)
		return ERR_LIMIT;
	char *line = mem_resize(asking->line, size);
	if (!line)
		return ERR_NOMEM;
	asking->line = line;
	asking->size = size;
	return OK;
}

static enum err receive_line(struct asking *asking)
{
	while (!asking->n || asking->line[asking->n - 1] != '\n') {
		TRY(grow(asking));
		TRY(wait_for(asking, POLLIN));
		ssize_t n = read(asking->fd, asking->line + asking->n, asking->size - asking->n);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return ERR_CLOSED;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return ERR_IO;
		if (n > 0)
			asking->n += (size_t)n;
	}
	return OK;
}

/* Digests go only to our own server; root may talk to anybody's. */
static bool may_be_asked(int fd)
{
	uid_t user;

	return socket_peer_user(fd, &user) && (user == geteuid() || user == 0 || geteuid() == 0);
}

static enum err ask(struct asking *asking, const json_t *request, json_t **ret_reply)
{
	if (!may_be_asked(asking->fd))
		return ERR_DENIED;
	TRY(send_request(asking, request));
	TRY(receive_line(asking));
	json_t *reply = json_loadb(asking->line, asking->n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_boolean(json_object_get(reply, "ok"))) {
		json_decref(reply);
		return ERR_SYNTAX;
	}
	*ret_reply = reply;
	return OK;
}

enum err control_ask(struct slice path, const json_t *request, ms_t timeout, json_t **ret_reply)
{
	struct asking asking = { .due = clock_ms() + timeout };

	TRY(socket_connect_unix(path, &asking.fd));
	enum err err = ask(&asking, request, ret_reply);
	socket_close(asking.fd);
	mem_free(asking.line);
	return err;
}
