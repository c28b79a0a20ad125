#include "tls/conn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <openssl/err.h>

#include "base/mem.h"
#include "net/net.h"
#include "tls/private.h"

static const struct verdict closed_at_once = {
	.code = "tls.closed",
	.what = "the peer has closed the connection without a word",
	.remedy = "nothing, if it is a check whether the port is open",
};

static const struct verdict lost = {
	.code = "tls.lost",
	.what = "the connection broke during the handshake: {found}",
	.remedy = "see whether a firewall or the peer resets it",
};

static const struct verdict silent = {
	.code = "tls.timeout",
	.what = "the peer has connected, but said nothing in time",
	.remedy = "see whether it expects the other side to speak first, or keeps connections in reserve",
};

static const struct verdict unfinished = {
	.code = "tls.timeout",
	.what = "the peer has not ended the TLS handshake in time",
	.remedy = "see whether packets get lost on the way (try a smaller MTU) or the peer is overloaded",
};

/* ---- handshakes that wait for a signature ---- */

static int do_handshake(void *ssl)
{
	return SSL_do_handshake(*(SSL **)ssl);
}

/* In the step that answers a ClientHello a server signs. In later ones it may have a client to judge, and a job's stack is small. */
static bool may_pause(const struct tls_conn *conn)
{
	return conn->context->pause && SSL_get_state(conn->ssl) == TLS_ST_BEFORE;
}

/* SSL_do_handshake(), which may be left in the middle: then there is conn->job. Without memory for one it is waited for. */
static int shake(struct tls_conn *conn)
{
	bool has_begun = conn->job;
	int rc = -1;

	if (!has_begun && !may_pause(conn))
		return SSL_do_handshake(conn->ssl);
	switch (ASYNC_start_job(&conn->job, conn->context->pause, &rc, do_handshake, &conn->ssl,
				sizeof(conn->ssl))) {
	case ASYNC_PAUSE:
	case ASYNC_FINISH: return rc;
	default: return has_begun ? -1 : SSL_do_handshake(conn->ssl);
	}
}

/* ---- life ---- */

static bool is_server(const struct tls_conn *conn)
{
	return !conn->context->client;
}

static enum err set_up_client(struct tls_conn *conn, struct slice domain)
{
	struct writer proven;
	struct slice name;

	conn->names = mem_new(struct names);
	if (!conn->names)
		return ERR_NOMEM;
	proven = writer_of(conn->names->proven, sizeof(conn->names->proven) - 1);
	memcpy(conn->names->asked, domain.ptr, domain.len);
	TRY(tls_scope_take(conn, domain));
	SSL_set_connect_state(conn->ssl);
	if (!tls_alpn_offer(conn->ssl) || SSL_set_tlsext_status_type(conn->ssl, TLSEXT_STATUSTYPE_ocsp) != 1)
		return ERR_NOMEM;
	name = slice_ends(conn->asked, SLICE(".")) ? slice_sub(conn->asked, 0, conn->asked.len - 1)
						   : conn->asked;
	if (!identity_is_name(name))
		return OK; /* RFC 6066 §3: no SNI for an address */
	put_lower(&proven, name);
	if (SSL_set_tlsext_host_name(conn->ssl, conn->names->proven) != 1)
		return ERR_NOMEM;
	if (conn->scope) {
		put_char(&proven, '/');
		put(&proven, slice_of(conn->scope->name));
	}
	return OK;
}

enum err tls_conn_new(struct tls_context *context, int fd, struct slice domain, struct tls_conn **ret_conn)
{
	AUTO(tls_conn) struct tls_conn *conn = NULL;

