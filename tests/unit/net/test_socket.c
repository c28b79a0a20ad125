#include "net/socket.h"

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct address address_of(const char *text)
{
	struct address address;

	assert_true(address_parse(slice_of(text), &address));
	return address;
}

static void wait_for(int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	assert_int_equal(poll(&pollfd, 1, 5000), 1);
}

/* Milliseconds until the kernel gives up on what is not acknowledged. */
static unsigned patience_of(int fd)
{
	unsigned patience = 0;
	socklen_t len = sizeof patience;

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, &len), 0);
	return patience;
}

static void connects_and_accepts(const char *text)
{
	struct address any = address_of(text), at, peer;
	int listener, client, server;
	char buf[8];

	assert_int_equal(socket_listen(&any, 1, &listener), OK);
	at = socket_local_address(listener);
	assert_true(at.port != 0);
	assert_int_equal(socket_accept(listener, &server, &peer), ERR_AGAIN);
	assert_int_equal(socket_connect(&at, &client), OK);
	wait_for(client, POLLOUT);
	assert_int_equal(socket_connected(client), OK);
	wait_for(listener, POLLIN);
	assert_int_equal(socket_accept(listener, &server, &peer), OK);

	struct address client_end = socket_local_address(client), server_end = socket_peer_address(client);

	assert_true(address_eq(&peer, &client_end));
	assert_true(address_eq(&at, &server_end));
	assert_true(fcntl(server, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(server, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(client, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(client, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(patience_of(server), 120 * 1000);
	assert_int_equal(patience_of(client), 120 * 1000);
	assert_int_equal(write(client, "hello", 5), 5);
	wait_for(server, POLLIN);
	assert_int_equal(read(server, buf, sizeof(buf)), 5);
	socket_close(client);
	socket_close(server);
	socket_close(listener);
}

static void carries_bytes_over_ipv4(void **state)
{
	connects_and_accepts("127.0.0.1:0");
}

static void carries_bytes_over_ipv6(void **state)
{
	struct address any = address_of("[::1]:0");
	int listener;
	enum err err = socket_listen(&any, 1, &listener);

	if (err == ERR_NOT_FOUND) {
		test_skip("carries_bytes_over_ipv6", "this machine has no IPv6");
		return;
	}
	assert_int_equal(err, OK);
	socket_close(listener);
	connects_and_accepts("[::1]:0");
}

static void several_workers_share_a_port_but_not_with_others(void **state)
{
	struct address any = address_of("127.0.0.1:0"), first, second;
	int fds[2], other;

	assert_int_equal(socket_listen(&any, 2, fds), OK);
	first = socket_local_address(fds[0]);
	second = socket_local_address(fds[1]);
	assert_true(address_eq(&first, &second));
	assert_int_equal(socket_listen(&first, 1, &other), ERR_EXISTS);
	socket_close(fds[0]);
	socket_close(fds[1]);
	assert_int_equal(socket_listen(&first, 1, &other), OK);
	socket_close(other);
}

/* A datagram there and back, from the very address that it came to, though the socket is bound to all. */
static void exchanges_datagrams(const char *any_text, const char *own_text)
{
	struct address any = address_of(any_text), own = address_of(own_text), actual;
	int server = -1, client = -1;
	char buf[2000];
	struct socket_datagram sent = { .bytes = SLICE("hello") }, got;

	assert_int_equal(socket_bind_udp(&any, 1, &server), OK);
	assert_int_equal(socket_bind_udp(&own, 1, &client), OK);
	actual = socket_local_address(server);
	sent.peer = own;
	sent.peer.port = actual.port;
	assert_int_equal(socket_receive(server, buf, sizeof buf, &got), ERR_AGAIN);
	assert_int_equal(socket_send(client, &sent), OK);
	wait_for(server, POLLIN);
	assert_int_equal(socket_receive(server, buf, sizeof buf, &got), OK);
	assert_true(slice_eq(got.bytes, SLICE("hello")));
	assert_true(address_eq_ip(&got.local, &own));
	own = socket_local_address(client);
	assert_true(address_eq(&got.peer, &own));
	assert_int_equal(socket_send(server, &got), OK);
	wait_for(client, POLLIN);
	assert_int_equal(socket_receive(client, buf, sizeof buf, &got), OK);
	assert_true(address_eq(&got.peer, &sent.peer));
	assert_int_equal(socket_send(client, &sent), OK);
	wait_for(server, POLLIN);
	assert_int_equal(socket_receive(server, buf, 3, &got), ERR_LIMIT);
	assert_int_equal(socket_receive(server, buf, sizeof buf, &got), ERR_AGAIN);
	socket_close(server);
	socket_close(client);
}

static void a_socket_for_one_peer_hears_nobody_else(void **state)
{
	struct address own = address_of("127.0.0.1:0"), nowhere = address_of("127.0.0.1:9");
	int server = -1, other = -1, client = -1;
	struct socket_datagram sent = { .bytes = SLICE("hello") };
	char buf[100];

	assert_int_equal(socket_bind_udp(&own, 1, &server), OK);
	assert_int_equal(socket_bind_udp(&own, 1, &other), OK);
	own = socket_local_address(server);
	assert_int_equal(socket_connect_udp(&own, &client), OK);
	assert_int_equal(socket_connected(client), OK);
	sent.peer = socket_local_address(client);
	assert_int_equal(socket_send(other, &sent), OK);
	assert_int_equal(socket_send(server, &sent), OK);
	wait_for(client, POLLIN);
	assert_int_equal(recv(client, buf, sizeof buf, 0), 5);
	assert_int_equal(recv(client, buf, sizeof buf, 0), -1);
	assert_int_equal(errno, EAGAIN);
	socket_close(client);
	socket_close(other);
	socket_close(server);
	assert_int_equal(socket_connect_udp(&nowhere, &client), OK); /* nobody is asked */
	socket_close(client);
}

static void exchanges_datagrams_over_ipv4(void **state)
{
	exchanges_datagrams("0.0.0.0:0", "127.0.0.2:0");
}

static void exchanges_datagrams_over_ipv6(void **state)
{
	struct address v6 = address_of("[::1]:0");
	int fd = -1;

	if (socket_bind_udp(&v6, 1, &fd) == ERR_NOT_FOUND) {
		test_skip("exchanges_datagrams_over_ipv6", "this machine has no IPv6");
		return;
	}
	socket_close(fd);
	exchanges_datagrams("[::]:0", "[::1]:0");
}

static void several_workers_share_a_udp_port_but_not_with_others(void **state)
{
	struct address any = address_of("127.0.0.1:0");
	int fds[3], other;

	assert_int_equal(socket_bind_udp(&any, 3, fds), OK);
	any = socket_local_address(fds[2]);
	assert_true(any.port != 0);
	assert_int_equal(socket_bind_udp(&any, 1, &other), ERR_EXISTS);
	for (size_t i = 0; i < 3; i++)
		socket_close(fds[i]);
}

static void an_address_that_is_not_ours_cannot_be_listened_on(void **state)
{
	struct address foreign = address_of("192.0.2.1:0");
	int fd;

	assert_int_equal(socket_listen(&foreign, 1, &fd), ERR_NOT_FOUND);
}

static void a_refused_connection_says_so(void **state)
{
	struct address any = address_of("127.0.0.1:0"), at;
	int listener, client;
	enum err err;

	assert_int_equal(socket_listen(&any, 1, &listener), OK);
	at = socket_local_address(listener);
	socket_close(listener);
	err = socket_connect(&at, &client);
	if (err == OK) {
		wait_for(client, POLLOUT);
		err = socket_connected(client);
		socket_close(client);
	}
	assert_int_equal(err, ERR_DENIED);
}

static struct slice path_in(const char *directory, char path[200])
{
	int n = snprintf(path, 200, "%s/control", directory);

	return slice_from(path, (size_t)n);
}

static void a_unix_socket_knows_who_is_there(void **state)
{
	char directory[100], buf[200];
	struct address peer;
	struct stat facts;
	int listener, again, client, server;
	uid_t user;

	harness_template(directory, sizeof directory, "socket");
	assert_non_null(mkdtemp(directory));
	struct slice path = path_in(directory, buf);

	assert_int_equal(socket_connect_unix(path, &client), ERR_NOT_FOUND);
	assert_int_equal(socket_listen_unix(path, &listener), OK);
	assert_int_equal(stat(buf, &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0600);
	assert_int_equal(socket_listen_unix(path, &again), ERR_EXISTS);
	assert_int_equal(socket_connect_unix(path, &client), OK);
	wait_for(listener, POLLIN);
	while (socket_accept(listener, &server, &peer) ==
	       OK) { /* the second is that of the attempt to listen again */
		assert_int_equal(peer.family, ADDRESS_NONE);
		assert_true(socket_peer_user(server, &user));
		assert_int_equal(user, getuid());
		socket_close(server);
	}
	socket_close(client);
	socket_close(listener);

	assert_int_equal(socket_connect_unix(path, &client), ERR_NOT_FOUND);
	assert_int_equal(socket_listen_unix(path, &listener), OK); /* over the file that was left behind */
	socket_close(listener);
	unlink(buf);
	rmdir(directory);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	char directory[100], buf[200];
	int fd;

	harness_template(directory, sizeof directory, "socket");
	assert_non_null(mkdtemp(directory));
	struct slice path = path_in(directory, buf);

	socket_close(open(buf, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(socket_listen_unix(path, &fd), ERR_EXISTS);
	assert_int_equal(unlink(buf), 0);
	rmdir(directory);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	char longer[108];
	int fd;

	memset(longer, 'a', sizeof(longer));
	assert_int_equal(socket_listen_unix(slice_from(longer, sizeof(longer)), &fd), ERR_LIMIT);
	assert_int_equal(socket_connect_unix(slice_from(longer, sizeof(longer)), &fd), ERR_LIMIT);
	assert_int_equal(socket_listen_unix(SLICE("/nonexistent/control"), &fd), ERR_NOT_FOUND);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(carries_bytes_over_ipv4),
	cmocka_unit_test(carries_bytes_over_ipv6),
	cmocka_unit_test(several_workers_share_a_port_but_not_with_others),
	cmocka_unit_test(a_socket_for_one_peer_hears_nobody_else),
	cmocka_unit_test(exchanges_datagrams_over_ipv4),
	cmocka_unit_test(exchanges_datagrams_over_ipv6),
	cmocka_unit_test(several_workers_share_a_udp_port_but_not_with_others),
	cmocka_unit_test(an_address_that_is_not_ours_cannot_be_listened_on),
	cmocka_unit_test(a_refused_connection_says_so),
	cmocka_unit_test(a_unix_socket_knows_who_is_there),
	cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
	cmocka_unit_test(a_path_that_is_too_long_is_refused),
};

TEST_MAIN(tests)
