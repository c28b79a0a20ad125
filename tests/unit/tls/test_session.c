/* Sessions that are taken up again, and all that has to prevent it. */
#include "fixture.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "net/net.h"
#include "tls/private.h"
#include "tls/ticket.h"

enum { HOUR = 3600 };

struct world {
	struct fixture *fixture;
	struct tls_ticket_keys *keys;
	struct key *key;
	struct certificate *leaf; /* the server's */
};

/* One connection from its beginning to its end; returns whether it took a session up. */
struct visit {
	const char *domain;
	utc_t wall;
	ms_t mono;
	bool asks;               /* the server asks for the client's certificate … */
	enum err client, server; /* of the handshake */
	const struct tls_context
		*later; /* a client: at the end both are asked whether its lists revoke the other … */
	bool is_client_revoked, is_server_revoked; /* … and this is what they say */
	bool resumed;
	char identities[100], unproven[300]; /* … and this is what it thinks of it */
};

static void copy(char *to, size_t size, const char *text)
{
	struct writer out = writer_of(to, size - 1);

	put(&out, slice_of(text));
	to[out.len] = '\0';
}

static void shake(struct fixture *fixture, struct visit *visit)
{
	const struct now now = { .mono = visit->mono, .wall = visit->wall };

	visit->client = visit->server = ERR_AGAIN;
	for (int i = 0; i < 20 && (visit->client == ERR_AGAIN || visit->server == ERR_AGAIN); i++) {
		if (visit->client == ERR_AGAIN)
			visit->client = tls_conn_handshake(fixture->client_conn, now,
							   &fixture->client_verdict);
		if (visit->server == ERR_AGAIN)
			visit->server = tls_conn_handshake(fixture->server_conn, now,
							   &fixture->server_verdict);
	}
}

static void visit(struct fixture *fixture, struct visit *visit)
{
	struct tls_facts client, server;
	char buf[10];
	size_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fixture->fds), 0);
	accept_conn(fixture);
	if (visit->asks)
		tls_conn_ask(fixture->server_conn);
	connect_conn(fixture, visit->domain);
	if (visit->asks)
		assert_int_equal(tls_conn_speak_for(fixture->client_conn, SLICE("")), OK);
	shake(fixture, visit);
	if (visit->client == OK && visit->server == OK) {
		assert_int_equal(tls_conn_flush(fixture->server_conn), OK);
		assert_int_equal(tls_conn_read(fixture->client_conn, buf, sizeof buf, &n),
				 ERR_AGAIN); /* the ticket */
		tls_conn_facts(fixture->client_conn, &client);
		tls_conn_facts(fixture->server_conn, &server);
		assert_true(client.resumed == server.resumed);
		assert_string_equal(client.domain, visit->domain);
		assert_true(client.not_after > 0 && client.version);
		visit->resumed = client.resumed;
		visit->is_client_revoked = visit->later &&
					   tls_conn_is_revoked(fixture->server_conn, visit->later);
		visit->is_server_revoked = visit->later &&
					   tls_conn_is_revoked(fixture->client_conn, visit->later);
		copy(visit->identities, sizeof visit->identities, server.identities);
		copy(visit->unproven, sizeof visit->unproven, server.unproven);
	}
	tls_conn_free(TAKE(fixture->client_conn));
	tls_conn_free(TAKE(fixture->server_conn));
	socket_close(fixture->fds[0]);
	socket_close(fixture->fds[1]);
	fixture->fds[0] = fixture->fds[1] = -1;
}

static bool resumes_at(struct fixture *fixture, const char *domain, utc_t wall, ms_t mono)
{
	struct visit one = { .domain = domain, .wall = wall, .mono = mono };

	visit(fixture, &one);
	assert_int_equal(one.client, OK);
	assert_int_equal(one.server, OK);
	return one.resumed;
}

static bool resumes(struct fixture *fixture, const char *domain, utc_t wall)
{
	return resumes_at(fixture, domain, wall, (ms_t)(wall - NOW) * 1000 + 1000);
}

static void make_certificate(struct world *world, const char *name)
{
	struct slice text = slice_of(name);
	struct certificate_request request = { world->key, &text, 1, NOW };

	certificate_free(TAKE(world->leaf));
	assert_int_equal(
		certificate_make(world->fixture->crypto, &request, issuer_of(world->fixture), &world->leaf),
		OK);
}

