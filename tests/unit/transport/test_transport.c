/*
 * Two transports with real endpoints in one thread, over loopback: a server that answers 200 to all, and a
 * client.
 */
#include "harness.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "net/socket.h"
#include "transport/transport.h"

enum { TURNS_MAX = 2000, TURN_MS = 5, ACCOUNT = 7 };

/* One end: what a thread would have, and what its transaction user was told. */
struct end {
	struct crypto *crypto;
	struct random *random;
	struct net *net;
	struct endpoint *endpoint;
	struct transport *transport;
	struct tls_context *server, *client;

	flow_id flow; /* the last one that was opened */
	unsigned opened, lost, requests, responses;
	bool prove; /* every new flow at once */
	bool stuff; /* answer with a lot */
	char why[500];
	struct question question;
	bool answered;
	enum err err;
};

static struct end near_end, far_end;
static struct key *ca_key;
static struct certificate *ca;
static struct address address; /* where the server listens */
static struct transport_limits limits;
static char padding[20000];

/* One header field that is all of it. */
static void fill_padding(void)
{
	struct writer out = writer_of(padding, sizeof padding);

	put(&out, SLICE("X: "));
	while (out.len < sizeof padding - 2)
		put_char(&out, 'x');
	put(&out, SLICE("\r\n"));
}

/* -- the transaction user -------------------------------------------------------------------------------- */

static void on_request(void *self, struct server *server, struct now now)
{
	struct end *end = self;
	struct sip_reply reply = { .status = 200, .reason = SLICE("OK") };

	end->requests++;
	if (end->stuff)
		reply.headers = slice_from(padding, sizeof padding);
	endpoint_respond(end->endpoint, server, &reply, now);
}

static void on_response(void *self, struct client *client, const struct sip_message *response, struct now now)
{
	struct end *end = self;

	end->responses++;
}

static void on_failed(void *self, struct client *client, enum client_failure why, struct now now)
{
}

static void on_server(void *self, struct server *server)
{
}

static void on_cancelled(void *self, struct server *server, struct now now)
{
}

static void on_client_gone(void *self, struct client *client)
{
}

static void on_ack(void *self, flow_id from, const struct sip_message *ack, struct now now)
{
}

static void on_timer(void *self, struct timer *timer, struct now now)
{
}

static void keep_why(struct end *end, struct slice why)
{
	snprintf(end->why, sizeof end->why, "%.*s", SLICE_FMT(why));
}

static void on_answer(void *self, struct question *question, const struct answer *answer, struct now now)
{
	struct end *end = self;

	end->answered = true;
	end->err = answer->err;
	if (answer->err == OK)
		end->flow = answer->flow;
	else
		keep_why(end, answer->why);
}

static void on_flow(void *self, flow_id flow, const struct flow_facts *facts, struct now now)
{
	struct end *end = self;

	if (facts->event == FLOW_OPENED) {
		end->opened++;
		end->flow = flow;
		if (end->prove)
			assert_true(endpoint_flow_prove(end->endpoint, flow, ACCOUNT));
	} else if (facts->event == FLOW_LOST) {
		end->lost++;
		keep_why(end, facts->why);
	}
}

static const struct endpoint_user user = {
	.request = on_request,
	.cancelled = on_cancelled,
	.ack = on_ack,
	.response = on_response,
	.failed = on_failed,
	.server_gone = on_server,
	.client_gone = on_client_gone,
	.answer = on_answer,
	.flow = on_flow,
	.timer = on_timer,
};

/* -- the stage ------------------------------------------------------------------------------------------- */

