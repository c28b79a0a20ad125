#include "fixture.h"

#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/net.h"
#include "tls/private.h"

static const struct now now = { .mono = 1, .wall = NOW };

/* Both ends ready to speak. */
static void establish(struct fixture *fixture)
{
	enum err server;

	serve_name(fixture, "b.example", NOW);
	trust(fixture, fixture->ca);
	accept_conn(fixture);
	connect_conn(fixture, "B.example");
	assert_int_equal(shake_hands(fixture, NOW, &server), OK);
	assert_int_equal(server, OK);
}

static void tells_the_facts_of_both_ends(void **state)
{
	struct fixture *fixture = *state;
	struct tls_facts client, server;

	establish(fixture);
	tls_conn_facts(fixture->client_conn, &client);
	tls_conn_facts(fixture->server_conn, &server);
	assert_string_equal(client.version, "TLSv1.3");
	assert_string_equal(client.cipher, server.cipher);
	assert_string_equal(client.group, server.group);
	assert_true(client.group[0]);
	assert_string_equal(client.domain, "b.example");
	assert_true(client.not_after == NOW + 90 * DAY);
	assert_string_equal(server.domain, "");
	assert_true(server.not_after == 0);
}

static void carries_text_both_ways(void **state)
{
	struct fixture *fixture = *state;
	char buf[100];
	size_t n;

	establish(fixture);
	assert_int_equal(tls_conn_read(fixture->server_conn, buf, sizeof(buf), &n), ERR_AGAIN);
	assert_int_equal(tls_conn_wants(fixture->server_conn), NET_READABLE);
	assert_int_equal(tls_conn_write(fixture->client_conn, SLICE("INVITE"), &n), OK);
	assert_int_equal(n, 6);
	assert_int_equal(tls_conn_read(fixture->server_conn, buf, sizeof(buf), &n), OK);
	assert_true(slice_eq(slice_from(buf, n), SLICE("INVITE")));
	assert_int_equal(tls_conn_write(fixture->server_conn, SLICE("100"), &n), OK);
	assert_int_equal(tls_conn_read(fixture->client_conn, buf, 2, &n), OK);
	assert_int_equal(n, 2);
	assert_true(tls_conn_has_pending(fixture->client_conn));
	assert_int_equal(tls_conn_read(fixture->client_conn, buf, 2, &n), OK);
	assert_int_equal(n, 1);
	assert_false(tls_conn_has_pending(fixture->client_conn));
}

static void a_full_socket_takes_a_part_and_the_rest_later(void **state)
{
	static char sent[1 << 20], received[1 << 20], copy[1 << 20];
	struct fixture *fixture = *state;
	size_t n, n_sent = 0, n_received = 0;
	bool was_full = false;

	establish(fixture);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 + i / 251);
	while (n_received < sizeof(sent)) {
		char *from = was_full ? copy : sent; /* from another place */

		memcpy(copy, sent, sizeof(sent));
		while (n_sent < sizeof(sent) &&
		       tls_conn_write(fixture->client_conn, slice_from(from + n_sent, sizeof(sent) - n_sent),
				      &n) == OK)
			n_sent += n;
		if (n_sent < sizeof(sent)) {
			was_full = true;
			assert_int_equal(tls_conn_wants(fixture->client_conn), NET_WRITABLE);
		}
		while (tls_conn_read(fixture->server_conn, received + n_received, 5000, &n) == OK)
			n_received += n;
	}
	assert_true(was_full);
	assert_memory_equal(sent, received, sizeof(sent));
}

/* This next. */
static void hears(struct tls_conn *conn, struct slice text)
{
	char buf[100];
	size_t n;

	assert_int_equal(tls_conn_read(conn, buf, text.len, &n), OK);
	assert_true(slice_eq(slice_from(buf, n), text));
}