/* With the keys and the certificate that there are, as each worker has one. */
static void make_server(struct world *world)
{
	tls_context_free(TAKE(world->fixture->server));
	world->fixture->server = tls_server_new(world->fixture->crypto);
	assert_non_null(world->fixture->server);
	assert_int_equal(tls_server_resume(world->fixture->server, world->keys), OK);
	assert_int_equal(serve(world->fixture, world->leaf, world->key), OK);
}

static int make_world(void **state)
{
	static struct world world;

	world = (struct world){ 0 };
	*state = &world;
	set_up((void **)&world.fixture);
	socket_close(world.fixture->fds[0]);
	socket_close(world.fixture->fds[1]);
	world.fixture->fds[0] = world.fixture->fds[1] = -1;
	world.keys = tls_ticket_keys_new();
	assert_non_null(world.keys);
	assert_int_equal(key_generate(world.fixture->crypto, &world.key), OK);
	make_certificate(&world, "b.example");
	make_server(&world);
	trust(world.fixture, world.fixture->ca);
	tls_client_resume(world.fixture->client, 4);
	return 0;
}

static int end_world(void **state)
{
	struct world *world = *state;

	certificate_free(world->leaf);
	key_free(world->key);
	tear_down((void **)&world->fixture);
	tls_ticket_keys_free(world->keys);
	return 0;
}

static void a_second_connection_takes_the_session_up(void **state)
{
	struct world *world = *state;

	assert_false(resumes(world->fixture, "b.example", NOW));
	assert_true(resumes(world->fixture, "b.example", NOW + 60));
	assert_true(resumes(world->fixture, "b.example", NOW + 120));
}

/* Connected up to the ticket, which the server still has. */
static void come_to_the_ticket(struct fixture *fixture)
{
	struct visit one = { .domain = "b.example", .wall = NOW };
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fixture->fds), 0);
	accept_conn(fixture);
	connect_conn(fixture, one.domain);
	shake(fixture, &one);
	assert_int_equal(one.client, OK);
	assert_int_equal(one.server, OK);
	assert_true(tls_conn_holds(fixture->server_conn));
	assert_int_equal(recv(fixture->fds[1], &byte, 1, MSG_PEEK), -1);
}

static void a_ticket_leaves_with_what_is_said_next(void **state)
{
	struct world *world = *state;
	struct fixture *fixture = world->fixture;
	enum err err = ERR_AGAIN;
	char buf[10];
	size_t n;

	come_to_the_ticket(fixture);
	assert_int_equal(tls_conn_write(fixture->server_conn, SLICE("200"), &n), OK);
	assert_int_equal(n, 3);
	assert_false(tls_conn_holds(fixture->server_conn));
	for (int i = 0; i < 3 && err == ERR_AGAIN; i++)
		err = tls_conn_read(fixture->client_conn, buf, sizeof buf, &n);
	assert_int_equal(err, OK);
	assert_true(slice_eq(slice_from(buf, n), SLICE("200")));
}

/* What a ticket begins with is the name of its key and the initialisation vector (RFC 5077 §4). */
static void take_vector(struct fixture *fixture, unsigned char ret_name[16], unsigned char ret_vector[16])
{
	const SSL_SESSION *session;
	const unsigned char *ticket;
	char buf[10];
	size_t n;

	come_to_the_ticket(fixture);
	assert_int_equal(tls_conn_flush(fixture->server_conn), OK);
	assert_int_equal(tls_conn_read(fixture->client_conn, buf, sizeof buf, &n), ERR_AGAIN);
	session = SSL_get_session(fixture->client_conn->ssl);
	SSL_SESSION_get0_ticket(session, &ticket, &n);
	assert_true(n > 32);
	memcpy(ret_name, ticket, 16);
	memcpy(ret_vector, ticket + 16, 16);
	tls_conn_free(TAKE(fixture->client_conn));
	tls_conn_free(TAKE(fixture->server_conn));
	socket_close(fixture->fds[0]);
	socket_close(fixture->fds[1]);
}

