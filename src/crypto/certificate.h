/*
 * X.509 certificates (RFC 5280) in memory: parsing, making those of the development CA, and telling what is
 * in them. Whether one is to be trusted is decided elsewhere: the chain in tls/, the SIP identity in
 * crypto/identity.h. A certificate belongs to the thread of its struct crypto and does not change.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/verdict.h"
#include "base/writer.h"
#include "crypto/key.h"
#include "crypto/lib.h"

struct certificate;

#define CERTIFICATE_DER_MAX          65536
#define CERTIFICATE_FINGERPRINT_SIZE 32

/* Exactly one certificate. ERR_SYNTAX, ERR_LIMIT past CERTIFICATE_DER_MAX, ERR_NOMEM. */
MUST_CHECK enum err certificate_parse_der(struct crypto *crypto, struct slice der,
					  struct certificate **ret_certificate);
void certificate_free(struct certificate *certificate);
OWN(certificate)
/* Another handle of the same certificate, for another owner of the same thread. ERR_NOMEM. */
MUST_CHECK enum err certificate_copy(const struct certificate *certificate, struct certificate **ret_copy);

/* The certificates of one PEM file in their order: a server's own first and those of its issuers, or trust
 * anchors. */
struct chain;

#define CHAIN_PEM_MAX (4 << 20)
#define CHAIN_MAX     1000

/* Whether the bytes are an OCSP response in DER (RFC 6960 §4.2.1), from the first to the last. What it says is not looked at. */
bool is_ocsp_response(struct slice der);

/*
 * All certificates of a PEM text; text between the blocks and blocks of other kinds are skipped.
 * ERR_NOT_FOUND if there is none, ERR_SYNTAX if one of them is malformed, ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err chain_parse_pem(struct crypto *crypto, struct slice pem, struct chain **ret_chain);
void chain_free(struct chain *chain);
OWN(chain)
size_t chain_length(const struct chain *chain);
/* The n-th of chain_length(); belongs to the chain. */
const struct certificate *chain_at(const struct chain *chain, size_t n);

/*
 * Whether a server can show it: each certificate is valid now, and the next one has issued it. That somebody trusts the
 * last one cannot be known here. Else ERR_DENIED and a verdict.
 */
MUST_CHECK enum err chain_check(const struct chain *chain, utc_t now, struct verdict *ret_verdict);
/* Whether its last certificate is signed by itself, so that nothing can be missing behind it. */
bool chain_ends_in_root(const struct chain *chain);

/* A self-signed CA certificate for development: without CAs below it, good for ten years. At most 64 bytes of
 * name. ERR_NOMEM. */
MUST_CHECK enum err certificate_make_ca(struct crypto *crypto, const struct key *key,
					struct slice common_name, utc_t now,
					struct certificate **ret_certificate);

/* What a server's certificate shall say. */
struct certificate_request {
	const struct key *key;     /* of the server */
	const struct slice *names; /* SIP domains, also good as host names: each becomes DNS: and URI:sip:,
				      the first CN too */
	size_t n_names;            /* at least 1 */
	utc_t now;                 /* valid from an hour before it for 90 days */
};

struct certificate_issuer {
	const struct certificate *certificate;
	const struct key *key;
};

/* ERR_SYNTAX if a name is no DNS name, ERR_NOMEM. */
MUST_CHECK enum err certificate_make(struct crypto *crypto, const struct certificate_request *request,
				     struct certificate_issuer issuer, struct certificate **ret_certificate);

/* Whether the key is the one of the certificate. */
bool certificate_has_key(const struct certificate *certificate, const struct key *key);
/* The id of its key (crypto/key.h). False without memory. */
MUST_CHECK bool certificate_key_id(const struct certificate *certificate, unsigned char ret_id[KEY_ID_SIZE]);
/* Whole days until it expires, rounded down; negative once it has. */
int64_t certificate_days_left(const struct certificate *certificate, utc_t now);
utc_t certificate_not_before(const struct certificate *certificate);
utc_t certificate_not_after(const struct certificate *certificate);
/* SHA-256 of the DER form. False without memory. */
MUST_CHECK bool certificate_fingerprint(const struct certificate *certificate,
					unsigned char ret_hash[CERTIFICATE_FINGERPRINT_SIZE]);
/* Whether they are the same one. */
bool certificate_eq(const struct certificate *a, const struct certificate *b);

/* For reports, escaped: "CN=localhost"; "DNS:localhost, URI:sip:localhost" (all names, also those that are no
 * SIP identity). */
void put_certificate_subject(struct writer *out, const struct certificate *certificate);
void put_certificate_issuer(struct writer *out, const struct certificate *certificate);
void put_certificate_names(struct writer *out, const struct certificate *certificate);
/* Both: ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err put_certificate_der(struct writer *out, const struct certificate *certificate);
MUST_CHECK enum err put_certificate_pem(struct writer *out, const struct certificate *certificate);
