/* What the files of this room share and nobody else includes. */
#pragma once

#include <openssl/async.h>
#include <openssl/ssl.h>

#include "base/list.h"
#include "crypto/random.h"
#include "tls/conn.h"
#include "tls/context.h"
#include "tls/ticket.h"

#define TLS_SITES_MAX 1000

/* One set of names that a server answers to, or a client speaks for; OpenSSL keeps a certificate of each kind of key in it. */
struct site {
	SSL_CTX *ctx;
	X509 *leaf;  /* of the first added; ctx holds it */
	char *names; /* its subjectAltName as it is, but in lower case, n_names bytes; NULL: it has none */
	size_t n_names;
	char domain[IDENTITY_NAME_MAX + 1]; /* that it was added for; "": for the names in its certificate */
	bool is_user; /* a client's: shown to the servers of that domain and to nobody else */
};

/* What is shown with a certificate; its bytes are ours. */
struct staple {
	X509 *leaf;
	unsigned char *der;
	size_t len;
	utc_t until;
};

/* See struct tls_scope. */
struct scope {
	char name[TLS_SCOPE_MAX + 1];
	X509_STORE *anchors; /* NULL: the context's */
	char (*names)[IDENTITY_NAME_MAX + 1];
	size_t n_names;
	bool takes_wildcards;
};

/* See struct tls_users. */
struct users {
	char domain[IDENTITY_NAME_MAX + 1];
	X509_STORE *anchors;
};

#define TLS_ASKED_MAX (IDENTITY_NAME_MAX + 1 + TLS_SCOPE_MAX + 1) /* "b.example./scope" */

struct tls_context {
	struct crypto *crypto;
	BIO_METHOD *method;  /* of connections */
	unsigned n_users;    /* the owner, until tls_context_free(), and the connections */
	SSL_CTX *client;     /* NULL for a server */
	X509_STORE *anchors; /* NULL for a server: no client is asked for a certificate */
	struct tls_policy policy;
	struct scope *scopes; /* a client's */
	size_t n_scopes;
	struct users *users; /* a client's */
	size_t n_users_of;
	struct tls_context *judges; /* a server's: the client whose scopes count here; NULL: none */
	struct site *sites;
	size_t n_sites;
	struct staple *staples; /* a server's */
	size_t n_staples;
	bool needs_staples;              /* a client: every server has to show one */
	struct tls_ticket_keys *tickets; /* a server's; borrowed; NULL: none */
	EVP_CIPHER *ticket_cipher;
	struct random *ticket_random; /* vectors and session ids: one at a time costs a getpid() each */
	ASYNC_WAIT_CTX *pause;        /* a server's: handshakes may wait for a signature; NULL: they do not */
	struct list sessions;         /* a client's */
	size_t sessions_max;
};

/* Of a client. */
struct names {
	char asked[TLS_ASKED_MAX + 1];  /* the reference identity as it was given */
	char proven[TLS_ASKED_MAX + 1]; /* what tls_conn_facts() calls it */
};

struct tls_conn {
	SSL *ssl;
	ASYNC_JOB *job; /* the handshake, left in the middle of a signature; or NULL */
	struct tls_context *context;
	int fd;
	unsigned wants;
	bool has_heard;  /* the peer's first byte, and it looks like TLS */
	bool is_drained; /* the descriptor had no more, in this call of OpenSSL */
	bool has_ended;  /* nothing more will come of it */
	bool may_wait;   /* what OpenSSL writes in this call is held … */
	char *held;      /* … here, for what is written next or tls_conn_flush() */
	size_t n_held;
	bool is_dead;     /* after an error nothing more may be asked of ssl */
	bool has_tlsa;    /* the server is judged by TLSA records */
	bool speaks_http; /* a server's: a WebSocket */
	bool is_judged;   /* a verdict on the peer's certificate was written to *verdict … */
	struct verdict *verdict;
	struct now now;              /* … in the handshake step under way */
	utc_t began;                 /* the session, with a full handshake; 0: not known yet */
	utc_t staple_until;          /* of a server: how long what is stapled holds; 0: nothing is */
	struct tls_facts peer;       /* fingerprint, not_after, user_key */
	char *identities, *unproven; /* of a server; NULL: "" */
	char *user;                  /* likewise */
	struct names *names;         /* NULL of a server, of which there are thousands */
	struct slice asked;          /* what of names->asked the certificate has to name */
	const struct scope *scope;   /* by whose rules; NULL: by those for all */
};

/* Of a server: chain, usage, identity. Not OK: conn->verdict says why, or there is no memory. */
MUST_CHECK enum err tls_check_server(X509_STORE_CTX *store, struct tls_conn *conn);

/* -- dane.c ---------------------------------------------------------------------------------------------- */