static void each_ticket_has_an_initialisation_vector_of_its_own(void **state)
{
	struct world *world = *state;
	unsigned char names[20][16], vectors[20][16];

	for (size_t i = 0; i < 20; i++) { /* more than are drawn at once */
		take_vector(world->fixture, names[i], vectors[i]);
		assert_memory_equal(names[i], names[0], sizeof names[i]);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(vectors[i], vectors[k], sizeof vectors[i]);
	}
	world->fixture->fds[0] = world->fixture->fds[1] = -1;
}

static void a_ticket_waits_for_room_in_the_socket(void **state)
{
	struct world *world = *state;
	struct fixture *fixture = world->fixture;
	char buf[1000] = { 0 };
	size_t n;

	come_to_the_ticket(fixture);
	while (send(fixture->fds[0], buf, sizeof buf, 0) > 0 || send(fixture->fds[0], buf, 1, 0) > 0)
		;
	assert_int_equal(tls_conn_flush(fixture->server_conn), ERR_AGAIN);
	assert_int_equal(tls_conn_write(fixture->server_conn, SLICE("200"), &n), ERR_AGAIN);
	assert_int_equal(tls_conn_wants(fixture->server_conn), NET_WRITABLE);
	assert_true(tls_conn_holds(fixture->server_conn));
	while (recv(fixture->fds[1], buf, sizeof buf, 0) > 0)
		;
	assert_int_equal(tls_conn_flush(fixture->server_conn), OK);
	assert_false(tls_conn_holds(fixture->server_conn));
	assert_int_equal(tls_conn_write(fixture->server_conn, SLICE("200"), &n), OK);
}

static void a_ticket_for_one_that_has_gone_is_an_end(void **state)
{
	struct world *world = *state;
	struct fixture *fixture = world->fixture;

	come_to_the_ticket(fixture);
	socket_close(fixture->fds[1]);
	fixture->fds[1] = -1;
	assert_int_equal(tls_conn_flush(fixture->server_conn), ERR_CLOSED);
}

static void nobody_resumes_who_was_not_told_to(void **state)
{
	struct world *world = *state;

	tls_context_free(TAKE(world->fixture->client));
	world->fixture->client = tls_client_new(world->fixture->crypto);
	assert_non_null(world->fixture->client);
	trust(world->fixture, world->fixture->ca);
	assert_false(resumes(world->fixture, "b.example", NOW));
	assert_false(resumes(world->fixture, "b.example", NOW + 60));
}

static void no_session_is_older_than_twelve_hours_however_often_it_was_taken_up(void **state)
{
	struct world *world = *state;

	assert_false(resumes(world->fixture, "b.example", NOW));
	for (int hours = 5; hours <= 10; hours += 5)
		assert_true(resumes(world->fixture, "b.example", NOW + hours * HOUR));
	assert_false(resumes(world->fixture, "b.example", NOW + 12 * HOUR + 1));
	assert_true(resumes(world->fixture, "b.example", NOW + 13 * HOUR));
}

/* Drawn at 1 s, and another one when the first is six hours old; the other clock stands still. */
static void keys_change_and_old_ones_are_forgotten(void **state)
{
	static const struct {
		int64_t hours;
		bool resumes;
	} steps[] = { { 0, false }, { 5, true }, { 11, true }, { 16, true }, { 28, false }, { 28, true } };
	struct world *world = *state;

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (resumes_at(world->fixture, "b.example", NOW + (utc_t)i,
			       1000 + (ms_t)steps[i].hours * HOUR * 1000) != steps[i].resumes)
			fail_msg("step %zu", i);
}

static void another_start_of_the_server_knows_none(void **state)
{
	struct world *world = *state;
	struct tls_ticket_keys *before = world->keys;

	assert_false(resumes(world->fixture, "b.example", NOW));
	world->keys = tls_ticket_keys_new();
	if (world->keys)
		make_server(world);
	tls_ticket_keys_free(before);
	assert_non_null(world->keys);
	assert_false(resumes(world->fixture, "b.example", NOW + 1));
}

static void workers_take_up_each_others_sessions(void **state)
{
	struct world *world = *state;

	assert_false(resumes(world->fixture, "b.example", NOW));
	make_server(world);
	assert_true(resumes(world->fixture, "b.example", NOW + 1));
}

