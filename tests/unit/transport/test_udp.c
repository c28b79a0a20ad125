/* UDP: senders are flows. */
#include "stage.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int udp_peer(void)
{
	struct address any;
	int fd = -1;

	assert_true(address_parse(SLICE("127.0.0.1:0"), &any));
	assert_int_equal(socket_bind_udp(&any, 1, &fd), OK);
	n_heard = 0;
	return fd;
}

/* A request whose Via has what is given behind the branch. */
static void send_options(int fd, unsigned number, const char *via_params)
{
	struct address own = socket_local_address(fd);
	char text[800];
	int len = snprintf(
		text, sizeof text,
		"OPTIONS sip:b@localhost SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%u%s\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:a@localhost>;tag=1\r\nTo: <sip:b@localhost>\r\n"
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		own.port, number, via_params);
	struct socket_datagram datagram = { .peer = address, .bytes = slice_from(text, (size_t)len) };

	assert_int_equal(socket_send(fd, &datagram), OK);
}

static void a_sender_over_udp_is_a_flow(void **state)
{
	const struct flow_view *view;

	raise_curtain(TRANSPORT_UDP);
	int fd = udp_peer(), other = udp_peer();
	send_options(fd, 1, ";rport");
	UNTIL(hears(fd, SLICE("SIP/2.0 200 OK\r\n")));
	assert_true(slice_find_text(slice_from(heard, n_heard), SLICE(";received=127.0.0.1;rport=")) <
		    n_heard);
	view = endpoint_flow_view(far_end.endpoint, far_end.flow);
	assert_non_null(view);
	assert_int_equal(view->transport, TRANSPORT_UDP);
	n_heard = 0;
	send_options(fd, 2, ";rport");
	UNTIL(hears(fd, SLICE("SIP/2.0 200 OK\r\n")));
	assert_int_equal(far_end.opened, 1);
	send_options(other, 3, ";rport");
	UNTIL(far_end.opened == 2);
	assert_int_equal(transport_counts(far_end.transport).clear, 2);
	socket_close(fd);
	socket_close(other);
}

static void a_response_goes_to_the_port_of_sent_by_without_rport(void **state)
{
	struct address there;
	char text[600];

	raise_curtain(TRANSPORT_UDP);
	int sender = udp_peer(), listener = udp_peer();
	there = socket_local_address(listener);
	int len = snprintf(
		text, sizeof text,
		"OPTIONS sip:b@localhost SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK1\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:a@localhost>;tag=1\r\nTo: <sip:b@localhost>\r\n"
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		there.port);
	struct socket_datagram datagram = { .peer = address, .bytes = slice_from(text, (size_t)len) };
	assert_int_equal(socket_send(sender, &datagram), OK);
	UNTIL(hears(listener, SLICE("SIP/2.0 200 OK\r\n")));
	socket_close(sender);
	socket_close(listener);
}

static void sends_a_stranger_no_more_than_three_times_what_came(void **state)
{
	raise_curtain(TRANSPORT_UDP);
	fill_padding();
	far_end.stuff = true;
	int fd = udp_peer();
	send_options(fd, 1, ";rport");
	UNTIL(transport_counts(far_end.transport).withheld == 1);
	assert_int_equal(far_end.requests, 1);
	assert_int_equal(transport_counts(far_end.transport).bytes_out, 0);
	assert_true(endpoint_flow_prove(far_end.endpoint, far_end.flow, STAGE_ACCOUNT));
	send_options(fd, 2, ";rport");
	UNTIL(hears(fd, SLICE("SIP/2.0 200 OK\r\n")));
	socket_close(fd);
}

/* The far end sends OPTIONS over its last flow. */
static void far_end_asks(void)
{
	struct outgoing outgoing = {
		.method = SIP_OPTIONS,
		.uri = SLICE("sip:a@localhost"),
		.rest = SLICE("Max-Forwards: 70\r\nFrom: <sip:b@localhost>;tag=1\r\nTo: <sip:a@localhost>\r\n"
			      "Call-ID: 2\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"),
		.flow = far_end.flow,
	};
	struct client *client;

	assert_int_equal(endpoint_request(far_end.endpoint, &outgoing, net_now(far_end.net), &client), OK);
}

static void sends_a_stranger_nothing_of_its_own_accord(void **state)
{
	raise_curtain(TRANSPORT_UDP);
	int fd = udp_peer();
	send_options(fd, 1, ";rport");
	UNTIL(far_end.requests == 1 && hears(fd, SLICE("\r\n\r\n")));
	for (int i = 0; i < 3; i++)
		turn(&far_end);
	far_end_asks();
	UNTIL(transport_counts(far_end.transport).withheld > 0);
	socket_close(fd);
}

