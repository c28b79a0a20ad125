/*
 * One thread's cryptography: a private library context of OpenSSL with the algorithms that are used often
 * already fetched. Made once per worker and passed to whatever needs it. Nothing made from it may be touched
 * by another thread, which is what keeps OpenSSL's own locks out of the way. Reads no configuration file.
 */
#pragma once

#include "base/err.h"
#include "base/own.h"

struct crypto;

/* NULL if there is no memory, or the library lacks an algorithm that we cannot do without. */
MUST_CHECK struct crypto *crypto_new(void);
/* After everything that was made from it, on its own thread. */
void crypto_free(struct crypto *crypto);
OWN(crypto)
