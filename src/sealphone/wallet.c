#include "sealphone/wallet.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#include "base/mem.h"

enum { PATH_SIZE = sizeof((struct memory *)NULL)->path + 32, KNOWN_MAX = 4 << 20 };

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

static bool write_all(int fd, struct slice text)
{
	while (text.len > 0) {
		ssize_t n = write(fd, text.ptr, text.len);

		if (n <= 0)
			return false;
		text = slice_sub(text, (size_t)n, text.len);
	}
	return fsync(fd) == 0;
}

/* Whole or not at all, and for us alone. */
static bool replace_file(const char *path, struct slice text)
{
	char fresh[PATH_SIZE + 8];
	bool is_good;
	int fd;

	snprintf(fresh, sizeof fresh, "%s.new", path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return complain(fresh, strerror(errno));
	is_good = write_all(fd, text);
	is_good = close(fd) == 0 && is_good;
	if (!is_good || rename(fresh, path) != 0)
		return complain(path, strerror(errno));
	return true;
}

/* Into a buffer of KEY_PEM_MAX. False: there is none, or it is no file of ours. */
static bool read_pem(const char *path, char *buf, size_t *ret_length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, KEY_PEM_MAX);

	if (fd >= 0)
		close(fd);
	if (n < 0 || n == KEY_PEM_MAX)
		return false;
	*ret_length = (size_t)n;
	return true;
}

/* -- our own ------------------------------------------------------------------------------------------------- */

/* Its certificate, if there is one that is whole; else it is asked for anew. */
static struct certificate *load_certificate(struct crypto *crypto, const struct memory *memory,
					    unsigned number)
{
	AUTO(chain) struct chain *chain = NULL;
	struct certificate *certificate = NULL;
	char path[PATH_SIZE], pem[KEY_PEM_MAX];
	size_t length;

	path_of(memory, "certificate.pem", number, path);
	if (!read_pem(path, pem, &length) || chain_parse_pem(crypto, slice_from(pem, length), &chain) != OK ||
	    certificate_copy(chain_at(chain, 0), &certificate) != OK)
		return NULL;
	return certificate;
}

static enum err load_key(struct crypto *crypto, const char *path, struct key **ret_key)
{
	char pem[KEY_PEM_MAX];
	size_t length;
	enum err err = ERR_NOT_FOUND;

	if (read_pem(path, pem, &length))
		err = key_parse_pem(crypto, slice_from(pem, length), ret_key);
	mem_wipe(pem, sizeof pem);
	return err;
}

static bool load_own(struct crypto *crypto, const struct memory *memory, struct credentials *credentials)
{
	for (unsigned number = 0; number < CREDENTIALS_OWN_MAX; number++) {
		AUTO(key) struct key *key = NULL;
		AUTO(certificate) struct certificate *certificate = NULL;
		char path[PATH_SIZE];

		path_of(memory, "key.pem", number, path);
		if (access(path, F_OK) != 0)
			return true;
		if (load_key(crypto, path, &key) != OK)
			return complain(path,
					"this is no private key that can be used; restore or remove it");
		certificate = load_certificate(crypto, memory, number);
		if (credentials_add_own(credentials, key, certificate) != OK) {
			/* of another key: it is asked for anew */
			certificate_free(TAKE(certificate));
			if (credentials_add_own(credentials, key, NULL) != OK)
				return complain(path, "there is no memory");
		}
		(void)TAKE(key);
		(void)TAKE(certificate);
	}
	return true;
}

bool wallet_make_key(struct crypto *crypto, const struct memory *memory, struct credentials *credentials)
{
	AUTO(key) struct key *key = NULL;
	char path[PATH_SIZE], pem[KEY_PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);
	bool is_kept;

	if (credentials_own_key(credentials))
		return true;
	path_of(memory, "key.pem", 0, path);
	if (key_generate(crypto, &key) != OK || put_key_pem(&out, key) != OK)
		return complain(path, "there is no memory");
	is_kept = replace_file(path, writer_text(&out));
	mem_wipe(pem, sizeof pem);
	if (!is_kept)
		return false;
	if (credentials_add_own(credentials, key, NULL) != OK)
		return complain(path, "there is no memory");
	(void)TAKE(key);
	return true;
}

static bool save_certificate(const struct memory *memory, const struct credentials *credentials)
{
	struct cms_recipient own[CREDENTIALS_OWN_MAX];
	char path[PATH_SIZE], pem[KEY_PEM_MAX];
	struct writer out = writer_of(pem, sizeof pem);

	if (credentials_own(credentials, own) == 0 || own[0].key != credentials_own_key(credentials))
		return true;
	path_of(memory, "certificate.pem", 0, path);
	if (put_certificate_pem(&out, own[0].certificate) != OK)
		return complain(path, "there is no memory");
	return replace_file(path, writer_text(&out));
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

bool wallet_save(const struct memory *memory, const struct credentials *credentials)
{
	json_t *list = json_array(), *file = json_pack("{s:o}", "known", list);
	char path[PATH_SIZE], *text = NULL;
	bool is_good;

	path_of(memory, "known.json", 0, path);
	if (file) {
		credentials_each(credentials, add_known, list);
		text = json_dumps(file, JSON_INDENT(1));
	}
	is_good = text ? replace_file(path, slice_of(text)) : complain(path, "there is no memory");
	free(text);
	json_decref(file);
	return save_certificate(memory, credentials) && is_good;
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

static bool load_known(const struct memory *memory, struct credentials *credentials)
{
	struct credentials_known known;
	json_error_t error;
	json_t *file, *entry;
	char path[PATH_SIZE];
	bool is_good = true;
	size_t i;

	path_of(memory, "known.json", 0, path);
	if (access(path, F_OK) != 0)
		return true;
	file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_array(json_object_get(file, "known")))
		is_good = false;
	json_array_foreach(json_object_get(file, "known"), i, entry)
	{
		is_good = is_good && read_known(entry, &known);
		if (is_good && credentials_remember(credentials, &known) == ERR_NOMEM)
			is_good = false;
	}
	json_decref(file);
	return is_good ||
	       complain(path, "this is not what sealphone wrote; who was known would not be any more. "
			      "Restore it, or remove it to begin anew");
}

bool wallet_load(struct crypto *crypto, const struct memory *memory, struct credentials *credentials)
{
	return load_own(crypto, memory, credentials) && load_known(memory, credentials);
}
