/*
 * Certificates of users, for S/MIME (RFC 6072, RFC 8591 §4.4): the request that a phone makes (PKCS #10, RFC 2986),
 * what its domain's CA makes of it, and whether a certificate is that of an address-of-record.
 *
 * An AOR is written "user@domain": the user with its escapes as in a SIP URI without them being needed, the domain in
 * lower case. The CA decides what a certificate says: of a request only the key counts.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/own.h"
#include "base/secret.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/verdict.h"
#include "base/writer.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/lib.h"

#define CSR_DER_MAX           8192
#define USER_CERTIFICATE_DAYS 30

/* A request in DER for the key, signed with it, naming the AOR as its subject. ERR_NOMEM. */
MUST_CHECK enum err csr_make(struct crypto *crypto, const struct key *key, struct slice aor,
			     struct secret **ret_der);

/* A request whose signature proves that the sender has the key. */
struct csr;

/*
 * ERR_SYNTAX: no PKCS #10. ERR_DENIED: the signature does not fit, or the key is of a kind or strength that is not used
 * (EC P-256 and P-384, RSA from 2048 bits are). ERR_LIMIT past CSR_DER_MAX, ERR_NOMEM.
 */
MUST_CHECK enum err csr_parse(struct crypto *crypto, struct slice der, struct csr **ret_csr);
void csr_free(struct csr *csr);
OWN(csr)

/*
 * A certificate for exactly one AOR: subjectAltName URI sip:, sips: and im:, for signing, for being encrypted to, and for
 * showing who one is in TLS (RFC 3261 §26.3.2.1), valid from an hour before now for USER_CERTIFICATE_DAYS, but not longer than the issuer's. ERR_SYNTAX: no AOR.
 * ERR_NOMEM.
 */
struct user_certificate_request {
	const struct csr *csr;
	struct slice aor;
	utc_t now;
};
MUST_CHECK enum err certificate_make_user(struct crypto *crypto,
					  const struct user_certificate_request *request,
					  struct certificate_issuer issuer,
					  struct certificate **ret_certificate);

/*
 * OK if a subjectAltName URI of the certificate is sip:, sips: or im: with that AOR (RFC 8591 §4.4.1): the user compared
 * byte for byte after unescaping, the domain without regard to case. Else ERR_DENIED with a verdict that says whom it
 * names. That the chain is good is somebody else's proof.
 */
MUST_CHECK enum err certificate_is_for_user(const struct certificate *certificate, struct slice aor,
					    struct verdict *ret_verdict);
/*
 * Writes "user@domain" as its subjectAltName URIs have it, the user with its escapes, the domain in lower case. False if they
 * name several users, or a whole domain, or none by sip: or sips:.
 */
MUST_CHECK bool put_certificate_user(struct writer *out, const struct certificate *certificate);
