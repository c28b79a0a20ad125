#include "sealphone/wallet.h"

#include <errno.h>
#include <jansson.h>
#include <unistd.h>

#include "base/mem.h"
#include "sealphone/file.h"
#include "sealphone/password.h"

enum { PATH_SIZE = sizeof((struct memory *)NULL)->path + 32, SEEN_MAX = 1 << 20 };

static bool complain(const char *path, const char *why)
{
	fprintf(stderr, "sealphone: %s: %s\n", path, why);
	return false;
}

/* -- files --------------------------------------------------------------------------------------------------- */

/* Beside the account's file: "=" stands in no account's name like this. number 0: the present one. */
static void path_of(const struct memory *memory, const char *what, unsigned number, char ret_path[PATH_SIZE])
{
	size_t length = strlen(memory->path) - strlen(".json");

	if (number == 0)
		snprintf(ret_path, PATH_SIZE, "%.*s=%s", (int)length, memory->path, what);
	else
		snprintf(ret_path, PATH_SIZE, "%.*s=%u.%s", (int)length, memory->path, number, what);
}

/* -- our own ------------------------------------------------------------------------------------------------- */

/* The certificates of a file; NULL if there is none that is whole. */
static struct chain *load_chain(const struct wallet *wallet, const char *what, unsigned number)
{
	struct chain *chain = NULL;
	char path[PATH_SIZE], *pem;
	size_t length;

	path_of(wallet->memory, what, number, path);
	pem = phone_file_read(path, BUNDLE_MAX, &length);
	if (pem && chain_parse_pem(wallet->crypto, slice_from(pem, length), &chain) != OK)
		chain = NULL;
	mem_free(pem);
	return chain;
}

/* From the file where it was named, else from the terminal; once. */
static bool need_passphrase(struct wallet *wallet, const char *path)
{
	if (!wallet->passphrase)
		wallet->passphrase = passphrase_read(wallet->passphrase_file, slice_of(path),
						     &wallet->is_interrupted);
	return wallet->passphrase != NULL;
}

static enum err parse_key(struct wallet *wallet, struct slice pem, const char *path, struct key **ret_key)
{
	enum err err = key_parse_locked(wallet->crypto, pem, secret_slice(wallet->passphrase), ret_key);

	if (err != ERR_AGAIN)
		return err;
	return need_passphrase(wallet, path)
		       ? key_parse_locked(wallet->crypto, pem, secret_slice(wallet->passphrase), ret_key)
		       : ERR_DENIED;
}

static bool load_key(struct wallet *wallet, const char *path, struct key **ret_key)
{
	size_t length;
	char *pem = phone_file_read(path, KEY_PEM_MAX, &length);
	enum err err;

	if (!pem)
		return complain(path, errno ? strerror(errno) : "it is too large for a private key");
	err = parse_key(wallet, slice_from(pem, length), path, ret_key);
	mem_wipe(pem, length);
	mem_free(pem);
	if (err == OK)
		return true;
	if (wallet->is_interrupted || (err == ERR_DENIED && !wallet->passphrase))
		return false; /* said */
	return complain(path,
			wallet->passphrase
				? "the passphrase is not that of this key; try again, or restore or remove it"
				: "this is no private key that can be used; restore or remove it");
}

/* Its certificate, if there is one that is its own; else it is asked for anew. */
static enum err add_own(struct wallet *wallet, unsigned number, struct key *key)
{
	AUTO(chain) struct chain *imported = load_chain(wallet, "imported.pem", number);
	AUTO(chain) struct chain *issued = imported ? NULL : load_chain(wallet, "certificate.pem", number);
	AUTO(certificate) struct certificate *certificate = NULL;

	if (imported && credentials_add_imported(wallet->credentials, key, imported) == OK) {
		(void)TAKE(imported);
		return OK;
	}
	if (issued && certificate_copy(chain_at(issued, 0), &certificate) != OK)
		return ERR_NOMEM;
	if (certificate && credentials_add_own(wallet->credentials, key, certificate) == OK) {
		(void)TAKE(certificate);
		return OK;
	}
	return credentials_add_own(wallet->credentials, key, NULL);
}

/* A key file of ours, read. */
struct own_file {
	unsigned number;
	const char *path;
	struct key *key;                 /* taken over by whom it is handed to, who sets it to NULL then */
	const struct secret *passphrase; /* wallet_lock(): the new one */
};