static void open_end(struct end *end)
{
	static const uint8_t branch_key[32] = { 1 };

	*end = (struct end){ .crypto = crypto_new() };
	assert_non_null(end->crypto);
	end->random = random_new_predictable(1);
	end->net = net_new(100);
	assert_true(end->random && end->net);
	struct endpoint_config config = {
		.n_workers = 1,
		.limits = { .sip = sip_limits_default,
			    .flows = 100,
			    .transactions = 1000,
			    .per_flow = 500,
			    .per_sender = 500,
			    .per_peer = 500,
			    .per_stranger = 500,
			    .output = 8 << 20 },
		.branch_key = branch_key,
		.random = end->random,
		.crypto = end->crypto,
		.sent_by = SLICE("localhost"),
		.level = REPORT_ERROR,
		.user = &user,
		.user_self = end,
	};
	assert_int_equal(endpoint_new(&config, &end->endpoint), OK);
}

static void open_transport(struct end *end)
{
	struct transport_config config = {
		.net = end->net,
		.endpoint = end->endpoint,
		.start = 1,
		.limits = limits,
		.crypto = end->crypto,
		.server = end->server,
		.client = end->client,
	};

	end->transport = transport_new(&config);
	assert_non_null(end->transport);
}

static struct chain *chain_of(struct crypto *crypto, const struct certificate *certificate)
{
	struct chain *chain = NULL;
	char pem[5000];
	struct writer out = writer_of(pem, sizeof pem);

	assert_int_equal(put_certificate_pem(&out, certificate), OK);
	assert_int_equal(chain_parse_pem(crypto, writer_text(&out), &chain), OK);
	return chain;
}

/* The server is "localhost"; the client trusts the CA that says so. */
static void open_tls(utc_t now)
{
	struct slice name = SLICE("localhost");
	AUTO(key) struct key *key = NULL;
	AUTO(certificate) struct certificate *leaf = NULL;
	struct verdict verdict;

	assert_int_equal(key_generate(far_end.crypto, &ca_key), OK);
	assert_int_equal(certificate_make_ca(far_end.crypto, ca_key, SLICE("test CA"), now, &ca), OK);
	assert_int_equal(key_generate(far_end.crypto, &key), OK);
	struct certificate_request request = { .key = key, .names = &name, .n_names = 1, .now = now };
	assert_int_equal(
		certificate_make(far_end.crypto, &request, (struct certificate_issuer){ ca, ca_key }, &leaf),
		OK);
	AUTO(chain) struct chain *chain = chain_of(far_end.crypto, leaf);
	far_end.server = tls_server_new(far_end.crypto);
	assert_non_null(far_end.server);
	assert_int_equal(tls_server_add(far_end.server, chain, key, &verdict), OK);
	AUTO(chain) struct chain *anchors = chain_of(near_end.crypto, ca);
	near_end.client = tls_client_new(near_end.crypto);
	assert_non_null(near_end.client);
	assert_int_equal(tls_client_trust(near_end.client, anchors), OK);
}

static void listen_for(enum transport_protocol protocol)
{
	int fd = -1;

	assert_true(address_parse(SLICE("127.0.0.1:0"), &address));
	assert_int_equal(protocol == TRANSPORT_UDP ? socket_bind_udp(&address, 1, &fd)
						   : socket_listen(&address, 1, &fd),
			 OK);
	address = socket_local_address(fd);
	assert_int_equal(transport_listen(far_end.transport, protocol, fd), OK);
}

static void raise_curtain(enum transport_protocol protocol)
{
	open_end(&far_end);
	open_end(&near_end);
	if (protocol == TRANSPORT_TLS)
		open_tls(net_now(far_end.net).wall);
	open_transport(&far_end);
	open_transport(&near_end);
	listen_for(protocol);
}

static void close_end(struct end *end)
{
	transport_free(end->transport);
	endpoint_free(end->endpoint);
	tls_context_free(end->server);
	tls_context_free(end->client);
	net_free(end->net);
	random_free(end->random);
	if (end->crypto)
		crypto_free(end->crypto);
	*end = (struct end){ .crypto = NULL };
}

static int set_up(void **state)
{
	limits = transport_limits_default;
	limits.flows = 50;
	return 0;
}

