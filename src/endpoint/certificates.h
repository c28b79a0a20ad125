/*
 * The certificates of an account's devices (RFC 6072), as the server keeps them: an immutable list, counted by reference,
 * that the snapshots of the address-of-record share (endpoint/aor.h). It is replaced whole by the store's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"

enum {
	DEVICE_CERTIFICATES_MAX =
		10, /* that are told, of one account; a further one takes the place of the oldest */
	DEVICE_REVOKED_MAX = 20,        /* keys that are remembered as lost, of one account */
	DEVICE_CERTIFICATE_SIZE = 3072, /* bytes of one in DER */
	DEVICE_HASH_SIZE = 32,
};

struct device_certificate {
	struct slice der;
	uint8_t key[DEVICE_HASH_SIZE];         /* SHA-256 of the public half: which device it is */
	uint8_t fingerprint[DEVICE_HASH_SIZE]; /* SHA-256 of the DER form: which certificate */
	uint64_t tag;                          /* of its last publication; grows with each */
	utc_t expires;                         /* from then on it is not told any more */
	utc_t until;                           /* when it ends to be valid: not before that */
	bool revoked; /* taken back by the administrator: not told, but kept, so that its key never comes again */
};

struct certificates {
	_Atomic uint32_t refs;
	size_t n;
	const struct device_certificate
		*all; /* the newest last; in the same allocation, as their texts are */
};

/* One with one reference, everything copied into one allocation; NULL without memory. */
MUST_CHECK struct certificates *certificates_new(const struct device_certificate *all, size_t n);
/* Both accept NULL, which is the empty list. */
struct certificates *certificates_ref(struct certificates *certificates);
void certificates_unref(struct certificates *certificates);
static inline void certificates_free(struct certificates *certificates)
{
	certificates_unref(certificates);
}
OWN(certificates)

/* Whether it is told now. */
bool device_certificate_is_good(const struct device_certificate *certificate, utc_t now);
/* The good one of that publication, or NULL. */
const struct device_certificate *certificates_find(const struct certificates *certificates, uint64_t tag,
						   utc_t now);
/* Whether others would be told of the one list than of the other, each at its time. */
bool certificates_differ(const struct certificates *a, utc_t at_a, const struct certificates *b, utc_t at_b);
