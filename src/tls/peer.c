/* The judgement on a peer's certificate, and the words for all that can go wrong with a handshake. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/openssl.h"
#include "tls/private.h"

enum { IDENTITIES_MAX = 1000 };
/* ---- the chain ---- */

/* What is kept of a certificate that counts. */
static enum err describe(const struct certificate *leaf, struct tls_conn *conn)
{
	conn->peer.not_after = certificate_not_after(leaf);
	return certificate_fingerprint(leaf, conn->peer.fingerprint) ? OK : ERR_NOMEM;
}

static enum err check_chain(X509_STORE_CTX *store, struct tls_conn *conn, struct verdict *ret_verdict)
{
	struct certificate leaf = { X509_STORE_CTX_get0_cert(store) };

	TRY(anchors_judge(store, conn->now.wall, ret_verdict));
	return describe(&leaf, conn);
}

enum err tls_check_server(X509_STORE_CTX *store, struct tls_conn *conn)
{
	struct certificate leaf = { X509_STORE_CTX_get0_cert(store) };

	enum err err = check_chain(store, conn, conn->verdict);

	if (err == ERR_DENIED)
		tls_dane_explain(conn, store, conn->verdict);
	TRY(err);
	if (tls_dane_names_server(conn) ||
	    tls_scope_check(conn->scope, &leaf, conn->asked, conn->verdict) == OK)
		return OK;
	X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
	return ERR_DENIED;
}

static enum err keep_text(struct slice text, char **ret_kept)
{
	struct writer out = { .size = text.len + 1 };

	out.buf = mem_alloc(out.size);
	if (!out.buf)
		return ERR_NOMEM;
	put(&out, text);
	put_char(&out, '\0');
	mem_free(*ret_kept);
	*ret_kept = out.buf;
	return OK;
}

static enum err explain(const struct verdict *verdict, struct tls_conn *conn)
{
	char buf[IDENTITIES_MAX];
	struct writer out = writer_of(buf, sizeof(buf));

	put_verdict(&out, verdict);
	return keep_text(writer_text(&out), &conn->unproven);
}

/* Behind those that scopes have, which are few and asked for by name. */
static void put_common(struct writer *out, const struct certificate *leaf)
{
	struct writer before = *out;

	put(out, out->len > 0 ? SLICE(", ") : SLICE(""));
	if (!put_identities(out, leaf))
		*out = before;
}

/* What a client's certificate proves, or why it proves nothing: what that means is for others to say. */
static enum err take_client(X509_STORE_CTX *store, struct tls_conn *conn)
{
	struct certificate leaf = { X509_STORE_CTX_get0_cert(store) };
	char buf[IDENTITIES_MAX];
	struct writer out = writer_of(buf, sizeof(buf));
	struct verdict verdict;
	enum err err;

	TRY(tls_users_prove(conn, store));
	err = check_chain(store, conn, &verdict);
	if (err != ERR_DENIED)
		TRY(err);
	TRY(tls_scopes_prove(conn, store, err == OK, &out));
	if (err == ERR_DENIED && (out.len > 0 || conn->user))
		TRY(describe(&leaf, conn));
	else if (err == ERR_DENIED)
		return explain(&verdict, conn);
	else
		put_common(&out, &leaf);
	if (out.len == 0 && conn->user)
		return OK;
	if (out.len == 0)
		return keep_text(SLICE("the certificate names no SIP domain (RFC 5922 §7.1)"),
				 &conn->unproven);
	/* what did not fit is left out as a whole name */
	while (out.overflow && out.len > 0 && buf[out.len - 1] != ',')
		out.len--;
	return keep_text(writer_text(&out), &conn->identities);
}

int tls_peer_verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_conn *conn = SSL_get_app_data(ssl);
	enum err err = SSL_is_server(ssl) ? take_client(store, conn) : tls_check_server(store, conn);

	(void)arg;
	conn->is_judged = err == ERR_DENIED;
	if (err == ERR_NOMEM)
		X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
	return err == OK;
}

/* ---- the handshake ---- */

static const struct verdict wrong_version = {
	.code = "tls.version",
	.what = "the peer and we have no version of TLS in common, ours are {expected}",
	.section = "RFC 9325 §3.1",
	.remedy = "let the peer use TLS 1.2 or 1.3; older versions are not safe",
};

