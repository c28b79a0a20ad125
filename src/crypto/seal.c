#include "crypto/seal.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "base/mem.h"
#include "crypto/private.h"

enum { NONCE_SIZE = 12, TAG_SIZE = SEAL_OVERHEAD - NONCE_SIZE };

struct seal {
	struct crypto *crypto;
	EVP_CIPHER_CTX *ctx; /* has the key */
};

struct seal *seal_new(struct crypto *crypto, struct slice key)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(crypto->lib, "AES-256-GCM", NULL);
	AUTO(seal) struct seal *seal = mem_new(struct seal);

	if (seal) {
		seal->crypto = crypto;
		seal->ctx = EVP_CIPHER_CTX_new();
	}
	bool ok = cipher && seal && seal->ctx && key.len == SEAL_KEY_SIZE &&
		  EVP_CipherInit_ex2(seal->ctx, cipher, (const unsigned char *)key.ptr, NULL, 1, NULL) == 1;
	EVP_CIPHER_free(cipher); /* the context has its own reference */
	return ok ? TAKE(seal) : NULL;
}

void seal_free(struct seal *seal)
{
	if (!seal)
		return;
	EVP_CIPHER_CTX_free(seal->ctx);
	mem_free(seal);
}

/* Sets the direction and the nonce; both run the same way from there up to the tag. */
static bool begin(struct seal *seal, const unsigned char *nonce, bool closing)
{
	return EVP_CipherInit_ex2(seal->ctx, NULL, NULL, nonce, closing, NULL) == 1;
}

static bool run(struct seal *seal, struct slice context, struct slice text, unsigned char *to)
{
	int n;

	if (text.len > INT_MAX || context.len > INT_MAX)
		return false;
	return EVP_CipherUpdate(seal->ctx, NULL, &n, (const unsigned char *)context.ptr, (int)context.len) ==
		       1 &&
	       EVP_CipherUpdate(seal->ctx, to, &n, (const unsigned char *)text.ptr, (int)text.len) == 1;
}

bool seal_close(struct seal *seal, struct slice context, struct slice text, void *ret_sealed)
{
	unsigned char *nonce = ret_sealed, *to = nonce + NONCE_SIZE;
	int n;

	return RAND_bytes_ex(seal->crypto->lib, nonce, NONCE_SIZE, 0) == 1 && begin(seal, nonce, true) &&
	       run(seal, context, text, to) && EVP_CipherFinal_ex(seal->ctx, to + text.len, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(seal->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, to + text.len) == 1;
}

bool seal_open(struct seal *seal, struct slice context, struct slice sealed, void *ret_text)
{
	const unsigned char *nonce = (const unsigned char *)sealed.ptr;
	unsigned char tag[TAG_SIZE], nothing[1];
	bool ok;
	int n;

	if (sealed.len < SEAL_OVERHEAD)
		return false;
	memcpy(tag, nonce + sealed.len - TAG_SIZE, TAG_SIZE);
	ok = begin(seal, nonce, false) &&
	     run(seal, context, slice_sub(sealed, NONCE_SIZE, sealed.len - SEAL_OVERHEAD), ret_text) &&
	     EVP_CIPHER_CTX_ctrl(seal->ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
	     EVP_CipherFinal_ex(seal->ctx, nothing, &n) == 1;
	if (!ok) {
		mem_wipe(ret_text, sealed.len - SEAL_OVERHEAD);
		ERR_clear_error();
	}
	return ok;
}
