/* A server that is judged by TLSA records (RFC 6698, RFC 7671), which OpenSSL does. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "crypto/openssl.h"
#include "tls/conn.h"
#include "tls/private.h"

enum { HEAD = 3, USAGE_SERVER = 3 };

static const struct verdict mismatch = {
	.code = "certificate.dane-mismatch",
	.what = "the certificate {found} is none that the DNS has a TLSA record for",
	.section = "RFC 7671 §5",
	.remedy =
		"ask {expected} whether its TLSA records are those of its certificate; else somebody answers in its place",
};

/* No name: OpenSSL would ask for one of a kind that SIP does not have; RFC 5922 is identity_check()'s. */
static bool enable(struct tls_conn *conn)
{
	return SSL_CTX_dane_enable(conn->context->client) == 1 && SSL_dane_enable(conn->ssl, NULL) == 1;
}

/* Of a list; false at its end. */
static bool take_record(struct slice *records, struct slice *ret_record)
{
	size_t len;

	if (records->len < 2)
		return false;
	len = (size_t)((unsigned char)records->ptr[0] << 8 | (unsigned char)records->ptr[1]);
	*ret_record = slice_sub(*records, 2, len);
	*records = slice_sub(*records, 2 + len, records->len);
	return ret_record->len == len && len > HEAD;
}

/* 1: taken, 0: of no use, less: no memory. */
static int add(struct tls_conn *conn, struct slice record)
{
	const unsigned char *bytes = (const unsigned char *)record.ptr;

	return SSL_dane_tlsa_add(conn->ssl, bytes[0], bytes[1], bytes[2], bytes + HEAD, record.len - HEAD);
}

enum err tls_conn_dane(struct tls_conn *conn, struct slice records)
{
	struct slice record;

	if (records.len == 0 || conn->scope)
		return OK;
	if (!enable(conn))
		return ERR_NOMEM;
	while (take_record(&records, &record)) {
		int added = add(conn, record);

		ERR_clear_error();
		if (added < 0)
			return ERR_NOMEM;
		conn->has_tlsa = conn->has_tlsa || added == 1;
	}
	return conn->has_tlsa ? OK : ERR_SYNTAX;
}

bool tls_dane_names_server(const struct tls_conn *conn)
{
	uint8_t usage;

	return conn->has_tlsa && SSL_get0_dane_tlsa(conn->ssl, &usage, NULL, NULL, NULL, NULL) == 0 &&
	       usage == USAGE_SERVER;
}

static bool is_mismatch(int error)
{
	switch (error) {
	case X509_V_ERR_DANE_NO_MATCH:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return true;
	default: return false;
	}
}

void tls_dane_explain(const struct tls_conn *conn, X509_STORE_CTX *store, struct verdict *verdict)
{
	struct certificate leaf = { X509_STORE_CTX_get0_cert(store) };
	char buf[VERDICT_TEXT_MAX];
	struct writer found = writer_of(buf, sizeof buf);

	if (!conn->has_tlsa || !is_mismatch(X509_STORE_CTX_get_error(store)))
		return;
	*verdict = mismatch;
	put_certificate_subject(&found, &leaf);
	verdict_text_set(&verdict->found, writer_text(&found));
	verdict_text_set(&verdict->expected, conn->asked);
}