static const struct verdict no_cipher = {
	.code = "tls.no-shared-cipher",
	.what = "the peer and we have no cipher suite in common, ours are {expected}",
	.section = "RFC 9325 §4.2",
	.remedy =
		"let the peer use ECDHE with AES-GCM or ChaCha20; an old one may need an RSA certificate beside ours",
};

static const struct verdict refused_us = {
	.code = "tls.peer-refuses-certificate",
	.what = "the peer does not accept our certificate, it says: {found}",
	.section = "RFC 8446 §6.2",
	.remedy =
		"give the peer the certificate of our CA, and have it ask for a name that our certificate has",
};

static const struct verdict alerted = {
	.code = "tls.peer-refuses",
	.what = "the peer has ended the handshake, it says: {found}",
	.section = "RFC 8446 §6.2",
	.remedy = "look into the peer's log for its reason",
};

static const struct verdict closed = {
	.code = "tls.closed",
	.what = "the peer has closed the connection in the middle of the handshake",
	.remedy = "look into the peer's log for its reason",
};

static const struct verdict failed = {
	.code = "tls.failed",
	.what = "the peer does not follow the protocol: {found}",
	.section = "RFC 8446 §6.2",
	.remedy = "see what answers on that address and port",
};

/* As conn.c's, for a peer whose first bytes came only after we had looked for them. */
static const struct verdict not_tls = {
	.code = "tls.plain-text",
	.what = "the peer does not speak TLS: {found}",
	.section = "RFC 3261 §26.2.1",
	.remedy =
		"let the peer use transport TLS on this port; plain text has a port of its own where it is allowed",
};

static const struct verdict no_protocol = {
	.code = "tls.protocol",
	.what = "the peer wants to speak a protocol that is not spoken here; this port has {expected}",
	.section = "RFC 7301 §3.2",
	.remedy = "let the peer offer that, or none at all, or use the port that is meant for it",
};

static const struct {
	int reason;
	const struct verdict *verdict;
	const char *expected;
} handshake_verdicts[] = {
	{ SSL_R_UNSUPPORTED_PROTOCOL, &wrong_version, "TLS 1.2 and 1.3" },
	{ SSL_R_VERSION_TOO_LOW, &wrong_version, "TLS 1.2 and 1.3" },
	{ SSL_R_WRONG_VERSION_NUMBER, &not_tls, NULL }, /* of a record: RFC 8446 §5.1 */
	{ SSL_R_WRONG_SSL_VERSION, &wrong_version, "TLS 1.2 and 1.3" },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, &wrong_version, "TLS 1.2 and 1.3" },
	{ SSL_R_NO_SHARED_CIPHER, &no_cipher, "ECDHE with AES-GCM or ChaCha20" },
	{ SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, &no_cipher, "ECDHE with AES-GCM or ChaCha20" },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, &refused_us, NULL },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, &refused_us, NULL },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, &refused_us, NULL },
	{ SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, &refused_us, NULL },
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA, &refused_us, NULL },
	{ SSL_R_NO_APPLICATION_PROTOCOL, &no_protocol, "sip/2, or http/1.1 for WebSockets" },
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, &closed, NULL },
};

/* OpenSSL's name for an alert that came in: SSL_AD_REASON_OFFSET + number, as the text that RFC 8446 §6 has.
 */
static bool is_alert(int reason)
{
	return reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256;
}

static struct slice reason_text(unsigned long error)
{
	const char *text;

	if (is_alert(ERR_GET_REASON(error)))
		text = SSL_alert_desc_string_long(ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET);
	else
		text = ERR_reason_error_string(error);
	return text ? slice_of(text) : SLICE("unknown");
}

void tls_explain_handshake(unsigned long error, struct verdict *ret_verdict)
{
	int reason = ERR_GET_REASON(error);
	const size_t n = sizeof(handshake_verdicts) / sizeof(handshake_verdicts[0]);
	size_t i = 0;

	while (i < n && handshake_verdicts[i].reason != reason)
		i++;
	if (!error)
		*ret_verdict = closed;
	else if (i < n)
		*ret_verdict = *handshake_verdicts[i].verdict;
	else
		*ret_verdict = is_alert(reason) ? alerted : failed;
	if (i < n && handshake_verdicts[i].expected)
		verdict_text_set(&ret_verdict->expected, slice_of(handshake_verdicts[i].expected));
	if (error)
		verdict_text_set(&ret_verdict->found, reason_text(error));
}
