/* A certification authority, a server and a client of ours, at the two ends of a socket pair. */
#pragma once

#include "../crypto/keys.h"
#include "harness.h"

#include <sys/socket.h>

#include <openssl/ssl.h>

#include "net/socket.h"
#include "tls/conn.h"

#define NOW 1790000000 /* 2026-09-21 */
#define DAY 86400

struct fixture {
	struct crypto *crypto;
	struct key *ca_key;
	struct certificate *ca;
	struct tls_context *server, *client;
	struct tls_conn *server_conn, *client_conn;
	struct verdict server_verdict, client_verdict;
	int fds[2]; /* the server's, the client's */
};

static inline struct certificate_issuer issuer_of(const struct fixture *fixture)
{
	return (struct certificate_issuer){ fixture->ca, fixture->ca_key };
}

/* What would be read from a file that holds the certificate. */
static inline struct chain *chain_of(struct fixture *fixture, const struct certificate *certificate)
{
	struct chain *chain = NULL;
	char buf[8192];
	struct writer out = writer_of(buf, sizeof(buf));

	assert_int_equal(put_certificate_pem(&out, certificate), OK);
	assert_int_equal(chain_parse_pem(fixture->crypto, writer_text(&out), &chain), OK);
	return chain;
}

static inline enum err serve(struct fixture *fixture, const struct certificate *certificate,
			     const struct key *key)
{
	AUTO(chain) struct chain *chain = chain_of(fixture, certificate);

	return tls_server_add(fixture->server, chain, key, &fixture->server_verdict);
}

/* Has the server serve the name with a certificate that was made at the time for the key. */
static inline void serve_name_with(struct fixture *fixture, const char *name, const struct key *key,
				   utc_t when)
{
	AUTO(certificate) struct certificate *leaf = NULL;
	struct slice text = slice_of(name);
	struct certificate_request request = { key, &text, 1, when };

	assert_int_equal(certificate_make(fixture->crypto, &request, issuer_of(fixture), &leaf), OK);
	assert_int_equal(serve(fixture, leaf, key), OK);
}

static inline void serve_name(struct fixture *fixture, const char *name, utc_t when)
{
	AUTO(key) struct key *key = NULL;

	assert_int_equal(key_generate(fixture->crypto, &key), OK);
	serve_name_with(fixture, name, key, when);
}

static inline void trust(struct fixture *fixture, const struct certificate *anchor)
{
	AUTO(chain) struct chain *chain = chain_of(fixture, anchor);

	assert_int_equal(tls_client_trust(fixture->client, chain), OK);
}

static inline int set_up(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .crypto = crypto_new(), .fds = { -1, -1 } };
	*state = &fixture;
	assert_non_null(fixture.crypto);
	assert_int_equal(key_generate(fixture.crypto, &fixture.ca_key), OK);
	assert_int_equal(certificate_make_ca(fixture.crypto, fixture.ca_key, SLICE("test CA"),
					     NOW - 1000 * DAY, &fixture.ca),
			 OK);
	fixture.server = tls_server_new(fixture.crypto);
	assert_non_null(fixture.server);
	fixture.client = tls_client_new(fixture.crypto);
	assert_non_null(fixture.client);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fixture.fds), 0);
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	tls_conn_free(fixture->server_conn);
	tls_conn_free(fixture->client_conn);
	tls_context_free(fixture->server);
	tls_context_free(fixture->client);
	certificate_free(fixture->ca);
	key_free(fixture->ca_key);
	crypto_free(fixture->crypto);
	socket_close(fixture->fds[0]);
	socket_close(fixture->fds[1]);
	return 0;
}

static inline void accept_conn(struct fixture *fixture)
{
	assert_int_equal(tls_conn_new(fixture->server, fixture->fds[0], SLICE(""), &fixture->server_conn),
			 OK);
}

static inline void connect_conn(struct fixture *fixture, const char *domain)
{
	assert_int_equal(
		tls_conn_new(fixture->client, fixture->fds[1], slice_of(domain), &fixture->client_conn), OK);
}

/* Until both ends are through, one way or the other; returns what the client has got. */
static inline enum err shake_hands(struct fixture *fixture, utc_t wall, enum err *ret_server)
{
	const struct now now = { .mono = 1, .wall = wall };
	enum err server = ERR_AGAIN, client = ERR_AGAIN;

	for (int i = 0; i < 20 && (server == ERR_AGAIN || client == ERR_AGAIN); i++) {
		if (client == ERR_AGAIN)
			client = tls_conn_handshake(fixture->client_conn, now, &fixture->client_verdict);
		if (server == ERR_AGAIN)
			server = tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict);
	}
	*ret_server = server;
	return client;
}

static inline void assert_code(const char *label, const struct verdict *verdict, const char *code)
{
	char buf[1000];
	struct writer out = writer_of(buf, sizeof(buf));

	if (slice_eq(slice_of(verdict->code), slice_of(code)))
		return;
	put_verdict(&out, verdict);
	fail_msg("%s: %s: %.*s", label, verdict->code, SLICE_FMT(writer_text(&out)));
}

static inline void assert_says(const struct verdict *verdict, const char *sentence)
{
	char buf[1000];
	struct writer out = writer_of(buf, sizeof(buf));

	put_verdict(&out, verdict);
	if (!slice_eq(writer_text(&out), slice_of(sentence)))
		fail_msg("%.*s", SLICE_FMT(writer_text(&out)));
}
