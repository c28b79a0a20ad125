/* A peer's certificate in DER: parsing it, telling what is in it, and finding its SIP identities. */
#include <stdlib.h>

#include "crypto/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct crypto *crypto;
	AUTO(certificate) struct certificate *certificate = NULL;
	unsigned char hash[CERTIFICATE_FINGERPRINT_SIZE];
	char buf[4096];
	struct writer out = writer_of(buf, sizeof(buf));
	struct verdict verdict;

	if (!crypto)
		crypto = crypto_new();
	if (!crypto || certificate_parse_der(crypto, slice_from(data, size), &certificate) != OK)
		return 0;
	if (put_identities(&out, certificate)) {
		struct slice first = slice_sub(writer_text(&out), 0, slice_find(writer_text(&out), ','));

		/* What is found is a name, and the certificate proves it. */
		if (first.len &&
		    (!identity_is_name(first) || identity_check(certificate, first, &verdict) != OK))
			abort();
	}
	if (identity_check(certificate, SLICE("not-in-the-corpus.invalid"), &verdict) != OK)
		put_verdict(&out, &verdict);
	if (identity_check_usage(certificate, false, &verdict) != OK)
		put_verdict(&out, &verdict);
	put_certificate_subject(&out, certificate);
	put_certificate_issuer(&out, certificate);
	put_certificate_names(&out, certificate);
	(void)certificate_days_left(certificate, 0);
	if (!certificate_fingerprint(certificate, hash))
		abort();
	return 0;
}
