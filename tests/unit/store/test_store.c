#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "directory.h"
#include "store/store.h"

static struct account digests_of(uint8_t byte, bool with_md5)
{
	struct account account = { .has_sha256 = true, .has_md5 = with_md5 };

	memset(account.sha256, byte, sizeof account.sha256);
	if (with_md5)
		memset(account.md5, byte + 1, sizeof account.md5);
	return account;
}

static const struct binding desk_phone = {
	.contact = SLICE_INIT("sips:alice@192.0.2.7:40112;line=\0\xff"),
	.params = SLICE_INIT("+sip.instance=\"<urn:uuid:1>\""),
	.instance = SLICE_INIT("urn:uuid:1"),
	.reg_id = 1,
	.call_id = SLICE_INIT("abc@192.0.2.7"),
	.cseq = 4294967295,
	.q = 700,
	.expires = 4102444800,
	.flow = 0xff00000100000007,
	.secure = true,
	.user_agent = SLICE_INIT("Desk \"Phone\""),
	.received = SLICE_INIT("192.0.2.7:40112"),
};

/* What a registrar would want on top of that snapshot. */
static struct aor *change_of(const struct aor *aor, const struct binding *bindings, size_t n)
{
	struct aor *wanted = aor_change(aor, bindings, n);

	assert_non_null(wanted);
	return wanted;
}

static struct store *open_store(struct slice dir)
{
	char buf[200];
	struct writer why = writer_of(buf, sizeof buf);
	struct store *store = NULL;

	assert_int_equal(store_open(dir, &why, &store), OK);
	return store;
}

static void add(struct store *store, const char *name, uint8_t byte)
{
	struct account account = digests_of(byte, false);

	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_add(store, slice_of(name), &account, NULL), OK);
	assert_int_equal(store_commit(store), OK);
}

struct all {
	struct aor *aors[10];
	size_t n;
};

static enum err keep(void *self, struct aor *aor)
{
	struct all *all = self;

	all->aors[all->n++] = aor_ref(aor);
	return OK;
}

static void forget(struct all *all)
{
	for (size_t i = 0; i < all->n; i++)
		aor_unref(all->aors[i]);
	*all = (struct all){ .n = 0 };
}

static void keeps_accounts_and_bindings_over_a_close(void **state)
{
	struct account digests = digests_of(7, true);
	struct all all = { .n = 0 };
	struct aor *aor, *bound;
	struct directory dir;

	AUTO(store) struct store *store = open_store(directory_make(&dir, "keeps"));
	add(store, "bob@example.org", 3);
	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_add(store, SLICE("alice@example.org"), &digests, &aor), OK);
	AUTO(aor) struct aor *wanted = change_of(aor, &desk_phone, 1);
	assert_int_equal(store_bind(store, wanted, &bound), OK);
	assert_true(bound->version > aor->version);
	assert_int_equal(bound->account.id, aor->account.id);
	assert_int_equal(store_commit(store), OK);
	aor_unref(aor);
	aor_unref(bound);
	store_close(TAKE(store));

	store = open_store(slice_of(dir.path));
	assert_int_equal(store_each(store, keep, &all), OK);
	assert_int_equal(all.n, 2);
	assert_true(slice_eq(all.aors[0]->name, SLICE("alice@example.org")));
	assert_true(slice_eq(all.aors[1]->name, SLICE("bob@example.org")));
	assert_memory_equal(all.aors[0]->account.sha256, digests.sha256, 32);
	assert_true(all.aors[0]->account.has_md5);
	assert_false(all.aors[0]->account.has_sha512_256);
	assert_false(all.aors[1]->account.has_md5);
	assert_int_equal(all.aors[0]->n_bindings, 1);
	const struct binding *found = &all.aors[0]->bindings[0];
	assert_true(slice_eq(found->contact, desk_phone.contact));
	assert_true(slice_eq(found->params, desk_phone.params));
	assert_true(slice_eq(found->user_agent, desk_phone.user_agent));
	assert_int_equal(found->path.len, 0);
	assert_int_equal(found->cseq, desk_phone.cseq);
	assert_int_equal(found->expires, desk_phone.expires);
	assert_true(found->flow == desk_phone.flow);
	assert_true(found->secure);
	forget(&all);
	store_close(TAKE(store));
	directory_empty(&dir);
}

