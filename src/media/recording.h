/* Where what is heard in a call is written: each call has a file of its own, and none is overwritten. */
#pragma once

#include "media/wav.h"

enum { RECORDING_PATH_MAX = 4096, RECORDINGS_MAX = 9999 };

/*
 * Begins the file of that name, or, where something is recorded in it, the first one that is free of name-2.wav, name-3.wav and so on, whose path
 * is then in ret_path. ERR_EXISTS: RECORDINGS_MAX of them are there. ERR_LIMIT: the path is too long. Else as wav_writer_open().
 */
MUST_CHECK enum err recording_open(const char *path, char ret_path[RECORDING_PATH_MAX],
				   struct wav_writer **ret_writer);
