#include "file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/writer.h"

enum { FILE_PATH_MAX = 4096, PIPE_MAX = 1 << 20 };

/* The path, with something behind it and the NUL that the kernel wants. */
static bool path_of(char buf[FILE_PATH_MAX], struct slice path, struct slice suffix)
{
	struct writer out = writer_of(buf, FILE_PATH_MAX);

	put(&out, path);
	put(&out, suffix);
	put_char(&out, '\0');
	return path.len > 0 && !out.overflow && slice_find(path, '\0') == path.len;
}

/* ---- reading ---- */

static enum err fill(int fd, struct secret *text)
{
	size_t n = 0;

	while (n < text->len) {
		ssize_t got = read(fd, text->bytes + n, text->len - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_of_file(errno);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	text->len = n;
	return OK;
}

/* Up to so much of it. */
static enum err read_up_to(int fd, size_t room, struct secret **ret_text)
{
	AUTO(secret) struct secret *text = mem_alloc(sizeof(*text) + room);

	if (!text)
		return ERR_NOMEM;
	text->len = room;
	TRY(fill(fd, text));
	*ret_text = TAKE(text);
	return OK;
}

static enum err read_regular(int fd, size_t max, struct secret **ret_text)
{
	struct stat found;

	if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode))
		return ERR_IO;
	if ((uintmax_t)found.st_size > max)
		return ERR_LIMIT;
	return read_up_to(fd, (size_t)found.st_size, ret_text);
}

static enum err read_any(int fd, size_t max, struct secret **ret_text)
{
	AUTO(secret) struct secret *text = NULL;
	size_t most = max < PIPE_MAX ? max : PIPE_MAX;
	struct stat found;

	if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode))
		return read_regular(fd, max, ret_text);
	TRY(read_up_to(fd, most + 1, &text));
	if (text->len > most)
		return ERR_LIMIT;
	*ret_text = TAKE(text);
	return OK;
}

static enum err read_by(enum err (*read_it)(int fd, size_t max, struct secret **ret_text), struct slice path,
			int flags, size_t max, struct secret **ret_text)
{
	char name[FILE_PATH_MAX];

	if (!path_of(name, path, SLICE("")))
		return ERR_LIMIT;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
	if (fd < 0)
		return err_of_file(errno);
	enum err err = read_it(fd, max, ret_text);
	close(fd);
	return err;
}

enum err file_read(struct slice path, size_t max, struct secret **ret_text)
{
	return read_by(read_regular, path, O_NONBLOCK, max, ret_text);
}

enum err file_read_any(struct slice path, size_t max, struct secret **ret_text)
{
	return read_by(read_any, path, 0, max, ret_text);
}

/* ---- writing ---- */

static enum err write_all(int fd, struct slice text)
{
	while (text.len > 0) {
		ssize_t n = write(fd, text.ptr, text.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_of_file(errno);
		text = slice_sub(text, (size_t)n, text.len);
	}
	return fsync(fd) == 0 ? OK : err_of_file(errno);
}

/* The name of a file is on disk once its directory is. */
static enum err sync_directory_of(struct slice path)
{
	char dir[FILE_PATH_MAX];

	while (path.len > 0 && path.ptr[path.len - 1] != '/')
		path.len--;
	if (!path_of(dir, path.len ? path : SLICE("."), SLICE("")))
		return ERR_LIMIT;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_of_file(errno);
	enum err err = fsync(fd) == 0 ? OK : err_of_file(errno);
	close(fd);
	return err;
}

enum err file_replace(struct slice path, struct slice text)
{
	char name[FILE_PATH_MAX], fresh[FILE_PATH_MAX];

	if (!path_of(name, path, SLICE("")) || !path_of(fresh, path, SLICE(".new")))
		return ERR_LIMIT;
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_of_file(errno);
	enum err err = write_all(fd, text);
	close(fd);
	if (err == OK && rename(fresh, name) != 0)
		err = err_of_file(errno);
	if (err != OK) {
		unlink(fresh);
		return err;
	}
	return sync_directory_of(path);
}
