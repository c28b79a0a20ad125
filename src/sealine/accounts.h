/*
 * The accounts of a server: through its control socket while it runs, else in the files of its state directory, under
 * their lock. Who uses this need not know which.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"
#include "sealine/entry.h"
#include "store/state.h"
#include "store/store.h"

struct accounts {
	char dir[STATE_PATH_MAX];
	char socket[STATE_PATH_MAX];
	struct slice dir_path, socket_path;
	struct store *store; /* NULL: a server runs */
};

/*
 * Looks for a server, and opens the files if there is none. make: the state directory is made if it is not there. False:
 * it was complained of.
 */
bool accounts_open(struct accounts *accounts, struct slice state, bool make);
void accounts_close(struct accounts *accounts);

enum change { CHANGE_ADD, CHANGE_PASSWD, CHANGE_REMOVE };

/* Makes the change; false: it was complained of. */
bool accounts_change(struct accounts *accounts, enum change change, const struct entry *entry);

/*
 * Says lines (endpoint/policy.h) upon the account's policy; without any it is only read. out: what it is then, of
 * POLICY_TEXT_MAX bytes. False: it was complained of.
 */
bool accounts_policy(struct accounts *accounts, struct slice name, struct slice lines, struct writer *out);

/* Many accounts to be added. */
struct import {
	const struct entry *entries;
	size_t n_entries;
	/* Called for each that cannot be added. */
	void (*refused)(void *self, const struct entry *entry, struct slice why);
	void *self;
	size_t added; /* the result */
};

/* Adds them all, those in the files in one transaction. False: it could not be done, and was complained of. */
bool accounts_import(struct accounts *accounts, struct import *import);

/* A list of objects as in the reply to "user-list", see sealine-control(7). NULL: it was complained of. */
MUST_CHECK json_t *accounts_list(struct accounts *accounts);