static int tear_down(void **state)
{
	certificate_free(ca);
	key_free(ca_key);
	ca = NULL;
	ca_key = NULL;
	close_end(&near_end);
	close_end(&far_end);
	return 0;
}

static void turn(struct end *end)
{
	struct net_event event;

	net_wait(end->net, transport_due(end->transport) ? 1 : net_now(end->net).mono + TURN_MS);
	struct now now = net_now(end->net);
	while (net_next(end->net, &event))
		transport_event(end->transport, &event, now);
	endpoint_tick(end->endpoint, now);
	transport_perform(end->transport, now);
}

/* Where an allocation has failed on purpose, what is waited for may never come: then the wait is short. */
static bool is_hopeless(int turns)
{
	return turns > (harness_has_failed() ? 20 : TURNS_MAX);
}

/* Both ends take turns until the condition holds. */
#define UNTIL(condition)                                                \
	do {                                                            \
		for (int i = 0; !(condition) && !is_hopeless(i); i++) { \
			turn(&near_end);                                \
			turn(&far_end);                                 \
		}                                                       \
		assert_true(condition);                                 \
	} while (0)

static void dial(enum transport_protocol protocol, const char *host, const char *domain)
{
	struct connect_question connect = { .transport = protocol,
					    .host = slice_of(host),
					    .port = address.port,
					    .domain = slice_of(domain) };

	near_end.answered = false;
	assert_int_equal(endpoint_connect(near_end.endpoint, &near_end.question, &connect), OK);
	UNTIL(near_end.answered);
}

static void ask(void)
{
	static const char rest[] =
		"Max-Forwards: 70\r\nFrom: <sip:a@localhost>;tag=1\r\nTo: <sip:b@localhost>\r\n"
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
	struct outgoing outgoing = { .method = SIP_OPTIONS,
				     .uri = SLICE("sip:b@localhost"),
				     .rest = slice_of(rest),
				     .flow = near_end.flow };
	struct client *client;

	assert_int_equal(endpoint_request(near_end.endpoint, &outgoing, net_now(near_end.net), &client), OK);
}

/* A peer that is no endpoint, but a bare socket. */
static int raw_peer(void)
{
	int fd = -1;
	enum err err = ERR_AGAIN;

	assert_int_equal(socket_connect(&address, &fd), OK);
	for (int i = 0; !is_hopeless(i) && err == ERR_AGAIN; i++) {
		turn(&far_end);
		err = socket_connected(fd);
	}
	assert_int_equal(err, OK);
	return fd;
}

/* Whether the other side has closed; what it said is thrown away. */
static bool is_closed(int fd)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* Loopback stands for the link; "sealine-none" is an interface that there is not. */
static const struct address link_addresses[] = { { .family = ADDRESS_V4, .ip = { 127, 0, 0, 1 } } };
static const struct transport_link by_any[] = { { SLICE_INIT("vault"), link_addresses, 1, SLICE_INIT("") } };
static const struct transport_link by_loopback[] = { { SLICE_INIT("vault"), link_addresses, 1,
						       SLICE_INIT("lo") } };
static const struct transport_link by_none[] = { { SLICE_INIT("vault"), link_addresses, 1,
						   SLICE_INIT("sealine-none") } };
static const struct transport_link renamed[] = { { SLICE_INIT("wire"), link_addresses, 1,
						   SLICE_INIT("lo") } };

static void set_links(struct end *end, const struct transport_link *link)
{
	transport_set_links(end->transport, (struct transport_links){ link, link ? 1 : 0 },
			    net_now(end->net));
}

/* -- the plays ------------------------------------------------------------------------------------------- */

