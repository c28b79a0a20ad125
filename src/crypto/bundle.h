/*
 * Keys in files: with a passphrase over them, and together with their certificates, as CAs and browsers hand them out.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"
#include "base/verdict.h"
#include "base/writer.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/lib.h"

enum { BUNDLE_MAX = 65536, PASSPHRASE_MAX = 1023 /* bytes */ };

/*
 * The first private key of a PEM text, which may be encrypted. ERR_AGAIN: it is, and the passphrase is absent. ERR_SYNTAX: there is
 * none, or the passphrase is another. Else like key_parse_pem().
 */
MUST_CHECK enum err key_parse_locked(struct crypto *crypto, struct slice pem, struct slice passphrase,
				     struct key **ret_key);
/*
 * The key as PKCS #8, encrypted with AES-256-CBC under what scrypt makes of the passphrase (RFC 8018, RFC 7914). Nothing takes a
 * wrong passphrase for the right one, but nothing protects it from being tried: it should be a good one. ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err put_key_locked(struct writer *out, struct crypto *crypto, const struct key *key,
				   struct slice passphrase);

/* A key, its certificate, and those of its issuers as far as they were there. */
struct bundle {
	struct key *key;
	struct chain *chain; /* its own first */
};
void bundle_fini(struct bundle *bundle);

/*
 * PKCS #12 (RFC 7292) or PEM, in any order. passphrase: absent if none is known. ERR_AGAIN: there has to be one. ERR_DENIED: the
 * verdict says what is wrong. ERR_NOMEM.
 */
MUST_CHECK enum err bundle_parse(struct crypto *crypto, struct slice bytes, struct slice passphrase,
				 struct bundle *ret_bundle, struct verdict *ret_verdict);
