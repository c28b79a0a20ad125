#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/sockaddr.h"

enum {
	BACKLOG = 1024,
	UDP_BUFFER = 1 << 20,
	KEEPALIVE_IDLE = 60, /* seconds of silence before a dead peer is looked for */
	KEEPALIVE_INTERVAL = 15,
	KEEPALIVE_COUNT = 4,
	/* The kernel looks for nobody while something is on its way to him, and sends that for a quarter of an hour. */
	UNACKNOWLEDGED_MAX = KEEPALIVE_IDLE + KEEPALIVE_COUNT * KEEPALIVE_INTERVAL,
};

static enum err err_of_errno(void)
{
	switch (errno) {
	case EAGAIN:
	case EINPROGRESS: return ERR_AGAIN;
	case EADDRINUSE: return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case ECONNREFUSED: return ERR_DENIED;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENODEV:
	case ENOENT:
	case ENOTDIR: return ERR_NOT_FOUND;
	case EMFILE:
	case ENFILE: return ERR_LIMIT;
	case ENOMEM:
	case ENOBUFS: return ERR_NOMEM;
	default: return ERR_IO;
	}
}

/* Closes the socket and keeps the errno of what went wrong with it. */
static enum err fail(int fd)
{
	enum err err = err_of_errno();

	socket_close(fd);
	return err;
}

static enum err new_socket(int family, int type, int *ret_fd)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_of_errno();
	*ret_fd = fd;
	return OK;
}

static bool set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static bool set_tcp_options(int fd)
{
	return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) && set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
	       set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE) &&
	       set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL) &&
	       set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT) &&
	       /* tcp(7): it counts for what looks for a dead peer, too: with less, the first look that is lost would be the last */
	       set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MAX * 1000);
}

static int family_of(const struct address *address)
{
	return address->family == ADDRESS_V6 ? AF_INET6 : AF_INET;
}

/*
 * So that each datagram says which of our addresses it came to, and an answer can leave from there; and a connection, by which
 * interface.
 */
static bool ask_for_local_address(int fd, int family)
{
	return family == AF_INET6 ? set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
				  : set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

/* ---- TCP ---- */

static enum err bind_tcp(const struct address *address, bool shared, int *ret_fd)
{
	struct sockaddr_storage to;
	socklen_t len = sockaddr_of_address(address, &to);
	int fd = -1;

	TRY(new_socket(family_of(address), SOCK_STREAM, &fd));
	if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
	    (shared && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) ||
	    (address->family == ADDRESS_V6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) ||
	    bind(fd, (struct sockaddr *)&to, len) < 0)
		return fail(fd);
	*ret_fd = fd;
	return OK;
}

static enum err listen_tcp(const struct address *address, int *ret_fd)
{
	int fd = -1;

	TRY(bind_tcp(address, true, &fd));
	/* tcp(7), socket(7): what is accepted has the options of the listener; so nothing has to be set for each. */
	if (!set_tcp_options(fd) || listen(fd, BACKLOG) < 0)
		return fail(fd);
	*ret_fd = fd;
	return OK;
}

enum err socket_listen(const struct address *address, size_t n, int ret_fds[])
{
	struct address actual = *address;
	enum err err;
	int probe = -1;

	/* With SO_REUSEPORT alone a second server of the same user would silently take half of the
	 * connections. */
	TRY(bind_tcp(address, false, &probe));
	if (listen(probe, 1) < 0)
		return fail(probe);
	socket_close(probe);

	for (size_t i = 0; i < n; i++) {
		err = listen_tcp(&actual, &ret_fds[i]);
		if (err != OK) {
			while (i--)
				socket_close(ret_fds[i]);
			return err;
		}
		actual = socket_local_address(ret_fds[i]); /* the port, if any would do */
	}
	return OK;
}

enum err socket_accept(int listener, int *ret_fd, struct address *ret_peer)
{
	struct sockaddr_storage from;
	struct address peer;
	socklen_t len;
	int fd;

	do { /* one that was given up while it waited is not our error */
		len = sizeof(from);
		fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED || errno == EPROTO));
	if (fd < 0)
		return err_of_errno();
	peer = address_of_sockaddr((struct sockaddr *)&from);
	*ret_fd = fd;
	*ret_peer = peer;
	return OK;
}

enum err socket_connect(const struct address *address, int *ret_fd)
{
	return socket_connect_by(address, slice_of(NULL), ret_fd);
}

static bool bind_to_interface(int fd, struct slice interface)
{
	return interface.len == 0 ||
	       setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.ptr, (socklen_t)interface.len) == 0;
}

enum err socket_connect_by(const struct address *address, struct slice interface, int *ret_fd)
{
	struct sockaddr_storage to;
	socklen_t len = sockaddr_of_address(address, &to);
	int fd = -1;

