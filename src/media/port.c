#include "media/port.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/sockaddr.h"

void media_random(void *buf, size_t n)
{
	uint8_t *at = buf;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			abort(); /* a kernel without getrandom() is none that we run on */
		at += got;
		n -= (size_t)got;
	}
}

/* ERR_EXISTS if somebody else has the port. */
static enum err bind_socket(const struct address *address, int *ret_fd)
{
	struct sockaddr_storage to;
	socklen_t len = sockaddr_of_address(address, &to);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ERR_IO;
	if (bind(fd, (const struct sockaddr *)&to, len) < 0) {
		enum err err = errno == EADDRINUSE || errno == EACCES ? ERR_EXISTS : ERR_IO;

		close(fd);
		return err;
	}
	*ret_fd = fd;
	return OK;
}

/* Both sockets or none. */
static enum err bind_pair(struct media_port *port)
{
	struct address rtcp = port->address;
	enum err err;

	rtcp.port++;
	TRY(bind_socket(&port->address, &port->rtp));
	err = bind_socket(&rtcp, &port->rtcp);
	if (err != OK) {
		close(port->rtp);
		port->rtp = -1;
	}
	return err;
}

enum err media_port_open(const struct address *local, struct media_range range, struct media_port **ret_port)
{
	AUTO(media_port) struct media_port *port = mem_new(struct media_port);
	unsigned first = (range.first + 1u) & ~1u, n_pairs;
	uint32_t start;

	if (!port)
		return ERR_NOMEM;
	port->rtp = port->rtcp = -1;
	port->address = *local;
	if (range.last <= first)
		return ERR_LIMIT;
	n_pairs = (range.last - first + 1) / 2;
	media_random(&start, sizeof start);
	for (unsigned i = 0; i < n_pairs; i++) {
		enum err err;

		port->address.port = (uint16_t)(first + 2 * ((start % n_pairs + i) % n_pairs));
		err = bind_pair(port);
		if (err == ERR_EXISTS)
			continue;
		if (err == OK)
			*ret_port = TAKE(port);
		return err;
	}
	return ERR_LIMIT;
}

void media_port_free(struct media_port *port)
{
	if (!port)
		return;
	if (port->rtp >= 0)
		close(port->rtp);
	if (port->rtcp >= 0)
		close(port->rtcp);
	mem_free(port);
}

struct address media_port_address(const struct media_port *port)
{
	return port->address;
}

ssize_t media_port_receive(int fd, void *buf, size_t size, struct address *ret_from)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof from;
	ssize_t n;

	do {
		n = recvfrom(fd, buf, size, 0, (struct sockaddr *)&from, &len);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		*ret_from = address_of_sockaddr((const struct sockaddr *)&from);
	return n;
}

void media_port_send(int fd, const struct address *to, struct slice datagram)
{
	struct sockaddr_storage storage;
	socklen_t len = sockaddr_of_address(to, &storage);
	ssize_t sent = sendto(fd, datagram.ptr, datagram.len, MSG_NOSIGNAL, (const struct sockaddr *)&storage,
			      len);

	(void)sent;
}
