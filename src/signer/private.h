/* What the files of this room share: the keys that are held, and answers. Nobody else includes it. */
#pragma once

#include "base/writer.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "signer/signer.h"

enum { SIGNER_COUNTERS = 4096 };

struct held {
	unsigned char id[KEY_ID_SIZE];
	struct key *key;
	struct chain *chain; /* what is shown of it, once that was said; or NULL */
};

/* How many user certificates were made in an hour; an account shares its counter with those that hash as it does. */
struct counter {
	utc_t hour;
	uint32_t n;
};

struct signer {
	struct crypto *crypto;
	struct random *random;
	struct held *keys; /* SIGNER_KEYS_MAX of room */
	size_t n;
	struct slice told; /* the path of signer_may_tell(); empty: none */
	bool has_issuer;
	unsigned char issuer[KEY_ID_SIZE]; /* of user certificates */
	struct map_key counter_key;
	struct counter overall, *counters; /* SIGNER_COUNTERS */
};

/* What answers write to, after the head. */
struct answer {
	struct signer_reply head;
	struct writer out;
};

/* NULL if it is not held. */
struct held *signer_find(const struct signer *signer, const unsigned char id[KEY_ID_SIZE]);

/* -- certificates.c ------------------------------------------------------------------------------------------------ */

/* A certificate for the account and the key of the request, in DER. */
MUST_CHECK enum err answer_make_user(struct signer *signer, const struct signer_message *message,
				     struct slice text, struct answer *answer);
/* The signed entity. */
MUST_CHECK enum err answer_vouch(struct signer *signer, const struct signer_request *request,
				 const struct signer_message *message, struct slice text,
				 struct answer *answer);