	TRY(new_socket(family_of(address), SOCK_STREAM, &fd));
	if (!set_tcp_options(fd) || !bind_to_interface(fd, interface) ||
	    (connect(fd, (struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS && errno != EINTR))
		return fail(fd);
	*ret_fd = fd;
	return OK;
}

/* The interface by which the connection came: ip(7) and ipv6(7) tell that of a stream with the "packet options" of its socket. */
static unsigned arrival_of(int fd)
{
	const bool is_v6 = socket_local_address(fd).family == ADDRESS_V6;
	_Alignas(struct cmsghdr) char control[256];
	socklen_t len = sizeof(control);
	struct msghdr message = { .msg_control = control };

	if (!ask_for_local_address(fd, is_v6 ? AF_INET6 : AF_INET) ||
	    getsockopt(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_2292PKTOPTIONS : IP_PKTOPTIONS,
		       control, &len) < 0)
		return 0;
	message.msg_controllen = len;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
		struct in_pktinfo of_v4;
		struct in6_pktinfo of_v6;

		if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
			memcpy(&of_v4, CMSG_DATA(part), sizeof(of_v4));
			return (unsigned)of_v4.ipi_ifindex;
		}
		if (part->cmsg_level == IPPROTO_IPV6 &&
		    (part->cmsg_type == IPV6_PKTINFO || part->cmsg_type == IPV6_2292PKTINFO)) {
			memcpy(&of_v6, CMSG_DATA(part), sizeof(of_v6));
			return of_v6.ipi6_ifindex;
		}
	}
	return 0;
}

enum err socket_hold_to(int fd, struct slice interface, char ret_other[SOCKET_INTERFACE_SIZE])
{
	char name[SOCKET_INTERFACE_SIZE] = "";
	unsigned index = arrival_of(fd);

	_Static_assert(SOCKET_INTERFACE_SIZE == IFNAMSIZ, "the kernel's names");
	if (index == 0 || !if_indextoname(index, name) || !slice_eq(slice_of(name), interface)) {
		memcpy(ret_other, name, sizeof(name));
		return ERR_NOT_FOUND;
	}
	return bind_to_interface(fd, interface) ? OK : err_of_errno();
}

enum err socket_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int error = 0;
	socklen_t error_len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
		return ERR_IO;
	errno = error;
	if (error)
		return err_of_errno();
	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return errno == ENOTCONN ? ERR_AGAIN : ERR_IO;
	return OK;
}

/* ---- UDP ---- */

static enum err bind_udp(const struct address *address, bool shared, int *ret_fd)
{
	struct sockaddr_storage to;
	socklen_t len = sockaddr_of_address(address, &to);
	int fd = -1;

	TRY(new_socket(family_of(address), SOCK_DGRAM, &fd));
	if ((shared && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) ||
	    (address->family == ADDRESS_V6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) ||
	    !ask_for_local_address(fd, family_of(address)) || bind(fd, (struct sockaddr *)&to, len) < 0)
		return fail(fd);
	(void)set_option(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER); /* the kernel's maximum may be less */
	*ret_fd = fd;
	return OK;
}

enum err socket_bind_udp(const struct address *address, size_t n, int ret_fds[])
{
	struct address actual = *address;
	enum err err;
	int probe = -1;

	TRY(bind_udp(address, false, &probe)); /* as in socket_listen() */
	socket_close(probe);
	for (size_t i = 0; i < n; i++) {
		err = bind_udp(&actual, true, &ret_fds[i]);
		if (err != OK) {
			while (i--)
				socket_close(ret_fds[i]);
			return err;
		}
		actual = socket_local_address(ret_fds[i]);
	}
	return OK;
}

enum err socket_connect_udp(const struct address *address, int *ret_fd)
{
	struct sockaddr_storage to;
	socklen_t len = sockaddr_of_address(address, &to);
	int fd = -1;

	TRY(new_socket(family_of(address), SOCK_DGRAM, &fd));
	if (connect(fd, (struct sockaddr *)&to, len) < 0)
		return fail(fd);
	*ret_fd = fd;
	return OK;
}

