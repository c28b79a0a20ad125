#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "store/certify.h"
#include "store/schema.h"
#include "store/sealing.h"
#include "store/state.h"

enum {
	BINDINGS_MAX = 64,       /* of one AOR; the registrar's own limit is lower */
	TEXTS_MAX = 1024 * 1024, /* of the bindings of one AOR */
	STARTS_MAX = 0xffffff,
};

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

#define ACCOUNT_COLUMNS "id, version, sha256, sha512_256, md5, policy"
#define BINDING_COLUMNS \
	"contact, params, instance, reg_id, call_id, cseq, q, expires, flow, secure, path, user_agent, received"
#define CERTIFICATE_COLUMNS "der, key, fingerprint, tag, expires, until, revoked"

static const char *const sql[QUERIES] = {
	[QUERY_BEGIN] = "BEGIN IMMEDIATE",
	[QUERY_COMMIT] = "COMMIT",
	[QUERY_ROLLBACK] = "ROLLBACK",
	[QUERY_START] = "UPDATE server SET starts = starts % ?1 + 1 RETURNING starts",
	[QUERY_FIND] = "SELECT " ACCOUNT_COLUMNS " FROM account WHERE name = ?1",
	[QUERY_EACH] = "SELECT " ACCOUNT_COLUMNS ", name FROM account ORDER BY name",
	[QUERY_ALL] = "SELECT " ACCOUNT_COLUMNS ", name FROM account ORDER BY id",
	[QUERY_ALL_BINDINGS] = "SELECT " BINDING_COLUMNS ", account FROM binding ORDER BY account, n",
	[QUERY_ALL_CERTIFICATES] = "SELECT " CERTIFICATE_COLUMNS
				   ", account FROM certificate ORDER BY account, n",
	[QUERY_ADD] =
		"INSERT INTO account (name, version, sha256, sha512_256, md5) VALUES (?1, 0, ?2, ?3, ?4)",
	[QUERY_PASSWD] = "UPDATE account SET sha256 = ?2, sha512_256 = ?3, md5 = ?4 WHERE id = ?1",
	[QUERY_POLICY] = "UPDATE account SET policy = ?2 WHERE id = ?1",
	[QUERY_REMOVE] = "DELETE FROM account WHERE id = ?1",
	[QUERY_TOUCH] = "UPDATE account SET version = ?2 WHERE id = ?1",
	[QUERY_BINDINGS] = "SELECT " BINDING_COLUMNS " FROM binding WHERE account = ?1 ORDER BY n",
	[QUERY_UNBIND] = "DELETE FROM binding WHERE account = ?1",
	[QUERY_BIND] = "INSERT INTO binding (account, n, " BINDING_COLUMNS
		       ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	[QUERY_CERTIFICATES] = "SELECT " CERTIFICATE_COLUMNS
			       " FROM certificate WHERE account = ?1 ORDER BY n",
	[QUERY_UNCERTIFY] = "DELETE FROM certificate WHERE account = ?1",
	[QUERY_CERTIFY] = "INSERT INTO certificate (account, n, " CERTIFICATE_COLUMNS
			  ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
};

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

/*
 * -- life -------------------------------------------------------------------------------------------------
 */

static enum err take_lock(struct slice dir, int *ret_lock)
{
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, dir, SLICE("lock"));
	put_char(&out, '\0');
	if (out.overflow)
		return ERR_NOT_FOUND;
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
		       : errno == EACCES                   ? ERR_DENIED
							   : ERR_IO;
	if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
		enum err err = errno == EWOULDBLOCK ? ERR_AGAIN : ERR_IO;

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

