#include "media/recording.h"

#include <string.h>

#include "base/writer.h"
#include "media/media.h"

/* The number goes before the extension. */
enum err media_recording_path(const char *path, unsigned number, char ret_path[MEDIA_PATH_MAX])
{
	struct writer out = writer_of(ret_path, MEDIA_PATH_MAX);
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');
	size_t stem = dot && dot > name ? (size_t)(dot - path) : strlen(path);

	put(&out, slice_from(path, stem));
	if (number > 1) {
		put_char(&out, '-');
		put_number(&out, number);
	}
	put(&out, slice_of(path + stem));
	put_char(&out, '\0');
	return out.overflow ? ERR_LIMIT : OK;
}

enum err recording_open(const char *path, unsigned *ret_number, struct wav_writer **ret_writer)
{
	char numbered[MEDIA_PATH_MAX];
	enum err err = ERR_EXISTS;

	for (unsigned number = 1; err == ERR_EXISTS && number <= RECORDINGS_MAX; number++) {
		TRY(media_recording_path(path, number, numbered));
		err = wav_writer_open(numbered, ret_writer);
		*ret_number = number;
	}
	return err;
}
