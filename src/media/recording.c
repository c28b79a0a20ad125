#include "media/recording.h"

#include <string.h>

#include "base/writer.h"

/* The number goes before the extension. */
static enum err put_numbered(char buf[RECORDING_PATH_MAX], const char *path, unsigned number)
{
	struct writer out = writer_of(buf, RECORDING_PATH_MAX);
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

enum err recording_open(const char *path, char ret_path[RECORDING_PATH_MAX], struct wav_writer **ret_writer)
{
	enum err err = ERR_EXISTS;

	for (unsigned number = 1; err == ERR_EXISTS && number <= RECORDINGS_MAX; number++) {
		TRY(put_numbered(ret_path, path, number));
		err = wav_writer_open(ret_path, ret_writer);
	}
	return err;
}