static enum err open_database(struct slice dir, sqlite3 **ret_db)
{
	char path[STATE_PATH_MAX];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, dir, SLICE("sealine.db"));
	put_char(&out, '\0');
	if (out.overflow)
		return ERR_NOT_FOUND;
	if (!make_file(path))
		return errno == EACCES ? ERR_DENIED : ERR_IO;
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
		int rc = sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
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
	TRY(take_lock(dir, &store->lock));
	TRY(sealing_new(dir, &store->sealing));
	enum err err = open_database(dir, &store->db);
	if (err == OK)
		err = prepare(store);
	if (err == ERR_IO)
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

/*
 * -- queries ----------------------------------------------------------------------------------------------
 */

static enum err failure_of(int rc)
{
	switch (rc) {
	case SQLITE_NOMEM: return ERR_NOMEM;
	case SQLITE_CONSTRAINT: return ERR_EXISTS;
	default: return ERR_IO;
	}
}

static enum err err_of(int rc)
{
	return rc == SQLITE_DONE || rc == SQLITE_OK || rc == SQLITE_ROW ? OK : failure_of(rc);
}

/* Every query is left reset and without values, so that nothing of a message or a digest stays behind in it.
 */
static void finish(sqlite3_stmt *query)
{
	if (!query)
		return;
	sqlite3_reset(query);
	sqlite3_clear_bindings(query);
}

/* Runs a query that gives no rows. A value that could not be bound for lack of memory fails the NOT NULL of
 * its column. */
static enum err run(sqlite3_stmt *query)
{
	enum err err = err_of(sqlite3_step(query));

	finish(query);
	return err;
}

static bool bind_text(sqlite3_stmt *query, int place, struct slice text)
{
	return sqlite3_bind_text64(query, place, text.ptr ? text.ptr : "", text.len, SQLITE_STATIC,
				   SQLITE_UTF8) == SQLITE_OK;
}

static bool bind_bytes(sqlite3_stmt *query, int place, struct slice bytes)
{
	return sqlite3_bind_blob64(query, place, bytes.ptr ? bytes.ptr : "", bytes.len, SQLITE_STATIC) ==
	       SQLITE_OK;
}

static bool bind_number(sqlite3_stmt *query, int place, int64_t number)
{
	return sqlite3_bind_int64(query, place, number) == SQLITE_OK;
}

static bool bind_digests(sqlite3_stmt *query, int place, const struct sealed *sealed)
{
	for (int i = 0; i < SEALED_DIGESTS; i++)
		if (sealed->digests[i].ptr && !bind_bytes(query, place + i, sealed->digests[i]))
			return false;
	return true;
}

static enum err bind_failed(sqlite3_stmt *query)
{
	finish(query);
	return ERR_NOMEM;
}

/* ERR_SYNTAX: it is not what this version or an older one has written. */
static enum err read_policy(sqlite3_stmt *query, struct row *row)
{
	size_t len = (size_t)sqlite3_column_bytes(query, 5);
	char buf[200];
	struct writer why = writer_of(buf, sizeof buf);

	if (len > sizeof row->policy)
		return ERR_SYNTAX;
	if (len > 0)
		memcpy(row->policy, sqlite3_column_text(query, 5), len);
	return account_policy_say(&row->account.policy, slice_from(row->policy, len), &why) ? OK : ERR_SYNTAX;
}

/* ERR_DENIED: the digests do not open. */
static enum err read_account(struct store *store, sqlite3_stmt *query, struct slice name, struct row *ret_row)
{
	struct slice digests[SEALED_DIGESTS];

	ret_row->version = (uint64_t)sqlite3_column_int64(query, 1);
	ret_row->account = (struct account){ .id = sqlite3_column_int64(query, 0) };
	for (int i = 0; i < SEALED_DIGESTS; i++) {
		const void *bytes = sqlite3_column_blob(query, 2 + i);

		digests[i] = slice_from(bytes, (size_t)sqlite3_column_bytes(query, 2 + i));
	}
	if (!sealing_open(store->sealing, name, digests, &ret_row->account))
		return ERR_DENIED;
	return read_policy(query, ret_row);
}

