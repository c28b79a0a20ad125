/*
 * Digest as the phone does it (RFC 7616 §3.4-3.6, RFC 8760 §2.4, RFC 3261 §22.2-22.3): which challenge to
 * answer, the credentials for a request, and the check of the server's proof.
 *
 * Only the account's own realm is answered, only with an algorithm that is not weaker than one that this
 * server was once seen to offer. Whether the flow may see credentials at all (it is verified, the request was
 * sent on it) is decided by the caller before it asks here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "auth/response.h"
#include "base/writer.h"
#include "crypto/random.h"
#include "sip/message.h"

enum { AUTH_NONCE_MAX = 256, AUTH_CNONCE_LENGTH = 22, AUTH_ROUNDS_MAX = 3 };

/* Who asks: a registrar or user agent with 401, a proxy with 407. Each has nonces of its own. */
enum auth_side { AUTH_USER_AGENT, AUTH_PROXY, AUTH_SIDES };

/* A short text that is kept. */
struct auth_text {
	size_t len;
	char bytes[AUTH_NONCE_MAX];
};

/* The challenge that is being answered. */
struct auth_space {
	bool is_set, has_qop, session, has_opaque;
	bool integrity; /* qop=auth-int: the body is covered, too */
	enum digest_algorithm algorithm;
	struct auth_text nonce, opaque;
	uint32_t nc; /* the last one used */
};

/* The struct belongs to the caller, who zeroes it and sets the first part; its texts must outlive it. */
struct auth_client {
	struct crypto *crypto;
	struct random *random;
	struct auth_login login;
	bool takes_auth; /* where qop=auth and auth-int are both offered; else the body is covered, too */
	enum digest_algorithm weakest; /* that is answered: rises with what was offered, never falls */

	struct auth_space spaces[AUTH_SIDES];
};

enum auth_choice {
	AUTH_ANSWER,      /* send the request again with credentials */
	AUTH_PEER,        /* a 401 to anything but REGISTER: it is the other end of the call that asks */
	AUTH_NO_REALM,    /* no challenge for the account's realm */
	AUTH_UNSUPPORTED, /* none with an algorithm, qop and charset that we know */
	AUTH_WEAKER,      /* only weaker ones than this server offered before */
	AUTH_REFUSED,     /* the credentials were answered, and are wrong */
	AUTH_TOO_OFTEN,   /* challenged AUTH_ROUNDS_MAX times for one request */
};

/* One sentence for people. */
const char *auth_choice_text(enum auth_choice choice);

/*
 * Takes a 401 or 407 in. rounds: how many challenges of that side were answered before for this very request (credentials
 * put in ahead of any challenge count as none).
 */
enum auth_choice auth_client_challenge(struct auth_client *client, const struct sip_message *response,
				       unsigned rounds);

/* What is needed later to check the proof of the server. */
struct auth_sent {
	bool is_set; /* false: the server was not asked to prove anything */
	enum auth_side side;
	/* of the challenge that was answered: another request may meet another one meanwhile */
	bool session, integrity;
	enum digest_algorithm algorithm;
	struct auth_text nonce, uri;
	char nc[8], cnonce[AUTH_CNONCE_LENGTH];
};

struct auth_subject {
	struct slice method, uri, body;
};

/*
 * Writes Proxy-Authorization, and for REGISTER also Authorization, if that side has challenged so far, with
 * the next nonce count; nothing if none has. ret_sent (the last one written) may be NULL. False if the
 * library fails.
 */
MUST_CHECK bool put_authorization(struct writer *out, struct auth_client *client,
				  const struct auth_subject *subject, struct auth_sent *ret_sent);

enum auth_proof { AUTH_PROOF_NONE, AUTH_PROOF_GOOD, AUTH_PROOF_WRONG };

/*
 * Whether the response's Authentication-Info proves that the server knows the secret too; a nextnonce in it
 * is taken over. AUTH_PROOF_NONE if it does not try.
 */
enum auth_proof auth_client_confirm(struct auth_client *client, const struct auth_sent *sent,
				    const struct sip_message *response);
