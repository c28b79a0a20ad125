/* Handshakes with keys that are somewhere else, of every kind and in both versions, and what is asked for meanwhile. */
#include "../tls/fixture.h"

#include "signer/order.h"

/* The somewhere else. */
struct elsewhere {
	struct crypto *crypto;
	struct key *key;
	bool is_broken;
	unsigned n_asked;
};

static bool sign(void *self, const struct key_order *order, void *ret_signature, size_t *len)
{
	struct elsewhere *elsewhere = self;
	unsigned char id[KEY_ID_SIZE];

	elsewhere->n_asked++;
	assert_true(order_is_handshake(order->text));
	assert_true(key_id(elsewhere->key, id));
	assert_memory_equal(id, order->key, sizeof(id));
	return !elsewhere->is_broken &&
	       key_sign(elsewhere->crypto, elsewhere->key, order, ret_signature, len);
}

static struct key *new_key(struct fixture *fixture, const char *kind, size_t bits)
{
	EVP_PKEY *pkey = bits ? EVP_PKEY_Q_keygen(crypto_libctx(fixture->crypto), NULL, kind, bits)
			 : kind[0] == 'P'
				 ? EVP_PKEY_Q_keygen(crypto_libctx(fixture->crypto), NULL, "EC", kind)
				 : EVP_PKEY_Q_keygen(crypto_libctx(fixture->crypto), NULL, kind);
	BIO *text = BIO_new(BIO_s_mem());
	struct key *key = NULL;
	char *bytes;

	assert_int_equal(PEM_write_bio_PrivateKey(text, pkey, NULL, NULL, 0, NULL, NULL), 1);
	long n = BIO_get_mem_data(text, &bytes);

	assert_int_equal(key_parse_pem(fixture->crypto, slice_from(bytes, (size_t)n), &key), OK);
	BIO_free(text);
	EVP_PKEY_free(pkey);
	return key;
}

static const struct {
	const char *kind;
	size_t bits;
	int version;
	const char *sigalgs;
} handshakes[] = {
	{ "P-256", 0, TLS1_3_VERSION, NULL },
	{ "P-256", 0, TLS1_2_VERSION, NULL },
	{ "P-256", 0, TLS1_2_VERSION, "ECDSA+SHA512" },
	{ "P-384", 0, TLS1_3_VERSION, NULL },
	{ "RSA", 2048, TLS1_3_VERSION, "rsa_pss_rsae_sha256" },
	{ "RSA", 2048, TLS1_3_VERSION, "rsa_pss_rsae_sha512" },
	{ "RSA", 2048, TLS1_2_VERSION, "RSA+SHA256" },
	{ "RSA", 2048, TLS1_2_VERSION, "rsa_pss_rsae_sha384" },
	{ "ED25519", 0, TLS1_3_VERSION, NULL },
	{ "ED25519", 0, TLS1_2_VERSION, NULL },
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
	const struct now now = { .mono = 1, .wall = NOW };
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
		elsewhere.key = new_key(fixture, handshakes[i].kind, handshakes[i].bits);
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

	elsewhere.key = new_key(fixture, "P-256", 0);
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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_kind_of_key_signs_from_elsewhere),
	cmocka_unit_test_setup_teardown(a_signer_that_is_gone_fails_the_handshake, set_up, tear_down),
	cmocka_unit_test_setup_teardown(a_remote_key_cannot_be_taken_apart, set_up, tear_down),
};
TEST_MAIN(tests)