static enum err find(struct store *store, struct slice name, struct row *ret_row)
{
	sqlite3_stmt *query = store->queries[QUERY_FIND];

	if (!bind_text(query, 1, name))
		return bind_failed(query);
	int rc = sqlite3_step(query);
	enum err err = rc == SQLITE_ROW    ? read_account(store, query, name, ret_row)
		       : rc == SQLITE_DONE ? ERR_NOT_FOUND
					   : failure_of(rc);
	finish(query);
	return err;
}

/* -- bindings
 * -------------------------------------------------------------------------------------------------------- */

static enum err column_slice(struct store *store, sqlite3_stmt *query, int column, struct slice *ret_text)
{
	const void *bytes = sqlite3_column_blob(query, column);

	return arena_copy(store->texts, slice_from(bytes, (size_t)sqlite3_column_bytes(query, column)),
			  ret_text);
}

static enum err read_binding(struct store *store, sqlite3_stmt *query, struct binding *ret_binding)
{
	struct binding binding = {
		.reg_id = (uint32_t)sqlite3_column_int64(query, 3),
		.cseq = (uint32_t)sqlite3_column_int64(query, 5),
		.q = (uint16_t)sqlite3_column_int(query, 6),
		.stored = sqlite3_column_int64(query, 7),
		.flow = (flow_id)sqlite3_column_int64(query, 8),
		.secure = sqlite3_column_int(query, 9) != 0,
	};

	TRY(column_slice(store, query, 0, &binding.contact));
	TRY(column_slice(store, query, 1, &binding.params));
	TRY(column_slice(store, query, 2, &binding.instance));
	TRY(column_slice(store, query, 4, &binding.call_id));
	TRY(column_slice(store, query, 10, &binding.path));
	TRY(column_slice(store, query, 11, &binding.user_agent));
	TRY(column_slice(store, query, 12, &binding.received));
	binding.expires = binding.stored < store->latest ? binding.stored : store->latest;
	*ret_binding = binding;
	return OK;
}

static enum err read_bindings(struct store *store, account_id id, struct binding bindings[BINDINGS_MAX],
			      size_t *ret_n)
{
	sqlite3_stmt *query = store->queries[QUERY_BINDINGS];
	enum err err = bind_number(query, 1, id) ? OK : ERR_NOMEM;
	size_t n = 0;

	arena_reset(store->texts);
	while (err == OK && n < BINDINGS_MAX) {
		int rc = sqlite3_step(query);

		if (rc == SQLITE_DONE)
			break;
		err = rc == SQLITE_ROW ? read_binding(store, query, &bindings[n++]) : err_of(rc);
	}
	finish(query);
	*ret_n = n;
	return err;
}

/* -- certificates ---------------------------------------------------------------------------------------- */

/* False if the column has another size. */
static bool column_hash(sqlite3_stmt *query, int column, uint8_t ret_hash[DEVICE_HASH_SIZE])
{
	const void *bytes = sqlite3_column_blob(query, column);

	if (!bytes || sqlite3_column_bytes(query, column) != DEVICE_HASH_SIZE)
		return false;
	memcpy(ret_hash, bytes, DEVICE_HASH_SIZE);
	return true;
}

static enum err read_certificate(struct store *store, sqlite3_stmt *query,
				 struct device_certificate *ret_certificate)
{
	struct device_certificate certificate = {
		.tag = (uint64_t)sqlite3_column_int64(query, 3),
		.expires = sqlite3_column_int64(query, 4),
		.until = sqlite3_column_int64(query, 5),
		.revoked = sqlite3_column_int(query, 6) != 0,
	};

	if (!column_hash(query, 1, certificate.key) || !column_hash(query, 2, certificate.fingerprint))
		return ERR_IO;
	TRY(column_slice(store, query, 0, &certificate.der));
	*ret_certificate = certificate;
	return OK;
}

enum { CERTIFICATES_MAX = DEVICE_CERTIFICATES_MAX + DEVICE_REVOKED_MAX };