/* What is read is until when it is stored, but not later than anybody can have been promised. */
static void keeps_a_binding_beyond_its_end(void **state)
{
	static const struct {
		utc_t latest, expires;
	} cases[] = { { INT64_MAX, 500 }, { 300, 300 } };
	struct account digests = digests_of(7, false);
	struct binding binding = { .contact = SLICE("sip:x"), .expires = 100, .stored = 500 };
	struct all all = { .n = 0 };
	struct aor *aor, *bound;
	struct directory dir;

	AUTO(store) struct store *store = open_store(directory_make(&dir, "beyond"));
	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_add(store, SLICE("alice@example.org"), &digests, &aor), OK);
	AUTO(aor) struct aor *wanted = change_of(aor, &binding, 1);
	assert_int_equal(store_bind(store, wanted, &bound), OK);
	assert_int_equal(bound->bindings[0].expires, 100);
	assert_int_equal(store_commit(store), OK);
	aor_unref(aor);
	aor_unref(bound);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(store_load(store, cases[i].latest, keep, &all), OK);
		assert_int_equal(all.aors[0]->bindings[0].expires, cases[i].expires);
		assert_int_equal(all.aors[0]->bindings[0].stored, 500);
		forget(&all);
	}
	store_close(TAKE(store));
	directory_empty(&dir);
}

static void add_with_bindings(struct store *store, const char *name, size_t n)
{
	const struct binding bindings[] = { { .contact = SLICE("sip:1"), .expires = 100 },
					    { .contact = SLICE("sip:2"), .expires = 100 } };
	struct account digests = digests_of(7, false);
	struct aor *aor, *bound;

	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_add(store, slice_of(name), &digests, &aor), OK);
	AUTO(aor) struct aor *wanted = change_of(aor, bindings, n);
	assert_int_equal(store_bind(store, wanted, &bound), OK);
	assert_int_equal(store_commit(store), OK);
	aor_unref(aor);
	aor_unref(bound);
}

static void each_account_gets_its_own_bindings_at_start(void **state)
{
	struct all all = { .n = 0 };
	struct directory dir;

	AUTO(store) struct store *store = open_store(directory_make(&dir, "loads"));
	add_with_bindings(store, "d@b", 0);
	add_with_bindings(store, "c@b", 2);
	add_with_bindings(store, "b@b", 0);
	add_with_bindings(store, "a@b", 1);
	assert_int_equal(store_load(store, 50, keep, &all), OK);
	assert_int_equal(all.n, 4);
	assert_true(slice_eq(all.aors[1]->name, SLICE("c@b")));
	assert_int_equal(all.aors[0]->n_bindings, 0);
	assert_int_equal(all.aors[1]->n_bindings, 2);
	assert_true(slice_eq(all.aors[1]->bindings[1].contact, SLICE("sip:2")));
	assert_int_equal(all.aors[1]->bindings[1].expires, 50);
	assert_int_equal(all.aors[2]->n_bindings, 0);
	assert_int_equal(all.aors[3]->n_bindings, 1);
	forget(&all);
	store_close(TAKE(store));
	directory_empty(&dir);
}

static void refuses_what_is_there_and_what_is_not(void **state)
{
	struct account digests = digests_of(1, false);
	struct directory dir;

	AUTO(store) struct store *store = open_store(directory_make(&dir, "refuses"));
	add(store, "alice@example.org", 1);
	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_add(store, SLICE("alice@example.org"), &digests, NULL), ERR_EXISTS);
	assert_int_equal(store_add(store, SLICE("alice"), &digests, NULL), ERR_SYNTAX);
	assert_int_equal(store_add(store, SLICE("@example.org"), &digests, NULL), ERR_SYNTAX);
	assert_int_equal(store_passwd(store, SLICE("carol@example.org"), &digests, NULL), ERR_NOT_FOUND);
	assert_int_equal(store_remove(store, SLICE("carol@example.org"), NULL), ERR_NOT_FOUND);
	assert_int_equal(store_add(store, SLICE("dave@example.org"), &digests, NULL), OK);
	assert_int_equal(store_commit(store), OK);
	store_close(TAKE(store));
	directory_empty(&dir);
}

