#include "store/schema.h"

#include <stdint.h>

#define APPLICATION_ID 0x5ea11e00 /* in the file's header: this is a database of ours */

/* The n-th step leads to PRAGMA user_version n + 1. */
static const char *const steps[] = {
	"CREATE TABLE account ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used again, also after the last one was removed */
	" name TEXT NOT NULL UNIQUE,"
	" version INTEGER NOT NULL,"
	" sha256 BLOB, sha512_256 BLOB, md5 BLOB"
	") STRICT;"
	"CREATE TABLE binding ("
	" account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,"
	" n INTEGER NOT NULL,"
	" contact BLOB NOT NULL, params BLOB NOT NULL, instance BLOB NOT NULL, reg_id INTEGER NOT NULL,"
	" call_id BLOB NOT NULL, cseq INTEGER NOT NULL, q INTEGER NOT NULL, expires INTEGER NOT NULL,"
	" flow INTEGER NOT NULL, secure INTEGER NOT NULL,"
	" path BLOB NOT NULL, user_agent BLOB NOT NULL, received BLOB NOT NULL,"
	" PRIMARY KEY (account, n)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE server (starts INTEGER NOT NULL) STRICT;"
	"INSERT INTO server VALUES (0);",
	"CREATE TABLE certificate ("
	" account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,"
	" n INTEGER NOT NULL,"
	" der BLOB NOT NULL, key BLOB NOT NULL, fingerprint BLOB NOT NULL,"
	" tag INTEGER NOT NULL, expires INTEGER NOT NULL, until INTEGER NOT NULL, revoked INTEGER NOT NULL,"
	" PRIMARY KEY (account, n)"
	") STRICT, WITHOUT ROWID;",
	"ALTER TABLE account ADD COLUMN policy TEXT NOT NULL DEFAULT '';", /* lines, as in endpoint/policy.h */
};

enum { N_STEPS = sizeof steps / sizeof *steps };

static enum err run(sqlite3 *db, const char *sql)
{
	switch (sqlite3_exec(db, sql, NULL, NULL, NULL)) {
	case SQLITE_OK: return OK;
	case SQLITE_NOMEM: return ERR_NOMEM;
	default: return ERR_IO;
	}
}

static enum err read_number(sqlite3 *db, const char *sql, int64_t *ret_number)
{
	sqlite3_stmt *query;

	if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) != SQLITE_OK)
		return ERR_IO;
	enum err err = sqlite3_step(query) == SQLITE_ROW ? OK : ERR_IO;
	if (err == OK)
		*ret_number = sqlite3_column_int64(query, 0);
	sqlite3_finalize(query);
	return err;
}

static enum err set_version(sqlite3 *db, int version)
{
	char sql[80];

	snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID,
		 version);
	return run(db, sql);
}

static enum err migrate_from(sqlite3 *db, int64_t version)
{
	TRY(run(db, "BEGIN IMMEDIATE"));
	for (int64_t step = version; step < N_STEPS; step++)
		TRY(run(db, steps[step]));
	TRY(set_version(db, N_STEPS));
	return run(db, "COMMIT");
}

enum err schema_migrate(sqlite3 *db)
{
	int64_t version, application;

	TRY(read_number(db, "PRAGMA user_version", &version));
	TRY(read_number(db, "PRAGMA application_id", &application));
	if (version < 0 || version > N_STEPS || (version > 0 && application != APPLICATION_ID))
		return ERR_CONFLICT;
	return version == N_STEPS ? OK : migrate_from(db, version);
}