/* Each that is there, the present one first. False with a message printed, as soon as one cannot be read or use() has failed. */
static bool each_own(struct wallet *wallet, const struct secret *passphrase,
		     bool (*use)(struct wallet *wallet, struct own_file *file))
{
	for (unsigned number = 0; number < CREDENTIALS_OWN_MAX; number++) {
		char path[PATH_SIZE];
		struct own_file file = { .number = number, .path = path, .passphrase = passphrase };
		bool is_good;

		path_of(wallet->memory, "key.pem", number, path);
		if (access(path, F_OK) != 0)
			continue;
		is_good = load_key(wallet, path, &file.key) && use(wallet, &file);
		key_free(file.key);
		if (!is_good)
			return false;
	}
	return true;
}

static bool take_own(struct wallet *wallet, struct own_file *file)
{
	if (add_own(wallet, file->number, file->key) != OK)
		return complain(file->path, "there is no memory");
	file->key = NULL;
	return true;
}

static bool save_key(const struct wallet *wallet, const struct key *key, const struct secret *passphrase,
		     const char *path)
{
	char pem[KEY_PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);
	bool is_kept;
	enum err err = passphrase ? put_key_locked(&out, wallet->crypto, key, secret_slice(passphrase))
				  : put_key_pem(&out, key);

	is_kept = err == OK ? phone_file_replace(path, writer_text(&out))
			    : complain(path, "there is no memory");
	mem_wipe(pem, sizeof pem);
	return is_kept;
}

bool wallet_make_key(struct wallet *wallet)
{
	AUTO(key) struct key *key = NULL;
	char path[PATH_SIZE];

	if (credentials_own_key(wallet->credentials))
		return true;
	path_of(wallet->memory, "key.pem", 0, path);
	if (key_generate(wallet->crypto, &key) != OK)
		return complain(path, "there is no memory");
	if (!save_key(wallet, key, wallet->passphrase, path))
		return false;
	if (credentials_add_own(wallet->credentials, key, NULL) != OK)
		return complain(path, "there is no memory");
	(void)TAKE(key);
	return true;
}

/* Of our present key; unless another key was imported meanwhile, whose certificate is not to be overwritten. */
static bool save_certificate(const struct wallet *wallet)
{
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	char path[PATH_SIZE], pem[KEY_PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);

	if (credentials_own(wallet->credentials, own) == 0 ||
	    own[0].key != credentials_own_key(wallet->credentials))
		return true;
	path_of(wallet->memory, "imported.pem", 0, path);
	if (access(path, F_OK) == 0)
		return true;
	path_of(wallet->memory, "certificate.pem", 0, path);
	if (put_certificate_pem(&out, own[0].certificate) != OK)
		return complain(path, "there is no memory");
	return phone_file_replace(path, writer_text(&out));
}

/* The files of a number become those of the next one; what was the oldest is gone. */
static bool make_older(const struct wallet *wallet, unsigned number)
{
	static const char *const kinds[] = { "key.pem", "certificate.pem", "imported.pem" };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		char from[PATH_SIZE], to[PATH_SIZE];

		path_of(wallet->memory, kinds[i], number, from);
		path_of(wallet->memory, kinds[i], number + 1, to);
		if (rename(from, to) == 0)
			continue;
		if (errno != ENOENT || (unlink(to) != 0 && errno != ENOENT))
			return complain(from, strerror(errno));
	}
	return true;
}

static bool save_chain(const struct wallet *wallet, const struct chain *chain)
{
	char path[PATH_SIZE], *pem = mem_alloc(2 * BUNDLE_MAX);
	struct writer out = writer_of(pem, 2 * BUNDLE_MAX);
	enum err err = pem ? OK : ERR_NOMEM;
	bool is_kept;

	path_of(wallet->memory, "imported.pem", 0, path);
	for (size_t i = 0; err == OK && i < chain_length(chain); i++)
		err = put_certificate_pem(&out, chain_at(chain, i));
	is_kept = err == OK ? phone_file_replace(path, writer_text(&out))
			    : complain(path, "there is no memory");
	mem_free(pem);
	return is_kept;
}

bool wallet_import(struct wallet *wallet, const struct bundle *bundle)
{
	char path[PATH_SIZE];

	for (unsigned number = CREDENTIALS_OWN_MAX - 1; number-- > 0;)
		if (!make_older(wallet, number))
			return false;
	path_of(wallet->memory, "key.pem", 0, path);
	return save_chain(wallet, bundle->chain) && save_key(wallet, bundle->key, wallet->passphrase, path);
}

static bool lock_own(struct wallet *wallet, struct own_file *file)
{
	return save_key(wallet, file->key, file->passphrase, file->path);
}

bool wallet_lock(struct wallet *wallet, const struct secret *passphrase)
{
	return each_own(wallet, passphrase, lock_own);
}

/* -- those of others ------------------------------------------------------------------------------------------ */

