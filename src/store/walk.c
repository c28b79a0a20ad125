/* All accounts, one after the other: store_each() and store_load(). */
#include "store/rows.h"

/* A table of what accounts have, in their order. */
struct table_walk {
	sqlite3_stmt *query; /* NULL if each account's rows are looked for */
	int account;         /* the column with the account */
	bool has_row;        /* one that was not read yet */
};

/* All tables in the order of the accounts, so that each row is read once and from one place behind the other. */
struct walk {
	sqlite3_stmt *accounts;
	struct table_walk bindings, certificates;
};

static enum err step(struct table_walk *walk)
{
	int rc = walk->query ? sqlite3_step(walk->query) : SQLITE_DONE;

	walk->has_row = rc == SQLITE_ROW;
	return rows_err(rc);
}

/* Whether the row is the account's; *ret_err: rows of accounts that are not there could not be left behind. */
static bool has_row_of(struct table_walk *walk, account_id id, enum err *ret_err)
{
	*ret_err = OK;
	while (*ret_err == OK && walk->has_row && sqlite3_column_int64(walk->query, walk->account) < id)
		*ret_err = step(walk);
	return *ret_err == OK && walk->has_row && sqlite3_column_int64(walk->query, walk->account) == id;
}

static enum err walk_bindings(struct store *store, struct table_walk *walk, account_id id,
			      struct binding bindings[BINDINGS_MAX], size_t *ret_n)
{
	enum err err;
	size_t n = 0;

	arena_reset(store->texts);
	while (has_row_of(walk, id, &err)) {
		if (n < BINDINGS_MAX)
			TRY(rows_read_binding(store, walk->query, &bindings[n++]));
		TRY(step(walk));
	}
	*ret_n = n;
	return err;
}

static enum err walk_certificates(struct store *store, struct table_walk *walk, account_id id,
				  struct certificates **ret_certificates)
{
	struct device_certificate all[CERTIFICATES_MAX];
	enum err err;
	size_t n = 0;

	arena_reset(store->texts);
	while (has_row_of(walk, id, &err)) {
		if (n < CERTIFICATES_MAX)
			TRY(rows_read_certificate(store, walk->query, &all[n++]));
		TRY(step(walk));
	}
	return err == OK ? rows_take_certificates(all, n, ret_certificates) : err;
}

static enum err read_next(struct store *store, struct walk *walk, struct aor **ret_aor)
{
	sqlite3_stmt *query = walk->accounts;
	struct slice name = slice_from(sqlite3_column_text(query, COLUMN_NAME),
				       (size_t)sqlite3_column_bytes(query, COLUMN_NAME));
	AUTO(certificates) struct certificates *certificates = NULL;
	struct binding bindings[BINDINGS_MAX];
	struct row row;
	size_t n;

	TRY(rows_read_account(store, query, name, &row));
	if (!walk->bindings.query)
		return rows_load(store, name, &row, ret_aor);
	TRY(walk_certificates(store, &walk->certificates, row.account.id, &certificates));
	TRY(walk_bindings(store, &walk->bindings, row.account.id, bindings, &n));
	*ret_aor = aor_new(name, row.version, &row.account, bindings, n);
	if (!*ret_aor)
		return ERR_NOMEM;
	(*ret_aor)->certificates = TAKE(certificates);
	return OK;
}

static enum err walk_all(struct store *store, struct walk *walk,
			 enum err (*each)(void *self, struct aor *aor), void *self)
{
	enum err err = step(&walk->bindings);
	int rc = SQLITE_DONE;

	if (err == OK)
		err = step(&walk->certificates);

	while (err == OK && (rc = sqlite3_step(walk->accounts)) == SQLITE_ROW) {
		AUTO(aor) struct aor *aor = NULL;

		err = read_next(store, walk, &aor);
		if (err == OK)
			err = each(self, aor);
	}
	rows_finish(walk->accounts);
	rows_finish(walk->bindings.query);
	rows_finish(walk->certificates.query);
	return err == OK && rc != SQLITE_DONE ? rows_err(rc) : err;
}

enum err store_each(struct store *store, enum err (*each)(void *self, struct aor *aor), void *self)
{
	struct walk walk = { .accounts = store->queries[QUERY_EACH] };

	return walk_all(store, &walk, each, self);
}

enum err store_load(struct store *store, utc_t latest, enum err (*each)(void *self, struct aor *aor),
		    void *self)
{
	struct walk walk = {
		.accounts = store->queries[QUERY_ALL],
		.bindings = { store->queries[QUERY_ALL_BINDINGS], COLUMN_BINDING_ACCOUNT, false },
		.certificates = { store->queries[QUERY_ALL_CERTIFICATES], COLUMN_CERTIFICATE_ACCOUNT, false },
	};

	store->latest = latest;
	enum err err = walk_all(store, &walk, each, self);
	store->latest = INT64_MAX;
	return err;
}
