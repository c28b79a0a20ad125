/* What a server's chain shows by itself, before any peer has judged it (RFC 5280 §6.1.3, RFC 8446 §4.4.2). */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crypto/certificate.h"
#include "crypto/private.h"

static const struct verdict expired = {
	.code = "certificate.expired",
	.what = "the certificate {found} has expired",
	.section = "RFC 5280 §6.1.3",
	.remedy = "renew the certificate; if it is good, set the clock of this machine",
};

static const struct verdict not_yet_valid = {
	.code = "certificate.not-yet-valid",
	.what = "the certificate {found} is not valid yet",
	.section = "RFC 5280 §6.1.3",
	.remedy = "set the clock of this machine, or that of the machine which issued the certificate",
};

static const struct verdict broken_chain = {
	.code = "certificate.bad-chain",
	.what = "the certificate {found} is followed by one that has not issued it",
	.section = "RFC 8446 §4.4.2",
	.remedy = "write the server's certificate first and behind each one its issuer",
};

static enum err deny(const struct verdict *template, const struct certificate *certificate,
		     struct verdict *ret_verdict)
{
	char buf[VERDICT_TEXT_MAX];
	struct writer found = writer_of(buf, sizeof(buf));

	put_certificate_subject(&found, certificate);
	*ret_verdict = *template;
	verdict_text_set(&ret_verdict->found, writer_text(&found));
	return ERR_DENIED;
}

enum err chain_check(const struct chain *chain, utc_t now, struct verdict *ret_verdict)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct certificate *at = &chain->at[i];

		if (certificate_not_after(at) < now)
			return deny(&expired, at, ret_verdict);
		if (certificate_not_before(at) > now)
			return deny(&not_yet_valid, at, ret_verdict);
		if (i + 1 < chain->n &&
		    (X509_check_issued(chain->at[i + 1].x509, at->x509) != X509_V_OK ||
		     X509_verify(at->x509, X509_get0_pubkey(chain->at[i + 1].x509)) != 1)) {
			ERR_clear_error();
			return deny(&broken_chain, at, ret_verdict);
		}
	}
	return OK;
}

bool chain_ends_in_root(const struct chain *chain)
{
	bool ends = X509_self_signed(chain->at[chain->n - 1].x509, 1) == 1;

	ERR_clear_error();
	return ends;
}