static void carries_a_request_and_its_response_over_tls(void **state)
{
	struct flow_view view;

	raise_curtain(TRANSPORT_TLS);
	set_links(&near_end, by_loopback);
	dial(TRANSPORT_TLS, "127.0.0.1", "localhost");
	assert_int_equal(near_end.err, OK);
	assert_true(endpoint_flow_view(near_end.endpoint, near_end.flow, &view));
	assert_true(slice_eq(view.verified, SLICE("localhost")) && view.link.len == 0);
	assert_true(view.outbound);
	assert_true(slice_eq(view.tls_version, SLICE("TLSv1.3")));
	assert_true(address_eq(&view.peer, &address));
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

static void a_connection_over_a_declared_link_is_shown_as_such(void **state)
{
	struct flow_view view;

	raise_curtain(TRANSPORT_TCP);
	set_links(&near_end, by_any);
	set_links(&far_end, by_loopback);
	dial(TRANSPORT_TCP, "127.0.0.1", "");
	UNTIL(far_end.opened == 1);
	assert_true(endpoint_flow_view(near_end.endpoint, near_end.flow, &view));
	assert_true(slice_eq(view.link, SLICE("vault")) && view.verified.len == 0);
	assert_true(endpoint_flow_view(far_end.endpoint, far_end.flow, &view));
	assert_true(slice_eq(view.link, SLICE("vault")) && view.verified.len == 0);
	ask();
	UNTIL(near_end.responses == 1);
	assert_int_equal(transport_counts(near_end.transport).declared, 1);
	assert_int_equal(transport_counts(near_end.transport).clear, 0);
}

static void nothing_of_a_link_goes_by_another_interface(void **state)
{
	raise_curtain(TRANSPORT_TCP);
	set_links(&near_end, by_none);
	dial(TRANSPORT_TCP, "127.0.0.1", "");
	assert_int_equal(near_end.err, ERR_IO);
	assert_int_equal(transport_counts(far_end.transport).accepted, 0);
	set_links(&near_end, NULL);
	set_links(&far_end, by_none);
	dial(TRANSPORT_TCP, "127.0.0.1", "");
	UNTIL(near_end.lost == 1 && transport_counts(far_end.transport).refused_connections == 1);
	assert_int_equal(far_end.opened, 0);
}

static void a_link_that_is_declared_otherwise_ends_its_connections(void **state)
{
	static const struct {
		const struct transport_link *before, *after;
		bool ends;
	} rows[] = {
		{ by_loopback, by_loopback, false }, { by_loopback, by_any, true },
		{ by_loopback, renamed, true },      { by_loopback, NULL, true },
		{ NULL, by_loopback, true },         { NULL, NULL, false },
	};

	for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
		raise_curtain(TRANSPORT_TCP);
		set_links(&near_end, rows[row].before);
		dial(TRANSPORT_TCP, "127.0.0.1", "");
		assert_int_equal(near_end.err, OK);
		UNTIL(far_end.opened == 1);
		set_links(&near_end, rows[row].after);
		if (rows[row].ends) {
			UNTIL(near_end.lost == 1);
			assert_string_equal(near_end.why, "its link is declared otherwise now");
		} else {
			ask();
			UNTIL(near_end.responses == 1);
		}
		assert_int_equal(tear_down(state), 0);
	}
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

static size_t flood(int fd, unsigned n)
{
	size_t sent = 0;
	char text[500];

	for (unsigned i = 0; i < n && !is_hopeless((int)i); i++) {
		int len = snprintf(
			text, sizeof text,
			"OPTIONS sip:b@localhost SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK%u\r\nMax-Forwards: 70\r\n"
			"From: <sip:a@localhost>;tag=1\r\nTo: <sip:b@localhost>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
			"Content-Length: 0\r\n\r\n",
			i);
		sent += send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) == len;
		turn(&far_end);
	}
	return sent;
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

/* -- WebSockets ------------------------------------------------------------------------------------------ */

#define UPGRADE                                                                              \
	"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"       \
	"Sec-WebSocket-Protocol: sip\r\n\r\n"

static char heard[100000];
static size_t n_heard;

static void send_all(int fd, struct slice text)
{
	assert_int_equal(send(fd, text.ptr, text.len, MSG_NOSIGNAL), text.len);
}

/* A frame whose mask is zero is its own text. */
static void send_frame(int fd, char opcode, struct slice payload)
{
	char header[8] = { (char)(0x80 | opcode), (char)(0x80 | 126), (char)(payload.len >> 8),
			   (char)payload.len };

	if (payload.len < 126) {
		header[1] = (char)(0x80 | payload.len);
		memset(header + 2, 0, 6);
	}
	send_all(fd, slice_from(header, payload.len < 126 ? 6 : 8));
	send_all(fd, payload);
}

/* Whether what the peer has got so far contains the text. */
static bool hears(int fd, struct slice text)
{
	ssize_t n = recv(fd, heard + n_heard, sizeof heard - n_heard, MSG_DONTWAIT);

	if (n > 0)
		n_heard += (size_t)n;
	return slice_find_text(slice_from(heard, n_heard), text) < n_heard;
}

static struct slice options(void)
{
	return SLICE("OPTIONS sip:b@localhost SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n"
		     "Max-Forwards: 70\r\nFrom: <sip:a@localhost>;tag=1\r\nTo: <sip:b@localhost>\r\n"
		     "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n");
}

static int web_peer(void)
{
	n_heard = 0;
	int fd = raw_peer();
	send_all(fd, SLICE(UPGRADE));
	UNTIL(hears(fd, SLICE("Sec-WebSocket-Protocol: sip\r\n\r\n")));
	assert_true(slice_starts(slice_from(heard, n_heard), SLICE("HTTP/1.1 101 ")));
	n_heard = 0;
	return fd;
}

static void carries_a_message_in_a_frame_each_way(void **state)
{
	struct flow_view view;

	raise_curtain(TRANSPORT_WS);
	int fd = web_peer();
	assert_int_equal(far_end.opened, 1);
	assert_true(endpoint_flow_view(far_end.endpoint, far_end.flow, &view));
	assert_int_equal(view.transport, TRANSPORT_WS);
	send_frame(fd, 1, options());
	UNTIL(hears(fd, SLICE("\r\n\r\n")));
	assert_int_equal(far_end.requests, 1);
	assert_true(slice_starts(slice_from(heard, n_heard), SLICE("\x81\x7e")));
	assert_true(slice_starts(slice_from(heard + 4, n_heard - 4), SLICE("SIP/2.0 200 OK\r\n")));
	send_frame(fd, 9, SLICE("ping"));
	UNTIL(hears(fd, SLICE("\x8a\x04ping")));
	socket_close(fd);
	UNTIL(far_end.lost == 1);
}

static void hears_frames_that_come_with_the_request(void **state)
{
	char text[2000];
	struct writer out = writer_of(text, sizeof text);

	raise_curtain(TRANSPORT_WS);
	put(&out, SLICE(UPGRADE));
	put(&out, SLICE("\x81\xfe"));
	put_char(&out, (char)(options().len >> 8));
	put_char(&out, (char)options().len);
	put(&out, SLICE("\0\0\0\0"));
	put(&out, options());
	int fd = raw_peer();
	for (size_t i = 0; i < out.len; i += 100) {
		send_all(fd, slice_sub(writer_text(&out), i, 100));
		turn(&far_end);
	}
	UNTIL(far_end.requests == 1);
	socket_close(fd);
}

static void explains_itself_to_a_browser_that_only_looks(void **state)
{
	raise_curtain(TRANSPORT_WS);
	n_heard = 0;
	int fd = raw_peer();
	send_all(fd, SLICE("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	UNTIL(hears(fd, SLICE("HTTP/1.1 426 ")));
	UNTIL(is_closed(fd));
	socket_close(fd);
	assert_int_equal(far_end.opened, 0);
	assert_int_equal(transport_counts(far_end.transport).refused_handshakes, 1);
}

static void waits_for_the_request_only_so_long(void **state)
{
	limits.handshake = 50;
	raise_curtain(TRANSPORT_WS);
	int fd = raw_peer();
	send_all(fd, SLICE("GET / HTTP/1.1\r\n"));
	UNTIL(is_closed(fd));
	socket_close(fd);
	assert_int_equal(far_end.opened, 0);
	assert_int_equal(transport_counts(far_end.transport).refused_handshakes, 1);
}

static void closes_a_websocket_with_the_code_that_says_why(void **state)
{
	raise_curtain(TRANSPORT_WS);
	int fd = web_peer();
	send_frame(fd, 1, SLICE("caf\xe9 x"));
	UNTIL(hears(fd, SLICE("\x88\x02\x03\xef")));
	UNTIL(far_end.lost == 1);
	assert_string_equal(far_end.why, "a text message was not UTF-8");
	socket_close(fd);
	fd = web_peer();
	endpoint_flow_close(far_end.endpoint, far_end.flow, "the test is over");
	UNTIL(hears(fd, SLICE("\x88\x02\x03\xe8")));
	UNTIL(far_end.lost == 2);
	assert_string_equal(far_end.why, "the test is over");
	socket_close(fd);
}

/* -- UDP ------------------------------------------------------------------------------------------------- */

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
	struct flow_view view;

	raise_curtain(TRANSPORT_UDP);
	int fd = udp_peer(), other = udp_peer();
	send_options(fd, 1, ";rport");
	UNTIL(hears(fd, SLICE("SIP/2.0 200 OK\r\n")));
	assert_true(slice_find_text(slice_from(heard, n_heard), SLICE(";received=127.0.0.1;rport=")) <
		    n_heard);
	assert_true(endpoint_flow_view(far_end.endpoint, far_end.flow, &view));
	assert_int_equal(view.transport, TRANSPORT_UDP);
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
	assert_true(endpoint_flow_prove(far_end.endpoint, far_end.flow, ACCOUNT));
	send_options(fd, 2, ";rport");
	UNTIL(hears(fd, SLICE("SIP/2.0 200 OK\r\n")));
	socket_close(fd);
}

static void sends_a_stranger_nothing_of_its_own_accord(void **state)
{
	raise_curtain(TRANSPORT_UDP);
	int fd = udp_peer();
	send_options(fd, 1, ";rport");
	UNTIL(far_end.requests == 1 && hears(fd, SLICE("\r\n\r\n")));
	for (int i = 0; i < 3; i++)
		turn(&far_end);
	struct outgoing outgoing = {
		.method = SIP_OPTIONS,
		.uri = SLICE("sip:a@localhost"),
		.rest = SLICE("Max-Forwards: 70\r\nFrom: <sip:b@localhost>;tag=1\r\nTo: <sip:a@localhost>\r\n"
			      "Call-ID: 2\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"),
		.flow = far_end.flow,
	};
	struct client *client;
	assert_int_equal(endpoint_request(far_end.endpoint, &outgoing, net_now(far_end.net), &client), OK);
	UNTIL(transport_counts(far_end.transport).withheld > 0);
	socket_close(fd);
}

static void dials_over_udp_from_the_socket_that_it_listens_on(void **state)
{
	struct flow_view view;

	raise_curtain(TRANSPORT_UDP);
	int fd = udp_peer();
	struct connect_question connect = { .transport = TRANSPORT_UDP,
					    .host = SLICE("127.0.0.1"),
					    .port = socket_local_address(fd).port };

	far_end.answered = false;
	assert_int_equal(endpoint_connect(far_end.endpoint, &far_end.question, &connect), OK);
	UNTIL(far_end.answered);
	assert_int_equal(far_end.err, OK);
	assert_true(endpoint_flow_view(far_end.endpoint, far_end.flow, &view));
	assert_true(view.outbound && view.transport == TRANSPORT_UDP);
	struct outgoing outgoing = {
		.method = SIP_OPTIONS,
		.uri = SLICE("sip:a@localhost"),
		.rest = SLICE("Max-Forwards: 70\r\nFrom: <sip:b@localhost>;tag=1\r\nTo: <sip:a@localhost>\r\n"
			      "Call-ID: 2\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"),
		.flow = far_end.flow,
	};
	struct client *client;
	assert_int_equal(endpoint_request(far_end.endpoint, &outgoing, net_now(far_end.net), &client), OK);
	UNTIL(hears(fd, SLICE("OPTIONS sip:a@localhost SIP/2.0\r\nVia: SIP/2.0/UDP ")));

	connect.host = SLICE("::1");
	far_end.answered = false;
	assert_int_equal(endpoint_connect(far_end.endpoint, &far_end.question, &connect), OK);
	UNTIL(far_end.answered);
	assert_int_equal(far_end.err, ERR_IO);
	socket_close(fd);
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

static void gives_the_place_of_a_stranger_to_a_newcomer(void **state)
{
	int fds[4];

	limits.associations = 2;
	raise_curtain(TRANSPORT_UDP);
	for (unsigned peer = 0; peer < 4; peer++) {
		fds[peer] = udp_peer();
		send_options(fds[peer], peer, ";rport");
		UNTIL(far_end.opened == peer + 1);
		if (peer == 0)
			assert_true(endpoint_flow_prove(far_end.endpoint, far_end.flow, ACCOUNT));
		send_options(fds[0], 10 + peer, ";rport");
		UNTIL(far_end.requests == 2 * (peer + 1));
	}
	assert_int_equal(far_end.lost, 2);
	assert_int_equal(far_end.opened, 4);
	for (int i = 0; i < 4; i++)
		socket_close(fds[i]);
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

#define play(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
	play(carries_a_request_and_its_response_over_tls),
	play(finds_the_host_by_its_name),
	play(a_connection_over_a_declared_link_is_shown_as_such),
	play(nothing_of_a_link_goes_by_another_interface),
	play(a_link_that_is_declared_otherwise_ends_its_connections),
	play(says_why_a_dial_failed),
	play(dials_over_udp_from_the_socket_that_it_listens_on),
	play(gives_up_on_a_server_that_is_silent),
	play(waits_for_a_server_as_long_as_it_is_told),
	play(says_that_it_has_no_dns),
	play(dials_no_tls_without_anybody_to_trust),
	play(ends_a_handshake_that_does_not_end),
	play(sends_clear_text_away_from_a_tls_port),
	play(closes_who_is_silent_unless_he_is_proven),
	play(ends_a_flow_whose_peer_does_not_read),
	play(ends_a_flow_whose_queue_is_full),
	play(refuses_connections_past_the_limit),
	play(takes_turns_with_handshakes),
	play(hears_all_of_a_long_message_in_short_turns),
	play(closes_after_what_is_queued_has_left),
	play(carries_a_message_in_a_frame_each_way),
	play(hears_frames_that_come_with_the_request),
	play(explains_itself_to_a_browser_that_only_looks),
	play(waits_for_the_request_only_so_long),
	play(closes_a_websocket_with_the_code_that_says_why),
	play(a_sender_over_udp_is_a_flow),
	play(a_response_goes_to_the_port_of_sent_by_without_rport),
	play(sends_a_stranger_no_more_than_three_times_what_came),
	play(sends_a_stranger_nothing_of_its_own_accord),
	play(forgets_who_is_silent_over_udp_unless_he_is_proven),
	play(gives_the_place_of_a_stranger_to_a_newcomer),
	play(makes_no_flow_of_what_is_no_sip),
	play(hears_only_known_senders_once_it_is_deaf),
};
TEST_MAIN(tests)