/* Whether a record of usage 3 was met: the DNS says that this is the server, so that its name matters no more. */
bool tls_dane_names_server(const struct tls_conn *conn);
/* After a refusal: what it means that no record was met. Leaves the verdict alone where something else is wrong. */
void tls_dane_explain(const struct tls_conn *conn, X509_STORE_CTX *store, struct verdict *verdict);

/* -- socket.c -------------------------------------------------------------------------------------------- */

/* NULL without memory. */
BIO_METHOD *tls_socket_method(void);
/* Gives conn->ssl its descriptor. False without memory. */
MUST_CHECK bool tls_socket_open(struct tls_conn *conn, int fd);

/* -- alpn.c ---------------------------------------------------------------------------------------------- */

/* A server chooses; a client offers (false: no memory), and OpenSSL takes nothing else from the server. */
void tls_alpn_choose(SSL_CTX *ctx);
bool tls_alpn_offer(SSL *ssl);

/* -- site.c ---------------------------------------------------------------------------------------------- */

/* Right after it was made. ERR_NOMEM. */
MUST_CHECK enum err tls_site_keep_names(struct site *site);
/* What was added for the name comes before what happens to prove it. NULL: neither. */
const struct site *tls_site_for(const struct tls_context *context, struct slice name);

/* -- ocsp.c ---------------------------------------------------------------------------------------------- */

struct ocsp_question {
	X509 *leaf, *issuer; /* the second: whose key has signed the first */
	utc_t now;
};
/* Whether the response says that the certificate is good; that holds until *ret_until. ERR_DENIED and a verdict, ERR_NOMEM. */
MUST_CHECK enum err tls_ocsp_judge(struct slice der, const struct ocsp_question *question, utc_t *ret_until,
				   struct verdict *ret_verdict);
/* A client asks for what is stapled, and judges it. */
void tls_ocsp_hear(SSL_CTX *ctx);
/* A server shows what the context has. */
void tls_ocsp_tell(SSL_CTX *ctx, struct tls_context *context);
void tls_staples_free(struct tls_context *context);

/* That with the certificate for the name, else the first; of a client without any, the one without. */
SSL_CTX *tls_context_for(const struct tls_context *context, struct slice name);

/* OpenSSL's certificate verification callback: chain, usage, identity. conn is the SSL's application data. */
int tls_peer_verify(X509_STORE_CTX *store, void *arg);

/* The verdict on a handshake that failed with this error of OpenSSL's queue. */
void tls_explain_handshake(unsigned long error, struct verdict *ret_verdict);

/* -- context.c ------------------------------------------------------------------------------------------- */

/* As tls_client_trust() and tls_client_revoke(). */
MUST_CHECK enum err tls_store_trust(X509_STORE *store, const struct chain *anchors);
MUST_CHECK enum err tls_store_revoke(X509_STORE *store, struct slice pem);

/* -- scope.c --------------------------------------------------------------------------------------------- */

void tls_scopes_free(struct tls_context *context);
/* Of a client that asks for that, which is in conn->names already. ERR_NOT_FOUND. */
MUST_CHECK enum err tls_scope_take(struct tls_conn *conn, struct slice domain);
/* Whom a client trusts to vouch for this server. */
X509_STORE *tls_anchors_for(const struct tls_conn *conn);
/* identity_check() by the rules of the scope, if there is one. */
MUST_CHECK enum err tls_scope_check(const struct scope *scope, const struct certificate *leaf,
				    struct slice name, struct verdict *ret_verdict);
/* Writes what a client's certificate proves by the rules of scopes. is_trusted: its chain is good by the common ones. ERR_NOMEM. */
MUST_CHECK enum err tls_scopes_prove(const struct tls_conn *conn, X509_STORE_CTX *shown, bool is_trusted,
				     struct writer *out);

/* The chain of a client's certificate by these anchors, for that purpose of OpenSSL's. ERR_DENIED, ERR_NOMEM. */
MUST_CHECK enum err tls_judge_client(const struct tls_conn *conn, X509_STORE_CTX *shown, X509_STORE *anchors,
				     int purpose);

/* -- users.c --------------------------------------------------------------------------------------------- */

void tls_users_free(struct tls_context *context);
/* Sets conn->user to what a client's certificate proves. ERR_NOMEM. */
MUST_CHECK enum err tls_users_prove(struct tls_conn *conn, X509_STORE_CTX *shown);

/* -- session.c ------------------------------------------------------------------------------------------- */

/* Judges anew a session that began then; false: a full handshake instead. */
bool tls_session_may_go_on(const struct tls_conn *conn, SSL_SESSION *session, utc_t began);
/* Offers the server a session that is kept, if there is one that may go on. */
void tls_session_offer(struct tls_conn *conn);
void tls_sessions_free(struct tls_context *context);

/* -- ticket.c -------------------------------------------------------------------------------------------- */

/* Gives tickets and takes them. ERR_NOMEM. */
MUST_CHECK enum err tls_tickets_enable(struct tls_context *context, const struct site *site);