static void a_new_certificate_means_a_full_handshake(void **state)
{
	struct world *world = *state;

	assert_false(resumes(world->fixture, "b.example", NOW));
	make_certificate(world, "b.example");
	make_server(world);
	assert_false(resumes(world->fixture, "b.example", NOW + 1));
	assert_true(resumes(world->fixture, "b.example", NOW + 2));
}

static void another_policy_means_a_full_handshake(void **state)
{
	struct world *world = *state;
	struct tls_policy policy = { .groups = "" };
	const char *why;

	assert_false(resumes(world->fixture, "b.example", NOW));
	assert_true(tls_policy_add_suite(&policy, SLICE("TLS_AES_128_GCM_SHA256"), &why));
	tls_context_free(TAKE(world->fixture->server));
	world->fixture->server = tls_server_new(world->fixture->crypto);
	assert_non_null(world->fixture->server);
	assert_true(tls_context_restrict(world->fixture->server, &policy));
	assert_int_equal(tls_server_resume(world->fixture->server, world->keys), OK);
	assert_int_equal(serve(world->fixture, world->leaf, world->key), OK);
	assert_false(resumes(world->fixture, "b.example", NOW + 1));
	assert_true(resumes(world->fixture, "b.example", NOW + 2));
}

static void a_session_is_good_for_its_domain_only(void **state)
{
	struct world *world = *state;

	serve_name_with(world->fixture, "c.example", world->key, NOW);
	assert_false(resumes(world->fixture, "b.example", NOW));
	assert_false(resumes(world->fixture, "c.example", NOW + 1));
	assert_true(resumes(world->fixture, "c.example", NOW + 2));
	assert_true(resumes(world->fixture, "b.example", NOW + 3));
}

static void a_certificate_that_has_ended_is_judged_by_a_full_handshake(void **state)
{
	struct visit late = { .domain = "b.example", .wall = NOW + 90 * DAY + 1, .mono = 2000 };
	struct world *world = *state;

	assert_false(resumes(world->fixture, "b.example", NOW + 90 * DAY - HOUR));
	visit(world->fixture, &late);
	assert_int_equal(late.client, ERR_DENIED);
	assert_code("late", &world->fixture->client_verdict, "certificate.expired");
}

