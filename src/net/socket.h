/*
 * Sockets as descriptors: made non-blocking and close-on-exec, waited on with net/net.h, closed by who holds
 * them with socket_close(). TCP ones do not delay small writes, and notice a dead peer within
 * two minutes, by keep-alive or because he acknowledges nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/address.h"
#include "base/err.h"
#include "base/slice.h"

/* Of an interface's name, with its end (IFNAMSIZ). */
enum { SOCKET_INTERFACE_SIZE = 16 };

/*
 * Opens n sockets that listen on the same address, one for each worker: the kernel spreads the connections
 * over them. Port 0 is any free port; an IPv6 address takes no IPv4 connections. ERR_EXISTS if the address is
 * in use (also by a second one of us), ERR_DENIED without the right to the port, ERR_NOT_FOUND if the machine
 * has no such address, ERR_LIMIT, ERR_IO; then none is open.
 */
MUST_CHECK enum err socket_listen(const struct address *address, size_t n, int ret_fds[]);

/* ERR_AGAIN when nobody waits, ERR_LIMIT when descriptors are used up (they still wait), ERR_NOMEM, ERR_IO. A
 * Unix peer's address is ADDRESS_NONE. */
MUST_CHECK enum err socket_accept(int listener, int *ret_fd, struct address *ret_peer);

/*
 * Begins to connect. Wait for NET_WRITABLE, with a deadline on the watch, then ask socket_connected().
 * ERR_NOT_FOUND when there is no route, ERR_DENIED when it is refused at once, ERR_LIMIT, ERR_IO.
 */
MUST_CHECK enum err socket_connect(const struct address *address, int *ret_fd);
/*
 * The same by one interface of the machine alone: no packet leaves or is taken by another (SO_BINDTODEVICE). ERR_NOT_FOUND
 * when there is no such interface. An empty name is any.
 */
MUST_CHECK enum err socket_connect_by(const struct address *address, struct slice interface, int *ret_fd);
/*
 * Holds an accepted connection to the interface, from now on. ERR_NOT_FOUND: it is another one, or by none, that the connection
 * was made; ret_other has its name, or is empty. ERR_IO.
 */
MUST_CHECK enum err socket_hold_to(int fd, struct slice interface, char ret_other[SOCKET_INTERFACE_SIZE]);
/* OK; ERR_AGAIN while it is under way; ERR_DENIED refused, ERR_NOT_FOUND unreachable, ERR_IO (also timed
 * out). */
MUST_CHECK enum err socket_connected(int fd);

/*
 * UDP sockets, opened like those of socket_listen(), with its errors. The kernel gives all that comes from one
 * address and port to the same one of them, as long as none is closed.
 */
MUST_CHECK enum err socket_bind_udp(const struct address *address, size_t n, int ret_fds[]);

/* One that speaks with this address alone, by send() and recv(). ERR_NOT_FOUND when there is no route, ERR_LIMIT, ERR_IO. */
MUST_CHECK enum err socket_connect_udp(const struct address *address, int *ret_fd);

struct socket_datagram {
	struct address local; /* without the port; where it arrived, or leaves from; ADDRESS_NONE: any */
	struct address peer;
	unsigned
		zone; /* of a link-local peer: the interface by which it is reached (RFC 4007 §6); 0: of any other */
	struct slice bytes;
};
/* Into buf. ERR_AGAIN when there is none, ERR_LIMIT for one that is larger than size: it is gone. ERR_IO. */
MUST_CHECK enum err socket_receive(int fd, void *buf, size_t size, struct socket_datagram *ret_datagram);
/* ERR_AGAIN when the kernel's queue is full, ERR_DENIED, ERR_NOT_FOUND (no way to it), ERR_IO (too large …). */
MUST_CHECK enum err socket_send(int fd, const struct socket_datagram *datagram);

/*
 * A listening Unix socket that only its owner's processes may connect to (mode 0600). A socket file that
 * nobody listens on any more is replaced. ERR_EXISTS if somebody does, ERR_LIMIT for a path over 107 bytes,
 * ERR_DENIED, ERR_NOT_FOUND (no such directory), ERR_IO.
 */
MUST_CHECK enum err socket_listen_unix(struct slice path, int *ret_fd);
/* Connects at once. ERR_NOT_FOUND if nobody listens there, ERR_DENIED, ERR_LIMIT, ERR_AGAIN (its queue is
 * full), ERR_IO. */
MUST_CHECK enum err socket_connect_unix(struct slice path, int *ret_fd);
/* Who is at the other end of a Unix socket, by the kernel's word. */
MUST_CHECK bool socket_peer_user(int fd, uid_t *ret_user);

/* Both ends of a TCP or UDP socket; ADDRESS_NONE for others. */
struct address socket_local_address(int fd);
struct address socket_peer_address(int fd);

/* Does nothing for a negative fd. */
void socket_close(int fd);
