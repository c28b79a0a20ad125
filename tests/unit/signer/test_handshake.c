/* Handshakes with keys that are somewhere else, of every kind and in both versions, and what is asked for meanwhile. */
#include "../tls/fixture.h"

#include "signer/order.h"

static const struct now now = { .mono = 1, .wall = NOW };

/* The somewhere else. */
struct elsewhere {
	struct crypto *crypto;
	struct key *key;
	bool is_broken;
	unsigned n_asked, n_together; /* signatures, and how often for one or several */
};

static void sign_one(struct elsewhere *elsewhere, struct key_wish *wish)
{
	unsigned char id[KEY_ID_SIZE];

	assert_true(order_is_handshake(wish->order.text));
	assert_true(key_id(elsewhere->key, id));
	assert_memory_equal(id, wish->order.key, sizeof(id));
	assert_int_equal(wish->len, 0);
	wish->len = sizeof(wish->signature);
	if (elsewhere->is_broken ||
	    !key_sign(elsewhere->crypto, elsewhere->key, &wish->order, wish->signature, &wish->len))
		wish->len = 0;
}

static void sign(void *self, struct key_wish *const wishes[], size_t n)
{
	struct elsewhere *elsewhere = self;

	assert_true(n > 0 && n <= KEY_WISHES_MAX);
	elsewhere->n_asked += (unsigned)n;
	elsewhere->n_together++;
	for (size_t i = 0; i < n; i++)
		sign_one(elsewhere, wishes[i]);
}

static const struct {
	const char *kind, *group;
	size_t bits;
	int version;
	const char *sigalgs;
} handshakes[] = {
	{ "EC", "P-256", 0, TLS1_3_VERSION, NULL },
	{ "EC", "P-256", 0, TLS1_2_VERSION, NULL },
	{ "EC", "P-256", 0, TLS1_2_VERSION, "ECDSA+SHA512" },
	{ "EC", "P-384", 0, TLS1_3_VERSION, NULL },
	{ "RSA", NULL, 2048, TLS1_3_VERSION, "rsa_pss_rsae_sha256" },
	{ "RSA", NULL, 2048, TLS1_3_VERSION, "rsa_pss_rsae_sha512" },
	{ "RSA", NULL, 2048, TLS1_2_VERSION, "RSA+SHA256" },
	{ "RSA", NULL, 2048, TLS1_2_VERSION, "rsa_pss_rsae_sha384" },
	{ "ED25519", NULL, 0, TLS1_3_VERSION, NULL },
	{ "ED25519", NULL, 0, TLS1_2_VERSION, NULL },
};

/* A server whose key is elsewhere. */
static void serve_from(struct fixture *fixture, struct elsewhere *elsewhere, const struct key_signer *signer)
{
	AUTO(certificate) struct certificate *leaf = NULL;
	AUTO(key) struct key *remote = NULL;
	struct slice name = SLICE("b.example");
	struct certificate_request request = { elsewhere->key, &name, 1, NOW };

	assert_int_equal(certificate_make(fixture->crypto, &request, issuer_of(fixture), &leaf), OK);
	assert_int_equal(key_remote(fixture->crypto, leaf, signer, &remote), OK);
	assert_true(certificate_has_key(leaf, remote));
	assert_false(certificate_has_key(fixture->ca, remote));
	assert_int_equal(serve(fixture, leaf, remote), OK);
}

static enum err meet(struct fixture *fixture, size_t which)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	enum err err = ERR_AGAIN;
	SSL *peer;

	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, handshakes[which].version), 1);
	if (handshakes[which].sigalgs)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(ctx, handshakes[which].sigalgs), 1);
	peer = SSL_new(ctx);
	SSL_set_fd(peer, fixture->fds[1]);
	SSL_set_connect_state(peer);
	accept_conn(fixture);
	for (int i = 0; i < 20; i++) {
		SSL_do_handshake(peer);
		if (err == ERR_AGAIN)
			err = tls_conn_handshake(fixture->server_conn, now, &fixture->server_verdict);
	}
	SSL_free(peer);
	SSL_CTX_free(ctx);
	return err;
}