static void refuses_a_proposal_on_an_old_version(void **state)
{
	struct account digests = digests_of(1, false);
	struct aor *first, *second, *now;
	struct directory dir;

	AUTO(store) struct store *store = open_store(directory_make(&dir, "versions"));
	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_add(store, SLICE("a@b"), &digests, &first), OK);
	AUTO(aor) struct aor *wanted = change_of(first, NULL, 0);
	assert_int_equal(store_bind(store, wanted, &second), OK);
	assert_int_equal(store_bind(store, wanted, &now), ERR_CONFLICT);
	assert_true(now->version == second->version);
	aor_unref(now);
	/* nor after the account went and came back under the same name */
	assert_int_equal(store_remove(store, SLICE("a@b"), NULL), OK);
	assert_int_equal(store_bind(store, wanted, &now), ERR_NOT_FOUND);
	assert_int_equal(store_add(store, SLICE("a@b"), &digests, &now), OK);
	assert_int_not_equal(now->account.id, first->account.id);
	aor_unref(now);
	assert_int_equal(store_bind(store, wanted, &now), ERR_CONFLICT);
	aor_unref(now);
	aor_unref(first);
	aor_unref(second);
	assert_int_equal(store_commit(store), OK);
	store_close(TAKE(store));
	directory_empty(&dir);
}

static void ends_the_bindings_with_the_old_password(void **state)
{
	struct account digests = digests_of(1, true), others = digests_of(9, false);
	struct aor *aor, *bound, *changed;
	struct directory dir;

	AUTO(store) struct store *store = open_store(directory_make(&dir, "passwd"));
	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_add(store, SLICE("a@b"), &digests, &aor), OK);
	AUTO(aor) struct aor *wanted = change_of(aor, &desk_phone, 1);
	assert_int_equal(store_bind(store, wanted, &bound), OK);
	assert_int_equal(bound->n_bindings, 1);
	assert_int_equal(store_passwd(store, SLICE("a@b"), &others, &changed), OK);
	assert_int_equal(changed->n_bindings, 0);
	assert_int_equal(changed->account.id, aor->account.id);
	assert_false(changed->account.has_md5);
	assert_memory_equal(changed->account.sha256, others.sha256, 32);
	assert_true(changed->version > bound->version);
	assert_int_equal(store_commit(store), OK);
	aor_unref(aor);
	aor_unref(bound);
	aor_unref(changed);
	store_close(TAKE(store));
	directory_empty(&dir);
}

static void forgets_what_was_rolled_back(void **state)
{
	struct account digests = digests_of(1, false);
	struct all all = { .n = 0 };
	struct directory dir;

	AUTO(store) struct store *store = open_store(directory_make(&dir, "rollback"));
	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_add(store, SLICE("a@b"), &digests, NULL), OK);
	store_rollback(store);
	store_rollback(store);
	add(store, "b@b", 2);
	assert_int_equal(store_each(store, keep, &all), OK);
	assert_int_equal(all.n, 1);
	forget(&all);
	store_close(TAKE(store));
	directory_empty(&dir);
}

static void lets_one_process_in_at_a_time(void **state)
{
	struct store *second = NULL;
	struct directory dir;
	char buf[200];
	struct writer why = writer_of(buf, sizeof buf);

	AUTO(store) struct store *store = open_store(directory_make(&dir, "lock"));
	assert_int_equal(store_open(slice_of(dir.path), &why, &second), ERR_AGAIN);
	store_close(TAKE(store));
	second = open_store(slice_of(dir.path));
	store_close(second);
	assert_int_equal(store_open(SLICE("/nonexistent/sealine"), &why, &second), ERR_NOT_FOUND);
	directory_empty(&dir);
}

static void keeps_its_files_private(void **state)
{
	static const char *const files[] = { "sealine.db", "sealine.db-wal", "lock" };
	struct directory dir;
	struct stat found;
	char path[200];
	mode_t before = umask(0);

	AUTO(store) struct store *store = open_store(directory_make(&dir, "modes"));
	add(store, "a@b", 1);
	umask(before);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", dir.path, files[i]);
		print_message("# %s\n", files[i]);
		assert_int_equal(stat(path, &found), 0);
		assert_int_equal(found.st_mode & 0777, 0600);
	}
	store_close(TAKE(store));
	directory_empty(&dir);
}