/* The CA's list, with this certificate on it. */
static void revoke_for(struct tls_context *client, struct world *world, const struct certificate *certificate)
{
	X509 *ca = certificate_openssl(world->fixture->ca), *leaf = certificate_openssl(certificate);
	ASN1_INTEGER *serial = ASN1_INTEGER_dup(X509_get0_serialNumber(leaf));
	ASN1_TIME *from = ASN1_TIME_set(NULL, NOW), *until = ASN1_TIME_set(NULL, NOW + DAY);
	X509_REVOKED *revoked = X509_REVOKED_new();
	X509_CRL *crl = X509_CRL_new();
	BIO *text = BIO_new(BIO_s_mem());
	char *bytes;

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
	X509_CRL_set1_lastUpdate(crl, from);
	X509_CRL_set1_nextUpdate(crl, until);
	X509_REVOKED_set_serialNumber(revoked, serial);
	X509_REVOKED_set_revocationDate(revoked, from);
	X509_CRL_add0_revoked(crl, revoked);
	assert_true(X509_CRL_sign(crl, key_openssl(world->fixture->ca_key), EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509_CRL(text, crl), 1);
	long n = BIO_get_mem_data(text, &bytes);

	enum err err = tls_client_revoke(client, slice_from(bytes, (size_t)n));
	BIO_free(text);
	X509_CRL_free(crl);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	ASN1_INTEGER_free(serial);
	assert_int_equal(err, OK);
}

static void revoke(struct world *world, const struct certificate *certificate)
{
	revoke_for(world->fixture->client, world, certificate);
}

static void a_certificate_that_was_revoked_meanwhile_is_refused(void **state)
{
	struct visit later = { .domain = "b.example", .wall = NOW + 120, .mono = 121000 };
	struct world *world = *state;

	assert_false(resumes(world->fixture, "b.example", NOW));
	assert_true(resumes(world->fixture, "b.example", NOW + 60));
	revoke(world, world->leaf);
	visit(world->fixture, &later);
	assert_int_equal(later.client, ERR_DENIED);
	assert_code("later", &world->fixture->client_verdict, "certificate.revoked");
}

/* A server that trusts what the client trusts, and a client with a certificate of its own, as sealined is both. */
static struct certificate *give_the_client_a_certificate(struct world *world)
{
	struct certificate_request request = { world->key, &SLICE("a.example"), 1, NOW };
	struct certificate *own = NULL;

	tls_context_free(TAKE(world->fixture->server));
	world->fixture->server = tls_server_new(world->fixture->crypto);
	assert_non_null(world->fixture->server);
	tls_server_trust(world->fixture->server, world->fixture->client);
	assert_int_equal(tls_server_resume(world->fixture->server, world->keys), OK);
	assert_int_equal(serve(world->fixture, world->leaf, world->key), OK);
	assert_int_equal(certificate_make(world->fixture->crypto, &request, issuer_of(world->fixture), &own),
			 OK);
	AUTO(chain) struct chain *chain = chain_of(world->fixture, own);
	assert_int_equal(tls_client_present(world->fixture->client, SLICE(""), chain, world->key,
					    &world->fixture->client_verdict),
			 OK);
	return own;
}

static void a_client_that_has_shown_a_certificate_is_judged_each_time(void **state)
{
	struct world *world = *state;
	AUTO(certificate) struct certificate *own = give_the_client_a_certificate(world);

	for (int i = 0; i < 2; i++) {
		struct visit again = {
			.domain = "b.example", .wall = NOW + i, .mono = 1000 * (ms_t)i + 1000, .asks = true
		};

		visit(world->fixture, &again);
		assert_int_equal(again.server, OK);
		assert_false(again.resumed);
		assert_string_equal(again.identities, "a.example");
	}
}

static void what_a_client_has_proven_ends_when_its_certificate_is_revoked(void **state)
{
	struct visit before = { .domain = "b.example", .wall = NOW, .mono = 1000, .asks = true }, after;
	struct world *world = *state;
	AUTO(certificate) struct certificate *own = give_the_client_a_certificate(world);

	visit(world->fixture, &before);
	assert_string_equal(before.identities, "a.example");
	revoke(world, own);
	after = (struct visit){ .domain = "b.example", .wall = NOW + 60, .mono = 61000, .asks = true };
	visit(world->fixture, &after);
	assert_int_equal(after.server, OK); /* it may still be a phone */
	assert_false(after.resumed);
	assert_string_equal(after.identities, "");
	assert_true(slice_find_text(slice_of(after.unproven), SLICE("revoked")) < strlen(after.unproven));
}

/* Who is connected when a list comes does not stay so by what that revokes. */
static void who_is_connected_is_held_against_later_lists(void **state)
{
	struct world *world = *state;
	AUTO(certificate) struct certificate *own = give_the_client_a_certificate(world);
	AUTO(tls_context) struct tls_context *of_client = tls_client_new(world->fixture->crypto);
	AUTO(tls_context) struct tls_context *of_server = tls_client_new(world->fixture->crypto);
	AUTO(tls_context) struct tls_context *of_ca = tls_client_new(world->fixture->crypto);
	const struct {
		const struct tls_context *later;
		bool shows, is_client_revoked, is_server_revoked;
	} cases[] = {
		{ of_client, true, true, false },
		{ of_server, true, false, true },
		{ of_ca, true, true, true },
		{ world->fixture->client, true, false, false }, /* these were looked at in the handshake */
		{ of_client, false, false, false },             /* it has shown nothing */
		{ of_server, false, false, true },              /* the same in a session that is taken up */
	};

	assert_true(of_client && of_server && of_ca);
	revoke_for(of_client, world, own);
	revoke_for(of_server, world, world->leaf);
	revoke_for(of_ca, world, world->fixture->ca);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct visit one = { .domain = "b.example",
				     .wall = NOW + (utc_t)i,
				     .mono = 1000 * (ms_t)i + 1000,
				     .asks = cases[i].shows,
				     .later = cases[i].later };

		visit(world->fixture, &one);
		assert_int_equal(one.server, OK);
		assert_int_equal(one.resumed, i == 5);
		assert_int_equal(one.is_client_revoked, cases[i].is_client_revoked);
		assert_int_equal(one.is_server_revoked, cases[i].is_server_revoked);
	}
}

