#include "crypto/bundle.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>

#include "base/mem.h"
#include "crypto/private.h"

enum { SALT_SIZE = 16, IV_SIZE = 16 };

/* 16 MB and a twentieth of a second; the library refuses to read what takes more than 32 MB. */
#define SCRYPT_N 16384
#define SCRYPT_R 8
#define SCRYPT_P 1

/* -- what can be wrong ------------------------------------------------------------------------------------------- */

static const struct verdict too_large = {
	.code = "bundle.too-large",
	.what = "it is larger than a key with its certificates can be",
	.section = "RFC 7292 §4",
	.remedy = "name a PKCS #12 or PEM file with one key, its certificate and those of its issuers",
};
static const struct verdict nothing_known = {
	.code = "bundle.unknown",
	.what = "it is neither PKCS #12 nor PEM with a private key",
	.section = "RFC 7292 §4",
	.remedy = "name a PKCS #12 or PEM file with one key, its certificate and those of its issuers",
};
static const struct verdict not_opened = {
	.code = "bundle.not-opened",
	.what = "the passphrase is not the right one, or it is encrypted in a way that is not used any more",
	.section = "RFC 8018 §6.2",
	.remedy =
		"try again; if the passphrase is right, have it written anew: openssl pkcs12 -legacy -in OLD -nodes | "
		"openssl pkcs12 -export -out NEW",
};
static const struct verdict bad_key = {
	.code = "bundle.key",
	.what = "the key is of a kind or strength that is not used",
	.section = "RFC 8551 §4",
	.remedy = "get a certificate for an EC key on P-256 or P-384, or an RSA key from 2048 bits",
};
static const struct verdict no_certificate = {
	.code = "bundle.no-certificate",
	.what = "there is no certificate of the key in it",
	.section = "RFC 7292 §4.2.3",
	.remedy = "put the certificate and those of its issuers into the same file",
};

static enum err deny(struct verdict *verdict, const struct verdict *why)
{
	*verdict = *why;
	return ERR_DENIED;
}

/* -- a key with a passphrase over it ----------------------------------------------------------------------------- */

struct asked {
	struct slice passphrase;
	bool is_asked;
};

/* Called for an encrypted key only. */
static int give_passphrase(char *buf, int size, int writing, void *arg)
{
	struct asked *asked = arg;

	(void)writing;
	asked->is_asked = true;
	if (!asked->passphrase.ptr || asked->passphrase.len > (size_t)size)
		return -1;
	memcpy(buf, asked->passphrase.ptr, asked->passphrase.len);
	return (int)asked->passphrase.len;
}

enum err key_parse_locked(struct crypto *crypto, struct slice pem, struct slice passphrase,
			  struct key **ret_key)
{
	struct asked asked = { .passphrase = passphrase };
	EVP_PKEY *pkey;
	BIO *in;

	if (pem.len > BUNDLE_MAX)
		return ERR_LIMIT;
	in = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);
	if (!in)
		return ERR_NOMEM;
	pkey = PEM_read_bio_PrivateKey_ex(in, NULL, give_passphrase, &asked, crypto->lib, NULL);
	BIO_free(in);
	ERR_clear_error();
	if (!pkey)
		return asked.is_asked && !passphrase.ptr ? ERR_AGAIN : ERR_SYNTAX;
	return key_take(pkey, ret_key);
}

/* The salt is ours, so that it comes from the generator of this library context. */
static X509_ALGOR *make_scheme(struct crypto *crypto)
{
	unsigned char salt[SALT_SIZE], iv[IV_SIZE];

	if (RAND_bytes_ex(crypto->lib, salt, sizeof(salt), 0) != 1 ||
	    RAND_bytes_ex(crypto->lib, iv, sizeof(iv), 0) != 1)
		return NULL;
	return PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), iv, SCRYPT_N, SCRYPT_R, SCRYPT_P);
}

static X509_SIG *lock(struct crypto *crypto, const struct key *key, struct slice passphrase)
{
	PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key->pkey);
	X509_ALGOR *scheme = plain ? make_scheme(crypto) : NULL;
	X509_SIG *locked = NULL;

	if (scheme)
		locked = PKCS8_set0_pbe_ex(passphrase.ptr, (int)passphrase.len, plain, scheme, crypto->lib,
					   NULL);
	if (!locked)
		X509_ALGOR_free(scheme);
	PKCS8_PRIV_KEY_INFO_free(plain);
	return locked;
}

enum err put_key_locked(struct writer *out, struct crypto *crypto, const struct key *key,
			struct slice passphrase)
{
	X509_SIG *locked = passphrase.len <= PASSPHRASE_MAX ? lock(crypto, key, passphrase) : NULL;
	BIO *text = locked ? BIO_new(BIO_s_mem()) : NULL;
	enum err err = passphrase.len <= PASSPHRASE_MAX ? ERR_NOMEM : ERR_LIMIT;
	char *bytes;

	if (text && PEM_write_bio_PKCS8(text, locked) == 1) {
		long n = BIO_get_mem_data(text, &bytes);

		put(out, slice_from(bytes, (size_t)n));
		err = out->overflow ? ERR_LIMIT : OK;
	}
	BIO_free(text);
	X509_SIG_free(locked);
	ERR_clear_error();
	return err;
}