/* Its own count of them would take a lock each time. */
static void has_sqlite_count_no_allocations(void **state)
{
	struct directory dir;

	AUTO(store) struct store *store = open_store(directory_make(&dir, "statistics"));
	add(store, "a@b", 1);
	assert_int_equal(sqlite3_memory_used(), 0);
	store_close(TAKE(store));
	directory_empty(&dir);
}

static void counts_its_starts(void **state)
{
	struct directory dir;
	uint32_t start = 0;

	directory_make(&dir, "starts");
	for (uint32_t i = 1; i <= 3; i++) {
		AUTO(store) struct store *store = open_store(slice_of(dir.path));

		assert_int_equal(store_count_start(store, &start), OK);
		assert_int_equal(start, i);
	}
	directory_empty(&dir);
}

static void refuses_what_a_newer_version_or_another_program_wrote(void **state)
{
	struct store *store = NULL;
	struct directory dir;
	char buf[200], path[200];
	struct writer why = writer_of(buf, sizeof buf);
	sqlite3 *db;

	directory_make(&dir, "newer");
	snprintf(path, sizeof path, "%s/sealine.db", dir.path);
	store_close(open_store(slice_of(dir.path)));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(slice_of(dir.path), &why, &store), ERR_CONFLICT);

	int fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(write(fd, "this is no database, but long enough to look at", 47) == 47);
	close(fd);
	assert_int_equal(store_open(slice_of(dir.path), &why, &store), ERR_IO);
	assert_true(slice_find_text(writer_text(&why), SLICE("not a database")) < why.len);
	directory_empty(&dir);
}

static enum err write_half(struct slice dir)
{
	struct account digests = digests_of(1, false);
	struct store *store;
	char buf[200];
	struct writer why = writer_of(buf, sizeof buf);

	TRY(store_open(dir, &why, &store));
	TRY(store_begin(store));
	TRY(store_add(store, SLICE("committed@b"), &digests, NULL));
	TRY(store_commit(store));
	TRY(store_begin(store));
	return store_add(store, SLICE("lost@b"), &digests, NULL);
}

static _Noreturn void write_and_die(struct slice dir)
{
	enum err err = write_half(dir);

	if (err == OK)
		raise(SIGKILL);
	_exit((int)err);
}

static void keeps_what_was_committed_when_it_is_killed(void **state)
{
	struct all all = { .n = 0 };
	struct directory dir;
	int status;

	directory_make(&dir, "killed");
	pid_t child = fork();
	if (child == 0)
		write_and_die(slice_of(dir.path));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == ERR_NOMEM)
		return; /* it was the child's allocation that failed */
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	AUTO(store) struct store *store = open_store(slice_of(dir.path));
	assert_int_equal(store_each(store, keep, &all), OK);
	assert_int_equal(all.n, 1);
	assert_true(slice_eq(all.aors[0]->name, SLICE("committed@b")));
	forget(&all);
	store_close(TAKE(store));
	directory_empty(&dir);
}

/* -- digests at rest --------------------------------------------------------------------------------------- */

static struct slice read_database(const struct directory *dir, char *buf, size_t size)
{
	char path[200];

	snprintf(path, sizeof path, "%s/sealine.db", dir->path);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, size);
	close(fd);
	assert_true(n > 0);
	return slice_from(buf, (size_t)n);
}

static void has_no_digest_in_the_clear(void **state)
{
	static char buf[1 << 20];
	struct account account = digests_of('D', false);
	struct directory dir;

	directory_make(&dir, "sealed");
	struct store *store = open_store(slice_of(dir.path));
	add(store, "alice@a", 'D');
	store_close(store);
	struct slice text = read_database(&dir, buf, sizeof buf);
	assert_true(slice_find_text(text, SLICE("alice@a")) < text.len);
	assert_true(slice_find_text(text, slice_from(account.sha256, 8)) == text.len);
	directory_empty(&dir);
}