static void dials_over_udp_from_the_socket_that_it_listens_on(void **state)
{
	const struct flow_view *view;

	raise_curtain(TRANSPORT_UDP);
	int fd = udp_peer();
	struct connect_question connect = { .transport = TRANSPORT_UDP,
					    .host = SLICE("127.0.0.1"),
					    .port = socket_local_address(fd).port };

	far_end.answered = false;
	assert_int_equal(endpoint_connect(far_end.endpoint, &far_end.question, &connect), OK);
	UNTIL(far_end.answered);
	assert_int_equal(far_end.err, OK);
	view = endpoint_flow_view(far_end.endpoint, far_end.flow);
	assert_non_null(view);
	assert_true(view->outbound && view->transport == TRANSPORT_UDP);
	far_end_asks();
	UNTIL(hears(fd, SLICE("OPTIONS sip:a@localhost SIP/2.0\r\nVia: SIP/2.0/UDP ")));

	connect.host = SLICE("::1");
	far_end.answered = false;
	assert_int_equal(endpoint_connect(far_end.endpoint, &far_end.question, &connect), OK);
	UNTIL(far_end.answered);
	assert_int_equal(far_end.err, ERR_IO);
	socket_close(fd);
}

static void dials_over_udp_while_it_accepts_nobody_any_more(void **state)
{
	raise_curtain(TRANSPORT_UDP);
	int fd = udp_peer();
	struct connect_question connect = { .transport = TRANSPORT_UDP,
					    .host = SLICE("127.0.0.1"),
					    .port = socket_local_address(fd).port };

	transport_deafen(far_end.transport);
	assert_int_equal(endpoint_connect(far_end.endpoint, &far_end.question, &connect), OK);
	UNTIL(far_end.answered);
	assert_int_equal(far_end.err, OK);
	far_end_asks();
	UNTIL(hears(fd, SLICE("OPTIONS sip:a@localhost SIP/2.0\r\nVia: SIP/2.0/UDP ")));
	socket_close(fd);
}

/* One of this machine, with its interface; the port is that. False: there is none. */
static bool find_link_local_address(uint16_t port, struct sockaddr_in6 *ret_at)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) != 0)
		return false;
	for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET6)
			continue;
		memcpy(ret_at, one->ifa_addr, sizeof *ret_at);
		found = IN6_IS_ADDR_LINKLOCAL(&ret_at->sin6_addr);
	}
	freeifaddrs(all);
	ret_at->sin6_port = htons(port);
	return found;
}

/* RFC 4007 §6: such an address is one of an interface alone. */
static void answers_an_address_that_only_one_interface_has(void **state)
{
	struct sockaddr_in6 there, own = { .sin6_family = AF_INET6 };
	struct address any = { .family = ADDRESS_V6 };
	int fd = -1, socket_v6;

	raise_curtain(TRANSPORT_UDP);
	if (!find_link_local_address(0, &there) || socket_bind_udp(&any, 1, &fd) != OK) {
		test_skip("answers_an_address_that_only_one_interface_has",
			  "this machine has no such address");
		return;
	}
	there.sin6_port = htons(socket_local_address(fd).port);
	assert_int_equal(transport_listen(far_end.transport, TRANSPORT_UDP, fd), OK);
	socket_v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	own = there;
	own.sin6_port = 0;
	assert_int_equal(bind(socket_v6, (struct sockaddr *)&own, sizeof own), 0);
	assert_int_equal(connect(socket_v6, (struct sockaddr *)&there, sizeof there), 0);
	n_heard = 0;
	static const char options[] =
		"OPTIONS sip:b@localhost SIP/2.0\r\nVia: SIP/2.0/UDP x.invalid;branch=z9hG4bK1;rport\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:a@localhost>;tag=1\r\nTo: <sip:b@localhost>\r\n"
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
	assert_int_equal(send(socket_v6, options, sizeof options - 1, 0), sizeof options - 1);
	UNTIL(hears(socket_v6, SLICE("SIP/2.0 200 OK\r\n")));
	socket_close(socket_v6);
}

static void forgets_who_is_silent_over_udp_unless_he_is_proven(void **state)
{
	limits.idle = 50;
	raise_curtain(TRANSPORT_UDP);
	int fd = udp_peer(), proven = udp_peer();
	send_options(fd, 1, ";rport");
	UNTIL(far_end.lost == 1);
	assert_string_equal(far_end.why, "it was silent for too long");
	far_end.prove = true;
	send_options(proven, 2, ";rport");
	UNTIL(far_end.opened == 2);
	for (int i = 0; i < 30; i++)
		turn(&far_end);
	assert_int_equal(far_end.lost, 1);
	assert_int_equal(transport_counts(far_end.transport).clear, 1);
	endpoint_flow_close(far_end.endpoint, far_end.flow, "the test is over");
	UNTIL(far_end.lost == 2);
	socket_close(fd);
	socket_close(proven);
}

static void raise_curtain_for_two(void)
{
	limits.associations = 2;
	raise_curtain(TRANSPORT_UDP);
}