static void add_known(void *arg, const struct credentials_known *known)
{
	char hex[2 * KEY_ID_SIZE];
	struct writer out = writer_of(hex, sizeof hex);

	put_hex(&out, known->key, KEY_ID_SIZE);
	json_array_append_new(arg,
			      json_pack("{s:s%, s:s%, s:I, s:b, s:b, s:b}", "aor", known->aor.ptr,
					known->aor.len, "key", hex, out.len, "seen",
					(json_int_t)known->first_seen, "believed", known->is_believed,
					"compared", known->is_compared, "withdrawn", known->is_withdrawn));
}

static void add_policy(void *arg, struct slice aor, struct contact_policy policy)
{
	json_array_append_new(
		arg, json_pack("{s:s%, s:s}", "aor", aor.ptr, aor.len, "smime", contact_policy_word(policy)));
}

/* Remembers how the file is, to see when somebody else has changed it. */
static void note_known(struct wallet *wallet, const char *path)
{
	if (stat(path, &wallet->known) != 0)
		wallet->known = (struct stat){ .st_ino = 0 };
}

bool wallet_save(struct wallet *wallet)
{
	json_t *list = json_array(), *policies = json_array();
	json_t *file = json_pack("{s:o, s:o}", "known", list, "policies", policies);
	char path[PATH_SIZE], *text = NULL;
	bool is_good;

	path_of(wallet->memory, "known.json", 0, path);
	if (file) {
		credentials_each(wallet->credentials, add_known, list);
		contacts_each(wallet->contacts, add_policy, policies);
		text = json_dumps(file, JSON_INDENT(1));
	}
	is_good = text ? phone_file_replace(path, slice_of(text)) : complain(path, "there is no memory");
	note_known(wallet, path);
	free(text);
	json_decref(file);
	return save_certificate(wallet) && is_good;
}

static bool read_known(json_t *entry, struct credentials_known *ret_known)
{
	const char *aor = json_string_value(json_object_get(entry, "aor"));
	const char *key = json_string_value(json_object_get(entry, "key"));
	size_t n;

	if (!aor || !key || !hex_decode(slice_of(key), ret_known->key, KEY_ID_SIZE, &n) || n != KEY_ID_SIZE)
		return false;
	ret_known->aor = slice_of(aor);
	ret_known->first_seen = json_integer_value(json_object_get(entry, "seen"));
	ret_known->is_believed = json_is_true(json_object_get(entry, "believed"));
	ret_known->is_compared = json_is_true(json_object_get(entry, "compared"));
	ret_known->is_withdrawn = json_is_true(json_object_get(entry, "withdrawn"));
	return true;
}

static bool read_policy(json_t *entry, struct slice *ret_aor, struct contact_policy *ret_policy)
{
	const char *aor = json_string_value(json_object_get(entry, "aor"));
	const char *word = json_string_value(json_object_get(entry, "smime"));

	*ret_aor = slice_of(aor);
	return aor && word && contact_policy_parse(slice_of(word), ret_policy);
}

/* Whether all of it can be read: what was written before there were policies has none. */
static bool is_whole(const json_t *file)
{
	const json_t *policies = json_object_get(file, "policies");
	bool is_good = json_is_array(json_object_get(file, "known")) &&
		       (!policies || json_is_array(policies));
	struct credentials_known known;
	struct contact_policy policy;
	struct slice aor;
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(file, "known"), i, entry)
	{
		is_good = is_good && read_known(entry, &known);
	}
	json_array_foreach(policies, i, entry)
	{
		is_good = is_good && read_policy(entry, &aor, &policy);
	}
	return is_good;
}

/* NULL with a message printed; JSON null if there is no file. */
static json_t *read_file(struct wallet *wallet)
{
	json_error_t error;
	json_t *file;
	char path[PATH_SIZE];

	path_of(wallet->memory, "known.json", 0, path);
	note_known(wallet, path);
	if (wallet->known.st_ino == 0)
		return json_null();
	file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!file && json_error_code(&error) == json_error_cannot_open_file) {
		complain(path, strerror(errno));
		return NULL;
	}
	if (is_whole(file))
		return file;
	json_decref(file);
	complain(path, "this is not what sealphone wrote; who was known would not be any more. "
		       "Restore it, or remove it to begin anew");
	return NULL;
}

/* Those of the file in the place of those that were remembered. False without memory. */
static bool load_policies(struct wallet *wallet, const json_t *file)
{
	struct contact_policy policy;
	struct slice aor;
	json_t *entry;
	enum err err = OK;
	size_t i;

	contacts_unset_all(wallet->contacts);
	json_array_foreach(json_object_get(file, "policies"), i, entry)
	{
		if (err == OK && read_policy(entry, &aor, &policy))
			err = contacts_set(wallet->contacts, aor, policy);
	}
	return err == OK || complain("start", "there is no memory for what is wanted for contacts");
}