/* What is done to a database that is closed, and what becomes of its accounts. */
static const struct {
	const char *label, *sql;
	enum err err;
} tampers[] = {
	{ "nothing", "SELECT 1", OK },
	{ "another's digest",
	  "UPDATE account SET sha256 = (SELECT sha256 FROM account WHERE name = 'bob@a') WHERE name = 'alice@a'",
	  ERR_DENIED },
	{ "a digest of another algorithm", "UPDATE account SET sha512_256 = sha256", ERR_DENIED },
	{ "a digest that is not sealed", "UPDATE account SET sha256 = zeroblob(32)", ERR_DENIED },
	{ "a digest cut short", "UPDATE account SET sha256 = x'00'", ERR_DENIED },
};

static void opens_a_digest_for_its_account_alone(void **state)
{
	for (size_t i = 0; i < sizeof tampers / sizeof *tampers; i++) {
		struct all all = { .n = 0 };
		struct directory dir;
		char path[200];
		sqlite3 *db;

		print_message("%s\n", tampers[i].label);
		directory_make(&dir, "tampered");
		struct store *store = open_store(slice_of(dir.path));
		add(store, "alice@a", 1);
		add(store, "bob@a", 2);
		store_close(store);
		snprintf(path, sizeof path, "%s/sealine.db", dir.path);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, tampers[i].sql, NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(db);
		store = open_store(slice_of(dir.path));
		assert_int_equal(store_each(store, keep, &all), tampers[i].err);
		forget(&all);
		store_close(store);
		directory_empty(&dir);
	}
}

static void opens_no_digest_without_its_master_secret(void **state)
{
	struct all all = { .n = 0 };
	struct directory dir;
	char path[200], buf[200];
	struct writer why = writer_of(buf, sizeof buf);
	struct store *store;

	directory_make(&dir, "unsealed");
	store = open_store(slice_of(dir.path));
	add(store, "alice@a", 1);
	store_close(store);
	snprintf(path, sizeof path, "%s/master.key", dir.path);
	assert_int_equal(unlink(path), 0);
	store = open_store(slice_of(dir.path));
	assert_int_equal(store_each(store, keep, &all), ERR_DENIED);
	assert_int_equal(all.n, 0);
	store_close(store);
	assert_int_equal(truncate(path, 31), 0);
	assert_int_equal(store_open(slice_of(dir.path), &why, &store), ERR_SYNTAX);
	directory_empty(&dir);
}

static enum err look_at_certificates(void *self, struct aor *aor)
{
	const struct certificates *all = aor->certificates;

	if (!slice_eq(aor->name, SLICE("a@b"))) { /* those beside it have none */
		assert_null(all);
		return OK;
	}
	assert_non_null(all);
	assert_int_equal(all->n, 1);
	assert_true(slice_eq(all->all[0].der, SLICE("d\0r")));
	assert_int_equal(all->all[0].key[31], 7);
	assert_int_equal(all->all[0].fingerprint[0], 8);
	assert_int_equal(all->all[0].expires, 2000);
	assert_int_equal(all->all[0].until, 3000);
	assert_int_equal(all->all[0].tag, aor->version);
	++*(int *)self;
	return OK;
}

static void keeps_certificates_over_a_close(void **state)
{
	struct directory dir;
	struct slice path = directory_make(&dir, "certificates");
	struct store *store = open_store(path);
	struct account account = digests_of(1, false);
	struct device_certificate one = { .der = SLICE("d\0r"),
					  .key = { [31] = 7 },
					  .fingerprint = { 8 },
					  .expires = 2000,
					  .until = 3000 };
	struct certify change = { .step = CERTIFY_KEEP, .certificate = &one, .now = 1000 };
	struct aor *aor = NULL, *after = NULL;
	int n = 0;

	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_add(store, SLICE("before@b"), &account, NULL), OK);
	assert_int_equal(store_add(store, SLICE("a@b"), &account, &aor), OK);
	assert_int_equal(store_add(store, SLICE("behind@b"), &account, NULL), OK);
	assert_int_equal(store_certify(store, aor, &change, &after), OK);
	assert_int_equal(store_certify(store, aor, &change, &after),
			 ERR_CONFLICT); /* it is not that any more */
	assert_int_equal(store_commit(store), OK);
	store_close(store);
	aor_unref(aor);
	aor_unref(after);

	store = open_store(path);
	assert_int_equal(store_load(store, 5000, look_at_certificates, &n), OK);
	assert_int_equal(store_each(store, look_at_certificates, &n), OK);
	assert_int_equal(n, 2);
	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_remove(store, SLICE("a@b"), NULL), OK);
	assert_int_equal(store_add(store, SLICE("a@b"), &account, &aor), OK);
	assert_null(aor->certificates);
	assert_int_equal(store_commit(store), OK);
	aor_unref(aor);
	store_close(store);
	directory_empty(&dir);
}