/* -- a key with its certificates --------------------------------------------------------------------------------- */

void bundle_fini(struct bundle *bundle)
{
	key_free(bundle->key);
	chain_free(bundle->chain);
	*bundle = (struct bundle){ NULL, NULL };
}

/* The one that is the key's becomes the first. */
static enum err put_own_first(const struct bundle *bundle, struct verdict *ret_verdict)
{
	struct chain *chain = bundle->chain;

	for (size_t i = 0; i < chain->n; i++) {
		struct certificate own = chain->at[i];

		if (!certificate_has_key(&own, bundle->key))
			continue;
		memmove(&chain->at[1], &chain->at[0], i * sizeof(chain->at[0]));
		chain->at[0] = own;
		return OK;
	}
	return deny(ret_verdict, &no_certificate);
}

static enum err parse_pem(struct crypto *crypto, struct slice pem, struct slice passphrase,
			  struct bundle *bundle, struct verdict *ret_verdict)
{
	enum err err = key_parse_locked(crypto, pem, passphrase, &bundle->key);

	if (err == ERR_DENIED)
		return deny(ret_verdict, &bad_key);
	if (err == ERR_SYNTAX)
		return deny(ret_verdict, slice_find_text(pem, SLICE("ENCRYPTED")) < pem.len ? &not_opened
											    : &nothing_known);
	TRY(err);
	err = chain_parse_pem(crypto, pem, &bundle->chain);
	return err == OK || err == ERR_NOMEM ? err : deny(ret_verdict, &no_certificate);
}

/* Takes over the certificates. */
static enum err take_certificates(X509 *own, STACK_OF(X509) * others, struct chain **ret_chain)
{
	AUTO(chain) struct chain *chain = mem_new(struct chain);
	enum err err = chain ? OK : ERR_NOMEM;

	if (own && err == OK)
		err = chain_add(chain, own);
	else
		X509_free(own);
	while (sk_X509_num(others) > 0) {
		X509 *one = sk_X509_shift(others);

		if (err == OK)
			err = chain_add(chain, one);
		else
			X509_free(one);
	}
	sk_X509_free(others);
	if (err == OK)
		*ret_chain = TAKE(chain);
	return err;
}

/* Some write no passphrase as an empty one, and some as none at all: without one, PKCS12_parse() tries both. */
static enum err open_pkcs12(PKCS12 *pkcs12, struct slice passphrase, struct bundle *bundle,
			    struct verdict *ret_verdict)
{
	char text[PASSPHRASE_MAX + 1];
	STACK_OF(X509) *others = NULL;
	EVP_PKEY *pkey = NULL;
	X509 *own = NULL;
	int ok;

	if (passphrase.len > PASSPHRASE_MAX)
		return deny(ret_verdict, &not_opened);
	memcpy(text, passphrase.ptr ? passphrase.ptr : "", passphrase.len);
	text[passphrase.len] = '\0';
	ok = PKCS12_parse(pkcs12, passphrase.ptr ? text : NULL, &pkey, &own, &others);
	mem_wipe(text, sizeof(text));
	if (ok != 1)
		return passphrase.ptr ? deny(ret_verdict, &not_opened) : ERR_AGAIN;
	enum err err = pkey ? key_take(pkey, &bundle->key) : deny(ret_verdict, &nothing_known);
	enum err taken = take_certificates(own, others, &bundle->chain);

	if (err == ERR_DENIED && pkey)
		deny(ret_verdict, &bad_key);
	return err == OK ? taken : err;
}

static enum err parse_pkcs12(struct crypto *crypto, struct slice der, struct slice passphrase,
			     struct bundle *bundle, struct verdict *ret_verdict)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	PKCS12 *pkcs12 = PKCS12_init_ex(NID_pkcs7_data, crypto->lib, NULL);
	enum err err;

	if (!pkcs12)
		return ERR_NOMEM;
	/* On failure d2i frees the object that it was given. */
	if (!d2i_PKCS12(&pkcs12, &at, (long)der.len))
		return deny(ret_verdict, &nothing_known);
	err = open_pkcs12(pkcs12, passphrase, bundle, ret_verdict);
	PKCS12_free(pkcs12);
	return err;
}

enum err bundle_parse(struct crypto *crypto, struct slice bytes, struct slice passphrase,
		      struct bundle *ret_bundle, struct verdict *ret_verdict)
{
	struct bundle bundle = { NULL, NULL };
	enum err err;

	if (bytes.len > BUNDLE_MAX)
		return deny(ret_verdict, &too_large);
	if (slice_find_text(bytes, SLICE("-----BEGIN ")) < bytes.len)
		err = parse_pem(crypto, bytes, passphrase, &bundle, ret_verdict);
	else
		err = parse_pkcs12(crypto, bytes, passphrase, &bundle, ret_verdict);
	ERR_clear_error();
	if (err == OK)
		err = put_own_first(&bundle, ret_verdict);
	if (err != OK)
		bundle_fini(&bundle);
	else
		*ret_bundle = bundle;
	return err;
}
