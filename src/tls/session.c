/* Sessions that are taken up again: what a client keeps of them, and when one may go on. */
#include <openssl/err.h>

#include "base/mem.h"
#include "crypto/openssl.h"
#include "tls/private.h"
#include "tls/ticket.h"

/* A session with a server of this domain. */
struct session {
	struct link link; /* in the context's, the newest first */
	SSL_SESSION *session;
	utc_t began;        /* with a full handshake */
	utc_t staple_until; /* what the server had stapled to that; 0: nothing */
	char domain[TLS_ASKED_MAX + 1];
};

static bool has_ended(const X509 *x509, utc_t wall)
{
	struct certificate certificate = { (X509 *)x509 };

	return certificate_not_after(&certificate) < wall;
}

/* One of those of each kind of key. */
static bool own_has_ended(SSL *ssl, utc_t wall)
{
	bool ended = false;

	for (long next = SSL_CERT_SET_FIRST; SSL_set_current_cert(ssl, next) == 1; next = SSL_CERT_SET_NEXT)
		ended = ended || has_ended(SSL_get_certificate(ssl), wall);
	return ended;
}

/*
 * Judges anew whether a session may be taken up: it is no older than any may be, and the certificates of both sides
 * still count. For a client there is more: see is_still_trusted().
 */
bool tls_session_may_go_on(const struct tls_conn *conn, SSL_SESSION *session, utc_t began)
{
	const X509 *peer = SSL_SESSION_get0_peer(session);
	utc_t wall = conn->now.wall;

	return began <= wall && wall - began <= TLS_SESSION_MAX && !own_has_ended(conn->ssl, wall) &&
	       !(peer && has_ended(peer, wall));
}

/* ---- what a client keeps ---- */

static void session_free(struct tls_context *context, struct session *session)
{
	list_remove(&context->sessions, &session->link);
	SSL_SESSION_free(session->session);
	mem_free(session);
}

void tls_sessions_free(struct tls_context *context)
{
	LIST_EACH (session, &context->sessions, struct session, link)
		session_free(context, session);
}

/* The server has sent a ticket. 1: the session is taken over. */
static int on_new_session(SSL *ssl, SSL_SESSION *openssl)
{
	const struct tls_conn *conn = SSL_get_app_data(ssl);
	struct tls_context *context = conn->context;
	struct session *session;

	if (SSL_version(ssl) != TLS1_3_VERSION || conn->has_tlsa)
		return 0;
	session = mem_new(struct session);
	if (!session)
		return 0;
	*session = (struct session){ .session = openssl };
	session->began = SSL_session_reused(ssl) ? conn->began : conn->now.wall;
	session->staple_until = conn->staple_until;
	memcpy(session->domain, conn->names->asked, sizeof session->domain);
	list_prepend(&context->sessions, &session->link);
	if (context->sessions.n > context->sessions_max)
		session_free(context, CONTAINER_OF(context->sessions.head.prev, struct session, link));
	return 1;
}

void tls_client_resume(struct tls_context *context, size_t max)
{
	context->sessions_max = max;
	SSL_CTX_clear_options(context->client, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(context->client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context->client, on_new_session);
}

static struct session *find(struct tls_context *context, const char *domain)
{
	LIST_EACH (session, &context->sessions, struct session, link)
		if (slice_eq_nocase(slice_of(session->domain), slice_of(domain)))
			return session;
	return NULL;
}

/* The judgement of a full handshake on the chain that the server showed then, by what is known now. */
static bool is_still_trusted(struct tls_conn *conn)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new_ex(crypto_libctx(conn->context->crypto), NULL);
	struct verdict verdict;
	bool ok;

	conn->verdict = &verdict;
	ok = store &&
	     X509_STORE_CTX_init(store, tls_anchors_for(conn), SSL_get0_peer_certificate(conn->ssl),
				 SSL_get_peer_cert_chain(conn->ssl)) == 1 &&
	     X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(store), SSL_get0_param(conn->ssl)) == 1 &&
	     tls_check_server(store, conn) == OK;
	conn->verdict = NULL;
	X509_STORE_CTX_free(store);
	ERR_clear_error();
	return ok;
}

/* What was stapled is not shown again with a session, so that it goes on no longer than that. */
static bool has_lapsed(const struct session *session, utc_t wall)
{
	return session->staple_until > 0 && session->staple_until < wall;
}

static void go_on(struct tls_conn *conn, const struct session *session)
{
	conn->began = session->began;
	conn->staple_until = session->staple_until;
}

void tls_session_offer(struct tls_conn *conn)
{
	struct session *session = find(conn->context, conn->names->asked);

	/* The records are of now, and a session would not be held against them. */
	if (!session || conn->has_tlsa)
		return;
	if (tls_session_may_go_on(conn, session->session, session->began) &&
	    !has_lapsed(session, conn->now.wall) && SSL_set_session(conn->ssl, session->session) == 1) {
		if (is_still_trusted(conn))
			go_on(conn, session);
		else
			SSL_set_session(conn->ssl, NULL);
	}
	/* RFC 8446 §C.4: a ticket that is used twice shows who uses it. */
	session_free(conn->context, session);
}
