/* Without DNSSEC, which takes a real name server: tests/e2e/test_dns.py. */
#include "dns/dns.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

enum { MESSAGE_MAX = 1500, SOON_MS = 300, HEADER_SIZE = 12 };

/* A resolver, and a name server on loopback that the test plays itself. */
struct world {
	struct net *net;
	struct dns *dns;
	struct net_watch *watch;
	int fd;
	unsigned n_asked;
	bool is_silent;
};

static struct world *open_world(ms_t patience)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof any;
	struct dns_config config = { .patience = patience };
	static struct world world;

	world = (struct world){ .fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) };
	assert_int_equal(bind(world.fd, (struct sockaddr *)&any, size), 0);
	assert_int_equal(getsockname(world.fd, (struct sockaddr *)&any, &size), 0);
	world.net = net_new(8);
	assert_non_null(world.net);
	config.net = world.net;
	assert_true(address_parse_ip(SLICE("127.0.0.1"), &config.server));
	config.server.port = ntohs(any.sin_port);
	if (net_watch_new(world.net, world.fd, NET_READABLE, &world, &world.watch) != OK ||
	    dns_new(&config, &world.dns) != OK)
		world.dns = NULL;
	return &world;
}

static void close_world(struct world *world)
{
	dns_free(world->dns);
	net_watch_free(world->watch);
	net_free(world->net);
	close(world->fd);
}

/* 192.0.2.1 for whatever is asked, if it is an address; for "broken" a failure. */
static void serve(struct world *world)
{
	static const char record[] = "\xc0\x0c\0\x01\0\x01\0\0\x01\0\0\x04\xc0\0\x02\x01";
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	char message[MESSAGE_MAX];
	ssize_t n;

	while ((n = recvfrom(world->fd, message, 512, 0, (struct sockaddr *)&from, &size)) > HEADER_SIZE) {
		size_t end = HEADER_SIZE, length = (size_t)n;

		world->n_asked++;
		if (world->is_silent)
			continue;
		while (end < length && message[end] != 0)
			end += 1U + (unsigned char)message[end];
		end += 5;
		assert_true(end <= length);
		message[2] = (char)(0x80 | message[2]);
		message[3] = (char)(0x80 | (memcmp(message + HEADER_SIZE + 1, "broken", 6) == 0 ? 2 : 0));
		memset(message + 6, 0, 6); /* no other records than ours */
		if (message[3] == (char)0x80 && message[end - 3] == 1) {
			message[7] = 1;
			memcpy(message + end, record, sizeof record - 1);
			end += sizeof record - 1;
		}
		assert_int_equal(sendto(world->fd, message, end, 0, (struct sockaddr *)&from, size), end);
	}
}

/* Turns of the loop until an answer is there. */
static bool next(struct world *world, uint64_t *ret_id, struct dns_answer *ret_answer)
{
	struct net_event event;
	ms_t until = net_now(world->net).mono + 10000;

	while (!dns_next(world->dns, ret_id, ret_answer)) {
		if (net_now(world->net).mono >= until)
			return false;
		net_wait(world->net, until);
		while (net_next(world->net, &event))
			if (event.kind == NET_READY)
				serve(world);
	}
	return true;
}

static struct dns_answer ask(struct world *world, const char *name, enum dns_type type)
{
	const struct dns_question question = { slice_of(name), type };
	static uint64_t last;
	struct dns_answer answer = { .err = ERR_NOMEM };
	uint64_t id = 0;

	if (!world->dns || dns_ask(world->dns, ++last, &question) != OK)
		return answer;
	assert_true(next(world, &id, &answer));
	assert_int_equal(id, last);
	return answer;
}

static void gives_the_answer_of_the_server_and_remembers_it(void **state)
{
	static const struct slice address = SLICE_INIT("\0\4\xc0\0\2\1");
	struct world *world = open_world(5000);
	struct dns_answer answer = ask(world, "host.example", DNS_A);
	bool has_address = false;

	if (answer.err == OK) {
		assert_false(answer.is_secure);
		has_address = slice_find_text(answer.message, address) < answer.message.len;
		unsigned n = world->n_asked;

		answer = ask(world, "HOST.example.", DNS_A);
		assert_int_equal(world->n_asked, n);
	}
	close_world(world);
	assert_int_equal(answer.err, OK);
	assert_true(has_address);
}

