/*
 * One TLS connection over a non-blocking descriptor that belongs to the caller: it is closed by the caller,
 * after tls_conn_free(). Never blocks: ERR_AGAIN means to wait for what tls_conn_wants() says and to call the
 * same function again.
 *
 * A client is OK only when the server's chain leads to a trust anchor, is valid now, may be used for SIP, and
 * names the domain that was asked for (RFC 5922 §7.3); crypto/identity.h has the rules.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/verdict.h"
#include "crypto/certificate.h"
#include "crypto/identity.h"
#include "crypto/key.h"
#include "tls/context.h"

struct tls_conn;

/* What is known once the handshake is done. */
struct tls_facts {
	const char *version; /* "TLSv1.3"; lives for ever */
	const char *cipher;  /* "TLS_AES_128_GCM_SHA256"; lives for ever */
	char group[32];      /* of the key exchange: "x25519"; "" if unknown */
	bool resumed;        /* a session of before was taken up (RFC 8446 §2.2) */

	/* Of the peer's certificate; "", zeros and 0 if it has shown none. */
	const char *
		domain; /* that it has proven, in lower case (see struct tls_scope); lives as long as the connection */
	unsigned char fingerprint[CERTIFICATE_FINGERPRINT_SIZE];
	utc_t not_after;

	/*
	 * A server's: the SIP domains that the client's certificate proves, "a.example, b.example", as many as fit in 1000
	 * bytes; and why the one that it has shown proves nothing, a sentence. Both are "" if it has shown none, and live as
	 * long as the connection.
	 */
	const char *identities, *unproven;
	/*
	 * A server's: the address-of-record that it proves by the rules of struct tls_users, its user with escapes; "": none. And
	 * the id of its key, and when the certificate ends.
	 */
	const char *user;
	unsigned char user_key[KEY_ID_SIZE];
	utc_t user_until;
};

/*
 * The context decides the role. domain: for a client the SIP domain asked for (the reference identity, also
 * sent as SNI), or "DOMAIN/SCOPE"; ignored for a server. What is no DNS name is proven by no certificate. ERR_LIMIT if it is
 * longer than any, ERR_NOT_FOUND if there is no such scope, ERR_NOMEM.
 */
MUST_CHECK enum err tls_conn_new(struct tls_context *context, int fd, struct slice domain,
				 struct tls_conn **ret_conn);
/*
 * A server's, before its handshake: asks the client for a certificate. One that has none, or a bad one, is served all the
 * same; it has only proven nothing.
 */
void tls_conn_ask(struct tls_conn *conn);
/*
 * A server's, before its handshake: what is spoken is not SIP, but HTTP, for a WebSocket. A client that offers other protocols alone is
 * refused (RFC 7301 §3.2); one that offers none is served. Sessions of the one are not taken up for the other.
 */
void tls_conn_speak_http(struct tls_conn *conn);
/* A client's, before its handshake: shows our certificate for that domain of ours if it is asked for one. ERR_NOMEM. */
MUST_CHECK enum err tls_conn_speak_for(struct tls_conn *conn, struct slice domain);
/*
 * A client's, before its handshake and before it speaks for somebody: the server is judged by these TLSA records of it, each
 * behind its length in two bytes, instead of by the trust anchors alone (RFC 6698, RFC 7671). Usage 3: its key or certificate is
 * that of the record, whatever else it says; 2: its chain leads to that of the record, and it names the domain; 0 and 1: that
 * besides the trust anchors and the name. One fits. Whoever proved them by DNSSEC is the caller. No records: nothing changes;
 * nor does it for a peer with rules of its own, since those are what its configuration says.
 * ERR_SYNTAX: none of them can be used; ERR_NOMEM.
 */
MUST_CHECK enum err tls_conn_dane(struct tls_conn *conn, struct slice records);
/* Sends nothing; see tls_conn_shutdown(). */
void tls_conn_free(struct tls_conn *conn);
OWN(tls_conn)

/*
 * Goes on with the handshake; a server's costs little memory until its peer says something. OK when it is done, ERR_AGAIN, or ERR_DENIED and a verdict with the reason, after which the
 * connection is only good for closing. ERR_CLOSED: the same, but the peer has only gone; nothing speaks against him.
 * ERR_NOMEM.
 */
MUST_CHECK enum err tls_conn_handshake(struct tls_conn *conn, struct now now, struct verdict *ret_verdict);
/* The verdict on a peer whose handshake the caller gives up because its deadline has passed. */
void tls_conn_timed_out(const struct tls_conn *conn, struct verdict *ret_verdict);
/* Whether the peer has said anything yet. */
bool tls_conn_has_heard(const struct tls_conn *conn);

/*
 * What to wait for after ERR_AGAIN: NET_READABLE or NET_WRITABLE (net/net.h). 0, in a handshake after tls_server_sign_together(): for a
 * signature. Then key_sign_waiting() comes next; if the handshake is gone on with before, it fails.
 */
unsigned tls_conn_wants(const struct tls_conn *conn);

/*
 * Reads what is there, at most size bytes, at least 1. ERR_AGAIN, ERR_CLOSED (properly or not: SIP's framing
 * shows what is cut off), ERR_IO when the peer breaks the protocol. More than one record may lie here
 * already: read until ERR_AGAIN before waiting, or come back without waiting while tls_conn_has_pending().
 */
MUST_CHECK enum err tls_conn_read(struct tls_conn *conn, void *buf, size_t size, size_t *ret_n);
/* Writes the beginning of the text (not empty); the rest may be passed from another place. Errors as above.
 */
MUST_CHECK enum err tls_conn_write(struct tls_conn *conn, struct slice text, size_t *ret_n);
/* The same, but what becomes of it is held: it is encrypted while the text lies in the cache, and sent when there is a time for sending. */
MUST_CHECK enum err tls_conn_seal(struct tls_conn *conn, struct slice text, size_t *ret_n);
/*
 * Whether something is held: what was sealed, or the ticket for a session at the end of a server's handshake. It leaves with the
 * next tls_conn_write(), in the same packet, or with tls_conn_flush(): OK, or as above.
 */
bool tls_conn_holds(const struct tls_conn *conn);
MUST_CHECK enum err tls_conn_flush(struct tls_conn *conn);
/* Whether bytes were read from the descriptor that tls_conn_read() was not asked for yet. */
bool tls_conn_has_pending(const struct tls_conn *conn);
/* Tells the peer that nothing more comes, if that can be done without waiting. */
void tls_conn_shutdown(struct tls_conn *conn);

/*
 * Whether the lists of a client context (tls_client_revoke()) revoke the certificate by which the peer has proven himself, or one above
 * it, in a handshake that was judged by another context's. After the handshake; costs a look into each list.
 */
bool tls_conn_is_revoked(const struct tls_conn *conn, const struct tls_context *client);
/* When the certificate ends by which a client has proven to be a user of ours (tls_client_users()); 0: there is none. */
utc_t tls_conn_user_until(const struct tls_conn *conn);
/* After the handshake. */
void tls_conn_facts(const struct tls_conn *conn, struct tls_facts *ret_facts);
