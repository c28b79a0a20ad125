/*
 * Plays every scenario (*.scn) of the directories and files named on the command line; a line of TAP for
 * each, and after one that fails what happened in it.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "play.h"

enum { FILES_MAX = 1000, TEXT_SIZE = 1 << 16, LOG_SIZE = 1 << 18, PATH_SIZE = 4096 };

struct files {
	char *paths[FILES_MAX];
	int n;
};

static int is_scenario(const struct dirent *entry)
{
	return slice_ends(slice_of(entry->d_name), SLICE(".scn"));
}

static bool add_file(struct files *files, const char *path)
{
	if (files->n == FILES_MAX)
		return false;
	files->paths[files->n] = strdup(path);
	return files->paths[files->n++] != NULL;
}

static bool add_directory(struct files *files, const char *directory)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_scenario, alphasort);
	bool ok = n >= 0;

	for (int i = 0; i < n; i++) {
		char path[PATH_SIZE];

		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		ok = ok && add_file(files, path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return ok;
}

static bool add(struct files *files, const char *path)
{
	struct stat facts;

	if (stat(path, &facts) < 0)
		return false;
	return S_ISDIR(facts.st_mode) ? add_directory(files, path) : add_file(files, path);
}

static struct slice read_text(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t n = file ? fread(buf, 1, size, file) : 0;

	if (file)
		fclose(file);
	return slice_from(buf, n);
}

static void print_log(const struct writer *log)
{
	struct slice rest = writer_text(log);

	while (rest.len > 0) {
		size_t n = slice_find(rest, '\n');

		printf("# %.*s\n", SLICE_FMT(slice_sub(rest, 0, n)));
		rest = slice_sub(rest, n + 1, rest.len);
	}
}

/* "proxy-timer-c.scn RFC3261:16.8 timer C ends a call that only ever rings" */
static bool play_file(int number, const char *path)
{
	static char text[TEXT_SIZE], log_text[LOG_SIZE];
	const char *slash = strrchr(path, '/');
	struct writer log = writer_of(log_text, sizeof(log_text));
	struct scenario scenario = { 0 };
	unsigned line;
	bool passes = false;

	if (!scenario_parse(read_text(path, text, sizeof(text)), &scenario, &line))
		printf("# %s:%u: not understood, see docs/howto/new-scenario.md\n", path, line);
	else
		passes = play(&scenario, &log);
	printf("%sok %d - %s %.*s\n", passes ? "" : "not ", number, slash ? slash + 1 : path,
	       SLICE_FMT(scenario.title));
	if (!passes)
		print_log(&log);
	scenario_fini(&scenario);
	return passes;
}

int main(int argc, char **argv)
{
	static struct files files;
	bool ok = true;

	for (int i = 1; i < argc; i++)
		if (!add(&files, argv[i])) {
			perror(argv[i]);
			return 2;
		}
	printf("1..%d\n", files.n);
	for (int i = 0; i < files.n; i++) {
		ok = play_file(i + 1, files.paths[i]) && ok;
		free(files.paths[i]);
	}
	return ok && files.n > 0 ? 0 : 1;
}
