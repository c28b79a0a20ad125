/*
 * Small secrets at rest: sealed under a key, each with a context outside of which it does not open
 * (AES-256-GCM, NIST SP 800-38D, a random nonce each; one key is good for 2^32 of them).
 */
#pragma once

#include <stdbool.h>

#include "base/own.h"
#include "base/slice.h"
#include "crypto/lib.h"

struct seal;

enum { SEAL_KEY_SIZE = 32, SEAL_OVERHEAD = 28 /* nonce and tag */ };

/* The key is copied. NULL without memory. */
MUST_CHECK struct seal *seal_new(struct crypto *crypto, struct slice key);
void seal_free(struct seal *seal);
OWN(seal)

/* Writes text.len + SEAL_OVERHEAD bytes. False if the library fails. */
MUST_CHECK bool seal_close(struct seal *seal, struct slice context, struct slice text, void *ret_sealed);
/* Writes sealed.len - SEAL_OVERHEAD bytes. False for what was not sealed with this key and context. */
MUST_CHECK bool seal_open(struct seal *seal, struct slice context, struct slice sealed, void *ret_text);
