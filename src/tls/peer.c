/* The judgement on a server's certificate, and the words for all that can go wrong with a handshake. */
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/openssl.h"
#include "tls/private.h"

enum { IDENTITIES_MAX = 1000 };

/* ---- the chain ---- */

static const struct verdict unknown_ca = {
	.code = "certificate.unknown-ca",
	.what = "the certificate {found}, leads to no CA that is trusted here",
	.section = "RFC 5280 §6.1",
	.remedy = "trust the CA of the server if you know it, or have the server send its whole chain",
};

static const struct verdict self_signed = {
	.code = "certificate.self-signed",
	.what = "the certificate {found} is signed by itself and not trusted here",
	.section = "RFC 5280 §6.1",
	.remedy = "trust it as a CA if you know it, or have it issued by one that is trusted",
};

static const struct verdict expired = {
	.code = "certificate.expired",
	.what = "the certificate {found} has expired, it is now {expected}",
	.section = "RFC 5280 §6.1.3",
	.remedy = "renew the certificate; if it is good, set the clock of this machine",
};

static const struct verdict not_yet_valid = {
	.code = "certificate.not-yet-valid",
	.what = "the certificate {found} is not valid yet, it is now {expected}",
	.section = "RFC 5280 §6.1.3",
	.remedy = "set the clock of this machine, or that of the machine which issued the certificate",
};

static const struct verdict weak = {
	.code = "certificate.weak",
	.what = "the certificate {found} has a key or a signature that is too weak",
	.section = "RFC 9325 §4.5",
	.remedy = "have it issued anew with ECDSA P-256 or RSA from 2048 bits, and SHA-256",
};

static const struct verdict bad_signature = {
	.code = "certificate.bad-signature",
	.what = "the signature of the certificate {found} is wrong",
	.section = "RFC 5280 §6.1.3",
	.remedy = "nobody but an attacker or a broken server sends this: look at who answers on that address",
};

static const struct verdict bad_chain = {
	.code = "certificate.bad-chain",
	.what = "the certificate chain is not valid: {found}",
	.section = "RFC 5280 §6.1",
	.remedy = "have the server send its certificate with the chain up to a CA that is trusted",
};

static const struct verdict not_a_ca = {
	.code = "certificate.not-a-ca",
	.what = "the certificate {found} has issued another one, but is no CA's",
	.section = "RFC 5280 §4.2.1.9",
	.remedy = "nobody but an attacker or a broken CA does this: look at who answers on that address",
};

static const struct verdict path_too_long = {
	.code = "certificate.path-too-long",
	.what = "the certificate chain is longer than its CAs or we allow: {found}",
	.section = "RFC 5280 §6.1.4",
	.remedy = "have the certificate issued by a CA nearer to the one that is trusted",
};

static const struct verdict out_of_bounds = {
	.code = "certificate.name-constraints",
	.what = "the CA of the certificate may not issue for its names: {found}",
	.section = "RFC 5280 §4.2.1.10",
	.remedy =
		"have it issued by a CA that may; if that surprises you, look at who answers on that address",
};

static const struct verdict not_understood = {
	.code = "certificate.critical-extension",
	.what = "the certificate {found} says something that must not be ignored, and we do not understand it",
	.section = "RFC 5280 §4.2",
	.remedy = "have it issued without that critical extension",
};

static const struct verdict revoked = {
	.code = "certificate.revoked",
	.what = "the certificate {found} was revoked by its CA",
	.section = "RFC 5280 §6.3",
	.remedy = "do not trust who shows it; its rightful owner has to renew it",
};

static const struct verdict bad_list = {
	.code = "certificate.crl",
	.what = "the list of what the CA has revoked is of no use: {found}",
	.section = "RFC 5280 §6.3.3",
	.remedy = "get the present list of that CA, and have it renewed before it ends",
};

static const struct {
	int error;
	const struct verdict *verdict;
} chain_verdicts[] = {
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, &unknown_ca },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, &unknown_ca },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, &unknown_ca },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, &unknown_ca },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, &self_signed },
	{ X509_V_ERR_CERT_HAS_EXPIRED, &expired },
	{ X509_V_ERR_CERT_NOT_YET_VALID, &not_yet_valid },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, &weak },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, &weak },
	{ X509_V_ERR_CA_MD_TOO_WEAK, &weak },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, &bad_signature },
	{ X509_V_ERR_INVALID_CA, &not_a_ca },
	{ X509_V_ERR_PATH_LENGTH_EXCEEDED, &path_too_long },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, &path_too_long },
	{ X509_V_ERR_PERMITTED_VIOLATION, &out_of_bounds },
	{ X509_V_ERR_EXCLUDED_VIOLATION, &out_of_bounds },
	{ X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, &out_of_bounds }, /* a sip URI below constraints on URIs */
	{ X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, &not_understood },
	{ X509_V_ERR_CERT_REVOKED, &revoked },
	{ X509_V_ERR_CRL_HAS_EXPIRED, &bad_list },
	{ X509_V_ERR_CRL_NOT_YET_VALID, &bad_list },
	{ X509_V_ERR_CRL_SIGNATURE_FAILURE, &bad_list },
};

static const struct verdict *chain_verdict(int error)
{
	for (size_t i = 0; i < sizeof(chain_verdicts) / sizeof(chain_verdicts[0]); i++)
		if (chain_verdicts[i].error == error)
			return chain_verdicts[i].verdict;
	return &bad_chain;
}

