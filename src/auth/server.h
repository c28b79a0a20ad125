/*
 * Digest as the server does it (RFC 7616, RFC 8760, RFC 3261 §22): the challenge, the verdict on credentials,
 * and the proof in return. qop is "auth" or "auth-int". An unknown user takes the same path as a known one, with a
 * hash that nobody has the password of, and gets the same answers.
 */
#pragma once

#include <stdbool.h>

#include "auth/nonce.h"
#include "auth/response.h"
#include "auth/window.h"
#include "base/own.h"
#include "sip/credentials.h"
#include "sip/message.h"

enum auth_verdict {
	AUTH_OK,
	AUTH_ABSENT, /* no credentials for the realm: challenge */
	AUTH_STALE,  /* right, but for a nonce of another flow, of another start, or too old: challenge, stale
		      */
	AUTH_REPLAY, /* right, but this nonce count was used: challenge, stale */
	AUTH_WRONG,  /* no such user, or not the password: challenge */
	AUTH_ALGORITHM, /* an algorithm or qop that was not offered, or for which no hash is good: challenge */
	AUTH_MALFORMED, /* not what RFC 7616 §3.4 asks for: 400 */
	AUTH_FAULT,     /* the library failed: 500 */
};

/* In a few words, for logs: "wrong password or unknown user". */
const char *auth_verdict_text(enum auth_verdict verdict);
/* Whether the verdict is answered with stale=true. */
static inline bool auth_verdict_is_stale(enum auth_verdict verdict)
{
	return verdict == AUTH_STALE || verdict == AUTH_REPLAY;
}

/* One worker's: keys, and the serial of the last nonce. */
struct auth_server;

/* key: 32 bytes, the same for all workers. ERR_NOMEM. */
MUST_CHECK enum err auth_server_new(struct crypto *crypto, struct slice key, struct auth_server **ret_server);
void auth_server_free(struct auth_server *server);
OWN(auth_server)

/* What a domain of ours asks for besides, or instead of, SHA-256. */
enum auth_md5 {
	AUTH_MD5_REFUSED,
	AUTH_MD5_ALLOWED, /* offered as well, after SHA-256 (RFC 8760 §2.3) */
	AUTH_MD5_ONLY,    /* SHA-256 is not offered: for phones that give up when they see it first */
};

/* What a domain of ours makes of qop=auth-int, which covers the body as well. */
enum auth_integrity { AUTH_INTEGRITY_OFFERED, AUTH_INTEGRITY_REFUSED, AUTH_INTEGRITY_REQUIRED };

/* One bit for each algorithm of the SHA family, and one for it with "-sess". */
#define AUTH_OFFER(algorithm, session) (1U << (2 * (unsigned)(algorithm) + ((session) ? 1U : 0U)))

struct auth_realm {
	struct slice name; /* in lower case */
	enum auth_md5 md5;
	unsigned sha; /* AUTH_OFFER() of what is asked for besides MD5; 0: SHA-256 */
	enum auth_integrity integrity;
	utc_t lifetime; /* of a nonce, in seconds */
};

/* "SHA-256, MD5": what it asks for, strongest first. */
void put_auth_offers(struct writer *out, const struct auth_realm *realm);

/* The stored H(A1) of an account; NULL where none is. */
struct auth_hashes {
	const unsigned char *ha1[DIGEST_ALGORITHMS];
};

struct auth_challenge {
	enum sip_header_id header; /* SIP_WWW_AUTHENTICATE or SIP_PROXY_AUTHENTICATE */
	const struct auth_realm *realm;
	uint64_t flow;
	bool stale;
	struct auth_known_nonce *known; /* of the flow, where the nonce is remembered; may be NULL */
};

/* The header lines of a challenge, strongest first (RFC 8760 §2.3). False if the library fails. */
MUST_CHECK bool put_challenge(struct writer *out, struct auth_server *server,
			      const struct auth_challenge *challenge, utc_t now);

/*
 * The credentials for the realm in header (SIP_AUTHORIZATION or SIP_PROXY_AUTHORIZATION; a request may carry
 * those of several realms). AUTH_OK, AUTH_ABSENT, or AUTH_MALFORMED: unreadable, twice for that realm, or
 * without what qop=auth needs. Their username, once looked up, gives the hashes for auth_check().
 */
enum auth_verdict auth_find(const struct sip_message *request, enum sip_header_id header, struct slice realm,
			    struct sip_credentials *ret_credentials);

/* What a flow remembers of its nonces. Belongs to the caller, who zeroes it to begin. */
struct auth_used {
	struct auth_windows windows;   /* touched only by a right answer */
	struct auth_known_nonce known; /* the last of a challenge, or of a right answer */
};

/* What is found out with a right answer, for our own proof. Belongs to the caller, who zeroes it to begin. */
struct auth_own_proof {
	enum digest_algorithm algorithm; /* of the answer */
	struct auth_hash rspauth;        /* of a response without a body */
	utc_t nonce_made;
};

struct auth_attempt {
	const struct sip_message *request;
	const struct sip_credentials *credentials; /* of auth_find() */
	const struct auth_realm *realm;
	uint64_t flow;
	const struct auth_hashes *hashes; /* NULL: there is no such user */
	struct auth_used *used;           /* of the flow */
	struct auth_own_proof *proof;     /* written by auth_check() with AUTH_OK, for put_auth_info() */
};

/* Whether the nonce is one of ours for this flow: who has it has seen what we sent there. */
bool auth_has_own_nonce(struct auth_server *server, const struct auth_attempt *attempt);

enum auth_verdict auth_check(struct auth_server *server, const struct auth_attempt *attempt, utc_t now);

/* The age of a nonce, in seconds, from which on a response gives the next one. */
enum { AUTH_NEXT_NONCE_AGE = 60 };

struct auth_proving {
	enum sip_header_id header; /* SIP_AUTHENTICATION_INFO or SIP_PROXY_AUTHENTICATION_INFO */
	const struct auth_attempt *attempt;
	struct slice body; /* of the response */
};

/*
 * The Authentication-Info line (RFC 7616 §3.5), or Proxy-Authentication-Info (RFC 7615 §4), as header says, for
 * a response with this body to an attempt that was AUTH_OK: rspauth, and a nextnonce once the nonce is
 * AUTH_NEXT_NONCE_AGE old, so that who speaks now and then is not challenged again, and who speaks often is
 * not made to change with every word. False if the library fails.
 */
MUST_CHECK bool put_auth_info(struct writer *out, struct auth_server *server,
			      const struct auth_proving *proving, utc_t now);