static void what_is_sealed_leaves_with_what_is_written_next_or_flushed(void **state)
{
	struct fixture *fixture = *state;
	char buf[100];
	size_t n;

	establish(fixture);
	assert_int_equal(tls_conn_seal(fixture->client_conn, SLICE("ACK"), &n), OK);
	assert_int_equal(n, 3);
	assert_true(tls_conn_holds(fixture->client_conn));
	assert_int_equal(tls_conn_read(fixture->server_conn, buf, sizeof(buf), &n), ERR_AGAIN);
	assert_int_equal(tls_conn_write(fixture->client_conn, SLICE("BYE"), &n), OK);
	assert_false(tls_conn_holds(fixture->client_conn));
	hears(fixture->server_conn, SLICE("ACK"));
	assert_true(tls_conn_has_pending(fixture->server_conn)); /* it was one packet */
	hears(fixture->server_conn, SLICE("BYE"));

	assert_int_equal(tls_conn_seal(fixture->server_conn, SLICE("200"), &n), OK);
	assert_int_equal(tls_conn_flush(fixture->server_conn), OK);
	assert_false(tls_conn_holds(fixture->server_conn));
	hears(fixture->client_conn, SLICE("200"));
}

static void what_is_sealed_leaves_before_the_end_is_told(void **state)
{
	struct fixture *fixture = *state;
	char buf[100];
	size_t n;

	establish(fixture);
	assert_int_equal(tls_conn_seal(fixture->client_conn, SLICE("BYE"), &n), OK);
	tls_conn_shutdown(fixture->client_conn);
	hears(fixture->server_conn, SLICE("BYE"));
	assert_int_equal(tls_conn_read(fixture->server_conn, buf, sizeof(buf), &n), ERR_CLOSED);
}

static void a_proper_end_is_told(void **state)
{
	struct fixture *fixture = *state;
	char buf[10];
	size_t n;

	establish(fixture);
	tls_conn_shutdown(fixture->client_conn);
	assert_int_equal(tls_conn_read(fixture->server_conn, buf, sizeof(buf), &n), ERR_CLOSED);
	assert_int_equal(tls_conn_write(fixture->client_conn, SLICE("x"), &n), ERR_CLOSED);
}

static void an_end_without_a_word_is_told_too(void **state)
{
	struct fixture *fixture = *state;
	char buf[10];
	size_t n;

	establish(fixture);
	socket_close(fixture->fds[1]);
	fixture->fds[1] = -1;
	assert_int_equal(tls_conn_read(fixture->server_conn, buf, sizeof(buf), &n), ERR_CLOSED);
}

static void a_record_that_was_changed_on_the_way_ends_it(void **state)
{
	struct fixture *fixture = *state;
	char buf[100];
	ssize_t len;
	size_t n;

	establish(fixture);
	assert_int_equal(tls_conn_write(fixture->client_conn, SLICE("BYE"), &n), OK);
	len = read(fixture->fds[0], buf, sizeof(buf));
	assert_true(len > 10);
	buf[len - 1] ^= 1;
	assert_int_equal(write(fixture->fds[1], buf, (size_t)len), len);
	assert_int_equal(tls_conn_read(fixture->server_conn, buf, sizeof(buf), &n), ERR_IO);
	assert_int_equal(tls_conn_read(fixture->server_conn, buf, sizeof(buf), &n), ERR_CLOSED);
}

static void connections_outlive_their_context(void **state)
{
	struct fixture *fixture = *state;
	struct tls_context *old = fixture->server;
	enum err server;

	serve_name(fixture, "b.example", NOW);
	trust(fixture, fixture->ca);
	accept_conn(fixture);
	connect_conn(fixture, "b.example");
	fixture->server = tls_server_new(fixture->crypto);
	tls_context_free(old);
	assert_int_equal(shake_hands(fixture, NOW, &server), OK);
	assert_int_equal(server, OK);
}

/* ---- what comes instead of a handshake ---- */

static const struct {
	const char *label, *sent;
	const char *code, *found;
} first_cases[] = {
	{ "SIP", "OPTIONS sip:b.example SIP/2.0\r\n", "tls.plain-text", "OPTIONS sip:b.example SI" },
	{ "HTTP", "GET / HTTP/1.1\r\n", "tls.plain-text", "GET / HTTP/1.1\r\n" },
	{ "one byte", "\r", "tls.plain-text", "\r" },
	{ "a broken record", "\x16\x03\x01\xff\xff\x01", "tls.failed", NULL },
	{ "a broken hello", "\x16\x03\x01\x01\x05\x02\x02\x02\x02\x02", "tls.failed", NULL },
};

