/*
 * What the TLS connections of one worker and one role have in common (RFC 5246, RFC 8446): our certificates,
 * and whom we trust. TLS 1.2 with ECDHE and AEAD suites, and 1.3; no renegotiation, compression or early
 * data. Verification of a server cannot be turned off.
 *
 * A context belongs to the thread of its struct crypto. New certificates mean a new context: connections made
 * from the old one keep it alive after tls_context_free().
 */
#pragma once

#include "base/err.h"
#include "base/own.h"
#include "base/verdict.h"
#include "crypto/anchors.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/lib.h"
#include "tls/policy.h"
#include "tls/ticket.h"

struct tls_context;

enum { TLS_SCOPE_MAX = 40 };

/* A server; it needs a certificate before its first connection. NULL without memory. */
MUST_CHECK struct tls_context *tls_server_new(struct crypto *crypto);

/*
 * Other groups and suites than the usual ones. Right after tls_server_new() or tls_client_new(). Sessions that began under another
 * policy are not taken up. False if the library does not have them, or without memory.
 */
MUST_CHECK bool tls_context_restrict(struct tls_context *context, const struct tls_policy *policy);

/*
 * Adds a certificate with its chain (leaf first; a root at the end is not sent). A client that asks for one
 * of its names by SNI (RFC 6066 §3) gets it, one that asks for none or another gets the first added. Two with
 * the same names and different kinds of key (ECDSA, RSA) stand side by side. ERR_DENIED and a verdict if the
 * key is not the certificate's or OpenSSL finds it too weak, ERR_EXISTS if one like it is there, ERR_NOMEM.
 */
MUST_CHECK enum err tls_server_add(struct tls_context *context, const struct chain *chain,
				   const struct key *key, struct verdict *ret_verdict);

/*
 * The same for one domain: a client that asks for it gets what was added for it, whatever other names there are. Several
 * of different kinds of key stand side by side. The domain in lower case, at most 253 bytes.
 */
MUST_CHECK enum err tls_server_add_for(struct tls_context *context, struct slice domain,
				       const struct chain *chain, const struct key *key,
				       struct verdict *ret_verdict);

/*
 * What the CA says of a certificate today, to be stapled to it (an OCSP response, RFC 6960, in DER form). Whether it is good for the first of
 * the chain, whose issuer is the second: signed by that or by whom it has appointed, valid now, and says that the certificate is. OK: it
 * holds until *ret_until; ERR_DENIED and a verdict (codes ocsp.*): for ocsp.stale *ret_until is there as well; ERR_NOMEM.
 */
MUST_CHECK enum err tls_staple_check(const struct chain *chain, struct slice der, utc_t now, utc_t *ret_until,
				     struct verdict *ret_verdict);
/* Shows it with the chain's first certificate, until that time, to whom asks for it. It is not checked here. ERR_NOMEM. */
MUST_CHECK enum err tls_server_staple(struct tls_context *context, const struct chain *chain,
				      struct slice der, utc_t until);
/* Whether the certificate says that it is not to be believed without (RFC 7633). */
bool tls_must_staple(const struct certificate *certificate);

/*
 * Sessions of TLS 1.3 may be taken up again (RFC 8446 §2.2): each client gets a ticket sealed under these keys, which are
 * borrowed. A session goes on only with the certificate that it began with, only while that and the peer's are valid, and
 * for twelve hours after its full handshake at most; else there is a full handshake. At most once. ERR_NOMEM.
 */
MUST_CHECK enum err tls_server_resume(struct tls_context *context, struct tls_ticket_keys *keys);

/*
 * Handshakes are left in the middle where a remote key is to sign (crypto/key.h), so that several signatures can be asked for
 * together; tls_conn_wants() has more. Each that waits has a stack of 32 kB, which OpenSSL keeps for the thread's next ones. At most once.
 * Does nothing where OpenSSL or ThreadSanitizer cannot do that: then each signature is waited for. ERR_NOMEM.
 */
MUST_CHECK enum err tls_server_sign_together(struct tls_context *context);

/* A client; it trusts nobody yet. NULL without memory. */
MUST_CHECK struct tls_context *tls_client_new(struct crypto *crypto);

/* Trusts the certificates as anchors; may be called several times. ERR_NOMEM. */
MUST_CHECK enum err tls_client_trust(struct tls_context *context, const struct chain *anchors);
/*
 * Trusts what the operating system trusts: OpenSSL's own places, or those that SSL_CERT_FILE and SSL_CERT_DIR name. All of it is read now, some 6 kB of memory for each
 * CA. The other one, for who may open files as long as he lives: each CA is read from the directory when a certificate names it, if
 * that has hashes and SSL_CERT_FILE is not set; else it does the same. ERR_NOMEM.
 */
