/* Connections over TLS and TCP: opened, limited, ended. */
#include "stage.h"

#include <sys/socket.h>
#include <unistd.h>

static void carries_a_request_and_its_response_over_tls(void **state)
{
	const struct flow_view *view;

	raise_curtain(TRANSPORT_TLS);
	dial(TRANSPORT_TLS, "127.0.0.1", "localhost");
	assert_int_equal(near_end.err, OK);
	view = endpoint_flow_view(near_end.endpoint, near_end.flow);
	assert_non_null(view);
	assert_true(slice_eq(view->verified, SLICE("localhost")));
	assert_true(view->outbound);
	assert_true(slice_eq(view->tls_version, SLICE("TLSv1.3")));
	assert_true(address_eq(&view->peer, &address));
	ask();
	UNTIL(near_end.responses == 1);
	assert_int_equal(far_end.requests, 1);
	assert_int_equal(transport_counts(near_end.transport).domain, 1);
	assert_int_equal(transport_counts(far_end.transport).tls, 1);
}

static void finds_the_host_by_its_name(void **state)
{
	raise_curtain(TRANSPORT_TCP);
	dial(TRANSPORT_TCP, "localhost", "");
	assert_int_equal(near_end.err, OK);
	UNTIL(transport_counts(far_end.transport).clear == 1);
}

static const struct {
	const char *label, *host, *domain;
	enum err err;
	const char *why;
} refused_dials[] = {
	{ "another name", "127.0.0.1", "other.example", ERR_DENIED, "other.example" },
	{ "a name that no certificate can prove", "127.0.0.1", "192.0.2.1", ERR_DENIED, "no domain name" },
	{ "a name that nobody has", "no-such-host.invalid", "localhost", ERR_NOT_FOUND, "no such host" },
	{ "nonsense", "a b", "localhost", ERR_NOT_FOUND, "no such host" },
};

static void says_why_a_dial_failed(void **state)
{
	raise_curtain(TRANSPORT_TLS);
	for (size_t i = 0; i < sizeof refused_dials / sizeof *refused_dials; i++) {
		dial(TRANSPORT_TLS, refused_dials[i].host, refused_dials[i].domain);
		print_message("# %s: %s\n", refused_dials[i].label, near_end.why);
		if (near_end.err == ERR_AGAIN || near_end.err == ERR_IO)
			continue; /* a machine without a resolver cannot know that there is no such name */
		assert_int_equal(near_end.err, refused_dials[i].err);
		assert_non_null(strstr(near_end.why, refused_dials[i].why));
	}
	transport_deafen(far_end.transport);
	dial(TRANSPORT_TLS, "127.0.0.1", "localhost");
	assert_int_equal(near_end.err, ERR_IO);
	assert_non_null(strstr(near_end.why, "refused"));
	assert_int_equal(near_end.opened, 0);
}

static void gives_up_on_a_server_that_is_silent(void **state)
{
	int silent = -1;

	limits.connect = 50;
	raise_curtain(TRANSPORT_TLS);
	address.port = 0;
	assert_int_equal(socket_listen(&address, 1, &silent), OK);
	address = socket_local_address(silent);
	dial(TRANSPORT_TLS, "127.0.0.1", "localhost");
	socket_close(silent);
	assert_int_equal(near_end.err, ERR_AGAIN);
}

static void waits_for_a_server_as_long_as_it_is_told(void **state)
{
	struct connect_question connect = { .host = SLICE("127.0.0.1"),
					    .domain = SLICE("localhost"),
					    .patience = 50 };
	int silent = -1;

	raise_curtain(TRANSPORT_TLS);
	address.port = 0;
	assert_int_equal(socket_listen(&address, 1, &silent), OK);
	connect.port = socket_local_address(silent).port;
	near_end.answered = false;
	assert_int_equal(endpoint_connect(near_end.endpoint, &near_end.question, &connect), OK);
	UNTIL(near_end.answered);
	socket_close(silent);
	assert_int_equal(near_end.err, ERR_AGAIN);
}

static void says_that_it_has_no_dns(void **state)
{
	struct dns_question resolve = { SLICE("example.org"), DNS_A };

	raise_curtain(TRANSPORT_TLS);
	near_end.answered = false;
	assert_int_equal(endpoint_resolve(near_end.endpoint, &near_end.question, &resolve), OK);
	UNTIL(near_end.answered);
	assert_int_equal(near_end.err, ERR_IO);
}

static void dials_no_tls_without_anybody_to_trust(void **state)
{
	raise_curtain(TRANSPORT_TCP);
	dial(TRANSPORT_TLS, "127.0.0.1", "localhost");
	assert_int_equal(near_end.err, ERR_DENIED);
	assert_non_null(strstr(near_end.why, "nothing configured for TLS"));
}