static void explains_what_is_no_tls(void **state)
{
	for (size_t i = 0; i < sizeof(first_cases) / sizeof(first_cases[0]); i++) {
		struct slice sent = slice_of(first_cases[i].sent);
		struct fixture *fixture;
		enum err err;

		set_up((void **)&fixture);
		serve_name(fixture, "b.example", NOW);
		accept_conn(fixture);
		assert_int_equal(write(fixture->fds[1], sent.ptr, sent.len), sent.len);
		err = tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict);
		if (err == ERR_AGAIN) { /* it waits for the rest */
			char rest[300] = { 0 };

			assert_int_equal(write(fixture->fds[1], rest, sizeof(rest)), sizeof(rest));
			err = tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict);
		}
		assert_int_equal(err, ERR_DENIED);
		assert_code(first_cases[i].label, &fixture->server_verdict, first_cases[i].code);
		if (first_cases[i].found)
			assert_true(slice_eq(verdict_text(&fixture->server_verdict.found),
					     slice_of(first_cases[i].found)));
		tear_down((void **)&fixture);
	}
}

static void a_client_notices_a_server_without_tls(void **state)
{
	struct fixture *fixture = *state;

	connect_conn(fixture, "b.example");
	assert_int_equal(tls_conn_handshake(fixture->client_conn, now, &fixture->client_verdict), ERR_AGAIN);
	assert_int_equal(write(fixture->fds[0], "SIP/2.0 400", 11), 11);
	assert_int_equal(tls_conn_handshake(fixture->client_conn, now, &fixture->client_verdict), ERR_DENIED);
	assert_says(&fixture->client_verdict,
		    "the peer does not speak TLS, it begins with SIP/2.0 400 (RFC 3261 §26.2.1)");
}

/* Behind a first byte that could be TLS. */
static void so_does_openssl_when_only_the_first_byte_is_right(void **state)
{
	struct verdict verdict = { 0 };

	connect_conn(*state, "b.example"); /* with which OpenSSL learns its own words */
	tls_explain_handshake(ERR_PACK(ERR_LIB_SSL, 0, SSL_R_WRONG_VERSION_NUMBER), &verdict);
	assert_code("later", &verdict, "tls.plain-text");
	assert_says(&verdict, "the peer does not speak TLS: wrong version number (RFC 3261 §26.2.1)");
}

static void a_silent_peer_and_a_slow_one_time_out(void **state)
{
	struct fixture *fixture = *state;

	serve_name(fixture, "b.example", NOW);
	accept_conn(fixture);
	assert_int_equal(tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict), ERR_AGAIN);
	assert_int_equal(tls_conn_wants(fixture->server_conn), NET_READABLE);
	tls_conn_timed_out(fixture->server_conn, &fixture->server_verdict);
	assert_says(&fixture->server_verdict, "the peer has connected, but said nothing in time");

	assert_int_equal(write(fixture->fds[1], "\x16\x03\x01", 3), 3);
	assert_int_equal(tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict), ERR_AGAIN);
	tls_conn_timed_out(fixture->server_conn, &fixture->server_verdict);
	assert_says(&fixture->server_verdict, "the peer has not ended the TLS handshake in time");
}

static void a_peer_that_leaves_is_not_a_mystery(void **state)
{
	struct fixture *fixture = *state;

	serve_name(fixture, "b.example", NOW);
	accept_conn(fixture);
	assert_int_equal(write(fixture->fds[1], "\x16\x03\x01", 3), 3);
	assert_int_equal(tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict), ERR_AGAIN);
	socket_close(fixture->fds[1]);
	fixture->fds[1] = -1;
	assert_int_equal(tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict), ERR_CLOSED);
	assert_says(&fixture->server_verdict,
		    "the peer has closed the connection in the middle of the handshake");
	tls_conn_free(TAKE(fixture->server_conn));

	accept_conn(fixture);
	assert_int_equal(tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict), ERR_CLOSED);
	assert_says(&fixture->server_verdict, "the peer has closed the connection without a word");
}

/* ---- peers with other ideas, made with OpenSSL alone ---- */

