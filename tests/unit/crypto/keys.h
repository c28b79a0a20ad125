/* Private keys of the kinds that a file may hold, and that nothing of ours makes. */
#pragma once

#include "harness.h"

#include <openssl/pem.h>

#include "crypto/openssl.h"

/* group: a curve of "EC", or NULL; bits: of "RSA", or 0. */
static inline EVP_PKEY *pkey_of_kind(struct crypto *crypto, const char *type, const char *group, size_t bits)
{
	if (group)
		return EVP_PKEY_Q_keygen(crypto_libctx(crypto), NULL, type, group);
	if (bits)
		return EVP_PKEY_Q_keygen(crypto_libctx(crypto), NULL, type, bits);
	return EVP_PKEY_Q_keygen(crypto_libctx(crypto), NULL, type);
}

/* The same, read as from a file. */
static inline struct key *key_of_kind(struct crypto *crypto, const char *type, const char *group, size_t bits)
{
	EVP_PKEY *pkey = pkey_of_kind(crypto, type, group, bits);
	BIO *text = BIO_new(BIO_s_mem());
	struct key *key = NULL;
	enum err err;
	char *bytes;

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(text, pkey, NULL, NULL, 0, NULL, NULL), 1);
	long n = BIO_get_mem_data(text, &bytes);

	err = key_parse_pem(crypto, slice_from(bytes, (size_t)n), &key);
	BIO_free(text);
	EVP_PKEY_free(pkey);
	assert_int_equal(err, OK);
	return key;
}

static inline struct key *rsa_key(struct crypto *crypto)
{
	return key_of_kind(crypto, "RSA", NULL, 2048);
}