static enum err take_certificates(const struct device_certificate *all, size_t n,
				  struct certificates **ret_certificates)
{
	*ret_certificates = n > 0 ? certificates_new(all, n) : NULL;
	return n == 0 || *ret_certificates ? OK : ERR_NOMEM;
}

/* Uses the store's texts. */
static enum err read_certificates(struct store *store, account_id id, struct certificates **ret_certificates)
{
	sqlite3_stmt *query = store->queries[QUERY_CERTIFICATES];
	struct device_certificate all[CERTIFICATES_MAX];
	enum err err = bind_number(query, 1, id) ? OK : ERR_NOMEM;
	size_t n = 0;

	arena_reset(store->texts);
	while (err == OK && n < CERTIFICATES_MAX) {
		int rc = sqlite3_step(query);

		if (rc == SQLITE_DONE)
			break;
		err = rc == SQLITE_ROW ? read_certificate(store, query, &all[n++]) : err_of(rc);
	}
	finish(query);
	return err == OK ? take_certificates(all, n, ret_certificates) : err;
}

static enum err write_certificate(struct store *store, account_id id, size_t n,
				  const struct device_certificate *certificate)
{
	sqlite3_stmt *query = store->queries[QUERY_CERTIFY];
	bool bound = bind_number(query, 1, id) && bind_number(query, 2, (int64_t)n) &&
		     bind_bytes(query, 3, certificate->der) &&
		     bind_bytes(query, 4, slice_from(certificate->key, DEVICE_HASH_SIZE)) &&
		     bind_bytes(query, 5, slice_from(certificate->fingerprint, DEVICE_HASH_SIZE)) &&
		     bind_number(query, 6, (int64_t)certificate->tag) &&
		     bind_number(query, 7, certificate->expires) &&
		     bind_number(query, 8, certificate->until) && bind_number(query, 9, certificate->revoked);

	return bound ? run(query) : bind_failed(query);
}

static enum err write_certificates(struct store *store, account_id id,
				   const struct certificates *certificates)
{
	sqlite3_stmt *query = store->queries[QUERY_UNCERTIFY];

	TRY(bind_number(query, 1, id) ? run(query) : bind_failed(query));
	for (size_t i = 0; certificates && i < certificates->n; i++)
		TRY(write_certificate(store, id, i, &certificates->all[i]));
	return OK;
}

/* Everything that is stored of an account, which is read from the database. */
static enum err load(struct store *store, struct slice name, const struct row *row, struct aor **ret_aor)
{
	AUTO(certificates) struct certificates *certificates = NULL;
	struct binding bindings[BINDINGS_MAX];
	size_t n;

	TRY(read_certificates(store, row->account.id, &certificates));
	TRY(read_bindings(store, row->account.id, bindings, &n));
	struct aor *aor = aor_new(name, row->version, &row->account, bindings, n);
	if (!aor)
		return ERR_NOMEM;
	aor->certificates = TAKE(certificates);
	*ret_aor = aor;
	return OK;
}

static enum err unbind(struct store *store, account_id id)
{
	sqlite3_stmt *query = store->queries[QUERY_UNBIND];

	return bind_number(query, 1, id) ? run(query) : bind_failed(query);
}

static enum err write_binding(struct store *store, account_id id, size_t n, const struct binding *binding)
{
	sqlite3_stmt *query = store->queries[QUERY_BIND];
	utc_t stored = binding->stored > binding->expires ? binding->stored : binding->expires;
	bool bound = bind_number(query, 1, id) && bind_number(query, 2, (int64_t)n) &&
		     bind_bytes(query, 3, binding->contact) && bind_bytes(query, 4, binding->params) &&
		     bind_bytes(query, 5, binding->instance) && bind_number(query, 6, binding->reg_id) &&
		     bind_bytes(query, 7, binding->call_id) && bind_number(query, 8, binding->cseq) &&
		     bind_number(query, 9, binding->q) && bind_number(query, 10, stored) &&
		     bind_number(query, 11, (int64_t)binding->flow) &&
		     bind_number(query, 12, binding->secure) && bind_bytes(query, 13, binding->path) &&
		     bind_bytes(query, 14, binding->user_agent) && bind_bytes(query, 15, binding->received);

