/* What is stored comes into memory, while the workers serve already. */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "location/location.h"
#include "store/store.h"

/* Publishes all accounts, and tells how many; no binding ends after latest. The errors of store_load() and location_put(). */
MUST_CHECK enum err loading_read(struct store *store, utc_t latest, struct location *location, size_t *ret_n);