static void every_kind_of_key_signs_from_elsewhere(void **state)
{
	for (size_t i = 0; i < sizeof(handshakes) / sizeof(handshakes[0]); i++) {
		struct elsewhere elsewhere = { .n_asked = 0 };
		struct key_signer signer = { &elsewhere, sign };
		struct fixture *fixture;

		/* With each allocation failing in turn all is done 200 times, and an RSA key takes long to make. */
		if (harness_fails_allocations() && handshakes[i].bits)
			continue;
		elsewhere.crypto = crypto_new();
		print_message("# %s %x %s\n", handshakes[i].kind, (unsigned)handshakes[i].version,
			      handshakes[i].sigalgs ? handshakes[i].sigalgs : "");
		set_up((void **)&fixture);
		assert_non_null(elsewhere.crypto);
		elsewhere.key = key_of_kind(fixture->crypto, handshakes[i].kind, handshakes[i].group,
					    handshakes[i].bits);
		serve_from(fixture, &elsewhere, &signer);
		assert_int_equal(meet(fixture, i), OK);
		assert_int_equal(elsewhere.n_asked, 1);
		tear_down((void **)&fixture);
		key_free(elsewhere.key);
		crypto_free(elsewhere.crypto);
	}
}

static void a_signer_that_is_gone_fails_the_handshake(void **state)
{
	struct fixture *fixture = *state;
	struct elsewhere elsewhere = { .crypto = fixture->crypto, .is_broken = true };
	struct key_signer signer = { &elsewhere, sign };

	assert_int_equal(key_generate(fixture->crypto, &elsewhere.key), OK);
	serve_from(fixture, &elsewhere, &signer);
	assert_int_equal(meet(fixture, 0), ERR_DENIED);
	assert_int_equal(elsewhere.n_asked, 1);
	key_free(elsewhere.key);
}

static void a_remote_key_cannot_be_taken_apart(void **state)
{
	struct fixture *fixture = *state;
	struct elsewhere elsewhere = { .crypto = fixture->crypto };
	struct key_signer signer = { &elsewhere, sign };
	AUTO(key) struct key *remote = NULL;
	char buf[8192];
	struct writer out = writer_of(buf, sizeof(buf));

	assert_int_equal(key_remote(fixture->crypto, fixture->ca, &signer, &remote), OK);
	assert_int_equal(put_key_pem(&out, remote), ERR_NOMEM);
	assert_int_equal(out.len, 0);
}

/* ---- several handshakes at a time ---- */

enum { MANY = KEY_WISHES_MAX + 2 };

struct visitor {
	int fds[2];
	struct tls_conn *conn; /* the server's */
	SSL *peer;
};

struct crowd {
	struct fixture *fixture;
	struct elsewhere elsewhere;
	struct key_signer signer;
	SSL_CTX *ctx; /* of the peers */
	struct visitor visitors[MANY];
	size_t n;
};

static int set_up_crowd(void **state)
{
	static struct crowd crowd;

	crowd = (struct crowd){ .signer = { &crowd.elsewhere, sign } };
	*state = &crowd;
	set_up((void **)&crowd.fixture);
	crowd.elsewhere.crypto = crypto_new();
	assert_non_null(crowd.elsewhere.crypto);
	assert_int_equal(key_generate(crowd.elsewhere.crypto, &crowd.elsewhere.key), OK);
	serve_from(crowd.fixture, &crowd.elsewhere, &crowd.signer);
	assert_int_equal(tls_server_sign_together(crowd.fixture->server), OK);
	crowd.ctx = SSL_CTX_new(TLS_client_method());
	assert_non_null(crowd.ctx);
	return 0;
}

static int tear_down_crowd(void **state)
{
	struct crowd *crowd = *state;

	for (size_t i = 0; i < crowd->n; i++) {
		tls_conn_free(crowd->visitors[i].conn);
		SSL_free(crowd->visitors[i].peer);
		socket_close(crowd->visitors[i].fds[0]);
		socket_close(crowd->visitors[i].fds[1]);
	}
	SSL_CTX_free(crowd->ctx);
	tear_down((void **)&crowd->fixture);
	key_free(crowd->elsewhere.key);
	crypto_free(crowd->elsewhere.crypto);
	return 0;
}

