#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

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

static enum err read_all(int fd, unsigned char *buf, size_t size, size_t *ret_n)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, buf + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_of_file(errno);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret_n = n;
	return OK;
}

static enum err read_open_file(int fd, size_t max, struct secret **ret_text)
{
	struct stat found;

	if (fstat(fd, &found) != 0)
		return ERR_IO;
	if (!S_ISREG(found.st_mode))
		return ERR_IO;
	if ((uintmax_t)found.st_size > max)
		return ERR_LIMIT;
	AUTO(secret) struct secret *text = mem_alloc(sizeof *text + (size_t)found.st_size);
	if (!text)
		return ERR_NOMEM;
	text->len = (size_t)found.st_size;
	TRY(read_all(fd, text->bytes, text->len, &text->len));
	*ret_text = TAKE(text);
	return OK;
}

enum err state_open(struct slice path, int *ret_fd)
{
	char name[STATE_PATH_MAX];

	if (!path_of(name, path))
		return ERR_LIMIT;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_of_file(errno);
	*ret_fd = fd;
	return OK;
}

enum err state_read(struct slice path, size_t max, struct secret **ret_text)
{
	int fd;

	TRY(state_open(path, &fd));
	enum err err = read_open_file(fd, max, ret_text);
	close(fd);
	return err;
}

static enum err write_all(void *self, int fd)
{
	struct slice text = *(struct slice *)self;

	while (text.len > 0) {
		ssize_t put = write(fd, text.ptr, text.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_of_file(errno);
		text = slice_sub(text, (size_t)put, text.len);
	}
	return OK;
}

/* The name of a file is on disk once its directory is. */
static enum err sync_directory_of(const char *path)
{
	char dir[STATE_PATH_MAX];
	struct slice text = slice_of(path);

	while (text.len > 0 && text.ptr[text.len - 1] != '/')
		text.len--;
	if (!path_of(dir, text.len ? text : SLICE(".")))
		return ERR_LIMIT;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_of_file(errno);
	enum err err = fsync(fd) == 0 ? OK : err_of_file(errno);
	close(fd);
	return err;
}

enum err state_replace(struct slice path, enum err (*fill)(void *self, int fd), void *self)
{
	char name[STATE_PATH_MAX], fresh[STATE_PATH_MAX];
	struct writer out = writer_of(fresh, sizeof fresh);

	put(&out, path);
	put(&out, SLICE(".new\0"));
	if (out.overflow || !path_of(name, path))
		return ERR_LIMIT;
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_of_file(errno);
	enum err err = fill(self, fd);
	if (err == OK && fsync(fd) != 0)
		err = err_of_file(errno);
	close(fd);
	if (err == OK && rename(fresh, name) != 0)
		err = err_of_file(errno);
	if (err != OK) {
		unlink(fresh);
		return err;
	}
	return sync_directory_of(name);
}

enum err state_write(struct slice path, struct slice text)
{
	return state_replace(path, write_all, &text);
}

enum err state_secret(struct slice dir, struct random *random, struct secret **ret_secret)
{
	char path[STATE_PATH_MAX], bytes[SECRET_SIZE];
	struct writer out = writer_of(path, sizeof path);

	put_state_path(&out, dir, SLICE(STATE_MASTER_SECRET));
	enum err err = state_read(writer_text(&out), SECRET_SIZE, ret_secret);
	if (err == OK && (*ret_secret)->len != SECRET_SIZE) {
		secret_free(TAKE(*ret_secret));
		return ERR_SYNTAX;
	}
	if (err != ERR_NOT_FOUND)
		return err;
	random_bytes(random, bytes, sizeof bytes);
	err = state_write(writer_text(&out), slice_from(bytes, sizeof bytes));
	mem_wipe(bytes, sizeof bytes);
	return err == OK ? state_read(writer_text(&out), SECRET_SIZE, ret_secret) : err;
}
