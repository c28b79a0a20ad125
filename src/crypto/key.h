/*
 * A handle to a private key: whoever holds it can have things signed (through crypto/certificate.h and tls/),
 * and nothing else. Whether the key lies in this process or in one of its own (key_remote()) is known to key.c and remote.c
 * alone. A handle belongs to the thread of its struct crypto; each worker makes its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/writer.h"
#include "crypto/lib.h"

struct key;
struct certificate;

#define KEY_PEM_MAX       16384
#define KEY_ID_SIZE       32
#define KEY_SIGNATURE_MAX 2048 /* of an RSA key with 16384 bits, the largest that OpenSSL uses */

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

/* What both know who have a key and who have its certificate: the SHA-256 of the public half. False without memory. */
MUST_CHECK bool key_id(const struct key *key, unsigned char ret_id[KEY_ID_SIZE]);

enum key_hash {
	KEY_SHA256,
	KEY_SHA384,
	KEY_SHA512,
	KEY_HASH_NONE /* Ed25519 hashes by itself */,
	KEY_HASHES
};

/* What is to be signed: the text itself, not its hash, so that who signs can see what it is. */
struct key_order {
	unsigned char key[KEY_ID_SIZE];
	enum key_hash hash;
	bool pss; /* RSA: PSS with a salt as long as the hash (RFC 8446 §4.2.3), else PKCS #1 v1.5 */
	struct slice text;
};

/*
 * Signs with a key of this process; order->key is not looked at. *len: the room, then the length. False if the key cannot sign
 * in this way, or without memory.
 */
MUST_CHECK bool key_sign(struct crypto *crypto, struct key *key, const struct key_order *order,
			 void *ret_signature, size_t *len);

/* A signature that is wanted of somebody else. */
struct key_wish {
	struct key_order order;
	unsigned char signature[KEY_SIGNATURE_MAX];
	size_t len; /* 0: it was refused, or not answered */
};

enum { KEY_WISHES_MAX = 24 };

/* Whoever signs for keys that are not here: sign() blocks, and answers each of the wishes, whose len is 0. At most KEY_WISHES_MAX. */
struct key_signer {
	void *self;
	void (*sign)(void *self, struct key_wish *const wishes[], size_t n);
};

/*
 * The key of the certificate as somebody else holds it: this process gets signatures, and knows the public half. The
 * signer is borrowed until the key, and what was made with it, is freed. ERR_DENIED for a kind that is not used,
 * ERR_NOMEM.
 */
MUST_CHECK enum err key_remote(struct crypto *crypto, const struct certificate *certificate,
			       const struct key_signer *signer, struct key **ret_key);

/*
 * Whoever calls OpenSSL within a job of its own (ASYNC_start_job(3)) is paused where a remote key is to sign. Has all that
 * wait signed, together; then each job may be gone on with. One that is gone on with before gets no signature.
 */
void key_sign_waiting(struct crypto *crypto);

/* The key itself as PKCS #8 PEM, for the file that it is kept in; the caller wipes the buffer. Not of a remote one. ERR_LIMIT,
 * ERR_NOMEM. */
MUST_CHECK enum err put_key_pem(struct writer *out, const struct key *key);