/* The listener that is met: one for WebSockets, or the usual one. */
static bool is_websocket;
static const char *sigalgs; /* that the client takes; NULL: any */

/* A client that takes no care: any session is offered to any name. Returns the session that it has then. */
static SSL_SESSION *come_with(struct fixture *fixture, const char *name, SSL_SESSION *ticket, utc_t wall,
			      bool *ret_reused)
{
	const struct now now = { .mono = (ms_t)(wall - NOW) * 1000 + 1000, .wall = wall };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	enum err err = ERR_AGAIN;
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fixture->fds), 0);
	SSL_set_fd(ssl, fixture->fds[1]);
	SSL_set_connect_state(ssl);
	SSL_set_tlsext_host_name(ssl, name);
	if (sigalgs)
		assert_int_equal(SSL_set1_sigalgs_list(ssl, sigalgs), 1);
	if (ticket)
		assert_int_equal(SSL_set_session(ssl, ticket), 1);
	accept_conn(fixture);
	if (is_websocket)
		tls_conn_speak_http(fixture->server_conn);
	for (int i = 0; i < 20; i++) {
		SSL_do_handshake(ssl);
		if (err == ERR_AGAIN)
			err = tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict);
	}
	assert_int_equal(err, OK);
	assert_int_equal(tls_conn_flush(fixture->server_conn), OK);
	SSL_read(ssl, &byte, 1); /* the ticket */
	*ret_reused = SSL_session_reused(ssl) == 1;
	assert_int_equal(X509_check_host(SSL_get0_peer_certificate(ssl), name, 0, 0, NULL), 1);
	SSL_SESSION *session = SSL_get1_session(ssl);
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	tls_conn_free(TAKE(fixture->server_conn));
	socket_close(fixture->fds[0]);
	socket_close(fixture->fds[1]);
	fixture->fds[0] = fixture->fds[1] = -1;
	return session;
}

static void the_ticket_of_one_domain_is_worth_nothing_at_another(void **state)
{
	struct world *world = *state;
	bool reused;

	serve_name_with(world->fixture, "c.example", world->key, NOW);
	SSL_SESSION *of_b = come_with(world->fixture, "b.example", NULL, NOW, &reused);
	assert_false(reused);
	/* it is a good one, and one for c.example comes with another certificate: that of c.example */
	SSL_SESSION *again = come_with(world->fixture, "b.example", of_b, NOW + 1, &reused);
	assert_true(reused);
	SSL_SESSION *of_c = come_with(world->fixture, "c.example", of_b, NOW + 2, &reused);
	assert_false(reused);
	SSL_SESSION_free(of_b);
	SSL_SESSION_free(again);
	SSL_SESSION_free(of_c);
}

static void the_ticket_of_one_kind_of_listener_is_worth_nothing_at_the_other(void **state)
{
	struct world *world = *state;
	bool reused;

	SSL_SESSION *of_sip = come_with(world->fixture, "b.example", NULL, NOW, &reused);
	is_websocket = true;
	SSL_SESSION *of_http = come_with(world->fixture, "b.example", of_sip, NOW + 1, &reused);
	assert_false(reused);
	SSL_SESSION *again = come_with(world->fixture, "b.example", of_http, NOW + 2, &reused);
	assert_true(reused);
	is_websocket = false;
	SSL_SESSION *back = come_with(world->fixture, "b.example", again, NOW + 3, &reused);
	assert_false(reused);
	SSL_SESSION_free(of_sip);
	SSL_SESSION_free(of_http);
	SSL_SESSION_free(again);
	SSL_SESSION_free(back);
}