	return bound ? run(query) : bind_failed(query);
}

static enum err touch(struct store *store, account_id id, uint64_t version)
{
	sqlite3_stmt *query = store->queries[QUERY_TOUCH];

	if (!bind_number(query, 1, id) || !bind_number(query, 2, (int64_t)version))
		return bind_failed(query);
	return run(query);
}

/* -- transactions and changes
 * ---------------------------------------------------------------------------------------- */

enum err store_begin(struct store *store)
{
	return run(store->queries[QUERY_BEGIN]);
}

enum err store_commit(struct store *store)
{
	return run(store->queries[QUERY_COMMIT]);
}

void store_rollback(struct store *store)
{
	/* After some errors SQLite has rolled back by itself, and then there is nothing left to do. */
	if (!sqlite3_get_autocommit(store->db) && run(store->queries[QUERY_ROLLBACK]) != OK)
		return;
}

enum err store_count_start(struct store *store, uint32_t *ret_start)
{
	sqlite3_stmt *query = store->queries[QUERY_START];

	if (!bind_number(query, 1, STARTS_MAX))
		return bind_failed(query);
	int rc = sqlite3_step(query);
	uint32_t start = rc == SQLITE_ROW ? (uint32_t)sqlite3_column_int64(query, 0) : 0;
	if (rc == SQLITE_ROW)
		rc = sqlite3_step(query);
	finish(query);
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
	if (!sealing_close(store->sealing, name, digests, &sealed) || !bind_text(query, 1, name) ||
	    !bind_digests(query, 2, &sealed))
		return bind_failed(query);
	TRY(run(query));
	row.account = *digests;
	row.account.policy = (struct account_policy){ .least = DIGEST_MD5 };
	row.account.id = sqlite3_last_insert_rowid(store->db);
	/* So that no version of an account that was removed comes back with another one of the same name. */
	row.version = (uint64_t)row.account.id << 32 | 1;
	TRY(touch(store, row.account.id, row.version));
	return ret_aor ? load(store, name, &row, ret_aor) : OK;
}

enum err store_passwd(struct store *store, struct slice name, const struct account *digests,
		      struct aor **ret_aor)
{
	sqlite3_stmt *query = store->queries[QUERY_PASSWD];
	struct sealed sealed;
	struct row row;

	TRY(find(store, name, &row));
	if (!sealing_close(store->sealing, name, digests, &sealed) ||
	    !bind_number(query, 1, row.account.id) || !bind_digests(query, 2, &sealed))
		return bind_failed(query);
	TRY(run(query));
	TRY(unbind(store, row.account.id));
	TRY(touch(store, row.account.id, row.version + 1));
	struct account before = row.account;
	row.version++;
	row.account = *digests;
	row.account.id = before.id;
	row.account.policy = before.policy;
	return ret_aor ? load(store, name, &row, ret_aor) : OK;
}

enum err store_policy(struct store *store, struct slice name, struct slice lines, const struct aor *current,
		      struct aor **ret_aor)
{
	sqlite3_stmt *query = store->queries[QUERY_POLICY];
	char text[POLICY_TEXT_MAX], buf[200];
	struct writer out = writer_of(text, sizeof text), why = writer_of(buf, sizeof buf);
	AUTO(aor) struct aor *aor = NULL;
	struct row row;

	TRY(find(store, name, &row));
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
	if (!bind_number(query, 1, row.account.id) || !bind_text(query, 2, writer_text(&out)))
		return bind_failed(query);
	TRY(run(query));
	TRY(touch(store, row.account.id, row.version + 1));
	if (current)
		*ret_aor = TAKE(aor);
	return OK;
}

