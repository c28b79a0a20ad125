/* Where what is heard in a call is written: each call has a file of its own, and none is overwritten. */
#pragma once

#include "media/wav.h"

enum { RECORDINGS_MAX = 9999 };

/*
 * Begins the file of that name, or, where something is recorded in it, the first one of media_recording_path() that is free, whose number
 * is then in ret_number. ERR_EXISTS: RECORDINGS_MAX of them are there. ERR_LIMIT: the path is too long. Else as wav_writer_open().
 */
MUST_CHECK enum err recording_open(const char *path, unsigned *ret_number, struct wav_writer **ret_writer);
