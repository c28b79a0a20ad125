/*
 * A connection's descriptor as OpenSSL reads and writes it: as its own BIO for sockets does, with fewer system calls. What is
 * known to be empty is not read again, the first bytes are looked at as they come, and a ticket, or what was sealed only, leaves
 * with what is written next.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "crypto/openssl.h"
#include "tls/private.h"

enum {
	RECORD_ALERT = 21, /* RFC 8446 §5.1, ContentType */
	RECORD_HANDSHAKE = 22,
	FIRST_BYTES = 24, /* of what is not TLS, shown in the verdict */
};

static const struct verdict plain_text = {
	.code = "tls.plain-text",
	.what = "the peer does not speak TLS, it begins with {found}",
	.section = "RFC 3261 §26.2.1",
	.remedy =
		"let the peer use transport TLS on this port; plain text has a port of its own where it is allowed",
};

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* Whoever speaks SIP or HTTP here is told so. */
static bool is_tls(struct tls_conn *conn, struct slice first)
{
	if (conn->has_heard || !conn->verdict)
		return true;
	conn->has_heard = true;
	if (*first.ptr == RECORD_HANDSHAKE || *first.ptr == RECORD_ALERT)
		return true;
	*conn->verdict = plain_text;
	verdict_text_set(&conn->verdict->found,
			 slice_sub(first, 0, first.len < FIRST_BYTES ? first.len : FIRST_BYTES));
	conn->is_judged = true;
	return false;
}

static int on_read(BIO *bio, char *buf, size_t size, size_t *ret_n)
{
	struct tls_conn *conn = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (conn->is_drained) {
		BIO_set_retry_read(bio);
		return -1;
	}
	n = recv(conn->fd, buf, size, 0);
	if (n > 0 && is_tls(conn, slice_from(buf, (size_t)n))) {
		conn->is_drained = (size_t)n < size;
		*ret_n = (size_t)n;
		return 1;
	}
	if (n < 0 && would_block())
		BIO_set_retry_read(bio);
	conn->has_ended = n == 0;
	return n == 0 ? 0 : -1;
}

/* False without memory. */
static bool hold(struct tls_conn *conn, struct slice bytes)
{
	char *held = mem_resize(conn->held, conn->n_held + bytes.len);

	if (!held)
		return false;
	memcpy(held + conn->n_held, bytes.ptr, bytes.len);
	conn->held = held;
	conn->n_held += bytes.len;
	return true;
}

static void let_go(struct tls_conn *conn, size_t n)
{
	conn->n_held -= n;
	memmove(conn->held, conn->held + n, conn->n_held);
	if (conn->n_held == 0)
		mem_free(TAKE(conn->held));
}

/* What is held, and these bytes behind it: how many of them have left, or negative. */
static ssize_t send_behind_held(struct tls_conn *conn, struct slice bytes)
{
	struct iovec parts[] = { { conn->held, conn->n_held }, { (void *)(uintptr_t)bytes.ptr, bytes.len } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	size_t n_held = conn->n_held;
	ssize_t n = sendmsg(conn->fd, &message, MSG_NOSIGNAL);

	if (n < 0)
		return n;
	let_go(conn, (size_t)n < n_held ? (size_t)n : n_held);
	if ((size_t)n > n_held)
		return n - (ssize_t)n_held;
	errno = EAGAIN;
	return -1;
}

static int on_write(BIO *bio, const char *buf, size_t size, size_t *ret_n)
{
	struct tls_conn *conn = BIO_get_data(bio);
	struct slice bytes = slice_from(buf, size);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (conn->may_wait && hold(conn, bytes)) {
		*ret_n = size;
		return 1;
	}
	n = conn->held ? send_behind_held(conn, bytes) : send(conn->fd, buf, size, MSG_NOSIGNAL);
	if (n < 0) {
		if (would_block())
			BIO_set_retry_write(bio);
		return -1;
	}
	*ret_n = (size_t)n;
	return 1;
}

static long on_control(BIO *bio, int command, long number, void *pointer)
{
	const struct tls_conn *conn = BIO_get_data(bio);

	(void)number, (void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH: return 1;
	case BIO_CTRL_EOF: return conn->has_ended;
	default: return 0;
	}
}

BIO_METHOD *tls_socket_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");

	if (method && BIO_meth_set_read_ex(method, on_read) && BIO_meth_set_write_ex(method, on_write) &&
	    BIO_meth_set_ctrl(method, on_control))
		return method;
	BIO_meth_free(method);
	return NULL;
}

bool tls_socket_open(struct tls_conn *conn, int fd)
{
	BIO *bio = BIO_new_ex(crypto_libctx(conn->context->crypto), conn->context->method);

	if (!bio)
		return false;
	conn->fd = fd;
	BIO_set_data(bio, conn);
	SSL_set_bio(conn->ssl, bio, bio);
	return true;
}

bool tls_conn_holds(const struct tls_conn *conn)
{
	return conn->held;
}

enum err tls_conn_flush(struct tls_conn *conn)
{
	ssize_t n;

	if (!conn->held)
		return OK;
	n = send(conn->fd, conn->held, conn->n_held, MSG_NOSIGNAL);
	if (n < 0)
		return would_block()                           ? ERR_AGAIN
		       : errno == EPIPE || errno == ECONNRESET ? ERR_CLOSED
							       : ERR_IO;
	let_go(conn, (size_t)n);
	return conn->held ? ERR_AGAIN : OK;
}