/* The next who says something; the first of them is proven by it. */
static int come(unsigned peer)
{
	int fd = udp_peer();

	send_options(fd, peer, ";rport");
	UNTIL(far_end.opened == peer + 1);
	if (peer == 0)
		assert_true(endpoint_flow_prove(far_end.endpoint, far_end.flow, STAGE_ACCOUNT));
	return fd;
}

static void gives_the_place_of_a_stranger_to_a_newcomer(void **state)
{
	int fds[4];

	raise_curtain_for_two();
	for (unsigned peer = 0; peer < 4; peer++) {
		fds[peer] = come(peer);
		send_options(fds[0], 10 + peer, ";rport");
		UNTIL(far_end.requests == 2 * (peer + 1));
	}
	assert_int_equal(far_end.lost, 2);
	assert_int_equal(far_end.opened, 4);
	for (int i = 0; i < 4; i++)
		socket_close(fds[i]);
}

/* What proves a phone is mostly the last that it says for a while. */
static void leaves_his_place_to_who_has_been_proven_since_he_was_heard(void **state)
{
	int fds[4];

	raise_curtain_for_two();
	for (unsigned peer = 0; peer < 4; peer++)
		fds[peer] = come(peer);
	assert_int_equal(far_end.lost, 2);
	send_options(fds[0], 10, ";rport");
	UNTIL(far_end.requests == 5);
	assert_int_equal(far_end.opened, 4);
	for (int i = 0; i < 4; i++)
		socket_close(fds[i]);
}

static void hears_who_was_banned_as_soon_as_he_is_not(void **state)
{
	static const struct bans_policy nobody_exempt = { .tolerance = 0 };

	bans = bans_new((struct map_key){ 0 }, &nobody_exempt);
	assert_non_null(bans);
	raise_curtain(TRANSPORT_UDP);
	int fd = udp_peer(), other = udp_peer();
	send_options(other, 1, ";rport");
	UNTIL(far_end.requests == 1);
	assert_int_equal(bans_add(bans, &address, 60 * 1000, net_now(far_end.net).mono), OK);
	send_options(fd, 2, ";rport");
	UNTIL(transport_counts(far_end.transport).ignored == 1);
	assert_int_equal(transport_counts(far_end.transport).clear, 1);
	assert_true(bans_lift(bans, &address, net_now(far_end.net).mono));
	send_options(fd, 3, ";rport");
	UNTIL(far_end.requests == 2);
	assert_int_equal(far_end.opened, 2);
	socket_close(fd);
	socket_close(other);
}

static void makes_no_flow_of_what_is_no_sip(void **state)
{
	raise_curtain(TRANSPORT_UDP);
	struct socket_datagram datagram = { .peer = address };
	int fd = udp_peer();
	static const struct slice texts[] = { SLICE_INIT("\0\1\0\0 a STUN request"), SLICE_INIT("\r\n\r\n"),
					      SLICE_INIT("\377") };
	for (size_t i = 0; i < 3; i++) {
		datagram.bytes = texts[i];
		assert_int_equal(socket_send(fd, &datagram), OK);
	}
	UNTIL(transport_counts(far_end.transport).ignored == 3);
	assert_int_equal(far_end.opened, 0);
	socket_close(fd);
}

static void hears_only_known_senders_once_it_is_deaf(void **state)
{
	raise_curtain(TRANSPORT_UDP);
	int fd = udp_peer(), late = udp_peer();
	send_options(fd, 1, ";rport");
	UNTIL(far_end.requests == 1);
	transport_deafen(far_end.transport);
	send_options(late, 2, ";rport");
	UNTIL(transport_counts(far_end.transport).ignored == 1);
	send_options(fd, 3, ";rport");
	UNTIL(far_end.requests == 2);
	assert_int_equal(far_end.opened, 1);
	socket_close(fd);
	socket_close(late);
}

static const struct CMUnitTest tests[] = {
	play(dials_over_udp_from_the_socket_that_it_listens_on),
	play(dials_over_udp_while_it_accepts_nobody_any_more),
	play(answers_an_address_that_only_one_interface_has),
	play(a_sender_over_udp_is_a_flow),
	play(a_response_goes_to_the_port_of_sent_by_without_rport),
	play(sends_a_stranger_no_more_than_three_times_what_came),
	play(sends_a_stranger_nothing_of_its_own_accord),
	play(forgets_who_is_silent_over_udp_unless_he_is_proven),
	play(gives_the_place_of_a_stranger_to_a_newcomer),
	play(leaves_his_place_to_who_has_been_proven_since_he_was_heard),
	play(hears_who_was_banned_as_soon_as_he_is_not),
	play(makes_no_flow_of_what_is_no_sip),
	play(hears_only_known_senders_once_it_is_deaf),
};
TEST_MAIN(tests)
