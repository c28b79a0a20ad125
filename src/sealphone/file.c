#include "sealphone/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "file/file.h"

char *phone_file_read(const char *path, size_t limit, size_t *ret_length)
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

bool phone_file_replace(const char *path, struct slice text)
{
	errno = 0;
	if (file_replace(slice_of(path), text) == OK)
		return true;
	fprintf(stderr, "sealphone: %s: %s\n", path, errno ? strerror(errno) : "its path is too long");
	return false;
}