/* Has said its ClientHello, and the server has heard it. */
static void welcome(struct crowd *crowd, enum err expected)
{
	struct visitor *visitor = &crowd->visitors[crowd->n++];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, visitor->fds), 0);
	assert_int_equal(tls_conn_new(crowd->fixture->server, visitor->fds[0], SLICE(""), &visitor->conn),
			 OK);
	visitor->peer = SSL_new(crowd->ctx);
	assert_non_null(visitor->peer);
	SSL_set_fd(visitor->peer, visitor->fds[1]);
	SSL_set_connect_state(visitor->peer);
	SSL_do_handshake(visitor->peer);
	assert_int_equal(tls_conn_handshake(visitor->conn, now, &crowd->fixture->server_verdict), expected);
}

static void go_on(struct crowd *crowd, enum err expected)
{
	for (size_t i = 0; i < crowd->n; i++)
		assert_int_equal(
			tls_conn_handshake(crowd->visitors[i].conn, now, &crowd->fixture->server_verdict),
			expected);
}

static void say_more(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->n; i++)
		SSL_do_handshake(crowd->visitors[i].peer);
}

static void meet_all(struct crowd *crowd, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		welcome(crowd, ERR_AGAIN);
		assert_int_equal(tls_conn_wants(crowd->visitors[i].conn), 0);
	}
	assert_int_equal(crowd->elsewhere.n_asked, 0);
	key_sign_waiting(crowd->fixture->crypto);
	assert_int_equal(crowd->elsewhere.n_asked, n);
	go_on(crowd, ERR_AGAIN);
	say_more(crowd);
	go_on(crowd, OK);
	say_more(crowd);
	for (size_t i = 0; i < n; i++)
		assert_true(SSL_is_init_finished(crowd->visitors[i].peer));
	assert_int_equal(crowd->elsewhere.n_asked, n);
}

static void what_waits_is_signed_together(void **state)
{
	struct crowd *crowd = *state;

	if (harness_fails_allocations()) {
		meet_all(crowd, 2);
		return;
	}
	meet_all(crowd, MANY);
	assert_int_equal(crowd->elsewhere.n_together, 2); /* KEY_WISHES_MAX, and the rest */
}

static void tls_1_2_waits_as_well(void **state)
{
	struct crowd *crowd = *state;

	assert_int_equal(SSL_CTX_set_max_proto_version(crowd->ctx, TLS1_2_VERSION), 1);
	meet_all(crowd, 2);
	assert_int_equal(crowd->elsewhere.n_together, 1);
}

static void without_signatures_all_of_them_fail(void **state)
{
	struct crowd *crowd = *state;

	crowd->elsewhere.is_broken = true;
	for (int i = 0; i < 3; i++)
		welcome(crowd, ERR_AGAIN);
	key_sign_waiting(crowd->fixture->crypto);
	go_on(crowd, ERR_DENIED);
	assert_int_equal(crowd->elsewhere.n_asked, 3);
}

static void what_is_given_up_is_not_signed(void **state)
{
	struct crowd *crowd = *state;
	struct visitor *first = &crowd->visitors[0];

	for (int i = 0; i < 3; i++)
		welcome(crowd, ERR_AGAIN);
	tls_conn_free(TAKE(first->conn));
	assert_int_equal(tls_conn_handshake(crowd->visitors[1].conn, now, &crowd->fixture->server_verdict),
			 ERR_DENIED);
	key_sign_waiting(crowd->fixture->crypto);
	assert_int_equal(crowd->elsewhere.n_asked, 1);
	assert_int_equal(tls_conn_handshake(crowd->visitors[2].conn, now, &crowd->fixture->server_verdict),
			 ERR_AGAIN);
	key_sign_waiting(crowd->fixture->crypto);
	assert_int_equal(crowd->elsewhere.n_asked, 1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_kind_of_key_signs_from_elsewhere),
	cmocka_unit_test_setup_teardown(a_signer_that_is_gone_fails_the_handshake, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_remote_key_cannot_be_taken_apart, set_up, tear_down),
	cmocka_unit_test_setup_teardown(what_waits_is_signed_together, set_up_crowd, tear_down_crowd),
	cmocka_unit_test_setup_teardown(tls_1_2_waits_as_well, set_up_crowd, tear_down_crowd),
	cmocka_unit_test_setup_teardown(without_signatures_all_of_them_fail, set_up_crowd, tear_down_crowd),
	cmocka_unit_test_setup_teardown(what_is_given_up_is_not_signed, set_up_crowd, tear_down_crowd),
};
TEST_MAIN(tests)