static void put_time(struct writer *out, utc_t time)
{
	char text[sizeof("2026-01-01 00:00:00 UTC") + 8];
	time_t seconds = (time_t)time;
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		put(out, slice_from(text, strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm)));
}

/* Whether it needs OpenSSL's words for what is wrong. */
static bool is_general(const struct verdict *verdict)
{
	return verdict == &bad_chain || verdict == &path_too_long || verdict == &out_of_bounds ||
	       verdict == &bad_list;
}

/* Which certificate of the chain it is, and what about it matters for the error. */
static void put_culprit(struct writer *out, X509_STORE_CTX *store)
{
	int depth = X509_STORE_CTX_get_error_depth(store), error = X509_STORE_CTX_get_error(store);
	struct certificate culprit = { X509_STORE_CTX_get_current_cert(store) };

	if (is_general(chain_verdict(error))) {
		put(out, slice_of(X509_verify_cert_error_string(error)));
		put(out, SLICE(": "));
	}
	if (!culprit.x509)
		return;
	put_certificate_subject(out, &culprit);
	if (depth > 0) {
		put(out, SLICE(" at depth "));
		put_number(out, (uint64_t)depth);
	}
	if (chain_verdict(error) == &unknown_ca) {
		put(out, SLICE(", issued by "));
		put_certificate_issuer(out, &culprit);
	} else if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
		put(out, SLICE(" (until "));
		put_time(out, certificate_not_after(&culprit));
		put_char(out, ')');
	} else if (error == X509_V_ERR_CERT_NOT_YET_VALID) {
		put(out, SLICE(" (from "));
		put_time(out, certificate_not_before(&culprit));
		put_char(out, ')');
	}
}

static void explain_chain(X509_STORE_CTX *store, utc_t now, struct verdict *ret_verdict)
{
	char buf[VERDICT_TEXT_MAX], time[32];
	struct writer found = writer_of(buf, sizeof(buf)), expected = writer_of(time, sizeof(time));

	*ret_verdict = *chain_verdict(X509_STORE_CTX_get_error(store));
	put_culprit(&found, store);
	put_time(&expected, now);
	verdict_text_set(&ret_verdict->found, writer_text(&found));
	verdict_text_set(&ret_verdict->expected, writer_text(&expected));
}

/* RFC 5280 §4.2.1.12 for the certificate and those between it and the trust anchor. */
static enum err check_usages(X509_STORE_CTX *store, struct verdict *ret_verdict)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
	int n = sk_X509_num(chain);

	for (int i = 0; i == 0 || i < n - 1; i++) {
		struct certificate certificate = { sk_X509_value(chain, i) };

		TRY(identity_check_usage(&certificate, i > 0, ret_verdict));
	}
	return OK;
}

static enum err check_chain(X509_STORE_CTX *store, struct tls_conn *conn, struct verdict *ret_verdict)
{
	struct certificate leaf = { X509_STORE_CTX_get0_cert(store) };

	if (X509_verify_cert(store) != 1) {
		explain_chain(store, conn->now.wall, ret_verdict);
		return ERR_DENIED;
	}
	if (check_usages(store, ret_verdict) != OK) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
		return ERR_DENIED;
	}
	conn->peer.not_after = certificate_not_after(&leaf);
	return certificate_fingerprint(&leaf, conn->peer.fingerprint) ? OK : ERR_NOMEM;
}

enum err tls_check_server(X509_STORE_CTX *store, struct tls_conn *conn)
{
	struct certificate leaf = { X509_STORE_CTX_get0_cert(store) };

	TRY(check_chain(store, conn, conn->verdict));
	if (identity_check(&leaf, slice_of(conn->domain), conn->verdict) == OK)
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

/* What a client's certificate proves, or why it proves nothing: what that means is for others to say. */
static enum err take_client(X509_STORE_CTX *store, struct tls_conn *conn)
{
	struct certificate leaf = { X509_STORE_CTX_get0_cert(store) };
	char buf[IDENTITIES_MAX];
	struct writer out = writer_of(buf, sizeof(buf));
	struct verdict verdict;
	enum err err = check_chain(store, conn, &verdict);

	if (err == ERR_DENIED) {
		put_verdict(&out, &verdict);
		return keep_text(writer_text(&out), &conn->unproven);
	}
	TRY(err);
	if (!put_identities(&out, &leaf))
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

static const struct {
	int reason;
	const struct verdict *verdict;
	const char *expected;
} handshake_verdicts[] = {
	{ SSL_R_UNSUPPORTED_PROTOCOL, &wrong_version, "TLS 1.2 and 1.3" },
	{ SSL_R_VERSION_TOO_LOW, &wrong_version, "TLS 1.2 and 1.3" },
	{ SSL_R_WRONG_SSL_VERSION, &wrong_version, "TLS 1.2 and 1.3" },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, &wrong_version, "TLS 1.2 and 1.3" },
	{ SSL_R_NO_SHARED_CIPHER, &no_cipher, "ECDHE with AES-GCM or ChaCha20" },
	{ SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, &no_cipher, "ECDHE with AES-GCM or ChaCha20" },
	{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, &refused_us, NULL },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, &refused_us, NULL },
	{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, &refused_us, NULL },
	{ SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, &refused_us, NULL },
	{ SSL_R_TLSV1_ALERT_UNKNOWN_CA, &refused_us, NULL },
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
