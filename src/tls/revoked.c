/* Whether a peer that was believed is believed no more, since a list of revocations has become known meanwhile. */
#include <openssl/x509_vfy.h>

#include "crypto/openssl.h"
#include "tls/private.h"

static bool has(const X509_OBJECT *object, X509 *x509)
{
	X509_CRL *crl = X509_OBJECT_get0_X509_CRL(object);
	X509_REVOKED *entry;

	return crl && X509_CRL_get0_by_cert(crl, &entry, x509) == 1;
}

/* A forged list refuses more than it names: all that its issuer is said to have issued. So whether it is one does not matter here. */
static bool is_listed(X509_STORE *store, X509 *x509)
{
	const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++)
		if (has(sk_X509_OBJECT_value(objects, i), x509))
			return true;
	return false;
}

static bool is_any_listed(X509_STORE *store, const STACK_OF(X509) * chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (is_listed(store, sk_X509_value(chain, i)))
			return true;
	return false;
}

/* By whom the peer was judged. */
static const struct tls_context *judge_of(const struct tls_conn *conn)
{
	return conn->context->client ? conn->context : conn->context->judges;
}

bool tls_conn_is_revoked(const struct tls_conn *conn, const struct tls_context *client)
{
	X509 *leaf = SSL_get0_peer_certificate(conn->ssl);
	/* a session that was taken up has the chain that was shown, not the one that was followed */
	const STACK_OF(X509) *chain = SSL_get0_verified_chain(conn->ssl);

	if (!leaf || conn->peer.not_after == 0 || judge_of(conn) == client || tls_dane_names_server(conn))
		return false;
	return is_listed(client->anchors, leaf) ||
	       is_any_listed(client->anchors, chain ? chain : SSL_get_peer_cert_chain(conn->ssl));
}
