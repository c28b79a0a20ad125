#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "endpoint/flow.h"
#include "store/certify.h"
#include "store/rows.h"
#include "store/schema.h"
#include "store/state.h"

/* -- life ------------------------------------------------------------------------------------------------ */

/* What errno says of one of the files. */
static enum err refuse_file(const char *name, struct writer *why)
{
	const int error = errno;

	if (error == ENOENT || error == ENOTDIR)
		return ERR_NOT_FOUND;
	if (error == EACCES)
		return ERR_DENIED;
	put(why, slice_of(name));
	put(why, SLICE(": "));
	put(why, slice_of(strerror(error)));
	return ERR_IO;
}

static enum err take_lock(struct slice dir, struct writer *why, int *ret_lock)
{
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, dir, SLICE("lock"));
	put_char(&out, '\0');
	if (out.overflow)
		return ERR_NOT_FOUND;
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return refuse_file("lock", why);
	if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
		enum err err = errno == EWOULDBLOCK ? ERR_AGAIN : refuse_file("lock", why);

		close(lock);
		return err;
	}
	*ret_lock = lock;
	return OK;
}

/* SQLite makes files with the mode of the umask; one that is there already keeps its own, and -wal and -shm
 * follow it. */
static bool make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Statistics that nobody reads would take a lock for each of its allocations. */
static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum err open_database(struct slice dir, struct writer *why, sqlite3 **ret_db)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, dir, SLICE(STATE_DATABASE));
	put_char(&out, '\0');
	if (out.overflow)
		return ERR_NOT_FOUND;
	if (!make_file(path))
		return refuse_file(STATE_DATABASE, why);
	pthread_once(&once, configure);
	/* It is used by one thread at a time, so SQLite needs no mutex of its own. */
	int rc = sqlite3_open_v2(path, ret_db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	return rc == SQLITE_OK ? OK : rc == SQLITE_NOMEM ? ERR_NOMEM : ERR_IO;
}

static enum err prepare(struct store *store)
{
	/* The lock file lets nobody else in, so that the database need not be locked and unlocked each time. */
	static const char settings[] =
		"PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;";

	if (sqlite3_exec(store->db, settings, NULL, NULL, NULL) != SQLITE_OK)
		return ERR_IO;
	TRY(schema_migrate(store->db));
	for (int i = 0; i < QUERIES; i++) {
		int rc = sqlite3_prepare_v3(store->db, rows_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &store->queries[i], NULL);

		if (rc != SQLITE_OK)
			return rc == SQLITE_NOMEM ? ERR_NOMEM : ERR_IO;
	}
	return OK;
}

enum err store_open(struct slice dir, struct writer *why, struct store **ret_store)
{
	AUTO(store) struct store *store = mem_new(struct store);
	if (!store)
		return ERR_NOMEM;
	store->lock = -1;
	store->latest = INT64_MAX;
	store->texts = arena_new(TEXTS_MAX);
	if (!store->texts)
		return ERR_NOMEM;
	TRY(take_lock(dir, why, &store->lock));
	enum err err = sealing_new(dir, &store->sealing);
	if (err == ERR_IO)
		put(why, SLICE(STATE_MASTER_SECRET ": it cannot be read or made"));
	if (err == OK)
		err = open_database(dir, why, &store->db);
	if (err == OK)
		err = prepare(store);
	if (err == ERR_IO && store->db)
		put_escaped(why, slice_of(store_trouble(store)));
	if (err != OK)
		return err;
	*ret_store = TAKE(store);
	return OK;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (int i = 0; i < QUERIES; i++)
		sqlite3_finalize(store->queries[i]);
	sqlite3_close(store->db);
	arena_free(store->texts);
	sealing_free(store->sealing);
	if (store->lock >= 0)
		close(store->lock);
	mem_free(store);
}

const char *store_trouble(const struct store *store)
{
	return store->db ? sqlite3_errmsg(store->db) : "the database cannot be opened";
}

/* -- transactions and changes ---------------------------------------------------------------------------- */

enum err store_begin(struct store *store)
{
	return rows_run(store->queries[QUERY_BEGIN]);
}

enum err store_commit(struct store *store)
{
	return rows_run(store->queries[QUERY_COMMIT]);
}

void store_rollback(struct store *store)
{
	/* After some errors SQLite has rolled back by itself, and then there is nothing left to do. */
	if (!sqlite3_get_autocommit(store->db) && rows_run(store->queries[QUERY_ROLLBACK]) != OK)
		return;
}

enum err store_count_start(struct store *store, uint32_t *ret_start)
{
	sqlite3_stmt *query = store->queries[QUERY_START];

	if (!rows_bind_number(query, 1, FLOW_START_MAX))
		return rows_bind_failed(query);
	int rc = sqlite3_step(query);
	uint32_t start = rc == SQLITE_ROW ? (uint32_t)sqlite3_column_int64(query, 0) : 0;
	if (rc == SQLITE_ROW)
		rc = sqlite3_step(query);
	rows_finish(query);
	if (rc != SQLITE_DONE)
		return rc == SQLITE_NOMEM ? ERR_NOMEM : ERR_IO;
	*ret_start = start;
	return OK;
}

static bool is_name(struct slice name)
{
	size_t at = slice_find(name, '@');

	return at > 0 && at + 1 < name.len && name.len <= STORE_NAME_MAX &&
	       slice_find(name, '\0') == name.len;
}

enum err store_add(struct store *store, struct slice name, const struct account *digests,
		   struct aor **ret_aor)
{
	sqlite3_stmt *query = store->queries[QUERY_ADD];
	struct sealed sealed;
	struct row row;

