/*
 * The parts of a certificate that is being made, shared by certificate_make.c and user_certificate.c. Every step
 * says whether it worked; the only reason for a failure is missing memory.
 */
#pragma once

#include <stdbool.h>

#include <openssl/x509v3.h>

#include "base/slice.h"
#include "base/time.h"
#include "crypto/certificate.h"

enum {
	MAKE_COMMON_NAME_MAX = 64, /* RFC 5280 appendix A.1, ub-common-name */
	MAKE_NAME_MAX = 1024,      /* of a subjectAltName */
};

bool make_serial(struct crypto *crypto, X509 *x509);
/* From an hour before now, since a peer's clock may be behind ours. */
bool make_validity(X509 *x509, utc_t now, utc_t end);
bool make_extension(X509 *x509, int nid, void *value, bool critical);
bool make_basic_constraints(X509 *x509, bool is_ca);
bool make_key_usage(X509 *x509, const int bits[], size_t n);
bool make_extended_key_usage(X509 *x509, const int nids[], size_t n);
bool make_subject_key_id(struct crypto *crypto, X509 *x509);
/* An issuer without a key identifier is named by its subject alone. */
bool make_authority_key_id(X509 *x509, X509 *issuer);
/* Adds a name of the type, prefix and text joined, to the list. */
bool make_general_name(GENERAL_NAMES *names, int type, struct slice prefix, struct slice text);
bool make_signature(struct crypto *crypto, X509 *x509, const struct key *key);
/* Takes over the x509: into a certificate if all went well, else away. ERR_NOMEM. */
MUST_CHECK enum err make_finish(X509 *x509, bool ok, struct certificate **ret_certificate);