MUST_CHECK enum err tls_client_trust_system(struct tls_context *context);
MUST_CHECK enum err tls_client_trust_system_when_asked(struct tls_context *context);

/* The same anchors for what is signed in messages; those that are added later included. Freed by the caller. ERR_NOMEM. */
MUST_CHECK enum err tls_client_anchors(const struct tls_context *context, struct anchors **ret_anchors);

/* What a server staples is judged whenever it is there; from now on it has to be there. */
void tls_client_need_staples(struct tls_context *context);

/*
 * Refuses what the certificate revocation lists of a PEM text revoke, for whichever certificates of a chain there is one; lists
 * that were superseded since, or bear a wrong signature, refuse all of their issuer. May be called several times. ERR_NOT_FOUND
 * if there is none, ERR_SYNTAX, ERR_LIMIT past CHAIN_PEM_MAX, ERR_NOMEM.
 */
MUST_CHECK enum err tls_client_revoke(struct tls_context *context, struct slice pem);

/* When the first of the lists in a PEM text ends; 0: none of them says. Past it all of its issuer's certificates are refused. */
utc_t tls_revocations_end(struct slice pem);

/*
 * Peers that are judged by rules of their own. Who is asked for as "DOMAIN/NAME" (tls_conn_new()) is judged by the rules of that
 * name, and has then proven "DOMAIN/NAME" and nothing else, so that what counts for one peer never counts for another. A client
 * that connects to us has proven besides which of the names here its certificate has under these rules, in the same form.
 */
struct tls_scope {
	struct slice name;           /* without '/', ',' and blanks, 1 to TLS_SCOPE_MAX bytes */
	const struct chain *anchors; /* alone are trusted; NULL: those of the context */
	struct slice revoked;        /* of these anchors, as for tls_client_revoke(); empty: nothing */
	const struct slice *names;   /* SIP domains in lower case */
	size_t n_names;
	bool takes_wildcards; /* identity_covers() is good enough */
};
/* Copied. Before the first connection. ERR_LIMIT for a name that is none, errors of tls_client_revoke(), ERR_NOMEM. */
MUST_CHECK enum err tls_client_scope(struct tls_context *context, const struct tls_scope *scope);

/*
 * Whom a domain of ours believes when he shows himself as one of its users (RFC 3261 §26.3.2.1): a client that connects to us has
 * then proven an address-of-record, if its certificate leads to these anchors, is for clientAuth, and names exactly one, of
 * that domain.
 */
struct tls_users {
	struct slice domain;         /* in lower case */
	const struct chain *anchors; /* alone are trusted */
	struct slice revoked;        /* of these, as for tls_client_revoke(); empty: nothing */
};
/* Copied. Before the first connection. ERR_LIMIT for what is no domain, errors of tls_client_revoke(), ERR_NOMEM. */
MUST_CHECK enum err tls_client_users(struct tls_context *context, const struct tls_users *users);

/*
 * Keeps up to max tickets of servers, each for one use with the same domain. Before one is offered, the chain that the
 * server showed in the full handshake is judged anew, as if it were shown now.
 */
void tls_client_resume(struct tls_context *context, size_t max);

/*
 * What the client shows to a server that asks for it (RFC 8446 §4.4.2), where it speaks for that domain, or without one for any
 * that the certificate proves; the first is for all others. See tls_conn_speak_for(). Errors as those of tls_server_add_for().
 */
MUST_CHECK enum err tls_client_present(struct tls_context *context, struct slice domain,
				       const struct chain *chain, const struct key *key,
				       struct verdict *ret_verdict);

/*
 * What the client shows as a user to a server of his domain, in place of what it showed before: in TLS 1.3 alone, where it is
 * encrypted, and no earlier than the server has proven itself. No chain: nothing any more. Errors as above.
 */
MUST_CHECK enum err tls_client_show_user(struct tls_context *context, struct slice domain,
					 const struct chain *chain, const struct key *key,
					 struct verdict *ret_verdict);

/*
 * Lets the server judge the certificates of its clients by the anchors and scopes of that client context, those that it gets later
 * included; it lives as long. Before the first tls_server_add(). Who is asked for one is said by tls_conn_ask().
 */
void tls_server_trust(struct tls_context *server, struct tls_context *client);

void tls_context_free(struct tls_context *context);
OWN(tls_context)