static const struct {
	const char *label, *ciphers; /* with TLS 1.2 at most; NULL: any */
	int max_version;
	const char *code; /* of the server's verdict; NULL if it accepts */
	int key_type;     /* of the certificate that the peer then sees */
} offer_cases[] = {
	{ "TLS 1.3", NULL, TLS1_3_VERSION, NULL, EVP_PKEY_EC },
	{ "TLS 1.2", NULL, TLS1_2_VERSION, NULL, EVP_PKEY_EC },
	{ "TLS 1.1", "ALL:@SECLEVEL=0", TLS1_1_VERSION, "tls.version", 0 },
	{ "only RSA certificates", "ECDHE-RSA-AES128-GCM-SHA256", TLS1_2_VERSION, NULL, EVP_PKEY_RSA },
	{ "CBC", "ECDHE-ECDSA-AES128-SHA256", TLS1_2_VERSION, "tls.no-shared-cipher", 0 },
	{ "RSA key exchange", "AES128-GCM-SHA256", TLS1_2_VERSION, "tls.no-shared-cipher", 0 },
};

static enum err meet(struct fixture *fixture, SSL *peer)
{
	enum err err = ERR_AGAIN;

	for (int i = 0; i < 20; i++) {
		SSL_do_handshake(peer);
		if (err == ERR_AGAIN)
			err = tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict);
	}
	return err;
}

static void accepts_and_refuses_offers(void **state)
{
	struct fixture *fixture = *state;
	AUTO(key) struct key *rsa = rsa_key(fixture->crypto);

	serve_name(fixture, "b.example", NOW);
	serve_name_with(fixture, "b.example", rsa, NOW);
	for (size_t i = 0; i < sizeof(offer_cases) / sizeof(offer_cases[0]); i++) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
		SSL *peer;
		enum err err;

		if (offer_cases[i].ciphers)
			assert_int_equal(SSL_CTX_set_cipher_list(ctx, offer_cases[i].ciphers), 1);
		assert_int_equal(SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION), 1);
		assert_int_equal(SSL_CTX_set_max_proto_version(ctx, offer_cases[i].max_version), 1);
		peer = SSL_new(ctx);
		socket_close(fixture->fds[0]);
		socket_close(fixture->fds[1]);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fixture->fds), 0);
		SSL_set_fd(peer, fixture->fds[1]);
		SSL_set_connect_state(peer);
		accept_conn(fixture);
		err = meet(fixture, peer);
		if (err != (offer_cases[i].code ? ERR_DENIED : OK))
			fail_msg("%s: %s", offer_cases[i].label, err_text(err));
		if (err != OK)
			assert_code(offer_cases[i].label, &fixture->server_verdict, offer_cases[i].code);
		else
			assert_int_equal(
				EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(peer))),
				offer_cases[i].key_type);
		SSL_free(peer);
		SSL_CTX_free(ctx);
		tls_conn_free(TAKE(fixture->server_conn));
	}
}

/* ---- several domains ---- */

static const struct {
	const char *label, *asked, *code;
} sni_cases[] = {
	{ "the first", "a.example", NULL },
	{ "the second", "b.example", NULL },
	{ "one that is not there gets the first", "c.example", "certificate.name-mismatch" },
};

static void shows_the_certificate_that_was_asked_for(void **state)
{
	for (size_t i = 0; i < sizeof(sni_cases) / sizeof(sni_cases[0]); i++) {
		struct fixture *fixture;
		enum err client, server;

		set_up((void **)&fixture);
		serve_name(fixture, "a.example", NOW);
		serve_name(fixture, "b.example", NOW);
		trust(fixture, fixture->ca);
		accept_conn(fixture);
		connect_conn(fixture, sni_cases[i].asked);
		client = shake_hands(fixture, NOW, &server);
		if ((client == OK) != !sni_cases[i].code)
			fail_msg("%s: %s", sni_cases[i].label, err_text(client));
		if (client != OK) {
			assert_code(sni_cases[i].label, &fixture->client_verdict, sni_cases[i].code);
			assert_true(
				slice_eq(verdict_text(&fixture->client_verdict.found), SLICE("a.example")));
		}
		tear_down((void **)&fixture);
	}
}

