/*
 * Feeds every file of the directories named on the command line to a fuzz target, so that the corpus is part
 * of the ordinary tests and a crash can be replayed without libFuzzer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat facts;
	uint8_t *data = NULL;
	size_t size = 0;
	int result = 1;

	if (!file || fstat(fileno(file), &facts) < 0)
		goto out;
	size = (size_t)facts.st_size;
	data = malloc(size ? size : 1);
	if (!data || fread(data, 1, size, file) != size)
		goto out;
	LLVMFuzzerTestOneInput(data, size);
	result = 0;
out:
	if (result)
		perror(path);
	if (file)
		fclose(file);
	free(data);
	return result;
}

static int replay_directory(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int failed = 0, n = 0;

	if (!directory) {
		perror(path);
		return 1;
	}
	while ((entry = readdir(directory))) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		failed |= replay_file(name);
		n++;
	}
	closedir(directory);
	printf("%s: %d files\n", path, n);
	return failed || n == 0;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++) {
		struct stat facts;

		if (stat(argv[i], &facts) == 0 && S_ISDIR(facts.st_mode))
			failed |= replay_directory(argv[i]);
		else
			failed |= replay_file(argv[i]);
	}
	return failed;
}
