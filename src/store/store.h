/*
 * Accounts and bindings on disk: one SQLite database in the state directory, used by one process at a time (a
 * lock file says who) and in it by one thread. At rest there are digests only, never a password, and these
 * are sealed under a key that is not in the database (master.key).
 *
 * Every change is part of a transaction: store_begin(), any number of changes, store_commit(). What was
 * committed survives kill -9 and the loss of power (WAL, synchronous=FULL). A failed change leaves the
 * transaction usable, except after ERR_IO and ERR_NOMEM: then store_rollback().
 *
 * A name is a canonical AOR, "user@domain" as put_aor() (sip/uri.h) writes it. Account numbers are never used
 * again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/writer.h"
#include "endpoint/action.h"
#include "endpoint/aor.h"
#include "store/certify.h"

struct store;

#define STORE_NAME_MAX 512

/*
 * Takes the lock and opens the database, which is made if there is none and brought up to this version's
 * schema if it is older. The directory must be there. ERR_AGAIN: another process holds the lock (a running
 * server: ask it through its control socket). ERR_NOT_FOUND: no such directory. ERR_DENIED: no permission.
 * ERR_CONFLICT: a newer version has written it. ERR_SYNTAX: master.key is none. ERR_IO: anything else, said
 * in why. ERR_NOMEM.
 */
MUST_CHECK enum err store_open(struct slice dir, struct writer *why, struct store **ret_store);
/* What was not committed is lost. */
void store_close(struct store *store);
static inline void store_free(struct store *store)
{
	store_close(store);
}
OWN(store)

/* Counts a start of the server: 1 the first time, one more each time, committed at once; ends at 2^24 - 1 and
 * begins anew at 1. ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err store_count_start(struct store *store, uint32_t *ret_start);

MUST_CHECK enum err store_begin(struct store *store);
MUST_CHECK enum err store_commit(struct store *store);
void store_rollback(struct store *store);

/*
 * A new account: the digests of it, its id is given here. ERR_EXISTS, ERR_SYNTAX (no name), ERR_IO,
 * ERR_NOMEM. Here and below ret_aor is the snapshot to publish, with one reference for the caller; NULL if it
 * is not wanted.
 */
MUST_CHECK enum err store_add(struct store *store, struct slice name, const struct account *digests,
			      struct aor **ret_aor);
/* Other digests for an account, whose bindings end. ERR_NOT_FOUND, ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err store_passwd(struct store *store, struct slice name, const struct account *digests,
				 struct aor **ret_aor);
/*
 * Says lines (endpoint/policy.h) upon the policy that the account has. current: the snapshot that is published, with the bindings
 * and certificates of the new one; NULL if none is, and none is wanted. ERR_CONFLICT if it is not the state that is stored;
 * ERR_NOT_FOUND, ERR_SYNTAX; ERR_LIMIT: all of it is more than POLICY_TEXT_MAX; ERR_IO, ERR_NOMEM.
 */
MUST_CHECK enum err store_policy(struct store *store, struct slice name, struct slice lines,
				 const struct aor *current, struct aor **ret_aor);
/* The account as it is stored, without its bindings and certificates. ERR_NOT_FOUND, ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err store_find(struct store *store, struct slice name, struct aor **ret_aor);
/* The account with all its bindings. ret_id may be NULL. ERR_NOT_FOUND, ERR_IO, ERR_NOMEM. */
MUST_CHECK enum err store_remove(struct store *store, struct slice name, account_id *ret_id);
/*
 * Replaces the bindings of an AOR by those that are wanted (aor_change()), if it still has that version. ERR_CONFLICT if it has
 * another, and *ret_aor is then its state now; ERR_NOT_FOUND if the account is gone; ERR_IO, ERR_NOMEM.
 */
MUST_CHECK enum err store_bind(struct store *store, const struct aor *wanted, struct aor **ret_aor);

/*
 * Changes the certificates of an account's devices, on top of the snapshot that is published; its bindings are taken from
 * that. ERR_CONFLICT if it is not the state that is stored; ERR_NOT_FOUND also if the account is gone; else as certify()
 * says, ERR_IO.
 */
MUST_CHECK enum err store_certify(struct store *store, const struct aor *current,
				  const struct certify *change, struct aor **ret_aor);

/*
 * Calls each() with every account, ordered by name; it takes a reference if it keeps one, and ends the walk
 * by returning an error, which is passed on. ERR_DENIED (here and above): the digests of an account were
 * sealed with another master.key. ERR_IO, ERR_NOMEM.
 */
MUST_CHECK enum err store_each(struct store *store, enum err (*each)(void *self, struct aor *aor),
			       void *self);
/*
 * The same for a server that starts: in the order that is read fastest, and no binding ends after latest. What is stored is
 * until when a binding is kept without being written again; it was promised for less.
 */
MUST_CHECK enum err store_load(struct store *store, utc_t latest,
			       enum err (*each)(void *self, struct aor *aor), void *self);

/* What SQLite said of the last ERR_IO, in plain words. */
const char *store_trouble(const struct store *store);
