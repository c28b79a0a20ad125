/*
 * bench/floor PORT CERTIFICATE KEY: the least that a server could do for the traffic of `sealine load`, with OpenSSL and
 * epoll and nothing else. It knows the texts that the load sends and believes all of them: no parser, no limit, no
 * transaction, no digest, no location but a table of who spoke last. So its CPU time and memory are a limit that a
 * real server can come near to, but not reach. Only for bench/compare.py, and only on 127.0.0.1.
 *
 * What it has in common with sealined, so that the same bytes go over the same system calls: TLS 1.3 with X25519, AES-128 and
 * one ticket, a library context of its own, buffers released when nothing happens, one read for a record and none that finds
 * nothing, what leaves for one connection in one turn joined in one write, encrypted at once where it was heard, and sent with
 * what leaves for the others, a ticket with the first answer, a first challenge for each user (then its credentials are in
 * the bytes), Via and Record-Route on a call. Nor does it send a 100: sealined sends one when no answer came within 200 ms.
 * Its messages have the header fields of sealined's, in as many bytes; where sealined has reckoned or drawn what is in them,
 * they have zeros, in parameters that nobody knows.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <openssl/ssl.h>

enum {
	USERS = 100000,
	EVENTS = 256,
	TEXT = 65536,
	BACKLOG = 4096,
	DIRTY = 65536,
	CONNS = 65536,
	FLUSH_TOGETHER = 64
};

struct conn {
	SSL *ssl;
	int fd;
	bool is_dirty, is_open;
	bool is_sealing;  /* what OpenSSL writes is held */
	bool is_drained;  /* the descriptor had no more, in this turn */
	unsigned number;  /* of the user that spoke here last */
	char contact[64]; /* where it is, as its last REGISTER says */
	char source[48];  /* where it comes from, for Via */
	size_t n_source;
	char *in, *out; /* the beginning of a message, what has to leave */
	size_t n_in, n_out, size_out;
	char *held; /* what was encrypted, until it is sent */
	size_t n_held;
};

struct text {
	const char *at;
	size_t n;
};

static struct conn *users[USERS], *dirty[DIRTY];
static struct conn *conns[CONNS]; /* by file descriptor */
static size_t n_dirty;
static SSL_CTX *ctx;
static OSSL_LIB_CTX *lib;
static BIO_METHOD *method;
static int poller, listener;
static char buf[2 * TEXT];
static volatile sig_atomic_t is_over;

static void fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- descriptors ---- */

static int read_some(BIO *bio, char *at, size_t size, size_t *ret_n)
{
	struct conn *conn = BIO_get_data(bio);
	ssize_t n = conn->is_drained ? -1 : recv(conn->fd, at, size, 0);

	BIO_clear_retry_flags(bio);
	if (conn->is_drained || (n < 0 && errno == EAGAIN))
		BIO_set_retry_read(bio);
	if (n <= 0)
		return (int)n;
	conn->is_drained = (size_t)n < size;
	*ret_n = (size_t)n;
	return 1;
}

static void hold(struct conn *conn, const char *at, size_t n)
{
	conn->held = realloc(conn->held, conn->n_held + n);
	if (!conn->held)
		fail("memory");
	memcpy(conn->held + conn->n_held, at, n);
	conn->n_held += n;
}

static void forget_held(struct conn *conn)
{
	free(conn->held);
	conn->held = NULL;
	conn->n_held = 0;
}

/* The load takes all at once, so that none of the held bytes stays behind. */
static int write_some(BIO *bio, const char *at, size_t n, size_t *ret_n)
{
	struct conn *conn = BIO_get_data(bio);
	const struct iovec parts[] = { { conn->held, conn->n_held }, { (void *)(uintptr_t)at, n } };
	ssize_t n_sent;

	BIO_clear_retry_flags(bio);
	*ret_n = n;
	if (conn->is_sealing || SSL_get_state(conn->ssl) == TLS_ST_SW_SESSION_TICKET) {
		hold(conn, at, n);
		return 1;
	}
	n_sent = conn->held ? writev(conn->fd, parts, 2) : send(conn->fd, at, n, 0);
	if (n_sent < (ssize_t)(conn->n_held + n))
		return -1;
	forget_held(conn);
	return 1;
}

/* Likewise. */
static void send_held(struct conn *conn)
{
	if (conn->held && send(conn->fd, conn->held, conn->n_held, 0) == (ssize_t)conn->n_held)
		forget_held(conn);
}

