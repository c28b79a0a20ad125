/*
 * The crypto attribute of media lines: SRTP keys inside the description (SDES, RFC 4568).
 *
 * A key in a description is as secret as the way that the description takes, so whoever writes one has made
 * sure of the way (sips, or the account's policy). Keys are written without lifetime and without MKI.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/writer.h"

enum sdp_suite {
	SDP_SUITE_NONE,
	SDP_AES_CM_128_HMAC_SHA1_80, /* RFC 4568 §6.2.1 */
	SDP_AEAD_AES_128_GCM,        /* RFC 7714 §14.1 */
	SDP_SUITES
};

enum { SDP_MAX_KEY = 30 }; /* master key and salt of the longest suite */

/* One direction's master key followed by its salt. Wipe it (mem_wipe()) when it is no longer needed. */
struct sdp_key {
	uint8_t len; /* sdp_suite_key_len() of the suite */
	uint8_t bytes[SDP_MAX_KEY];
};

/* One a=crypto line that we can use. */
struct sdp_crypto {
	uint32_t tag; /* 0..999999999 */
	enum sdp_suite suite;
	struct sdp_key key;
};

/* "AES_CM_128_HMAC_SHA1_80"; "none" for SDP_SUITE_NONE. */
struct slice sdp_suite_name(enum sdp_suite suite);
/* Bytes of master key and salt together; 0 for SDP_SUITE_NONE. */
size_t sdp_suite_key_len(enum sdp_suite suite);

enum sdp_crypto_verdict {
	SDP_CRYPTO_USABLE,
	SDP_CRYPTO_UNUSABLE, /* well formed, but a suite or parameter that we do not take: MKI, several keys,
				KDR, UNENCRYPTED_SRTP, … The line is passed over (RFC 4568 §7.1.2) */
	SDP_CRYPTO_BROKEN /* not what RFC 4568 §9.2 allows: no part of this description is to be trusted */
};

/* value: what stands after "a=crypto:". *ret_crypto is written when usable; its tag alone also when unusable.
 */
enum sdp_crypto_verdict sdp_crypto_parse(struct slice value, struct sdp_crypto *ret_crypto);

/* Writes "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…" and the line end. */
void put_sdp_crypto(struct writer *out, const struct sdp_crypto *crypto);
