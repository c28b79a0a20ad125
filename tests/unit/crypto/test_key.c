#include "crypto/key.h"

#include "keys.h"

#include <openssl/rsa.h>

static void a_generated_key_survives_its_file(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	AUTO(key) struct key *key = NULL;
	AUTO(key) struct key *again = NULL;
	char buf[KEY_PEM_MAX];
	struct writer out = writer_of(buf, sizeof(buf));

	assert_non_null(crypto);
	assert_int_equal(key_generate(crypto, &key), OK);
	assert_int_equal(put_key_pem(&out, key), OK);
	assert_true(slice_starts(writer_text(&out), SLICE("-----BEGIN PRIVATE KEY-----\n")));
	assert_int_equal(key_parse_pem(crypto, writer_text(&out), &again), OK);
	assert_int_equal(EVP_PKEY_eq(key_openssl(key), key_openssl(again)), 1);
}

static void a_file_that_is_too_small_for_the_key_is_an_error(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	AUTO(key) struct key *key = NULL;
	char buf[20];
	struct writer out = writer_of(buf, sizeof(buf));

	assert_non_null(crypto);
	assert_int_equal(key_generate(crypto, &key), OK);
	assert_int_equal(put_key_pem(&out, key), ERR_LIMIT);
}

static const struct {
	const char *label, *type, *group;
	size_t bits;
	bool encrypted;
	enum err err;
} kind_cases[] = {
	{ "P-256", "EC", "P-256", 0, false, OK },
	{ "P-384", "EC", "P-384", 0, false, OK },
	{ "P-224 is too weak", "EC", "P-224", 0, false, ERR_DENIED },
	{ "Ed25519", "ED25519", NULL, 0, false, OK },
	{ "RSA 2048", "RSA", NULL, 2048, false, OK },
	{ "RSA 1024 is too weak", "RSA", NULL, 1024, false, ERR_DENIED },
	{ "X25519 cannot sign", "X25519", NULL, 0, false, ERR_DENIED },
	{ "encrypted", "EC", "P-256", 0, true, ERR_DENIED },
};

static void takes_the_kinds_of_key_that_are_used(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();

	assert_non_null(crypto);
	for (size_t i = 0; i < sizeof(kind_cases) / sizeof(kind_cases[0]); i++) {
		AUTO(key) struct key *key = NULL;
		EVP_PKEY *pkey = pkey_of_kind(crypto, kind_cases[i].type, kind_cases[i].group,
					      kind_cases[i].bits);
		EVP_CIPHER *cipher = EVP_CIPHER_fetch(crypto_libctx(crypto), "AES-128-CBC", NULL);
		BIO *text = BIO_new(BIO_s_mem());
		char *bytes;

		assert_true(PEM_write_bio_PKCS8PrivateKey(text, pkey, kind_cases[i].encrypted ? cipher : NULL,
							  "pass", 4, NULL, NULL) == 1);
		long n = BIO_get_mem_data(text, &bytes);
		enum err err = key_parse_pem(crypto, slice_from(bytes, (size_t)n), &key);

		BIO_free(text);
		EVP_CIPHER_free(cipher);
		EVP_PKEY_free(pkey);
		if (err != kind_cases[i].err)
			fail_msg("%s: %s", kind_cases[i].label, err_text(err));
	}
}

static void what_is_no_key_is_refused(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();
	AUTO(key) struct key *key = NULL;
	static const char large[KEY_PEM_MAX + 1] = "x";

	assert_non_null(crypto);
	assert_int_equal(key_parse_pem(crypto, SLICE(""), &key), ERR_SYNTAX);
	assert_int_equal(
		key_parse_pem(crypto, SLICE("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
			      &key),
		ERR_SYNTAX);
	assert_int_equal(key_parse_pem(crypto, slice_from(large, sizeof(large)), &key), ERR_LIMIT);
	assert_null(key);
}

/* In this order: what is kept of one signature must not be taken for another kind of the next. */
static const struct {
	const char *label, *type, *group;
	size_t bits;
	struct {
		enum key_hash hash;
		bool pss, is_made;
	} orders[6];
} orders[] = {
	{ "RSA",
	  "RSA",
	  NULL,
	  2048,
	  { { KEY_SHA256, true, true },
	    { KEY_SHA256, true, true },
	    { KEY_SHA256, false, true },
	    { KEY_HASH_NONE, false, false },
	    { KEY_SHA512, true, true },
	    { KEY_SHA384, true, true } } },
	{ "EC",
	  "EC",
	  "P-256",
	  0,
	  { { KEY_SHA256, false, true },
	    { KEY_SHA256, false, true },
	    { KEY_SHA384, false, true },
	    { KEY_SHA256, true, false },
	    { KEY_HASH_NONE, false, false },
	    { KEY_SHA256, false, true } } },
	{ "Ed25519",
	  "ED25519",
	  NULL,
	  0,
	  { { KEY_HASH_NONE, false, true },
	    { KEY_SHA256, false, false },
	    { KEY_HASH_NONE, true, false },
	    { KEY_HASH_NONE, false, true },
	    { KEY_SHA512, false, false },
	    { KEY_HASH_NONE, false, true } } },
};

static bool is_signature(struct crypto *crypto, const struct key *key, const struct key_order *order,
			 struct slice signature)
{
	static const char *const names[KEY_HASHES] = { "SHA256", "SHA384", "SHA512", NULL };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	bool ok = EVP_DigestVerifyInit_ex(ctx, &pctx, names[order->hash], crypto_libctx(crypto), NULL,
					  key_openssl(key), NULL) == 1 &&
		  (!order->pss || (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
				   EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
		  EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
				   (const unsigned char *)order->text.ptr, order->text.len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static void signs_again_and_again_as_it_is_asked(void **state)
{
	AUTO(crypto) struct crypto *crypto = crypto_new();

	assert_non_null(crypto);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		AUTO(key)
		struct key *key = key_of_kind(crypto, orders[i].type, orders[i].group, orders[i].bits);

		for (size_t j = 0; j < 6; j++) {
			const struct key_order order = { .hash = orders[i].orders[j].hash,
							 .pss = orders[i].orders[j].pss,
							 .text = SLICE("what is to be signed") };
			unsigned char signature[KEY_SIGNATURE_MAX];
			size_t len = sizeof(signature);
			bool is_made = key_sign(crypto, key, &order, signature, &len);

			if (is_made != orders[i].orders[j].is_made ||
			    (is_made && !is_signature(crypto, key, &order, slice_from(signature, len))))
				fail_msg("%s, order %zu", orders[i].label, j);
		}
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(signs_again_and_again_as_it_is_asked),
	cmocka_unit_test(a_generated_key_survives_its_file),
	cmocka_unit_test(a_file_that_is_too_small_for_the_key_is_an_error),
	cmocka_unit_test(takes_the_kinds_of_key_that_are_used),
	cmocka_unit_test(what_is_no_key_is_refused),
};

TEST_MAIN(tests)
