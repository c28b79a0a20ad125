/*
 * The door to OpenSSL's own objects behind our handles, for the rooms that hand them on to OpenSSL again:
 * tls/ and nobody else above this room. What is returned is borrowed.
 */
#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/verdict.h"
#include "crypto/anchors.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/lib.h"

OSSL_LIB_CTX *crypto_libctx(struct crypto *crypto);

/* A key or certificate that can sign or be shown, but not taken apart: never ask it for its private part. */
EVP_PKEY *key_openssl(const struct key *key);
X509 *certificate_openssl(const struct certificate *certificate);

/* A view of a certificate that OpenSSL owns, for the length of a call. Takes no reference. */
struct certificate {
	X509 *x509;
};

/* The anchors of a store, which is referenced. ERR_NOMEM. */
MUST_CHECK enum err anchors_of(struct crypto *crypto, X509_STORE *store, struct anchors **ret_anchors);
/* Verifies the chain that the context was made for, and that its CAs may vouch for the SIP names in it. */
MUST_CHECK bool anchors_verify(X509_STORE_CTX *store);
/*
 * Verifies the chain that the context was made for, and the usages of its certificates as of a domain's. Else ERR_DENIED, a
 * verdict, and OpenSSL's error in the context.
 */
MUST_CHECK enum err anchors_judge(X509_STORE_CTX *store, utc_t now, struct verdict *ret_verdict);
