/*
 * What becomes of the certificates of an account's devices (RFC 6072) when one is published, kept for longer, withdrawn
 * or taken back: a list on top of a list. Pure; used by the store.
 *
 * Each key is a device, and has one certificate. Those that have ended go by themselves; past DEVICE_CERTIFICATES_MAX the
 * one that was published longest ago goes.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "endpoint/certificates.h"

enum certify_step {
	CERTIFY_KEEP,   /* a certificate, in place of the one of its key and of the one of the tag */
	CERTIFY_LONGER, /* the one of the tag */
	CERTIFY_DROP,   /* the one of the tag */
	CERTIFY_REVOKE, /* the one of the fingerprint, or all: their keys may never come again */
};

struct certify {
	enum certify_step step;
	const struct device_certificate *certificate; /* KEEP; its tag is set here */
	uint64_t tag;                                 /* 0: KEEP follows none */
	utc_t expires;                                /* LONGER: until when, at most as long as it is valid */
	struct slice fingerprint;                     /* REVOKE; empty: all */
	utc_t now;
};

/*
 * new_tag is above all tags there are: what is published gets it. *ret_after is NULL for an empty list. ERR_NOT_FOUND: no
 * such tag or fingerprint. ERR_EXISTS: the key was revoked. ERR_NOMEM.
 */
MUST_CHECK enum err certify(const struct certificates *before, const struct certify *change, uint64_t new_tag,
			    struct certificates **ret_after);
