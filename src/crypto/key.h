/*
 * A handle to a private key: whoever holds it can have things signed (through crypto/certificate.h and tls/),
 * and nothing else. That the key lies in this process is known to key.c alone, so that it can move into one
 * of its own. A handle belongs to the thread of its struct crypto; each worker loads its own.
 */
#pragma once

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/writer.h"
#include "crypto/lib.h"

struct key;

#define KEY_PEM_MAX 16384

/* A new ECDSA key on P-256. ERR_NOMEM. */
MUST_CHECK enum err key_generate(struct crypto *crypto, struct key **ret_key);

/*
 * The first private key of a PEM text (PKCS #8, SEC 1 or PKCS #1, not encrypted). ERR_SYNTAX if there is
 * none, ERR_DENIED if it is encrypted or of a kind or strength that is not used (EC P-256 and P-384, Ed25519,
 * RSA from 2048 bits are), ERR_LIMIT past KEY_PEM_MAX. The caller wipes the text.
 */
MUST_CHECK enum err key_parse_pem(struct crypto *crypto, struct slice pem, struct key **ret_key);

void key_free(struct key *key);
OWN(key)

/* The key itself as PKCS #8 PEM, for the file that it is kept in; the caller wipes the buffer. ERR_LIMIT,
 * ERR_NOMEM. */
MUST_CHECK enum err put_key_pem(struct writer *out, const struct key *key);
