/*
 * Hashes (RFC 1321, FIPS 180-4) and the keyed check HMAC-SHA-256 (RFC 2104, RFC 4231), each over several
 * pieces of text one after the other. Contexts are kept and used again: a short text costs less than a
 * microsecond and no allocation of ours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "crypto/lib.h"

enum digest_algorithm {
	DIGEST_MD5,
	DIGEST_SHA256,
	DIGEST_SHA512_256, /* FIPS 180-4 §6.7, "SHA-512-256" in RFC 7616 */
	DIGEST_ALGORITHMS,
};

#define DIGEST_SIZE_MAX 32

/* Bytes of the result: 16 or 32. */
size_t digest_size(enum digest_algorithm algorithm);

/*
 * The hash of the parts joined without anything between them; H(a ":" b) is three parts. Writes digest_size()
 * bytes. False only if the library fails (no memory, or MD5 forbidden by the machine's policy).
 */
MUST_CHECK bool digest(struct crypto *crypto, enum digest_algorithm algorithm, const struct slice parts[],
		       size_t n_parts, unsigned char ret_hash[DIGEST_SIZE_MAX]);

/* Two texts that begin alike. */
struct digest_fork {
	const struct slice *start; /* parts */
	size_t n_start;
	struct slice ends[2];
};

/* The hashes of both, like digest(): of the start only once. */
MUST_CHECK bool digest_fork(struct crypto *crypto, enum digest_algorithm algorithm,
			    const struct digest_fork *fork, unsigned char ret_hashes[2][DIGEST_SIZE_MAX]);

#define DIGEST_SHA1_SIZE 20

/*
 * SHA-1 (FIPS 180-4), which protects nothing any more: only for protocols that use it to show that they were
 * understood (RFC 6455 §4.2.2). False if the library fails.
 */
MUST_CHECK bool digest_sha1(struct crypto *crypto, struct slice text,
			    unsigned char ret_hash[DIGEST_SHA1_SIZE]);

/* A key for checks that only we can make and only we verify: nonces, flow tokens, branches. */
struct mac;

#define MAC_SIZE_MAX 32

/* The key is copied. NULL without memory. */
MUST_CHECK struct mac *mac_new(struct crypto *crypto, struct slice key);
void mac_free(struct mac *mac);
OWN(mac)

/*
 * The leftmost size (at most MAC_SIZE_MAX) bytes of HMAC-SHA-256 over the joined parts. Boundaries are not
 * part of the text: parts of varying length need a separator that cannot occur in them. False if the library
 * fails.
 */
MUST_CHECK bool mac_make(struct mac *mac, const struct slice parts[], size_t n_parts, void *ret_tag,
			 size_t size);
/* Whether the tag (16 to MAC_SIZE_MAX bytes, else false) is that of the parts; in constant time. */
MUST_CHECK bool mac_check(struct mac *mac, const struct slice parts[], size_t n_parts, struct slice tag);
