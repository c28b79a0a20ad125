/* What the files of this room share and nobody else includes. */
#pragma once

#include <stdbool.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/types.h>

#include "base/list.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "crypto/lib.h"
#include "crypto/openssl.h"

struct crypto {
	OSSL_LIB_CTX *lib;
	EVP_MD *md[DIGEST_ALGORITHMS];         /* fetched once; NULL for MD5 where the machine forbids it */
	EVP_MD_CTX *md_ctx[DIGEST_ALGORITHMS]; /* used again for each hash */
	EVP_MD_CTX *fork_ctx;                  /* where the way of two hashes parts */
	EVP_MAC *hmac;
	OSSL_PROVIDER *standard, *remote; /* loaded with the first key_remote(); see remote.c */
	struct list waiting;              /* for signatures of remote keys */
};

struct key {
	EVP_PKEY *pkey;
	/* What key_sign() was made ready for last, which is mostly what it is asked for next; NULL: nothing yet. */
	EVP_PKEY_CTX *signing;
	EVP_MD *md;
	enum key_hash hash;
	bool pss;
};

struct chain {
	size_t n, room;
	struct certificate *at;
};

/* EC P-256 and P-384, Ed25519, RSA from 2048 bits. */
bool key_is_used_kind(const EVP_PKEY *pkey);
/* Of others, who may use other curves: RSA from 2048 bits, or as strong as that is. Not so for NULL. */
bool key_is_strong(const EVP_PKEY *pkey);
/* Takes over the pkey, also on an error. ERR_DENIED: it is of another kind. ERR_NOMEM. */
MUST_CHECK enum err key_take(EVP_PKEY *pkey, struct key **ret_key);
/* The id of the key with this public half. False without memory. */
MUST_CHECK bool key_public_id(const EVP_PKEY *public_key, unsigned char ret_id[KEY_ID_SIZE]);

/* What a URI of a certificate names: a user of a domain, or, with the domain empty, something else. */
struct user_uri {
	struct slice user, domain; /* the user with its escapes */
	bool by_sip;               /* sip: or sips:, not im: */
};
/* False: it is a URI of another scheme. */
MUST_CHECK bool user_uri_split(struct slice uri, struct user_uri *ret_parts);
/* Whether the user part is, without its escapes, that user. */
bool user_part_is(struct slice escaped, struct slice user);

/* Takes over the X509. NULL (and it is freed) without memory. */
MUST_CHECK struct certificate *certificate_from(X509 *x509);
/* Takes over the X509, also on an error. ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err chain_add(struct chain *chain, X509 *x509);
