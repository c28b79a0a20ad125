#include "store/state.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "file/file.h"

enum { SECRET_SIZE = 32 };

/* The path with the NUL that the kernel wants; false if it is too long or empty, or has a NUL inside. */
static bool path_of(char buf[STATE_PATH_MAX], struct slice path)
{
	struct writer out = writer_of(buf, STATE_PATH_MAX);

	put(&out, path);
	put_char(&out, '\0');
	return path.len > 0 && !out.overflow && slice_find(path, '\0') == path.len;
}

bool state_find(struct writer *out, struct slice option)
{
	struct slice systemd = slice_of(getenv("STATE_DIRECTORY"));
	struct slice xdg = slice_of(getenv("XDG_STATE_HOME"));
	struct slice home = slice_of(getenv("HOME"));

	if (option.len > 0) {
		put(out, option);
	} else if (systemd.len > 0) {
		put(out, slice_sub(systemd, 0, slice_find(systemd, ':')));
	} else if (slice_starts(xdg, SLICE("/"))) { /* "relative paths are invalid and ignored" */
		put(out, xdg);
		put(out, SLICE("/sealine"));
	} else if (home.len > 0) {
		put(out, home);
		put(out, SLICE("/.local/state/sealine"));
	} else {
		return false;
	}
	return !out->overflow;
}

static enum err make_with_parents(char *path)
{
	for (char *at = path + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		bool made = mkdir(path, 0755) == 0 || errno == EEXIST;
		*at = '/';
		if (!made)
			return err_of_file(errno);
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST ? OK : err_of_file(errno);
}

enum err state_make(struct slice dir)
{
	char path[STATE_PATH_MAX];
	struct stat found;

	if (!path_of(path, dir))
		return ERR_LIMIT;
	TRY(make_with_parents(path));
	if (stat(path, &found) != 0)
		return err_of_file(errno);
	if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || found.st_mode & (S_IRWXG | S_IRWXO))
		return ERR_DENIED;
	return OK;
}

void put_state_path(struct writer *out, struct slice dir, struct slice name)
{
	put(out, dir);
	if (!slice_ends(dir, SLICE("/")))
		put_char(out, '/');
	put(out, name);
}

enum err state_secret(struct slice dir, struct random *random, struct secret **ret_secret)
{
	char path[STATE_PATH_MAX], bytes[SECRET_SIZE];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, dir, SLICE(STATE_MASTER_SECRET));
	enum err err = file_read(writer_text(&out), SECRET_SIZE, ret_secret);
	if (err == OK && (*ret_secret)->len != SECRET_SIZE) {
		secret_free(TAKE(*ret_secret));
		return ERR_SYNTAX;
	}
	if (err != ERR_NOT_FOUND)
		return err;
	random_bytes(random, bytes, sizeof bytes);
	err = file_replace(writer_text(&out), slice_from(bytes, sizeof bytes));
	mem_wipe(bytes, sizeof bytes);
	return err == OK ? file_read(writer_text(&out), SECRET_SIZE, ret_secret) : err;
}
