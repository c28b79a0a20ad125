/* A directory of a test's own. It is emptied before and after, so that a test that was killed leaves one at
 * most. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	snprintf(directory->path, sizeof directory->path, "/tmp/sealine-test-%d-%s", (int)getppid(), name);
	directory_empty(directory);
	mkdir(directory->path, 0700);
	return slice_of(directory->path);
}
