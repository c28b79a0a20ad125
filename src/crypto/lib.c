#include "crypto/lib.h"

#include <openssl/provider.h>

#include "base/mem.h"
#include "crypto/private.h"

static const struct {
	const char *name;
	bool optional;
} digests[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = { "MD5", true },
	[DIGEST_SHA256] = { "SHA256", false },
	[DIGEST_SHA512_256] = { "SHA512-256", false },
};

static bool fetch_digests(struct crypto *crypto)
{
	for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
		crypto->md[i] = EVP_MD_fetch(crypto->lib, digests[i].name, NULL);
		if (!crypto->md[i] && digests[i].optional)
			continue;
		crypto->md_ctx[i] = EVP_MD_CTX_new();
		if (!crypto->md[i] || !crypto->md_ctx[i] ||
		    EVP_DigestInit_ex2(crypto->md_ctx[i], crypto->md[i], NULL) != 1)
			return false;
	}
	return true;
}

struct crypto *crypto_new(void)
{
	AUTO(crypto) struct crypto *crypto = NULL;

	/* Ours is a private context, but the library also has a default one, which would read openssl.cnf. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return NULL;
	crypto = mem_new(struct crypto);
	if (!crypto)
		return NULL;
	list_init(&crypto->waiting);
	crypto->fork_ctx = EVP_MD_CTX_new();
	if (!crypto->fork_ctx)
		return NULL;
	crypto->lib = OSSL_LIB_CTX_new();
	if (!crypto->lib || !fetch_digests(crypto))
		return NULL;
	crypto->hmac = EVP_MAC_fetch(crypto->lib, "HMAC", NULL);
	if (!crypto->hmac)
		return NULL;
	return TAKE(crypto);
}

void crypto_free(struct crypto *crypto)
{
	if (!crypto)
		return;
	EVP_MAC_free(crypto->hmac);
	EVP_MD_CTX_free(crypto->fork_ctx);
	for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
		EVP_MD_CTX_free(crypto->md_ctx[i]);
		EVP_MD_free(crypto->md[i]);
	}
	if (crypto->remote)
		OSSL_PROVIDER_unload(crypto->remote);
	if (crypto->standard)
		OSSL_PROVIDER_unload(crypto->standard);
	OSSL_LIB_CTX_free(crypto->lib);
	mem_free(crypto);
}

OSSL_LIB_CTX *crypto_libctx(struct crypto *crypto)
{
	return crypto->lib;
}