static long control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static void open_descriptor(struct conn *conn)
{
	BIO *bio = BIO_new_ex(lib, method);

	if (!bio)
		fail("memory");
	BIO_set_data(bio, conn);
	SSL_set_bio(conn->ssl, bio, bio);
}

/* ---- connections ---- */

static void hang_up(struct conn *conn)
{
	if (users[conn->number] == conn)
		users[conn->number] = NULL;
	if (conn->is_open)
		SSL_shutdown(conn->ssl);
	SSL_free(conn->ssl);
	conns[conn->fd] = NULL;
	close(conn->fd);
	free(conn->in);
	free(conn->out);
	free(conn->held);
	for (size_t i = 0; conn->is_dirty && i < n_dirty; i++)
		if (dirty[i] == conn)
			dirty[i] = NULL;
	free(conn);
}

static void welcome(void)
{
	struct sockaddr_in source;
	socklen_t n = sizeof source;
	int fd;

	while ((fd = accept4(listener, (struct sockaddr *)&source, &n, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
		struct conn *conn = calloc(1, sizeof *conn);

		if (!conn || fd >= CONNS || !(conn->ssl = SSL_new(ctx)))
			fail("memory");
		conn->fd = fd;
		conn->n_source = (size_t)snprintf(conn->source, sizeof conn->source,
						  ";received=127.0.0.1;rport=%u\r\n", ntohs(source.sin_port));
		conns[fd] = conn;
		open_descriptor(conn);
		SSL_set_accept_state(conn->ssl);
		if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
			hang_up(conn);
	}
}

static void say(struct conn *conn, const char *at, size_t n)
{
	while (conn->n_out + n > conn->size_out) {
		conn->size_out = conn->size_out ? 2 * conn->size_out : 2048;
		conn->out = realloc(conn->out, conn->size_out);
		if (!conn->out)
			fail("memory");
	}
	memcpy(conn->out + conn->n_out, at, n);
	conn->n_out += n;
	if (!conn->is_dirty && n_dirty < DIRTY)
		dirty[n_dirty++] = conn;
	conn->is_dirty = true;
}

#define SAY(conn, text) say(conn, text, sizeof(text) - 1)

static void seal(struct conn *conn)
{
	if (!conn || conn->n_out == 0)
		return;
	conn->is_sealing = true;
	SSL_write(conn->ssl, conn->out, (int)conn->n_out);
	conn->is_sealing = false;
	conn->n_out = 0;
}

static void flush_all(void)
{
	for (size_t i = 0; i < n_dirty; i++) {
		struct conn *conn = dirty[i];

		if (!conn)
			continue;
		if (conn->n_out > 0)
			SSL_write(conn->ssl, conn->out, (int)conn->n_out);
		else
			send_held(conn);
		conn->n_out = 0;
		conn->is_dirty = false;
	}
	n_dirty = 0;
}

/* ---- messages ---- */

static bool begins(struct text text, const char *with)
{
	size_t n = strlen(with);

	return text.n >= n && memcmp(text.at, with, n) == 0;
}

/* The next line with its end; nothing behind the last. */
static struct text line_of(struct text *rest)
{
	const char *end = memchr(rest->at, '\n', rest->n);
	struct text line = { rest->at, end ? (size_t)(end + 1 - rest->at) : 0 };

	rest->at += line.n;
	rest->n -= line.n;
	return line;
}

static struct text find(struct text text, const char *what)
{
	const char *at = text.at ? memmem(text.at, text.n, what, strlen(what)) : NULL;

	return at ? (struct text){ at + strlen(what), text.n - (size_t)(at - text.at) - strlen(what) }
		  : (struct text){ 0 };
}

/* "<sip:user1@127.0.0.1:40000>" */
static void note_contact(struct conn *conn, struct text message)
{
	struct text uri = find(message, "\r\nContact: <");
	const char *end = uri.n ? memchr(uri.at, '>', uri.n) : NULL;
	size_t n = end ? (size_t)(end - uri.at) : 0;

	if (n > 0 && n < sizeof conn->contact) {
		memcpy(conn->contact, uri.at, n);
		conn->contact[n] = '\0';
	}
}

static unsigned number_at(struct text text)
{
	return text.n ? (unsigned)strtoul(text.at, NULL, 10) % USERS : 0;
}

/* "Via: …;rport", with where it comes from. */
static void say_via(const struct conn *from, struct conn *to, struct text line)
{
	say(to, line.at, line.n - strlen(";rport\r\n"));
	say(to, from->source, from->n_source);
}

/* As long as a nonce, as half of what a Warning says. */
#define ZEROS_43 "0000000000000000000000000000000000000000000"
#define ZEROS_76 ZEROS_43 "000000000000000000000000000000000"

/* Of a response by sealined: qop=auth, rspauth="64 digits", cnonce="22 characters", nc=00000001. Nobody checks these. */
#define PROOF                           \
	"qop=auth, floor01=\"" ZEROS_43 \
	"000000000000000000000\", floor2=\"0000000000000000000000\", f3=00000001\r\n"
#define CHALLENGE                                                                                          \
	"Digest realm=\"localhost\", nonce=\"" ZEROS_43 "\", algorithm=SHA-256, qop=\"auth,auth-int\"\r\n" \
	"Warning: 399 localhost \"" ZEROS_76 ZEROS_76 "\"\r\n"

/* Says the lines that a response repeats, and for a 200 to a REGISTER what it binds. */
static void answer(struct conn *conn, struct text request, bool binds, const char *status, size_t n_status)
{
	struct text rest = request, line;

	say(conn, status, n_status);
	line_of(&rest);
	while ((line = line_of(&rest)).n > 2) {
		if (begins(line, "To: ")) {
			say(conn, line.at, line.n - 2);
			SAY(conn, ";tag=f00dfeedf00dfeed\r\n");
		} else if (begins(line, "Via: ")) {
			say_via(conn, conn, line);
		} else if (binds && begins(line, "Contact: ")) {
			say(conn, line.at, line.n - 2);
			SAY(conn, ";expires=3600\r\n");
		} else if (begins(line, "From: ") || begins(line, "Call-ID: ") || begins(line, "CSeq: ")) {
			say(conn, line.at, line.n);
		}
	}
	SAY(conn, "Content-Length: 0\r\n\r\n");
}

#define ANSWER(conn, request, binds, status) answer(conn, request, binds, status, sizeof(status) - 1)

/*
 * The same lines without Route and credentials, with one hop less of the 70 that the load gives, and with Via before them; an
 * INVITE goes to where the user is, with Record-Route.
 */
static void pass_on(struct conn *from, struct conn *to, struct text request)
{
	struct text rest = request, line = line_of(&rest);
	bool is_invite = begins(request, "INVITE "), has_via = false;
	char first[400];
	int n = snprintf(
		first, sizeof first,
		"%.*s%s%sVia: SIP/2.0/TLS localhost:40000;branch=z9hG4bK%c%u.%s\r\n%sMax-Breadth: 60\r\n",
		is_invite ? 7 : (int)line.n, line.at, is_invite ? to->contact : "",
		is_invite ? " SIP/2.0\r\n" : "", is_invite ? 'i' : 'r', from->number,
		is_invite ? ZEROS_43 : "0000000000000000000",
		is_invite ? "Record-Route: <sip:" ZEROS_43 "000000000000000000000@localhost:40000;lr>\r\n"
			  : "");

	say(to, first, (size_t)n < sizeof first ? (size_t)n : 0);
	while ((line = line_of(&rest)).n > 0)
		if (!has_via && begins(line, "Via: ")) {
			has_via = true;
			say_via(from, to, line);
		} else if (begins(line, "Max-Forwards: 70")) {
			SAY(to, "Max-Forwards: 69\r\n");
		} else if (!begins(line, "Route: ") && !begins(line, "Proxy-Authorization: ")) {
			say(to, line.at, line.n);
		}
}

static void pass_back(struct text response)
{
	struct text rest = response, status = line_of(&rest), via = line_of(&rest),
		    mark = find(via, "branch=z9hG4bK");
	struct text number = { mark.at + 1, mark.n - 1 };
	struct conn *to = mark.n ? users[number_at(number)] : NULL;

	if (!to)
		return;
	say(to, status.at, status.n);
	if (*mark.at == 'i' && begins(status, "SIP/2.0 200"))
		SAY(to, "Proxy-Authentication-Info: " PROOF);
	say(to, rest.at, rest.n);
}

static void take(struct conn *conn, struct text message)
{
	struct conn *to;

	if (begins(message, "SIP/2.0 ")) {
		pass_back(message);
		return;
	}
	conn->number = number_at(find(find(message, "\r\nFrom: "), "user"));
	users[conn->number] = conn;
	if (begins(message, "OPTIONS ")) {
		ANSWER(conn, message, false,
		       "SIP/2.0 200 OK\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, PRACK, REFER, "
		       "SUBSCRIBE, NOTIFY, PUBLISH, REGISTER\r\nSupported: path, outbound\r\nAllow-Events: reg, certificate\r\n");
	} else if (begins(message, "REGISTER ") && !find(message, "\r\nAuthorization: ").n) {
		ANSWER(conn, message, false, "SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: " CHALLENGE);
	} else if (begins(message, "REGISTER ")) {
		note_contact(conn, message);
		ANSWER(conn, message, true,
		       "SIP/2.0 200 OK\r\nSupported: path, outbound\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
		       "Authentication-Info: " PROOF);
	} else if (begins(message, "INVITE ") && !find(message, "\r\nProxy-Authorization: ").n) {
		ANSWER(conn, message, false,
		       "SIP/2.0 407 Proxy Authentication Required\r\nProxy-Authenticate: " CHALLENGE);
	} else if (!begins(message, "ACK ") || find(message, "\r\nRoute: ").n) {
		to = users[number_at(find(message, "user"))];
		if (to)
			pass_on(conn, to, message);
	}
}

/* How long the message at the beginning is; 0: not whole yet. */
static size_t length_of(struct text text)
{
	struct text body = find(text, "\r\n\r\n"), head = { text.at, text.n - body.n };
	size_t n = body.at ? head.n + number_at(find(head, "\r\nContent-Length: ")) : 0;

	return n <= text.n ? n : 0;
}

static void hear(struct conn *conn)
{
	size_t n = 0, length;
	struct text text;

	do {
		if (conn->in)
			memcpy(buf, conn->in, conn->n_in);
		if (SSL_read_ex(conn->ssl, buf + conn->n_in, TEXT, &n) != 1) {
			if (SSL_get_error(conn->ssl, 0) != SSL_ERROR_WANT_READ)
				hang_up(conn);
			return;
		}
		text = (struct text){ buf, conn->n_in + n };
		while ((length = length_of(text)) > 0) {
			take(conn, (struct text){ text.at, length });
			text = (struct text){ text.at + length, text.n - length };
		}
		free(conn->in);
		conn->in = text.n ? malloc(text.n) : NULL;
		conn->n_in = conn->in ? text.n : 0;
		if (conn->in)
			memcpy(conn->in, text.at, text.n);
	} while (SSL_has_pending(conn->ssl));
}

static void event(struct conn *conn)
{
	if (!conn) {
		welcome();
		return;
	}
	conn->is_drained = false;
	if (!conn->is_open) {
		int rc = SSL_do_handshake(conn->ssl);

		if (rc != 1) {
			if (SSL_get_error(conn->ssl, rc) != SSL_ERROR_WANT_READ)
				hang_up(conn);
			return;
		}
		conn->is_open = true;
		if (!SSL_has_pending(conn->ssl))
			return;
	}
	hear(conn);
}

/* ---- starting ---- */

/* By default as many random bytes, which nobody looks at in TLS 1.3. */
static int session_id(SSL *ssl, unsigned char *id, unsigned *n)
{
	static unsigned long long number;

	(void)ssl;
	memset(id, 0, *n);
	number++;
	memcpy(id, &number, *n < sizeof number ? *n : sizeof number);
	return 1;
}

static void open_tls(const char *certificate, const char *key)
{
	lib = OSSL_LIB_CTX_new();
	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");
	if (!method || !BIO_meth_set_read_ex(method, read_some) ||
	    !BIO_meth_set_write_ex(method, write_some) || !BIO_meth_set_ctrl(method, control))
		fail("memory");
	ctx = SSL_CTX_new_ex(lib, NULL, TLS_server_method());
	if (!ctx || SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256") != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384") != 1)
		fail("certificate");
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_generate_session_id(ctx, session_id);
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
}

static void open_listener(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct epoll_event event = { .events = EPOLLIN };
	int yes = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	event.data.fd = listener;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes,
		   sizeof yes); /* so have those that are accepted */
	if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(listener, BACKLOG) != 0)
		fail("listen");
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) != 0)
		fail("epoll");
}

static void end(int signal)
{
	(void)signal;
	is_over = 1;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];

	if (argc != 4) {
		fprintf(stderr, "usage: floor PORT CERTIFICATE KEY\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, end);
	open_tls(argv[2], argv[3]);
	open_listener((uint16_t)strtoul(argv[1], NULL, 10));
	while (!is_over) {
		int n = epoll_wait(poller, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			event(conns[events[i].data.fd]);
			seal(conns[events[i].data.fd]);
			if (n_dirty >= FLUSH_TOGETHER)
				flush_all();
		}
		flush_all();
	}
	return 0;
}