static void ends_a_handshake_that_does_not_end(void **state)
{
	limits.handshake = 50;
	raise_curtain(TRANSPORT_TLS);
	int fd = raw_peer();
	UNTIL(is_closed(fd));
	socket_close(fd);
	assert_int_equal(transport_counts(far_end.transport).refused_handshakes, 1);
	assert_int_equal(far_end.opened, 0);
}

static void sends_clear_text_away_from_a_tls_port(void **state)
{
	raise_curtain(TRANSPORT_TLS);
	int fd = raw_peer();
	assert_int_equal(write(fd, "OPTIONS sip:b@localhost SIP/2.0\r\n\r\n", 35), 35);
	UNTIL(is_closed(fd));
	socket_close(fd);
	assert_int_equal(transport_counts(far_end.transport).refused_handshakes, 1);
}

static const struct visit visits[] = {
	{ "a check whether the port is open", TRANSPORT_TLS, "", false, false },
	{ "the same, in a hurry", TRANSPORT_TLS, "", true, false },
	{ "text in clear", TRANSPORT_TLS, "GET / HTTP/1.1\r\n\r\n", false, true },
	{ "half a record", TRANSPORT_TLS, "\x16\x03\x01", false, true },
};

/* As a balancer of load does every other second. */
static void bans_nobody_who_only_looks_whether_the_port_is_open(void **state)
{
	play_visits(visits, sizeof visits / sizeof *visits, state);
}

static void bans_who_keeps_a_place_and_says_nothing(void **state)
{
	limits.handshake = 50;
	watch_handshakes();
	raise_curtain(TRANSPORT_TLS);
	int fd = raw_peer();
	UNTIL(is_closed(fd));
	socket_close(fd);
	assert_int_equal(transport_counts(far_end.transport).blamed, 1);
}

static void closes_who_is_silent_unless_he_is_proven(void **state)
{
	limits.idle = 50;
	raise_curtain(TRANSPORT_TCP);
	int fd = raw_peer();
	UNTIL(is_closed(fd));
	socket_close(fd);
	assert_string_equal(far_end.why, "it was silent for too long");
	far_end.prove = true;
	fd = raw_peer();
	for (int i = 0; i < 30; i++)
		turn(&far_end);
	assert_false(is_closed(fd));
	socket_close(fd);
	UNTIL(far_end.lost == 2);
	assert_string_equal(far_end.why, "the peer closed the connection");
}

/* Those that stand have what is said anew, whatever their deadline was before. */
static void is_told_anew_how_long_somebody_may_be_silent(void **state)
{
	limits.idle_proven = 50;
	raise_curtain(TRANSPORT_TCP);
	far_end.prove = true;
	int fd = raw_peer();
	UNTIL(far_end.opened == 1);
	transport_set_idle_proven(far_end.transport, 60 * 1000);
	for (int i = 0; i < 30; i++)
		turn(&far_end);
	assert_false(is_closed(fd));
	socket_close(fd);
}

static size_t print_options(char *text, size_t size, unsigned branch)
{
	return (size_t)snprintf(
		text, size,
		"OPTIONS sip:b@localhost SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK%u\r\nMax-Forwards: 70\r\n"
		"From: <sip:a@localhost>;tag=1\r\nTo: <sip:b@localhost>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
		"Content-Length: 0\r\n\r\n",
		branch);
}

static size_t flood(int fd, unsigned n)
{
	size_t sent = 0;
	char text[500];

	for (unsigned i = 0; i < n && !is_hopeless((int)i); i++) {
		size_t len = print_options(text, sizeof text, i);

		sent += send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
		turn(&far_end);
	}
	return sent;
}

enum { PEERS = 70 };