	assert(context->client || context->n_sites);
	if (context->client && (!domain.len || domain.len > TLS_ASKED_MAX))
		return ERR_LIMIT;
	conn = mem_new(struct tls_conn);
	if (!conn)
		return ERR_NOMEM;
	conn->context = context;
	context->n_users++;
	conn->ssl = SSL_new(context->client ? context->client : context->sites[0].ctx);
	if (!conn->ssl || !tls_socket_open(conn, fd) || SSL_set_app_data(conn->ssl, conn) != 1)
		return ERR_NOMEM;
	if (is_server(conn))
		SSL_set_accept_state(conn->ssl);
	else
		TRY(set_up_client(conn, domain));
	*ret_conn = TAKE(conn);
	return OK;
}

void tls_conn_free(struct tls_conn *conn)
{
	if (!conn)
		return;
	/* Else OpenSSL takes a session for a bad one whose connection broke, just when it is wanted again. */
	if (conn->ssl && SSL_is_init_finished(conn->ssl))
		SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN);
	if (conn->job)
		(void)shake(conn);
	SSL_free(conn->ssl);
	tls_context_free(conn->context);
	mem_free(conn->held);
	mem_free(conn->names);
	mem_free(conn->identities);
	mem_free(conn->unproven);
	mem_free(conn->user);
	mem_free(conn);
}

enum err tls_conn_speak_for(struct tls_conn *conn, struct slice domain)
{
	return SSL_set_SSL_CTX(conn->ssl, tls_context_for(conn->context, domain)) ? OK : ERR_NOMEM;
}

void tls_conn_ask(struct tls_conn *conn)
{
	if (conn->context->anchors)
		SSL_set_verify(conn->ssl, SSL_VERIFY_PEER, NULL);
}

void tls_conn_speak_http(struct tls_conn *conn)
{
	conn->speaks_http = true;
}

unsigned tls_conn_wants(const struct tls_conn *conn)
{
	return conn->wants;
}

/* ---- handshake ---- */

static enum err deny(struct tls_conn *conn, const struct verdict *template, struct slice found,
		     struct verdict *ret_verdict)
{
	conn->is_dead = true;
	*ret_verdict = *template;
	verdict_text_set(&ret_verdict->found, found);
	return template == &closed_at_once || template == &lost ? ERR_CLOSED : ERR_DENIED;
}

/* The queue is empty nearly always, and looking at it costs a tenth of emptying it. */
static void clear_errors(void)
{
	if (ERR_peek_error())
		ERR_clear_error();
}

/* What a failed call means; the caller has not called OpenSSL in between. */
static enum err result_of(struct tls_conn *conn, int rc)
{
	switch (SSL_get_error(conn->ssl, rc)) {
	case SSL_ERROR_WANT_READ: conn->wants = NET_READABLE; return ERR_AGAIN;
	case SSL_ERROR_WANT_WRITE: conn->wants = NET_WRITABLE; return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN: return ERR_CLOSED;
	case SSL_ERROR_SYSCALL:
		conn->is_dead = true;
		return !errno || errno == ECONNRESET || errno == EPIPE ? ERR_CLOSED : ERR_IO;
	default: conn->is_dead = true; return ERR_IO;
	}
}

static enum err explain(struct tls_conn *conn, enum err err, int error, struct verdict *ret_verdict)
{
	unsigned long ssl_error = ERR_peek_error();

	if (err == ERR_AGAIN)
		return err;
	conn->is_dead = true;
	clear_errors();
	if (conn->is_judged)
		return ERR_DENIED;
	if (!conn->has_heard && conn->has_ended)
		return deny(conn, &closed_at_once, SLICE(""), ret_verdict);
	if (ERR_GET_REASON(ssl_error) == ERR_R_MALLOC_FAILURE)
		return ERR_NOMEM;
	if (!ssl_error && error)
		return deny(conn, &lost, slice_of(strerrordesc_np(error)), ret_verdict);
	tls_explain_handshake(ssl_error, ret_verdict);
	return !ssl_error || ERR_GET_REASON(ssl_error) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? ERR_CLOSED
											     : ERR_DENIED;
}

static enum err step(struct tls_conn *conn, struct now now, struct verdict *ret_verdict)
{
	int rc, error;
	enum err err;

