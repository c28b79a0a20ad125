/*
 * S/MIME (RFC 8551, for SIP RFC 3261 §23 and RFC 8591): an entity is wrapped into a signed or an encrypted one, which is
 * an entity again; and what comes is unwrapped, layer by layer, in whatever order the layers are. Entities are MIME, what
 * is inside of theirs is crypto/cms.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/verdict.h"
#include "crypto/cms.h"
#include "crypto/random.h"
#include "mime/entity.h"

/* -- wrapping: each takes the text of an entity and gives that of another -------------------------------------- */

/* application/pkcs7-mime; smime-type=signed-data (RFC 8591 §4.1). Errors as of cms_sign(). */
MUST_CHECK enum err smime_sign(struct crypto *crypto, const struct cms_signer *signer, struct slice entity,
			       struct secret **ret_entity);
/*
 * multipart/signed (RFC 8551 §3.5.3): can be read by who knows no S/MIME. signer->detached is taken as said. The boundary
 * is the random's.
 */
MUST_CHECK enum err smime_sign_clear(struct crypto *crypto, const struct cms_signer *signer,
				     struct random *random, struct slice entity, struct secret **ret_entity);
/* application/pkcs7-mime; smime-type=authEnveloped-data, or enveloped-data under CBC. Errors as of cms_encrypt(). */
MUST_CHECK enum err smime_encrypt(struct crypto *crypto, const struct cms_envelope *envelope,
				  struct slice entity, struct secret **ret_entity);

/* -- unwrapping -------------------------------------------------------------------------------------------- */

enum { SMIME_LAYERS_MAX = 4 };

struct smime_layer {
	bool is_encrypted;          /* else signed */
	enum cms_cipher cipher;     /* encrypted: how */
	struct certificate *signer; /* signed: by whom; whether to believe it is still to be asked */
	struct chain *others;       /* signed: certificates that came along */
	utc_t signing_time;         /* signed: 0 where not said */
	const char *algorithm;      /* signed; static */
};

struct smime_opened {
	struct smime_layer layers[SMIME_LAYERS_MAX]; /* the outermost first */
	size_t n_layers;                             /* 0: it was not protected */
	struct mime_entity entity; /* the innermost; points into what was given, or into texts */
	struct secret *texts[SMIME_LAYERS_MAX];
};
void smime_opened_fini(struct smime_opened *opened);

struct smime_keys {
	const struct cms_recipient *own; /* the present key first, then older ones */
	size_t n_own;
	const struct certificate *const *known; /* of others, for signatures without certificate */
	size_t n_known;
};

/* Whether the entity is one of those that smime_open() unwraps. */
bool smime_is_protected(const struct mime_entity *entity);

/*
 * Unwraps everything. OK with n_layers 0 for what is not protected. Else the errors of the layer that cannot be opened,
 * as of cms_verify() and cms_decrypt(), with its verdict; ERR_LIMIT for more than SMIME_LAYERS_MAX layers.
 */
MUST_CHECK enum err smime_open(struct crypto *crypto, const struct smime_keys *keys,
			       const struct mime_entity *entity, struct smime_opened *ret_opened,
			       struct verdict *ret_verdict);