static unsigned count_answered(const int fds[PEERS])
{
	unsigned n = 0;
	char byte;

	for (size_t i = 0; i < PEERS; i++)
		n += recv(fds[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
	return n;
}

/* Those of a turn at its end, but not more than 64 of them wait for each other. */
static void answers_many_in_one_go(void **state)
{
	int fds[PEERS];
	char text[500];

	limits.flows = PEERS;
	raise_curtain(TRANSPORT_TCP);
	for (size_t i = 0; i < PEERS; i++)
		fds[i] = raw_peer();
	UNTIL(far_end.opened == PEERS);
	for (unsigned i = 0; i < PEERS; i++) {
		size_t len = print_options(text, sizeof text, i);

		assert_int_equal(send(fds[i], text, len, MSG_DONTWAIT | MSG_NOSIGNAL), len);
	}
	for (int i = 0; far_end.requests < PEERS && !is_hopeless(i); i++)
		take_events(&far_end);
	unsigned n_before = count_answered(fds);
	perform(&far_end);
	unsigned n_after = count_answered(fds);
	for (size_t i = 0; i < PEERS; i++)
		socket_close(fds[i]);
	assert_int_equal(n_before, 64);
	assert_int_equal(n_after, PEERS);
}

/* What it is answered is encrypted already when it has to wait. */
static void ends_a_tls_flow_whose_peer_does_not_read(void **state)
{
	fill_padding();
	limits.high_mark = 10000;
	limits.write = 50;
	raise_curtain(TRANSPORT_TLS);
	dial(TRANSPORT_TLS, "127.0.0.1", "localhost");
	assert_int_equal(near_end.err, OK);
	far_end.stuff = true;
	for (int i = 0; far_end.lost == 0 && !is_hopeless(i); i++) {
		if (i < 400)
			ask();
		perform(&near_end);
		turn(&far_end);
	}
	assert_int_equal(far_end.lost, 1);
	assert_string_equal(far_end.why, "it takes nothing any more");
	assert_int_equal(transport_counts(far_end.transport).closed_blocked, 1);
}

static void closes_a_tls_flow_after_its_answer_has_left(void **state)
{
	raise_curtain(TRANSPORT_TLS);
	dial(TRANSPORT_TLS, "127.0.0.1", "localhost");
	assert_int_equal(near_end.err, OK);
	far_end.part = true;
	ask();
	UNTIL(near_end.lost == 1 && far_end.lost == 1);
	assert_int_equal(near_end.responses, 1);
	assert_string_equal(far_end.why, "all is said");
}

/* As a phone does that says goodbye: the request and the end of the connection come in one piece. */
static void does_what_is_asked_before_it_sees_the_end(void **state)
{
	raise_curtain(TRANSPORT_TLS);
	dial(TRANSPORT_TLS, "localhost", "localhost");
	assert_int_equal(near_end.err, OK);
	UNTIL(far_end.opened == 1);
	uint64_t before = transport_counts(far_end.transport).bytes_out;
	ask();
	endpoint_flow_close(near_end.endpoint, near_end.flow, "all is said");
	turn(&near_end);
	UNTIL(far_end.lost == 1);
	assert_int_equal(far_end.requests, 1);
	assert_true(transport_counts(far_end.transport).bytes_out > before);
}

static void ends_a_flow_whose_peer_does_not_read(void **state)
{
	fill_padding();
	limits.high_mark = 10000;
	limits.write = 50;
	raise_curtain(TRANSPORT_TCP);
	far_end.stuff = true;
	int fd = raw_peer();
	assert_true(flood(fd, 400) > 0);
	UNTIL(far_end.lost == 1);
	socket_close(fd);
	assert_int_equal(transport_counts(far_end.transport).closed_blocked, 1);
}

static void ends_a_flow_whose_queue_is_full(void **state)
{
	fill_padding();
	limits.output = 10000;
	raise_curtain(TRANSPORT_TCP);
	far_end.stuff = true;
	int fd = raw_peer();
	assert_true(flood(fd, 1) > 0);
	UNTIL(far_end.lost == 1);
	socket_close(fd);
	assert_string_equal(far_end.why, "it does not read what is sent to it");
}

static void refuses_connections_past_the_limit(void **state)
{
	int fds[4];

	limits.flows = 3;
	raise_curtain(TRANSPORT_TCP);
	for (int i = 0; i < 4; i++)
		fds[i] = raw_peer();
	UNTIL(is_closed(fds[3]));
	assert_false(is_closed(fds[0]));
	assert_int_equal(transport_counts(far_end.transport).refused_connections, 1);
	socket_close(fds[0]);
	UNTIL(far_end.lost == 1);
	fds[0] = raw_peer();
	UNTIL(transport_counts(far_end.transport).accepted == 4);
	for (int i = 0; i < 4; i++)
		socket_close(fds[i]);
}

/* Those who have gone are remembered for their rate, and take nobody's place. */
static void serves_more_sources_than_it_has_places(void **state)
{
	static const struct bans_policy nobody_exempt = { .tolerance = 0 };
	char ip[20];

	limits.flows = 3;
	bans = bans_new((struct map_key){ 0 }, &nobody_exempt);
	assert_non_null(bans);
	raise_curtain(TRANSPORT_TCP);
	for (unsigned n = 1; n <= 10; n++) {
		snprintf(ip, sizeof ip, "127.0.0.%u", n);
		int fd = raw_peer_from(ip);
		UNTIL(far_end.opened == n || is_closed(fd));
		socket_close(fd);
		UNTIL(far_end.lost == far_end.opened);
	}
	assert_int_equal(far_end.opened, 10);
	assert_int_equal(transport_counts(far_end.transport).refused_connections, 0);
}

static void takes_turns_with_handshakes(void **state)
{
	struct connect_question connect = { .transport = TRANSPORT_TLS,
					    .host = SLICE("127.0.0.1"),
					    .domain = SLICE("localhost") };
	struct question questions[5] = { { .id = 0 } };

	limits.handshakes_per_turn = 1;
	raise_curtain(TRANSPORT_TLS);
	connect.port = address.port;
	for (int i = 0; i < 5; i++)
		assert_int_equal(endpoint_connect(near_end.endpoint, &questions[i], &connect), OK);
	UNTIL(near_end.opened == 5 && far_end.opened == 5);
}

/* Five that have all said their ClientHello. */
static void dial_five(struct question questions[5])
{
	struct connect_question connect = { .transport = TRANSPORT_TLS,
					    .host = SLICE("127.0.0.1"),
					    .domain = SLICE("localhost") };

	raise_curtain(TRANSPORT_TLS);
	connect.port = address.port;
	for (int i = 0; i < 5; i++)
		assert_int_equal(endpoint_connect(near_end.endpoint, &questions[i], &connect), OK);
	for (int i = 0; i < 4; i++)
		turn(&near_end);
}

/* ThreadSanitizer cannot follow what is left in the middle, so there each is made by itself (tls/context.c). */
#ifdef __SANITIZE_THREAD__
enum { SIGNED_AT_ONCE = 1 };
#else
enum { SIGNED_AT_ONCE = 5 };
#endif

static void has_the_signatures_of_a_turn_made_together(void **state)
{
	struct question questions[5] = { { .id = 0 } };

	dial_five(questions);
	UNTIL(near_end.opened == 5 && far_end.opened == 5);
	assert_int_equal(far_end.n_signed, 5);
	assert_int_equal(far_end.n_together, 5 / SIGNED_AT_ONCE);
}

static void ends_while_handshakes_are_under_way(void **state)
{
	struct question questions[5] = { { .id = 0 } };

	dial_five(questions);
	take_events(&far_end);
	assert_int_equal(transport_counts(far_end.transport).handshaking, 5);
	assert_int_equal(far_end.n_signed, 0);
}

static void hears_all_of_a_long_message_in_short_turns(void **state)
{
	limits.input_per_turn = 10;
	raise_curtain(TRANSPORT_TLS);
	dial(TRANSPORT_TLS, "127.0.0.1", "localhost");
	assert_int_equal(near_end.err, OK);
	ask();
	UNTIL(near_end.responses == 1);
}

static void closes_after_what_is_queued_has_left(void **state)
{
	raise_curtain(TRANSPORT_TCP);
	dial(TRANSPORT_TCP, "127.0.0.1", "");
	assert_int_equal(near_end.err, OK);
	ask();
	endpoint_flow_close(near_end.endpoint, near_end.flow, "the test is over");
	UNTIL(near_end.lost == 1 && far_end.lost == 1);
	assert_int_equal(far_end.requests, 1);
	assert_string_equal(near_end.why, "the test is over");
	assert_string_equal(far_end.why, "the peer closed the connection");
}

static const struct CMUnitTest tests[] = {
	play(carries_a_request_and_its_response_over_tls),
	play(finds_the_host_by_its_name),
	play(answers_many_in_one_go),
	play(says_why_a_dial_failed),
	play(gives_up_on_a_server_that_is_silent),
	play(waits_for_a_server_as_long_as_it_is_told),
	play(says_that_it_has_no_dns),
	play(dials_no_tls_without_anybody_to_trust),
	play(ends_a_handshake_that_does_not_end),
	play(bans_nobody_who_only_looks_whether_the_port_is_open),
	play(bans_who_keeps_a_place_and_says_nothing),
	play(sends_clear_text_away_from_a_tls_port),
	play(closes_who_is_silent_unless_he_is_proven),
	play(is_told_anew_how_long_somebody_may_be_silent),
	play(ends_a_flow_whose_peer_does_not_read),
	play(ends_a_tls_flow_whose_peer_does_not_read),
	play(closes_a_tls_flow_after_its_answer_has_left),
	play(does_what_is_asked_before_it_sees_the_end),
	play(ends_a_flow_whose_queue_is_full),
	play(refuses_connections_past_the_limit),
	play(serves_more_sources_than_it_has_places),
	play(takes_turns_with_handshakes),
	play(has_the_signatures_of_a_turn_made_together),
	play(ends_while_handshakes_are_under_way),
	play(hears_all_of_a_long_message_in_short_turns),
	play(closes_after_what_is_queued_has_left),
};
TEST_MAIN(tests)
