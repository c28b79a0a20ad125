#include "crypto/digest.h"

#include <assert.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/mem.h"
#include "base/writer.h"
#include "crypto/private.h"

#define MAC_SIZE_MIN 16 /* a shorter tag can be guessed */
#define JOINED_MAX   400

struct mac {
	EVP_MAC_CTX *ctx; /* has the key; initialised again for each text */
};

size_t digest_size(enum digest_algorithm algorithm)
{
	return algorithm == DIGEST_MD5 ? 16 : 32;
}

/*
 * The parts in one piece where they are short: copying them costs less than a call of the library for each. False: they are too
 * long for that.
 */
static bool join(const struct slice parts[], size_t n_parts, struct writer *out)
{
	for (size_t i = 0; i < n_parts && !out->overflow; i++)
		if (parts[i].len == 1)
			put_char(out, *parts[i].ptr); /* a colon: half of the parts of a digest are */
		else
			put(out, parts[i]);
	return !out->overflow;
}

static bool update(EVP_MD_CTX *ctx, const struct slice parts[], size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		if (EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) != 1)
			return false;
	return true;
}

/* Begins a hash with these parts. No type given: the context starts again with the one that it has. */
static bool begin(EVP_MD_CTX *ctx, const struct slice parts[], size_t n_parts)
{
	char buf[JOINED_MAX];
	struct writer joined = writer_of(buf, sizeof buf);
	bool ok = join(parts, n_parts, &joined);
	const struct slice whole = writer_text(&joined);

	ok = ctx && EVP_DigestInit_ex2(ctx, NULL, NULL) == 1 &&
	     update(ctx, ok ? &whole : parts, ok ? 1 : n_parts);
	mem_wipe(buf, joined.len); /* one of the parts may be a secret */
	return ok;
}

bool digest(struct crypto *crypto, enum digest_algorithm algorithm, const struct slice parts[],
	    size_t n_parts, unsigned char ret_hash[DIGEST_SIZE_MAX])
{
	EVP_MD_CTX *ctx = crypto->md_ctx[algorithm];

	return begin(ctx, parts, n_parts) && EVP_DigestFinal_ex(ctx, ret_hash, NULL) == 1;
}

static bool end(EVP_MD_CTX *ctx, struct slice text, unsigned char ret_hash[DIGEST_SIZE_MAX])
{
	return update(ctx, &text, 1) && EVP_DigestFinal_ex(ctx, ret_hash, NULL) == 1;
}

bool digest_fork(struct crypto *crypto, enum digest_algorithm algorithm, const struct digest_fork *fork,
		 unsigned char ret_hashes[2][DIGEST_SIZE_MAX])
{
	EVP_MD_CTX *first = crypto->md_ctx[algorithm], *second = crypto->fork_ctx;

	return begin(first, fork->start, fork->n_start) && EVP_MD_CTX_copy_ex(second, first) == 1 &&
	       end(first, fork->ends[0], ret_hashes[0]) && end(second, fork->ends[1], ret_hashes[1]);
}

bool digest_sha1(struct crypto *crypto, struct slice text, unsigned char ret_hash[DIGEST_SHA1_SIZE])
{
	return EVP_Q_digest(crypto->lib, "SHA1", NULL, text.ptr, text.len, ret_hash, NULL) == 1;
}

struct mac *mac_new(struct crypto *crypto, struct slice key)
{
	char sha256[] = "SHA256";
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
				      OSSL_PARAM_construct_end() };
	AUTO(mac) struct mac *mac = mem_new(struct mac);

	if (!mac)
		return NULL;
	mac->ctx = EVP_MAC_CTX_new(crypto->hmac);
	if (!mac->ctx || EVP_MAC_init(mac->ctx, (const unsigned char *)key.ptr, key.len, params) != 1)
		return NULL;
	return TAKE(mac);
}

void mac_free(struct mac *mac)
{
	if (!mac)
		return;
	EVP_MAC_CTX_free(mac->ctx);
	mem_free(mac);
}

static bool update_mac(EVP_MAC_CTX *ctx, const struct slice parts[], size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		if (EVP_MAC_update(ctx, (const unsigned char *)parts[i].ptr, parts[i].len) != 1)
			return false;
	return true;
}

bool mac_make(struct mac *mac, const struct slice parts[], size_t n_parts, void *ret_tag, size_t size)
{
	unsigned char tag[MAC_SIZE_MAX];
	char buf[JOINED_MAX];
	struct writer joined = writer_of(buf, sizeof buf);
	bool fits = join(parts, n_parts, &joined);
	const struct slice whole = writer_text(&joined);

	assert(size <= MAC_SIZE_MAX);
	if (EVP_MAC_init(mac->ctx, NULL, 0, NULL) != 1 ||
	    !update_mac(mac->ctx, fits ? &whole : parts, fits ? 1 : n_parts))
		return false;
	if (EVP_MAC_final(mac->ctx, tag, NULL, sizeof(tag)) != 1)
		return false;
	memcpy(ret_tag, tag, size);
	return true;
}

bool mac_check(struct mac *mac, const struct slice parts[], size_t n_parts, struct slice tag)
{
	unsigned char expected[MAC_SIZE_MAX];

	if (tag.len < MAC_SIZE_MIN || tag.len > MAC_SIZE_MAX)
		return false;
	if (!mac_make(mac, parts, n_parts, expected, tag.len))
		return false;
	return slice_eq_secret(slice_from(expected, tag.len), tag);
}