enum err store_find(struct store *store, struct slice name, struct aor **ret_aor)
{
	struct row row;

	TRY(find(store, name, &row));
	*ret_aor = aor_new(name, row.version, &row.account, NULL, 0);
	return *ret_aor ? OK : ERR_NOMEM;
}

enum err store_remove(struct store *store, struct slice name, account_id *ret_id)
{
	sqlite3_stmt *query = store->queries[QUERY_REMOVE];
	struct row row;

	TRY(find(store, name, &row));
	if (!bind_number(query, 1, row.account.id))
		return bind_failed(query);
	TRY(run(query));
	if (ret_id)
		*ret_id = row.account.id;
	return OK;
}

enum err store_bind(struct store *store, const struct store_question *question, struct aor **ret_aor)
{
	struct row row;

	if (question->n_bindings > BINDINGS_MAX)
		return ERR_LIMIT;
	TRY(find(store, question->aor, &row));
	if (row.version != question->version) {
		TRY(load(store, question->aor, &row, ret_aor));
		return ERR_CONFLICT;
	}
	AUTO(aor)
	struct aor *aor = aor_new(question->aor, row.version + 1, &row.account, question->bindings,
				  question->n_bindings);
	if (!aor)
		return ERR_NOMEM;
	TRY(unbind(store, row.account.id));
	for (size_t n = 0; n < question->n_bindings; n++)
		TRY(write_binding(store, row.account.id, n, &question->bindings[n]));
	TRY(touch(store, row.account.id, row.version + 1));
	*ret_aor = TAKE(aor);
	return OK;
}

enum err store_certify(struct store *store, const struct aor *current, const struct certify *change,
		       struct aor **ret_aor)
{
	AUTO(certificates) struct certificates *after = NULL;
	struct row row;

	TRY(find(store, current->name, &row));
	if (row.version != current->version)
		return ERR_CONFLICT;
	TRY(certify(current->certificates, change, row.version + 1, &after));
	AUTO(aor)
	struct aor *aor = aor_new(current->name, row.version + 1, &row.account, current->bindings,
				  current->n_bindings);
	if (!aor)
		return ERR_NOMEM;
	TRY(write_certificates(store, row.account.id, after));
	TRY(touch(store, row.account.id, row.version + 1));
	aor->certificates = TAKE(after);
	*ret_aor = TAKE(aor);
	return OK;
}

/* ---- all accounts ---- */

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
	return err_of(rc);
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
			TRY(read_binding(store, walk->query, &bindings[n++]));
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
			TRY(read_certificate(store, walk->query, &all[n++]));
		TRY(step(walk));
	}
	return err == OK ? take_certificates(all, n, ret_certificates) : err;
}

static enum err read_next(struct store *store, struct walk *walk, struct aor **ret_aor)
{
	sqlite3_stmt *query = walk->accounts;
	struct slice name = slice_from(sqlite3_column_text(query, 6), (size_t)sqlite3_column_bytes(query, 6));
	AUTO(certificates) struct certificates *certificates = NULL;
	struct binding bindings[BINDINGS_MAX];
	struct row row;
	size_t n;

	TRY(read_account(store, query, name, &row));
	if (!walk->bindings.query)
		return load(store, name, &row, ret_aor);
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
	finish(walk->accounts);
	finish(walk->bindings.query);
	finish(walk->certificates.query);
	return err == OK && rc != SQLITE_DONE ? err_of(rc) : err;
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
		.bindings = { store->queries[QUERY_ALL_BINDINGS], 13, false }, /* after those of a binding */
		.certificates = { store->queries[QUERY_ALL_CERTIFICATES], 7,
				  false }, /* and of a certificate */
	};

	store->latest = latest;
	enum err err = walk_all(store, &walk, each, self);
	store->latest = INT64_MAX;
	return err;
}