static enum err say(struct store *store, const char *lines, const struct aor *current, struct aor **ret_aor)
{
	enum err err = store_begin(store);

	assert_int_equal(err, OK);
	err = store_policy(store, SLICE("alice@example.org"), slice_of(lines), current, ret_aor);
	assert_int_equal(store_commit(store), OK);
	return err;
}

/* With the bindings and certificates that are published, not with those that are stored. */
static void keeps_what_is_asked_of_an_account(void **state)
{
	struct account digests = digests_of(9, false);
	char large[POLICY_TEXT_MAX + 20] = "";
	struct writer out = writer_of(large, sizeof large);
	struct directory dir;
	struct aor *aor, *found;

	AUTO(store) struct store *store = open_store(directory_make(&dir, "policy"));
	assert_int_equal(say(store, "calls-in=sips", NULL, NULL), ERR_NOT_FOUND);
	add(store, "alice@example.org", 3);
	assert_int_equal(say(store, "calls-in=sips\nmay-use=sales@example.org", NULL, NULL), OK);
	assert_int_equal(say(store, "calls-in=tls", NULL, NULL), ERR_SYNTAX);
	put(&out, SLICE("may-use=a@"));
	while (out.len < POLICY_TEXT_MAX + 10)
		put_char(&out, 'a');
	assert_int_equal(say(store, large, NULL, NULL), ERR_LIMIT);
	assert_int_equal(store_begin(store), OK);
	assert_int_equal(store_passwd(store, SLICE("alice@example.org"), &digests, &aor), OK);
	assert_int_equal(store_commit(store), OK);
	store_close(TAKE(store));

	store = open_store(slice_of(dir.path));
	assert_int_equal(store_find(store, SLICE("alice@example.org"), &found), OK);
	assert_int_equal(found->account.policy.in, PROTECTION_SIPS);
	assert_true(slice_eq(found->account.policy.identities, SLICE("sales@example.org")));
	assert_true(found->version == aor->version);
	aor_unref(aor);
	struct aor *current = aor_new(found->name, found->version, &found->account, &desk_phone, 1);
	assert_non_null(current);
	aor_unref(found);
	assert_int_equal(say(store, "calls-in=", current, &aor), OK);
	assert_int_equal(aor->account.policy.in, PROTECTION_DIGEST);
	assert_true(slice_eq(aor->account.policy.identities, SLICE("sales@example.org")));
	assert_int_equal(aor->n_bindings, 1);
	assert_true(aor->version > current->version);
	assert_int_equal(say(store, "calls-in=", current, &found), ERR_CONFLICT);
	aor_unref(current);
	aor_unref(aor);
	store_close(TAKE(store));
	directory_empty(&dir);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(keeps_what_is_asked_of_an_account),
	cmocka_unit_test(has_no_digest_in_the_clear),
	cmocka_unit_test(opens_a_digest_for_its_account_alone),
	cmocka_unit_test(opens_no_digest_without_its_master_secret),
	cmocka_unit_test(keeps_accounts_and_bindings_over_a_close),
	cmocka_unit_test(each_account_gets_its_own_bindings_at_start),
	cmocka_unit_test(keeps_a_binding_beyond_its_end),
	cmocka_unit_test(refuses_what_is_there_and_what_is_not),
	cmocka_unit_test(refuses_a_proposal_on_an_old_version),
	cmocka_unit_test(ends_the_bindings_with_the_old_password),
	cmocka_unit_test(forgets_what_was_rolled_back),
	cmocka_unit_test(lets_one_process_in_at_a_time),
	cmocka_unit_test(keeps_its_files_private),
	cmocka_unit_test(keeps_certificates_over_a_close),
	cmocka_unit_test(has_sqlite_count_no_allocations),
	cmocka_unit_test(counts_its_starts),
	cmocka_unit_test(refuses_what_a_newer_version_or_another_program_wrote),
	cmocka_unit_test(keeps_what_was_committed_when_it_is_killed),
};
TEST_MAIN(tests)