	if (!is_name(name))
		return ERR_SYNTAX;
	if (!sealing_close(store->sealing, name, digests, &sealed) || !rows_bind_text(query, 1, name) ||
	    !rows_bind_digests(query, 2, &sealed))
		return rows_bind_failed(query);
	TRY(rows_run(query));
	row.account = *digests;
	row.account.policy = (struct account_policy){ .least = DIGEST_MD5 };
	row.account.id = sqlite3_last_insert_rowid(store->db);
	/* So that no version of an account that was removed comes back with another one of the same name. */
	row.version = (uint64_t)row.account.id << 32 | 1;
	TRY(rows_touch(store, row.account.id, row.version));
	return ret_aor ? rows_load(store, name, &row, ret_aor) : OK;
}

enum err store_passwd(struct store *store, struct slice name, const struct account *digests,
		      struct aor **ret_aor)
{
	sqlite3_stmt *query = store->queries[QUERY_PASSWD];
	struct sealed sealed;
	struct row row;

	TRY(rows_find(store, name, &row));
	if (!sealing_close(store->sealing, name, digests, &sealed) ||
	    !rows_bind_number(query, 1, row.account.id) || !rows_bind_digests(query, 2, &sealed))
		return rows_bind_failed(query);
	TRY(rows_run(query));
	TRY(rows_unbind(store, row.account.id));
	TRY(rows_touch(store, row.account.id, row.version + 1));
	struct account before = row.account;
	row.version++;
	row.account = *digests;
	row.account.id = before.id;
	row.account.policy = before.policy;
	return ret_aor ? rows_load(store, name, &row, ret_aor) : OK;
}

enum err store_policy(struct store *store, struct slice name, struct slice lines, const struct aor *current,
		      struct aor **ret_aor)
{
	sqlite3_stmt *query = store->queries[QUERY_POLICY];
	char text[POLICY_TEXT_MAX], buf[200];
	struct writer out = writer_of(text, sizeof text), why = writer_of(buf, sizeof buf);
	AUTO(aor) struct aor *aor = NULL;
	struct row row;

	TRY(rows_find(store, name, &row));
	if (current && row.version != current->version)
		return ERR_CONFLICT;
	if (!account_policy_say(&row.account.policy, lines, &why))
		return ERR_SYNTAX;
	put_account_policy(&out, &row.account.policy);
	if (out.overflow)
		return ERR_LIMIT;
	if (current) {
		aor = aor_new(name, row.version + 1, &row.account, current->bindings, current->n_bindings);
		if (!aor)
			return ERR_NOMEM;
		aor->certificates = certificates_ref(current->certificates);
	}
	if (!rows_bind_number(query, 1, row.account.id) || !rows_bind_text(query, 2, writer_text(&out)))
		return rows_bind_failed(query);
	TRY(rows_run(query));
	TRY(rows_touch(store, row.account.id, row.version + 1));
	if (current)
		*ret_aor = TAKE(aor);
	return OK;
}

enum err store_find(struct store *store, struct slice name, struct aor **ret_aor)
{
	struct row row;

	TRY(rows_find(store, name, &row));
	*ret_aor = aor_new(name, row.version, &row.account, NULL, 0);
	return *ret_aor ? OK : ERR_NOMEM;
}

enum err store_remove(struct store *store, struct slice name, account_id *ret_id)
{
	sqlite3_stmt *query = store->queries[QUERY_REMOVE];
	struct row row;

	TRY(rows_find(store, name, &row));
	if (!rows_bind_number(query, 1, row.account.id))
		return rows_bind_failed(query);
	TRY(rows_run(query));
	if (ret_id)
		*ret_id = row.account.id;
	return OK;
}

enum err store_bind(struct store *store, const struct aor *wanted, struct aor **ret_aor)
{
	struct row row;

	if (wanted->n_bindings > BINDINGS_MAX)
		return ERR_LIMIT;
	TRY(rows_find(store, wanted->name, &row));
	if (row.version != wanted->version) {
		TRY(rows_load(store, wanted->name, &row, ret_aor));
		return ERR_CONFLICT;
	}
	AUTO(aor)
	struct aor *aor = aor_new(wanted->name, row.version + 1, &row.account, wanted->bindings,
				  wanted->n_bindings);
	if (!aor)
		return ERR_NOMEM;
	TRY(rows_unbind(store, row.account.id));
	for (size_t n = 0; n < wanted->n_bindings; n++)
		TRY(rows_write_binding(store, row.account.id, n, &wanted->bindings[n]));
	TRY(rows_touch(store, row.account.id, row.version + 1));
	*ret_aor = TAKE(aor);
	return OK;
}

enum err store_certify(struct store *store, const struct aor *current, const struct certify *change,
		       struct aor **ret_aor)
{
	AUTO(certificates) struct certificates *after = NULL;
	struct row row;

	TRY(rows_find(store, current->name, &row));
	if (row.version != current->version)
		return ERR_CONFLICT;
	TRY(certify(current->certificates, change, row.version + 1, &after));
	AUTO(aor)
	struct aor *aor = aor_new(current->name, row.version + 1, &row.account, current->bindings,
				  current->n_bindings);
	if (!aor)
		return ERR_NOMEM;
	TRY(rows_write_certificates(store, row.account.id, after));
	TRY(rows_touch(store, row.account.id, row.version + 1));
	aor->certificates = TAKE(after);
	*ret_aor = TAKE(aor);
	return OK;
}
