#include "sealphone/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

char *file_read(const char *path, size_t limit, size_t *ret_length)
{
	FILE *file;
	char *text;

	errno = 0;
	file = fopen(path, "re");
	text = file ? mem_alloc(limit) : NULL;
	if (text)
		*ret_length = fread(text, 1, limit, file);
	if (text && (ferror(file) || *ret_length == limit)) {
		mem_wipe(text, *ret_length);
		mem_free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	return text;
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

static bool complain(const char *path)
{
	fprintf(stderr, "sealphone: %s: %s\n", path, strerror(errno));
	return false;
}

bool file_replace(const char *path, struct slice text)
{
	char fresh[PATH_MAX];
	bool is_good;
	int fd;

	snprintf(fresh, sizeof fresh, "%s.new", path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return complain(fresh);
	is_good = write_all(fd, text);
	is_good = close(fd) == 0 && is_good;
	if (!is_good || rename(fresh, path) != 0)
		return complain(path);
	return true;
}
