/* What the files of this room share and nobody else includes. */
#pragma once

#include <openssl/ssl.h>

#include "tls/conn.h"
#include "tls/context.h"

#define TLS_SITES_MAX 1000

/* One set of names that a server answers to; OpenSSL keeps a certificate of each kind of key in it. */
struct site {
	SSL_CTX *ctx;
	X509 *leaf;                         /* of the first added; ctx holds it */
	char domain[IDENTITY_NAME_MAX + 1]; /* that it was added for; "": for the names in its certificate */
};

struct tls_context {
	struct crypto *crypto;
	unsigned n_users; /* the owner, until tls_context_free(), and the connections */
	SSL_CTX *client;  /* NULL for a server */
	struct site *sites;
	size_t n_sites;
};

struct tls_conn {
	SSL *ssl;
	struct tls_context *context;
	unsigned wants;
	bool has_heard; /* the peer's first byte, and it looks like TLS */
	bool is_dead;   /* after an error nothing more may be asked of ssl */
	bool is_judged; /* a verdict on the peer's certificate was written to *verdict … */
	struct verdict *verdict;
	utc_t now;                          /* … in the handshake step under way */
	struct tls_facts peer;              /* domain, fingerprint, not_after */
	char domain[IDENTITY_NAME_MAX + 2]; /* the reference identity as it was given */
};

/* OpenSSL's certificate verification callback: chain, usage, identity. conn is the SSL's application data. */
int tls_peer_verify(X509_STORE_CTX *store, void *arg);

/* The verdict on a handshake that failed with this error of OpenSSL's queue. */
void tls_explain_handshake(unsigned long error, struct verdict *ret_verdict);