/* Both certificates name both domains; what was added for a domain is shown to who asks for it. */
static void shows_what_was_added_for_the_domain(void **state)
{
	static const char *const asked[] = { "b.example", "a.example", "c.example" };
	struct fixture *fixture = *state;
	AUTO(certificate) struct certificate *first = NULL;
	AUTO(certificate) struct certificate *second = NULL;
	AUTO(key) struct key *key = NULL;
	AUTO(key) struct key *rsa = rsa_key(fixture->crypto);
	static const struct slice names[] = { SLICE_INIT("a.example"), SLICE_INIT("b.example"),
					      SLICE_INIT("c.example") };
	struct certificate_request request = { .names = names, .n_names = 3, .now = NOW };

	assert_int_equal(key_generate(fixture->crypto, &key), OK);
	request.key = key;
	assert_int_equal(certificate_make(fixture->crypto, &request, issuer_of(fixture), &first), OK);
	request.key = rsa;
	assert_int_equal(certificate_make(fixture->crypto, &request, issuer_of(fixture), &second), OK);
	AUTO(chain) struct chain *first_chain = chain_of(fixture, first);
	AUTO(chain) struct chain *second_chain = chain_of(fixture, second);
	assert_int_equal(tls_server_add_for(fixture->server, SLICE("a.example"), first_chain, key,
					    &fixture->server_verdict),
			 OK);
	assert_int_equal(tls_server_add_for(fixture->server, SLICE("b.example"), second_chain, rsa,
					    &fixture->server_verdict),
			 OK);
	assert_int_equal(tls_server_add_for(fixture->server, SLICE("b.example"), second_chain, rsa,
					    &fixture->server_verdict),
			 ERR_EXISTS);
	trust(fixture, fixture->ca);
	for (size_t i = 0; i < 3; i++) {
		unsigned char shown[CERTIFICATE_FINGERPRINT_SIZE];
		struct tls_facts facts;
		enum err server;

		accept_conn(fixture);
		connect_conn(fixture, asked[i]);
		assert_int_equal(shake_hands(fixture, NOW, &server), OK);
		tls_conn_facts(fixture->client_conn, &facts);
		assert_true(certificate_fingerprint(i == 0 ? second : first, shown));
		assert_memory_equal(facts.fingerprint, shown, sizeof(shown));
		tls_conn_free(TAKE(fixture->client_conn));
		tls_conn_free(TAKE(fixture->server_conn));
	}
}

static void a_certificate_needs_its_key_and_is_added_once(void **state)
{
	struct fixture *fixture = *state;
	AUTO(key) struct key *other = NULL;

	assert_int_equal(key_generate(fixture->crypto, &other), OK);
	assert_int_equal(serve(fixture, fixture->ca, other), ERR_DENIED);
	assert_says(&fixture->server_verdict, "the private key is not that of the certificate CN=test CA");
	assert_int_equal(serve(fixture, fixture->ca, fixture->ca_key), OK);
	assert_int_equal(serve(fixture, fixture->ca, fixture->ca_key), ERR_EXISTS);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(tells_the_facts_of_both_ends, set_up, tear_down),
	cmocka_unit_test_setup_teardown(carries_text_both_ways, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_full_socket_takes_a_part_and_the_rest_later, set_up, tear_down),
	cmocka_unit_test_setup_teardown(what_is_sealed_leaves_with_what_is_written_next_or_flushed, set_up,
					tear_down),
	cmocka_unit_test_setup_teardown(what_is_sealed_leaves_before_the_end_is_told, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_proper_end_is_told, set_up, tear_down),
	cmocka_unit_test_setup_teardown(an_end_without_a_word_is_told_too, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_record_that_was_changed_on_the_way_ends_it, set_up, tear_down),
	cmocka_unit_test_setup_teardown(connections_outlive_their_context, set_up, tear_down),
	cmocka_unit_test(explains_what_is_no_tls),
	cmocka_unit_test_setup_teardown(a_client_notices_a_server_without_tls, set_up, tear_down),
	cmocka_unit_test_setup_teardown(so_does_openssl_when_only_the_first_byte_is_right, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_silent_peer_and_a_slow_one_time_out, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_peer_that_leaves_is_not_a_mystery, set_up, tear_down),
	cmocka_unit_test_setup_teardown(accepts_and_refuses_offers, set_up, tear_down),
	cmocka_unit_test(shows_the_certificate_that_was_asked_for),
	cmocka_unit_test_setup_teardown(shows_what_was_added_for_the_domain, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_certificate_needs_its_key_and_is_added_once, set_up, tear_down),
};

TEST_MAIN(tests)