/* The second of two certificates for the same name, of another kind of key, is renewed; the first stays. */
static void a_session_ends_with_any_certificate_of_its_site(void **state)
{
	struct world *world = *state;
	AUTO(key) struct key *rsa = rsa_key(world->fixture->crypto);
	bool reused;

	serve_name_with(world->fixture, "b.example", rsa, NOW);
	sigalgs = "rsa_pss_rsae_sha256";
	SSL_SESSION *of_rsa = come_with(world->fixture, "b.example", NULL, NOW, &reused);
	SSL_SESSION *again = come_with(world->fixture, "b.example", of_rsa, NOW + 1, &reused);
	assert_true(reused);
	SSL_SESSION *chained = come_with(world->fixture, "b.example", again, NOW + 2, &reused);
	assert_true(reused);
	sigalgs = NULL;
	SSL_SESSION *of_ec = come_with(world->fixture, "b.example", NULL, NOW + 2, &reused);
	make_server(world);
	serve_name_with(world->fixture, "b.example", rsa, NOW + 3);
	SSL_SESSION *anew = come_with(world->fixture, "b.example", of_ec, NOW + 4, &reused);
	bool goes_on_with_ec = reused;
	SSL_SESSION *renewed = come_with(world->fixture, "b.example", chained, NOW + 4, &reused);
	SSL_SESSION_free(of_rsa);
	SSL_SESSION_free(again);
	SSL_SESSION_free(chained);
	SSL_SESSION_free(of_ec);
	SSL_SESSION_free(anew);
	SSL_SESSION_free(renewed);
	assert_false(goes_on_with_ec);
	assert_false(reused);
}

static void a_client_keeps_no_more_than_it_may(void **state)
{
	struct world *world = *state;

	tls_client_resume(world->fixture->client, 1);
	serve_name_with(world->fixture, "c.example", world->key, NOW);
	assert_false(resumes(world->fixture, "b.example", NOW));
	assert_false(resumes(world->fixture, "c.example", NOW + 1));
	assert_false(resumes(world->fixture, "b.example", NOW + 2));
	assert_true(resumes(world->fixture, "b.example", NOW + 3));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_second_connection_takes_the_session_up, make_world, end_world),
	cmocka_unit_test_setup_teardown(a_ticket_leaves_with_what_is_said_next, make_world, end_world),
	cmocka_unit_test_setup_teardown(each_ticket_has_an_initialisation_vector_of_its_own, make_world,
					end_world),
	cmocka_unit_test_setup_teardown(a_ticket_waits_for_room_in_the_socket, make_world, end_world),
	cmocka_unit_test_setup_teardown(a_ticket_for_one_that_has_gone_is_an_end, make_world, end_world),
	cmocka_unit_test_setup_teardown(nobody_resumes_who_was_not_told_to, make_world, end_world),
	cmocka_unit_test_setup_teardown(no_session_is_older_than_twelve_hours_however_often_it_was_taken_up,
					make_world, end_world),
	cmocka_unit_test_setup_teardown(keys_change_and_old_ones_are_forgotten, make_world, end_world),
	cmocka_unit_test_setup_teardown(another_start_of_the_server_knows_none, make_world, end_world),
	cmocka_unit_test_setup_teardown(workers_take_up_each_others_sessions, make_world, end_world),
	cmocka_unit_test_setup_teardown(a_new_certificate_means_a_full_handshake, make_world, end_world),
	cmocka_unit_test_setup_teardown(another_policy_means_a_full_handshake, make_world, end_world),
	cmocka_unit_test_setup_teardown(a_session_is_good_for_its_domain_only, make_world, end_world),
	cmocka_unit_test_setup_teardown(a_certificate_that_has_ended_is_judged_by_a_full_handshake,
					make_world, end_world),
	cmocka_unit_test_setup_teardown(a_certificate_that_was_revoked_meanwhile_is_refused, make_world,
					end_world),
	cmocka_unit_test_setup_teardown(a_client_that_has_shown_a_certificate_is_judged_each_time, make_world,
					end_world),
	cmocka_unit_test_setup_teardown(who_is_connected_is_held_against_later_lists, make_world, end_world),
	cmocka_unit_test_setup_teardown(what_a_client_has_proven_ends_when_its_certificate_is_revoked,
					make_world, end_world),
	cmocka_unit_test_setup_teardown(the_ticket_of_one_domain_is_worth_nothing_at_another, make_world,
					end_world),
	cmocka_unit_test_setup_teardown(the_ticket_of_one_kind_of_listener_is_worth_nothing_at_the_other,
					make_world, end_world),
	cmocka_unit_test_setup_teardown(a_session_ends_with_any_certificate_of_its_site, make_world,
					end_world),
	cmocka_unit_test_setup_teardown(a_client_keeps_no_more_than_it_may, make_world, end_world),
};

TEST_MAIN(tests)
