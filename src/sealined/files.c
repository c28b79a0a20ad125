#include "sealined/files.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "store/state.h"

enum {
	LOOK_MS = 1000,
	REST_MS = 300, /* a certificate and its key are two files, and one is written in several pieces */
};

/* What shows that a file is another one, or has another content. */
struct stamp {
	int error; /* errno; the rest is zero then */
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct file {
	struct slice path; /* the configuration's */
	struct stamp taken, seen;
};

struct files {
	ms_t due;
	size_t n;
	struct file at[];
};

static struct stamp look_at(struct slice path)
{
	char text[STATE_PATH_MAX];
	struct writer out = writer_of(text, sizeof text - 1);
	struct stamp stamp = { .error = 0 };
	struct stat found;

	put(&out, path);
	text[out.len] = '\0';
	if (stat(text, &found) != 0) {
		stamp.error = errno;
		return stamp;
	}
	stamp.device = found.st_dev;
	stamp.inode = found.st_ino;
	stamp.size = found.st_size;
	stamp.modified = found.st_mtim;
	stamp.changed = found.st_ctim;
	return stamp;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct stamp *a, const struct stamp *b)
{
	return a->error == b->error && a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       is_same_time(a->modified, b->modified) && is_same_time(a->changed, b->changed);
}

/* The state directory changes all the time, and the anchor of the DNS is read at start alone. */
static bool is_watched(const struct config *config, const struct config_path *said)
{
	return said->path.ptr != config->state.ptr && said->path.ptr != config->trust_anchor.ptr;
}

enum err files_new(const struct config *config, ms_t mono, struct files **ret_files)
{
	size_t n = 0;

	for (const struct config_path *said = config->paths; said; said = said->next)
		n++;
	struct files *files = mem_zalloc(1, sizeof *files + n * sizeof files->at[0]);
	if (!files)
		return ERR_NOMEM;
	for (const struct config_path *said = config->paths; said; said = said->next) {
		struct file *file = &files->at[files->n];

		if (!is_watched(config, said))
			continue;
		file->path = said->path;
		file->taken = file->seen = look_at(said->path);
		files->n++;
	}
	files->due = mono + LOOK_MS;
	*ret_files = files;
	return OK;
}

void files_free(struct files *files)
{
	mem_free(files);
}

ms_t files_due(const struct files *files)
{
	return files->due;
}

bool files_have_changed(struct files *files, ms_t mono)
{
	bool rests = true, is_other = false;

	if (mono < files->due)
		return false;
	for (size_t i = 0; i < files->n; i++) {
		struct file *file = &files->at[i];
		struct stamp now = look_at(file->path);

		rests &= is_same(&now, &file->seen);
		is_other |= !is_same(&now, &file->taken);
		file->seen = now;
	}
	files->due = mono + (is_other && !rests ? REST_MS : LOOK_MS);
	if (!rests || !is_other)
		return false;
	for (size_t i = 0; i < files->n; i++)
		files->at[i].taken = files->at[i].seen;
	return true;
}
