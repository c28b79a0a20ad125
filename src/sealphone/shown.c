/* Our certificate as what we show to our own server in TLS (RFC 3261 §26.3.2.1). */
#include <stdio.h>

#include "crypto/identity.h"
#include "sealphone/phone.h"

enum { PEM_MAX = 16 * 1024 };

/* The host of "sips:alice@example.org", in lower case. */
static bool put_domain(struct writer *out, struct slice aor)
{
	struct sip_uri uri;

	if (!sip_uri_parse(aor, &uri))
		return false;
	uri.user.ptr = NULL;
	put_aor(out, &uri);
	return !out->overflow;
}

static enum err chain_for(struct crypto *crypto, const struct certificate *certificate,
			  struct chain **ret_chain)
{
	char pem[PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);

	TRY(put_certificate_pem(&out, certificate));
	return chain_parse_pem(crypto, writer_text(&out), ret_chain);
}

static enum err show(struct phone *phone, const struct cms_recipient *own, struct verdict *ret_verdict)
{
	const struct chain *imported = credentials_own_chain(phone->wallet.credentials);
	AUTO(chain) struct chain *issued = NULL;
	char domain[IDENTITY_NAME_MAX + 1];
	struct writer out = writer_of(domain, sizeof domain);

	if (!put_domain(&out, phone->options->aor))
		return ERR_LIMIT;
	if (!imported)
		TRY(chain_for(phone->crypto, own->certificate, &issued));
	return tls_client_show_user(phone->tls, writer_text(&out), imported ? imported : issued, own->key,
				    ret_verdict);
}

static bool complain(const char *why)
{
	fprintf(stderr, "sealphone: --client-certificate: %s\n", why);
	return false;
}

bool phone_show_certificate(struct phone *phone)
{
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	enum client_certificate certificate = phone->options->certificate;
	struct verdict verdict;

	if (certificate != CLIENT_CERTIFICATE_BESIDE && certificate != CLIENT_CERTIFICATE_INSTEAD)
		return true;
	if (credentials_own(phone->wallet.credentials, own) == 0 ||
	    own[0].key != credentials_own_key(phone->wallet.credentials))
		return certificate == CLIENT_CERTIFICATE_BESIDE ||
		       complain(
			       "there is no certificate of ours yet; register once with the password, or get one by "
			       "sealphone cert import");
	return show(phone, &own[0], &verdict) == OK ||
	       complain("our certificate cannot be shown in TLS; see sealphone cert show");
}