static void knows_localhost_without_asking_anybody(void **state)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR };
	struct world *world = open_world(5000);
	ms_t began = net_now(world->net).mono;
	enum err err = OK;

	for (size_t i = 0; i < sizeof types / sizeof types[0] && err == OK; i++)
		err = ask(world, "localhost", types[i]).err;
	if (err == OK)
		err = ask(world, "_sips._tcp.localhost", DNS_SRV).err;
	assert_int_equal(world->n_asked, 0);
	net_wait(world->net, 1);
	assert_in_range(net_now(world->net).mono - began, 0, SOON_MS);
	close_world(world);
	assert_int_equal(err, OK);
}

static void tells_that_a_server_fails(void **state)
{
	struct world *world = open_world(9000);
	struct dns_answer answer = ask(world, "broken.example", DNS_A);

	close_world(world);
	assert_int_equal(answer.err, ERR_IO);
}

static void waits_no_longer_than_its_patience(void **state)
{
	struct world *world = open_world(SOON_MS);
	ms_t began = net_now(world->net).mono;

	world->is_silent = true;
	struct dns_answer answer = ask(world, "host.example", DNS_A);
	ms_t took = net_now(world->net).mono - began;
	/* another question while the first one is still known to be without an answer */
	struct dns_answer again = ask(world, "host.example", DNS_A);

	close_world(world);
	assert_int_equal(answer.err, ERR_AGAIN);
	assert_int_equal(again.err, ERR_AGAIN);
	assert_in_range(took, SOON_MS - 1, 10L * SOON_MS);
}

static void refuses_what_is_no_name(void **state)
{
	struct world *world = open_world(5000);
	char much[300];

	memset(much, 'a', sizeof much);
	much[sizeof much - 1] = '\0';
	enum err empty = ask(world, "", DNS_A).err, dots = ask(world, "a..b", DNS_A).err;
	enum err too_long = ask(world, much, DNS_A).err;

	close_world(world);
	assert_int_equal(empty, ERR_SYNTAX);
	assert_int_equal(dots, ERR_SYNTAX);
	assert_int_equal(too_long, ERR_SYNTAX);
}

static void drops_what_is_under_way_when_it_ends(void **state)
{
	struct world *world = open_world(5000);
	struct dns_question question = { SLICE("host.example"), DNS_A };
	struct net_event event;
	enum err err = OK, past = OK;

	world->is_silent = true;
	for (uint64_t id = 0; world->dns && id < DNS_QUERIES_MAX && err == OK; id++)
		err = dns_ask(world->dns, id, &question);
	if (world->dns && err == OK)
		past = dns_ask(world->dns, DNS_QUERIES_MAX, &question);
	net_wait(world->net, net_now(world->net).mono + 20);
	while (net_next(world->net, &event))
		;
	close_world(world);
	assert_int_equal(err, OK);
	assert_int_equal(past, ERR_LIMIT);
}

static void refuses_a_file_without_trust_anchors(void **state)
{
	static const char *const files[] = { "/nonexistent/anchors", "/etc/passwd" };

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct net *net = net_new(8);
		struct dns_config config = { .net = net, .anchors = files[i], .patience = 1000 };
		struct dns *dns = NULL;
		enum err err = net ? dns_new(&config, &dns) : ERR_NOMEM;

		dns_free(dns);
		net_free(net);
		assert_int_equal(err, ERR_SYNTAX);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(gives_the_answer_of_the_server_and_remembers_it),
	cmocka_unit_test(knows_localhost_without_asking_anybody),
	cmocka_unit_test(tells_that_a_server_fails),
	cmocka_unit_test(waits_no_longer_than_its_patience),
	cmocka_unit_test(refuses_what_is_no_name),
	cmocka_unit_test(drops_what_is_under_way_when_it_ends),
	cmocka_unit_test(refuses_a_file_without_trust_anchors),
};

TEST_MAIN(tests)
