/*
 * The server's nonces (RFC 7616 §3.3, §5.4): base64url(when made | serial | keyed check over these, the flow
 * and the realm). A challenge costs no memory: the nonce proves by itself that we made it, when, and for
 * which flow.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"
#include "base/writer.h"
#include "crypto/digest.h"

enum { AUTH_NONCE_LENGTH = 43, AUTH_NONCE_SIZE = 32 /* its bytes */ };

struct auth_nonce {
	utc_t made;
	uint64_t serial; /* one more with each challenge of a worker: tells nonces of one flow apart, and
			    their age */
};

/* Where a nonce is good: on one flow, which is never used again, and in one realm. */
struct auth_scope {
	uint64_t flow;
	struct slice realm; /* in lower case */
};

/* Writes AUTH_NONCE_LENGTH characters. False if the library fails. */
MUST_CHECK bool put_auth_nonce(struct writer *out, struct mac *mac, const struct auth_nonce *nonce,
			       const struct auth_scope *scope);
/* True if it is one of ours for that scope. Of any age: that is the caller's to judge. */
bool auth_nonce_check(struct mac *mac, struct slice text, const struct auth_scope *scope,
		      struct auth_nonce *ret_nonce);

/*
 * The nonce that was made or found to be ours last, and its scope: the same again needs no keyed check. Belongs to the caller, who zeroes it
 * to begin. What is in it is compared in full and says no more than the check did, so it may be of any flow and realm.
 */
struct auth_known_nonce {
	struct auth_nonce nonce;
	uint64_t flow;
	char text[AUTH_NONCE_LENGTH];
	uint8_t realm_len; /* 0: there is none */
	char realm[36];    /* a nonce of a realm whose name is longer is not remembered */
};

/* It is ours: it was checked, or has just been made. */
void auth_nonce_remember(struct auth_known_nonce *known, struct slice text, const struct auth_scope *scope,
			 const struct auth_nonce *nonce);

/* Like auth_nonce_check(), which it asks if the nonce is another one. */
bool auth_nonce_check_again(struct mac *mac, struct slice text, const struct auth_scope *scope,
			    struct auth_known_nonce *known, struct auth_nonce *ret_nonce);