/* Room for one struct in_pktinfo or in6_pktinfo. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static struct address local_address(struct msghdr *message)
{
	struct address local = { .family = ADDRESS_NONE };
	struct in_pktinfo info4;
	struct in6_pktinfo info6;

	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
			memcpy(&info4, CMSG_DATA(at), sizeof(info4));
			local.family = ADDRESS_V4;
			memcpy(local.ip, &info4.ipi_addr, sizeof(info4.ipi_addr));
		} else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(at), sizeof(info6));
			local.family = ADDRESS_V6;
			memcpy(local.ip, &info6.ipi6_addr, sizeof(info6.ipi6_addr));
		}
	}
	return local;
}

static unsigned zone_of(const struct sockaddr_storage *from)
{
	struct sockaddr_in6 in6;

	if (from->ss_family != AF_INET6)
		return 0;
	memcpy(&in6, from, sizeof(in6));
	return in6.sin6_scope_id;
}

static void set_zone(struct sockaddr_storage *to, unsigned zone)
{
	struct sockaddr_in6 in6;

	if (to->ss_family != AF_INET6)
		return;
	memcpy(&in6, to, sizeof(in6));
	in6.sin6_scope_id = zone;
	memcpy(to, &in6, sizeof(in6));
}

enum err socket_receive(int fd, void *buf, size_t size, struct socket_datagram *ret_datagram)
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	union control control;
	struct iovec piece = { buf, size };
	struct msghdr message = { .msg_name = &from,
				  .msg_namelen = sizeof(from),
				  .msg_iov = &piece,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &message, 0);

	if (n < 0)
		return errno == EINTR ? ERR_AGAIN : err_of_errno();
	if (message.msg_flags & MSG_TRUNC)
		return ERR_LIMIT;
	*ret_datagram = (struct socket_datagram){
		.local = local_address(&message),
		.peer = address_of_sockaddr((struct sockaddr *)&from),
		.zone = zone_of(&from),
		.bytes = slice_from(buf, (size_t)n),
	};
	return OK;
}

/* The address that it leaves from, where that is known. */
static void put_local_address(struct msghdr *message, union control *control, const struct address *local)
{
	struct in_pktinfo info4 = { 0 };
	struct in6_pktinfo info6 = { 0 };
	bool v6 = local->family == ADDRESS_V6;
	size_t size = v6 ? sizeof(info6) : sizeof(info4);

	if (local->family == ADDRESS_NONE)
		return;
	memcpy(&info4.ipi_spec_dst, local->ip, sizeof(info4.ipi_spec_dst));
	memcpy(&info6.ipi6_addr, local->ip, sizeof(info6.ipi6_addr));
	control->header.cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	control->header.cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	control->header.cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(&control->header), v6 ? (void *)&info6 : (void *)&info4, size);
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(size);
}

enum err socket_send(int fd, const struct socket_datagram *datagram)
{
	struct sockaddr_storage to;
	union control control = { .bytes = { 0 } };
	struct iovec piece = { (void *)(uintptr_t)datagram->bytes.ptr, datagram->bytes.len };
	struct msghdr message = { .msg_name = &to, .msg_iov = &piece, .msg_iovlen = 1 };

	message.msg_namelen = sockaddr_of_address(&datagram->peer, &to);
	set_zone(&to, datagram->zone);
	put_local_address(&message, &control, &datagram->local);
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? err_of_errno() : OK;
}

/* ---- Unix ---- */

static enum err unix_address(struct slice path, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!path.len || path.len >= sizeof(ret_address->sun_path))
		return ERR_LIMIT;
	memcpy(ret_address->sun_path, path.ptr, path.len);
	return OK;
}

enum err socket_connect_unix(struct slice path, int *ret_fd)
{
	struct sockaddr_un to;
	int fd = -1;

	TRY(unix_address(path, &to));
	TRY(new_socket(AF_UNIX, SOCK_STREAM, &fd));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		if (errno == ECONNREFUSED)
			errno = ENOENT;
		return fail(fd);
	}
	*ret_fd = fd;
	return OK;
}

/* Removes a socket file that a server has left behind. */
static enum err make_room(struct slice path, const struct sockaddr_un *at)
{
	struct stat facts;
	enum err err;
	int fd;

	if (lstat(at->sun_path, &facts) < 0)
		return errno == ENOENT ? OK : err_of_errno();
	if (!S_ISSOCK(facts.st_mode))
		return ERR_EXISTS;
	err = socket_connect_unix(path, &fd);
	if (err == OK)
		socket_close(fd);
	if (err != ERR_NOT_FOUND)
		return ERR_EXISTS;
	return unlink(at->sun_path) < 0 ? err_of_errno() : OK;
}

enum err socket_listen_unix(struct slice path, int *ret_fd)
{
	struct sockaddr_un at;
	int fd = -1;

	TRY(unix_address(path, &at));
	TRY(make_room(path, &at));
	TRY(new_socket(AF_UNIX, SOCK_STREAM, &fd));
	/* The mode is set before the file is there, so that it never has another. */
	if (fchmod(fd, S_IRUSR | S_IWUSR) < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return fail(fd);
	*ret_fd = fd;
	return OK;
}

bool socket_peer_user(int fd, uid_t *ret_user)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	*ret_user = peer.uid;
	return true;
}

/* ---- both ---- */

struct address socket_local_address(int fd)
{
	struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return (struct address){ .family = ADDRESS_NONE };
	return address_of_sockaddr((struct sockaddr *)&at);
}

struct address socket_peer_address(int fd)
{
	struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(at);

	if (getpeername(fd, (struct sockaddr *)&at, &len) < 0)
		return (struct address){ .family = ADDRESS_NONE };
	return address_of_sockaddr((struct sockaddr *)&at);
}

void socket_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
