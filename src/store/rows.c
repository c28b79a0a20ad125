#include "store/rows.h"

#include <string.h>

#include "base/mem.h"

#define ACCOUNT_COLUMNS "id, version, sha256, sha512_256, md5, policy"
#define BINDING_COLUMNS \
	"contact, params, instance, reg_id, call_id, cseq, q, expires, flow, secure, path, user_agent, received"
#define CERTIFICATE_COLUMNS "der, key, fingerprint, tag, expires, until, revoked"

const char *const rows_sql[QUERIES] = {
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

/* -- queries ---------------------------------------------------------------------------------------------- */

static enum err failure_of(int rc)
{
	switch (rc) {
	case SQLITE_NOMEM: return ERR_NOMEM;
	case SQLITE_CONSTRAINT: return ERR_EXISTS;
	default: return ERR_IO;
	}
}

enum err rows_err(int rc)
{
	return rc == SQLITE_DONE || rc == SQLITE_OK || rc == SQLITE_ROW ? OK : failure_of(rc);
}

/* Every query is left reset and without values, so that nothing of a message or a digest stays behind in it.
 */
void rows_finish(sqlite3_stmt *query)
{
	if (!query)
		return;
	sqlite3_reset(query);
	sqlite3_clear_bindings(query);
}

/* Runs a query that gives no rows. A value that could not be bound for lack of memory fails the NOT NULL of
 * its column. */
enum err rows_run(sqlite3_stmt *query)
{
	enum err err = rows_err(sqlite3_step(query));

	rows_finish(query);
	return err;
}

bool rows_bind_text(sqlite3_stmt *query, int place, struct slice text)
{
	return sqlite3_bind_text64(query, place, text.ptr ? text.ptr : "", text.len, SQLITE_STATIC,
				   SQLITE_UTF8) == SQLITE_OK;
}

static bool bind_bytes(sqlite3_stmt *query, int place, struct slice bytes)
{
	return sqlite3_bind_blob64(query, place, bytes.ptr ? bytes.ptr : "", bytes.len, SQLITE_STATIC) ==
	       SQLITE_OK;
}

bool rows_bind_number(sqlite3_stmt *query, int place, int64_t number)
{
	return sqlite3_bind_int64(query, place, number) == SQLITE_OK;
}

bool rows_bind_digests(sqlite3_stmt *query, int place, const struct sealed *sealed)
{
	for (int i = 0; i < SEALED_DIGESTS; i++)
		if (sealed->digests[i].ptr && !bind_bytes(query, place + i, sealed->digests[i]))
			return false;
	return true;
}

enum err rows_bind_failed(sqlite3_stmt *query)
{
	rows_finish(query);
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
enum err rows_read_account(struct store *store, sqlite3_stmt *query, struct slice name, struct row *ret_row)
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

enum err rows_find(struct store *store, struct slice name, struct row *ret_row)
{
	sqlite3_stmt *query = store->queries[QUERY_FIND];

	if (!rows_bind_text(query, 1, name))
		return rows_bind_failed(query);
	int rc = sqlite3_step(query);
	enum err err = rc == SQLITE_ROW    ? rows_read_account(store, query, name, ret_row)
		       : rc == SQLITE_DONE ? ERR_NOT_FOUND
					   : failure_of(rc);
	rows_finish(query);
	return err;
}

/* -- bindings --------------------------------------------------------------------------------------------- */

static enum err column_slice(struct store *store, sqlite3_stmt *query, int column, struct slice *ret_text)
{
	const void *bytes = sqlite3_column_blob(query, column);

	return arena_copy(store->texts, slice_from(bytes, (size_t)sqlite3_column_bytes(query, column)),
			  ret_text);
}

enum err rows_read_binding(struct store *store, sqlite3_stmt *query, struct binding *ret_binding)
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
	enum err err = rows_bind_number(query, 1, id) ? OK : ERR_NOMEM;
	size_t n = 0;

	arena_reset(store->texts);
	while (err == OK && n < BINDINGS_MAX) {
		int rc = sqlite3_step(query);

		if (rc == SQLITE_DONE)
			break;
		err = rc == SQLITE_ROW ? rows_read_binding(store, query, &bindings[n++]) : rows_err(rc);
	}
	rows_finish(query);
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

enum err rows_read_certificate(struct store *store, sqlite3_stmt *query,
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

enum err rows_take_certificates(const struct device_certificate *all, size_t n,
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
	enum err err = rows_bind_number(query, 1, id) ? OK : ERR_NOMEM;
	size_t n = 0;

	arena_reset(store->texts);
	while (err == OK && n < CERTIFICATES_MAX) {
		int rc = sqlite3_step(query);

		if (rc == SQLITE_DONE)
			break;
		err = rc == SQLITE_ROW ? rows_read_certificate(store, query, &all[n++]) : rows_err(rc);
	}
	rows_finish(query);
	return err == OK ? rows_take_certificates(all, n, ret_certificates) : err;
}

static enum err write_certificate(struct store *store, account_id id, size_t n,
				  const struct device_certificate *certificate)
{
	sqlite3_stmt *query = store->queries[QUERY_CERTIFY];
	bool bound = rows_bind_number(query, 1, id) && rows_bind_number(query, 2, (int64_t)n) &&
		     bind_bytes(query, 3, certificate->der) &&
		     bind_bytes(query, 4, slice_from(certificate->key, DEVICE_HASH_SIZE)) &&
		     bind_bytes(query, 5, slice_from(certificate->fingerprint, DEVICE_HASH_SIZE)) &&
		     rows_bind_number(query, 6, (int64_t)certificate->tag) &&
		     rows_bind_number(query, 7, certificate->expires) &&
		     rows_bind_number(query, 8, certificate->until) &&
		     rows_bind_number(query, 9, certificate->revoked);

	return bound ? rows_run(query) : rows_bind_failed(query);
}

enum err rows_write_certificates(struct store *store, account_id id, const struct certificates *certificates)
{
	sqlite3_stmt *query = store->queries[QUERY_UNCERTIFY];

	TRY(rows_bind_number(query, 1, id) ? rows_run(query) : rows_bind_failed(query));
	for (size_t i = 0; certificates && i < certificates->n; i++)
		TRY(write_certificate(store, id, i, &certificates->all[i]));
	return OK;
}

/* Everything that is stored of an account, which is read from the database. */
enum err rows_load(struct store *store, struct slice name, const struct row *row, struct aor **ret_aor)
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

enum err rows_unbind(struct store *store, account_id id)
{
	sqlite3_stmt *query = store->queries[QUERY_UNBIND];

	return rows_bind_number(query, 1, id) ? rows_run(query) : rows_bind_failed(query);
}

enum err rows_write_binding(struct store *store, account_id id, size_t n, const struct binding *binding)
{
	sqlite3_stmt *query = store->queries[QUERY_BIND];
	utc_t stored = binding->stored > binding->expires ? binding->stored : binding->expires;
	bool bound = rows_bind_number(query, 1, id) && rows_bind_number(query, 2, (int64_t)n) &&
		     bind_bytes(query, 3, binding->contact) && bind_bytes(query, 4, binding->params) &&
		     bind_bytes(query, 5, binding->instance) && rows_bind_number(query, 6, binding->reg_id) &&
		     bind_bytes(query, 7, binding->call_id) && rows_bind_number(query, 8, binding->cseq) &&
		     rows_bind_number(query, 9, binding->q) && rows_bind_number(query, 10, stored) &&
		     rows_bind_number(query, 11, (int64_t)binding->flow) &&
		     rows_bind_number(query, 12, binding->secure) && bind_bytes(query, 13, binding->path) &&
		     bind_bytes(query, 14, binding->user_agent) && bind_bytes(query, 15, binding->received);

	return bound ? rows_run(query) : rows_bind_failed(query);
}

enum err rows_touch(struct store *store, account_id id, uint64_t version)
{
	sqlite3_stmt *query = store->queries[QUERY_TOUCH];

	if (!rows_bind_number(query, 1, id) || !rows_bind_number(query, 2, (int64_t)version))
		return rows_bind_failed(query);
	return rows_run(query);
}
