#include "stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/certificate.h"
#include "crypto/random.h"

enum { TURNS_MAX = 2000, TURN_MS = 5 };

struct end near_end, far_end;
struct address address;
struct transport_limits limits;
struct bans *bans;
char padding[20000];
static struct key *ca_key, *server_key;
static struct certificate *ca;

void fill_padding(void)
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
	if (end->part)
		endpoint_flow_close(end->endpoint, end->flow, "all is said");
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

static void on_cancelled(void *self, struct server *server, const struct sip_message *cancel, struct now now)
{
}

static void on_client_gone(void *self, struct client *client)
{
}

static void on_ack(void *self, flow_id from, const struct sip_message *ack, struct slice via, struct now now)
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
			assert_true(endpoint_flow_prove(end->endpoint, flow, STAGE_ACCOUNT));
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
		.level = REPORT_WARNING,
		.user = &user,
		.user_self = end,
	};
	assert_int_equal(endpoint_new(&config, &end->endpoint), OK);
}

static void take_report(void *self, const struct report *report)
{
	struct end *end = self;

	end->warned += report->level <= REPORT_WARNING;
}

static void open_transport(struct end *end)
{
	struct transport_config config = {
		.net = end->net,
		.endpoint = end->endpoint,
		.start = 1,
		.limits = limits,
		.services = { .self = end, .report = take_report },
		.crypto = end->crypto,
		.server = end->server,
		.client = end->client,
		.bans = bans,
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

/* Whoever has the server's key. */
static void sign(void *self, struct key_wish *const wishes[], size_t n)
{
	struct end *end = self;

	end->n_signed += (unsigned)n;
	end->n_together++;
	for (size_t i = 0; i < n; i++) {
		wishes[i]->len = sizeof wishes[i]->signature;
		assert_true(key_sign(end->crypto, server_key, &wishes[i]->order, wishes[i]->signature,
				     &wishes[i]->len));
	}
}

static const struct key_signer signer = { &far_end, sign };

/* The server is "localhost"; the client trusts the CA that says so. */
static void open_tls(utc_t now)
{
	struct slice name = SLICE("localhost");
	AUTO(key) struct key *remote = NULL;
	AUTO(certificate) struct certificate *leaf = NULL;
	struct verdict verdict;

	assert_int_equal(key_generate(far_end.crypto, &ca_key), OK);
	assert_int_equal(certificate_make_ca(far_end.crypto, ca_key, SLICE("test CA"), now, &ca), OK);
	assert_int_equal(key_generate(far_end.crypto, &server_key), OK);
	struct certificate_request request = { .key = server_key, .names = &name, .n_names = 1, .now = now };
	assert_int_equal(
		certificate_make(far_end.crypto, &request, (struct certificate_issuer){ ca, ca_key }, &leaf),
		OK);
	AUTO(chain) struct chain *chain = chain_of(far_end.crypto, leaf);
	far_end.server = tls_server_new(far_end.crypto);
	assert_non_null(far_end.server);
	assert_int_equal(key_remote(far_end.crypto, leaf, &signer, &remote), OK);
	assert_int_equal(tls_server_add(far_end.server, chain, remote, &verdict), OK);
	assert_int_equal(tls_server_sign_together(far_end.server), OK);
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

void raise_curtain(enum transport_protocol protocol)
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

int stage_set_up(void **state)
{
	limits = transport_limits_default;
	limits.flows = 50;
	return 0;
}

int stage_tear_down(void **state)
{
	certificate_free(ca);
	key_free(TAKE(ca_key));
	key_free(TAKE(server_key));
	ca = NULL;
	close_end(&near_end);
	close_end(&far_end);
	bans_free(TAKE(bans));
	return 0;
}

void take_events(struct end *end)
{
	struct net_event event;

	net_wait(end->net, transport_due(end->transport) ? 1 : net_now(end->net).mono + TURN_MS);
	struct now now = net_now(end->net);
	while (net_next(end->net, &event))
		transport_event(end->transport, &event, now);
}

void perform(struct end *end)
{
	struct now now = net_now(end->net);

	endpoint_tick(end->endpoint, now);
	transport_perform(end->transport, now);
}

void turn(struct end *end)
{
	take_events(end);
	perform(end);
}

bool is_hopeless(int turns)
{
	return turns > (harness_has_failed() ? 20 : TURNS_MAX);
}

void dial(enum transport_protocol protocol, const char *host, const char *domain)
{
	struct connect_question connect = { .transport = protocol,
					    .host = slice_of(host),
					    .port = address.port,
					    .domain = slice_of(domain) };

	near_end.answered = false;
	assert_int_equal(endpoint_connect(near_end.endpoint, &near_end.question, &connect), OK);
	UNTIL(near_end.answered);
}

void ask(void)
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

static int wait_until_connected(int fd)
{
	enum err err = ERR_AGAIN;

	for (int i = 0; !is_hopeless(i) && err == ERR_AGAIN; i++) {
		turn(&far_end);
		err = socket_connected(fd);
	}
	assert_int_equal(err, OK);
	return fd;
}

int raw_peer(void)
{
	int fd = -1;

	assert_int_equal(socket_connect(&address, &fd), OK);
	return wait_until_connected(fd);
}

int raw_peer_from(const char *ip)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = from;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, ip, &from.sin_addr), 1);
	to.sin_port = htons(address.port);
	memcpy(&to.sin_addr, address.ip, sizeof to.sin_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
	assert_true(connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
	return wait_until_connected(fd);
}

bool is_closed(int fd)
{
	char buf[65536];
	ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

char heard[100000];
size_t n_heard;

bool hears(int fd, struct slice text)
{
	ssize_t n = recv(fd, heard + n_heard, sizeof heard - n_heard, MSG_DONTWAIT);

	if (n > 0)
		n_heard += (size_t)n;
	return slice_find_text(slice_from(heard, n_heard), text) < n_heard;
}

void watch_handshakes(void)
{
	static const struct bans_policy strict = { .tolerance = 1, .window = 1000, .time = 60 * 1000 };

	bans = bans_new((struct map_key){ 0 }, &strict);
	assert_non_null(bans);
}

static void play_visit(const struct visit *visit)
{
	static const struct linger at_once = { .l_onoff = 1 };

	watch_handshakes();
	raise_curtain(visit->protocol);
	int fd = raw_peer();
	assert_int_equal(write(fd, visit->text, strlen(visit->text)), strlen(visit->text));
	if (visit->resets)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	UNTIL(transport_counts(far_end.transport).accepted == 1);
	socket_close(fd);
	UNTIL(transport_counts(far_end.transport).refused_handshakes == 1);
	assert_int_equal(transport_counts(far_end.transport).blamed, visit->is_blamed);
	assert_int_equal(bans_has(bans, &address, net_now(far_end.net).mono), visit->is_blamed);
	assert_int_equal(far_end.warned > 0, visit->is_blamed);
}

void play_visits(const struct visit *visits, size_t n, void **state)
{
	for (size_t i = 0; i < n; i++) {
		print_message("# %s\n", visits[i].label);
		play_visit(&visits[i]);
		stage_tear_down(state);
	}
}
