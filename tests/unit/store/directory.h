/* A directory of a test's own, which it empties and removes. */
#pragma once

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

#include "base/slice.h"

struct directory {
	char path[100];
};

static inline void directory_empty(const struct directory *directory)
{
	DIR *dir = opendir(directory->path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(directory->path);
}

static inline struct slice directory_make(struct directory *directory, const char *name)
{
	harness_template(directory->path, sizeof directory->path, name);
	assert_non_null(mkdtemp(directory->path));
	return slice_of(directory->path);
}