static bool load_known(struct wallet *wallet)
{
	struct credentials_known known;
	json_t *file = read_file(wallet), *entry;
	bool is_good = file != NULL;
	size_t i;

	json_array_foreach(json_object_get(file, "known"), i, entry)
	{
		if (read_known(entry, &known) &&
		    credentials_remember(wallet->credentials, &known) == ERR_NOMEM)
			is_good = complain("start", "there is no memory");
	}
	is_good = is_good && load_policies(wallet, file);
	json_decref(file);
	return is_good;
}

/* -- what others write meanwhile ------------------------------------------------------------------------------ */

static bool is_changed(const struct wallet *wallet)
{
	char path[PATH_SIZE];
	struct stat now = { .st_ino = 0 };

	path_of(wallet->memory, "known.json", 0, path);
	if (stat(path, &now) != 0)
		return wallet->known.st_ino != 0;
	return now.st_ino != wallet->known.st_ino || now.st_size != wallet->known.st_size ||
	       now.st_mtim.tv_sec != wallet->known.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != wallet->known.st_mtim.tv_nsec;
}

/* Who is in memory, and not in the file any more. */
struct forgetting {
	const json_t *file;
	char aor[CREDENTIALS_AOR_MAX];
	size_t len; /* 0: nobody */
};

static void find_forgotten(void *arg, const struct credentials_known *known)
{
	struct forgetting *forgetting = arg;
	struct credentials_known other;
	json_t *entry;
	size_t i;

	if (forgetting->len > 0)
		return;
	json_array_foreach(json_object_get(forgetting->file, "known"), i, entry)
	{
		if (read_known(entry, &other) && slice_eq(other.aor, known->aor))
			return;
	}
	memcpy(forgetting->aor, known->aor.ptr, known->aor.len);
	forgetting->len = known->aor.len;
}

/* Each that is found is forgotten, and so cannot be found again. */
static void forget_missing(struct wallet *wallet, const json_t *file)
{
	struct forgetting forgetting;

	do {
		forgetting = (struct forgetting){ .file = file };
		credentials_each(wallet->credentials, find_forgotten, &forgetting);
	} while (forgetting.len > 0 &&
		 credentials_forget(wallet->credentials, slice_from(forgetting.aor, forgetting.len)) == OK);
}

/* What our user has said of a key; what the domain says of it is known here better. */
static void take_word(struct wallet *wallet, const struct credentials_known *known)
{
	enum err err = OK;

	if (known->is_compared)
		err = credentials_trust(wallet->credentials, known->aor, known->key);
	else if (known->is_believed)
		err = credentials_believe(wallet->credentials, known->aor, known->key);
	(void)err; /* one that is not there any more */
}

bool wallet_refresh(struct wallet *wallet, bool may_forget)
{
	struct credentials_known known;
	json_t *file, *entry;
	size_t i;

	if (!is_changed(wallet))
		return false;
	file = read_file(wallet);
	json_array_foreach(json_object_get(file, "known"), i, entry)
	{
		if (read_known(entry, &known))
			take_word(wallet, &known);
	}
	if (file && may_forget)
		forget_missing(wallet, file);
	if (file)
		(void)load_policies(wallet, file);
	json_decref(file);
	return file != NULL;
}

/* -- which messages were taken ------------------------------------------------------------------------------------ */

char *wallet_read_seen(const struct wallet *wallet, size_t *ret_length)
{
	char path[PATH_SIZE], *text;

	*ret_length = 0;
	path_of(wallet->memory, "seen.txt", 0, path);
	text = phone_file_read(path, SEEN_MAX, ret_length);
	if (!text && errno == ENOENT)
		text = mem_alloc(1);
	if (!text)
		complain(path, errno ? strerror(errno) : "it is too large; remove it");
	return text;
}

bool wallet_write_seen(const struct wallet *wallet, struct slice text)
{
	char path[PATH_SIZE];

	path_of(wallet->memory, "seen.txt", 0, path);
	return phone_file_replace(path, text);
}

/* -- life ----------------------------------------------------------------------------------------------------- */

bool wallet_open(struct wallet *wallet)
{
	if (wallet->passphrase_file && !need_passphrase(wallet, wallet->passphrase_file))
		return false;
	return each_own(wallet, NULL, take_own) && load_known(wallet);
}

void wallet_close(struct wallet *wallet)
{
	secret_free(wallet->passphrase);
	wallet->passphrase = NULL;
}
