/*
 * The tables of the database and their rows: the queries, and what is read and written with them. For the files of this room.
 *
 * A query that has been run is reset, and without values, so that nothing of a message or a digest stays behind in it.
 */
#pragma once

#include <sqlite3.h>

#include "base/arena.h"
#include "store/sealing.h"
#include "store/store.h"

enum {
	BINDINGS_MAX = 64,       /* of one AOR; the registrar's own limit is lower */
	TEXTS_MAX = 1024 * 1024, /* of the bindings of one AOR */
	CERTIFICATES_MAX = DEVICE_CERTIFICATES_MAX + DEVICE_REVOKED_MAX,
};

/* Columns behind those that a row has in every query: of QUERY_EACH and QUERY_ALL the name, of the others the account. */
enum { COLUMN_NAME = 6, COLUMN_BINDING_ACCOUNT = 13, COLUMN_CERTIFICATE_ACCOUNT = 7 };

enum query {
	QUERY_BEGIN,
	QUERY_COMMIT,
	QUERY_ROLLBACK,
	QUERY_START,
	QUERY_FIND,
	QUERY_EACH,
	QUERY_ALL,
	QUERY_ALL_BINDINGS,
	QUERY_ALL_CERTIFICATES,
	QUERY_ADD,
	QUERY_PASSWD,
	QUERY_POLICY,
	QUERY_REMOVE,
	QUERY_TOUCH,
	QUERY_BINDINGS,
	QUERY_UNBIND,
	QUERY_BIND,
	QUERY_CERTIFICATES,
	QUERY_UNCERTIFY,
	QUERY_CERTIFY,
	QUERIES,
};

/* The text of each. */
extern const char *const rows_sql[QUERIES];

struct store {
	sqlite3 *db;
	sqlite3_stmt *queries[QUERIES];
	struct arena *texts; /* of the bindings that are being read */
	utc_t latest;        /* no binding that is read ends later */
	struct sealing *sealing;
	int lock;
};

/* What the table account knows. */
struct row {
	uint64_t version;
	struct account account; /* its policy's texts are the row's */
	char policy[POLICY_TEXT_MAX];
};

enum err rows_err(int rc);
void rows_finish(sqlite3_stmt *query);
/*
 * Runs a query that gives no rows. A value that could not be bound for lack of memory fails the NOT NULL of its column.
 */
MUST_CHECK enum err rows_run(sqlite3_stmt *query);

bool rows_bind_text(sqlite3_stmt *query, int place, struct slice text);
bool rows_bind_number(sqlite3_stmt *query, int place, int64_t number);
bool rows_bind_digests(sqlite3_stmt *query, int place, const struct sealed *sealed);
/* What to return when a value could not be bound. */
enum err rows_bind_failed(sqlite3_stmt *query);

/* The account in the row at which the query stands. ERR_DENIED: the digests do not open; ERR_SYNTAX: no such policy. */
MUST_CHECK enum err rows_read_account(struct store *store, sqlite3_stmt *query, struct slice name,
				      struct row *ret_row);
/* ERR_NOT_FOUND, and as above. */
MUST_CHECK enum err rows_find(struct store *store, struct slice name, struct row *ret_row);
/* Everything that is stored of an account, which is read from the database. */
MUST_CHECK enum err rows_load(struct store *store, struct slice name, const struct row *row,
			      struct aor **ret_aor);
/* A new version of it. */
MUST_CHECK enum err rows_touch(struct store *store, account_id id, uint64_t version);

/* What is read points into the store's texts. */
MUST_CHECK enum err rows_read_binding(struct store *store, sqlite3_stmt *query, struct binding *ret_binding);
MUST_CHECK enum err rows_write_binding(struct store *store, account_id id, size_t n,
				       const struct binding *binding);
/* All bindings of the account. */
MUST_CHECK enum err rows_unbind(struct store *store, account_id id);

MUST_CHECK enum err rows_read_certificate(struct store *store, sqlite3_stmt *query,
					  struct device_certificate *ret_certificate);
/* What was read, copied; NULL for none. */
MUST_CHECK enum err rows_take_certificates(const struct device_certificate *all, size_t n,
					   struct certificates **ret_certificates);
/* In place of those that are there; NULL for none. */
MUST_CHECK enum err rows_write_certificates(struct store *store, account_id id,
					    const struct certificates *certificates);
