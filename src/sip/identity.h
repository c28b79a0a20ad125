/*
 * Who somebody is, what may be told of him, which way a request has come, and how hops agree on security: Identity (RFC
 * 8224 §4, RFC 4474 §9), Privacy (RFC 3323 §4.2), History-Info (RFC 7044 §5), Security-Client, -Server and -Verify (RFC
 * 3329 §2.2). Each function takes a whole value (of the last three one of the list) and fails, writing nothing, on any
 * other; slices point into it. Whether it is true is decided elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "sip/address.h"

struct sip_identity {
	struct slice digest;   /* signed-identity-digest: base64 and dots; of RFC 4474 without its quotes */
	struct slice info;     /* the URI of the certificate without <>; absent only in RFC 4474's form */
	struct slice alg, ppt; /* absent where not given */
};
bool sip_identity_parse(struct slice value, struct sip_identity *ret_identity);

/* What to hide, as bits; a token that is none of these is SIP_PRIVACY_OTHER. */
enum sip_privacy {
	SIP_PRIVACY_HEADER = 1 << 0,
	SIP_PRIVACY_SESSION = 1 << 1,
	SIP_PRIVACY_USER = 1 << 2,
	SIP_PRIVACY_NONE = 1 << 3, /* alone (RFC 3323 §4.2) */
	SIP_PRIVACY_CRITICAL = 1 << 4,
	SIP_PRIVACY_ID = 1 << 5,      /* RFC 3325 §9.3 */
	SIP_PRIVACY_HISTORY = 1 << 6, /* RFC 7044 §10.1 */
	SIP_PRIVACY_OTHER = 1 << 7,
};
bool sip_privacy_parse(struct slice value, unsigned *ret_privacy);

struct sip_history {
	struct sip_address address; /* a name-addr */
	struct slice index;         /* "1.2.1" */
	char target;                /* 'r', 'm', 'n': of which kind target_index is (rc, mp, np); 0: none */
	struct slice target_index;
};
bool sip_history_parse(struct slice value, struct sip_history *ret_history);

struct sip_security {
	struct slice mechanism; /* "tls", "digest", "ipsec-ike" or another token */
	uint16_t q;             /* thousandths; 1000 where not given */
	struct slice params;
	struct slice digest_algorithm, digest_qop, digest_verify; /* absent where not given */
};
bool sip_security_parse(struct slice value, struct sip_security *ret_security);
