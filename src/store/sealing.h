/*
 * The digests of accounts at rest. H(A1) is as good as the password to whoever has it (RFC 7616 §5.2), so
 * the database has it sealed under a key that is not in it: one made from the master secret of the state
 * directory. Each is sealed for its account and algorithm, and opens for no other. Private to the room.
 */
#pragma once

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "crypto/seal.h"
#include "endpoint/aor.h"

struct sealing;

/* In the order of their columns: sha256, sha512_256, md5. */
enum { SEALED_DIGESTS = 3, SEALED_MAX = 32 + SEAL_OVERHEAD };

struct sealed {
	struct slice digests[SEALED_DIGESTS]; /* absent where there is none */
	unsigned char bytes[SEALED_DIGESTS][SEALED_MAX];
};

/* Of the state directory; makes its master secret if there is none. ERR_NOMEM, or that of state_secret(). */
MUST_CHECK enum err sealing_new(struct slice dir, struct sealing **ret_sealing);
void sealing_free(struct sealing *sealing);
OWN(sealing)

/* The slices point into ret_sealed itself. False if the library fails. */
MUST_CHECK bool sealing_close(struct sealing *sealing, struct slice name, const struct account *account,
			      struct sealed *ret_sealed);
/* Sets the digests of the account. False: sealed under another key, or for another account. */
MUST_CHECK bool sealing_open(struct sealing *sealing, struct slice name,
			     const struct slice digests[SEALED_DIGESTS], struct account *account);
