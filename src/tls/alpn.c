/* Which protocol is spoken in a connection (RFC 7301): SIP, by the name that IANA has for it, or HTTP for a WebSocket. */
#include "tls/private.h"

/* RFC 7301 §3.1: each behind its length */
static const unsigned char sip[] = "\x05sip/2", http[] = "\x08http/1.1";

/*
 * Who names no protocol may speak: most phones do not. RFC 7301 §3.2: "In the event that the server supports no protocols that the
 * client advertises, then the server SHALL respond with a fatal "no_application_protocol" alert."
 */
static int on_offer(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
		    const unsigned char *offered, unsigned n_offered, void *arg)
{
	const struct tls_conn *conn = SSL_get_app_data(ssl);
	const unsigned char *ours = conn->speaks_http ? http : sip;
	const unsigned n_ours = conn->speaks_http ? sizeof http - 1 : sizeof sip - 1;
	unsigned char *name;

	(void)arg;
	if (SSL_select_next_proto(&name, ret_length, ours, n_ours, offered, n_offered) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret_name = name;
	return SSL_TLSEXT_ERR_OK;
}

void tls_alpn_choose(SSL_CTX *ctx)
{
	SSL_CTX_set_alpn_select_cb(ctx, on_offer, NULL);
}

bool tls_alpn_offer(SSL *ssl)
{
	return SSL_set_alpn_protos(ssl, sip, sizeof sip - 1) == 0;
}
