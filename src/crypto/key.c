#include "crypto/key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "crypto/private.h"

#define RSA_BITS_MIN      2048
#define SECURITY_BITS_MIN 112 /* NIST SP 800-57 part 1, table 2; level 2 of OpenSSL's */

enum err key_generate(struct crypto *crypto, struct key **ret_key)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(crypto->lib, NULL, "EC", "P-256");

	return pkey ? key_take(pkey, ret_key) : ERR_NOMEM;
}

/* Called for an encrypted key only. */
static int give_no_passphrase(char *buf, int size, int writing, void *arg)
{
	bool *ret_asked = arg;

	(void)buf;
	(void)size;
	(void)writing;
	*ret_asked = true;
	return -1;
}

bool key_is_strong(const EVP_PKEY *pkey)
{
	bool is_rsa = EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS");

	return is_rsa ? EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN
		      : EVP_PKEY_get_security_bits(pkey) >= SECURITY_BITS_MIN;
}

bool key_is_used_kind(const EVP_PKEY *pkey)
{
	char group[32];
	size_t len;

	if (EVP_PKEY_is_a(pkey, "RSA"))
		return key_is_strong(pkey);
	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return true;
	if (!EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1)
		return false;
	return slice_eq(slice_of(group), SLICE("prime256v1")) ||
	       slice_eq(slice_of(group), SLICE("secp384r1"));
}

enum err key_take(EVP_PKEY *pkey, struct key **ret_key)
{
	bool is_used = key_is_used_kind(pkey);
	struct key *key = is_used ? mem_new(struct key) : NULL;

	if (!key) {
		EVP_PKEY_free(pkey);
		return is_used ? ERR_NOMEM : ERR_DENIED;
	}
	key->pkey = pkey;
	*ret_key = key;
	return OK;
}

enum err key_parse_pem(struct crypto *crypto, struct slice pem, struct key **ret_key)
{
	bool encrypted = false;
	EVP_PKEY *pkey;
	BIO *in;

	if (pem.len > KEY_PEM_MAX)
		return ERR_LIMIT;
	in = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);
	if (!in)
		return ERR_NOMEM;
	pkey = PEM_read_bio_PrivateKey_ex(in, NULL, give_no_passphrase, &encrypted, crypto->lib, NULL);
	BIO_free(in);
	ERR_clear_error();
	if (!pkey)
		return encrypted ? ERR_DENIED : ERR_SYNTAX;
	return key_take(pkey, ret_key);
}

static void forget_signing(struct key *key)
{
	EVP_PKEY_CTX_free(key->signing);
	EVP_MD_free(key->md);
	key->signing = NULL;
	key->md = NULL;
}

void key_free(struct key *key)
{
	if (!key)
		return;
	forget_signing(key);
	EVP_PKEY_free(key->pkey);
	mem_free(key);
}

bool key_public_id(const EVP_PKEY *public_key, unsigned char ret_id[KEY_ID_SIZE])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(public_key, &der);
	/* Of public bytes, and not worth a context: the default one will do. */
	bool ok = len > 0 && EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)len, ret_id, NULL) == 1;

	OPENSSL_free(der);
	return ok;
}

bool key_id(const struct key *key, unsigned char ret_id[KEY_ID_SIZE])
{
	return key_public_id(key->pkey, ret_id);
}

static bool set_up_signing(struct crypto *crypto, struct key *key, const struct key_order *order)
{
	static const char *const names[KEY_HASHES] = {
		[KEY_SHA256] = "SHA256",
		[KEY_SHA384] = "SHA384",
		[KEY_SHA512] = "SHA512",
	};

	key->md = EVP_MD_fetch(crypto->lib, names[order->hash], NULL);
	key->signing = EVP_PKEY_CTX_new_from_pkey(crypto->lib, key->pkey, NULL);
	key->hash = order->hash;
	key->pss = order->pss;
	if (!key->md || !key->signing || EVP_PKEY_sign_init(key->signing) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(key->signing, key->md) != 1)
		return false;
	return !order->pss || (EVP_PKEY_CTX_set_rsa_padding(key->signing, RSA_PKCS1_PSS_PADDING) == 1 &&
			       EVP_PKEY_CTX_set_rsa_pss_saltlen(key->signing, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool sign_hash(struct crypto *crypto, struct key *key, const struct key_order *order,
		      void *ret_signature, size_t *len)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned hash_len;

	if (!key->signing || key->hash != order->hash || key->pss != order->pss) {
		forget_signing(key);
		if (!set_up_signing(crypto, key, order)) {
			forget_signing(key);
			return false;
		}
	}
	return EVP_Digest(order->text.ptr, order->text.len, hash, &hash_len, key->md, NULL) == 1 &&
	       EVP_PKEY_sign(key->signing, ret_signature, len, hash, hash_len) == 1;
}

/* Ed25519, which takes a text and not its hash. */
static bool sign_text(struct crypto *crypto, struct key *key, struct slice text, void *ret_signature,
		      size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestSignInit_ex(ctx, NULL, NULL, crypto->lib, NULL, key->pkey, NULL) == 1 &&
		  EVP_DigestSign(ctx, ret_signature, len, (const unsigned char *)text.ptr, text.len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

bool key_sign(struct crypto *crypto, struct key *key, const struct key_order *order, void *ret_signature,
	      size_t *len)
{
	bool hashes_itself = EVP_PKEY_is_a(key->pkey, "ED25519");
	bool ok = hashes_itself == (order->hash == KEY_HASH_NONE) &&
		  (!order->pss || EVP_PKEY_is_a(key->pkey, "RSA")) &&
		  (hashes_itself ? sign_text(crypto, key, order->text, ret_signature, len)
				 : sign_hash(crypto, key, order, ret_signature, len));

	ERR_clear_error();
	return ok;
}

enum err put_key_pem(struct writer *out, const struct key *key)
{
	BIO *text = BIO_new(BIO_s_mem());
	enum err err = ERR_NOMEM;
	char *bytes;

	if (text && PEM_write_bio_PKCS8PrivateKey(text, key->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
		long n = BIO_get_mem_data(text, &bytes);

		put(out, slice_from(bytes, (size_t)n));
		err = out->overflow ? ERR_LIMIT : OK;
	}
	BIO_free(text); /* wipes it */
	return err;
}

EVP_PKEY *key_openssl(const struct key *key)
{
	return key->pkey;
}