	if (!conn->job) /* whose signature was made within a turn: there is nothing new to read */
		conn->is_drained = false;
	X509_VERIFY_PARAM_set_time(SSL_get0_param(conn->ssl), (time_t)now.wall);
	conn->now = now;
	if (!is_server(conn) && SSL_in_before(conn->ssl)) {
		if (conn->scope && conn->scope->anchors &&
		    SSL_set1_verify_cert_store(conn->ssl, conn->scope->anchors) != 1)
			return ERR_NOMEM;
		tls_session_offer(conn);
	}
	conn->verdict = ret_verdict;
	clear_errors();
	errno = 0;
	rc = shake(conn);
	error = errno;
	conn->verdict = NULL;
	conn->may_wait = false;
	if (conn->job) {
		conn->wants = 0;
		return ERR_AGAIN;
	}
	if (rc == 1)
		return OK;
	err = result_of(conn, rc);
	return explain(conn, err, error, ret_verdict);
}

enum err tls_conn_handshake(struct tls_conn *conn, struct now now, struct verdict *ret_verdict)
{
	assert(!conn->is_dead);
	return step(conn, now, ret_verdict);
}

void tls_conn_timed_out(const struct tls_conn *conn, struct verdict *ret_verdict)
{
	*ret_verdict = conn->has_heard ? unfinished : silent;
}

bool tls_conn_has_heard(const struct tls_conn *conn)
{
	return conn->has_heard;
}

/* ---- data ---- */

enum err tls_conn_read(struct tls_conn *conn, void *buf, size_t size, size_t *ret_n)
{
	int rc;

	if (conn->is_dead)
		return ERR_CLOSED;
	conn->is_drained = false;
	clear_errors();
	errno = 0;
	rc = SSL_read_ex(conn->ssl, buf, size, ret_n);
	return rc == 1 ? OK : result_of(conn, rc);
}

enum err tls_conn_write(struct tls_conn *conn, struct slice text, size_t *ret_n)
{
	int rc;

	if (conn->is_dead)
		return ERR_CLOSED;
	clear_errors();
	errno = 0;
	rc = SSL_write_ex(conn->ssl, text.ptr, text.len, ret_n);
	return rc == 1 ? OK : result_of(conn, rc);
}

enum err tls_conn_seal(struct tls_conn *conn, struct slice text, size_t *ret_n)
{
	enum err err;

	conn->may_wait = true;
	err = tls_conn_write(conn, text, ret_n);
	conn->may_wait = false;
	return err;
}

bool tls_conn_has_pending(const struct tls_conn *conn)
{
	return !conn->is_dead && SSL_has_pending(conn->ssl) == 1;
}

void tls_conn_shutdown(struct tls_conn *conn)
{
	if (conn->is_dead || !SSL_is_init_finished(conn->ssl))
		return;
	clear_errors();
	SSL_shutdown(conn->ssl);
	conn->is_dead = true;
	clear_errors();
}

utc_t tls_conn_user_until(const struct tls_conn *conn)
{
	return conn->peer.user_until;
}

void tls_conn_facts(const struct tls_conn *conn, struct tls_facts *ret_facts)
{
	int nid = (int)SSL_get_negotiated_group(conn->ssl);
	struct slice group = slice_of(nid ? SSL_group_to_name(conn->ssl, nid) : NULL);

	*ret_facts = conn->peer;
	ret_facts->resumed = SSL_session_reused(conn->ssl) == 1;
	ret_facts->domain = conn->names ? conn->names->proven : "";
	ret_facts->identities = conn->identities ? conn->identities : "";
	ret_facts->user = conn->user ? conn->user : "";
	ret_facts->unproven = conn->unproven ? conn->unproven : "";
	ret_facts->version = SSL_get_version(conn->ssl);
	ret_facts->cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(conn->ssl));
	if (group.len && group.len < sizeof(ret_facts->group))
		memcpy(ret_facts->group, group.ptr, group.len);
}
