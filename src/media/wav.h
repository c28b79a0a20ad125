/* WAV files (RIFF, 16-bit PCM): read at any rate as 48 kHz mono, write at 48 kHz mono. For the files of this
 * room. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"

struct wav_reader;
struct wav_writer;

/* ERR_NOT_FOUND, ERR_DENIED, ERR_IO by errno; ERR_SYNTAX for what is no WAV file of 16-bit PCM, mono or
 * stereo. */
MUST_CHECK enum err wav_reader_open(const char *path, struct wav_reader **ret_reader);
void wav_reader_free(struct wav_reader *reader);
OWN(wav_reader)

/* Returns how many samples were there; fewer than n only at the end. */
size_t wav_reader_read(struct wav_reader *reader, int16_t *pcm, size_t n);

/*
 * Begins a file, or one that is empty. Its header is brought up to date every second, so that the file is whole to within a
 * second whatever happens. ERR_EXISTS: there is something in it. ERR_NOT_FOUND, ERR_DENIED, ERR_IO by errno.
 */
MUST_CHECK enum err wav_writer_open(const char *path, struct wav_writer **ret_writer);
/* Writes the header for the last time; false if it was not possible. Accepts NULL. */
bool wav_writer_close(struct wav_writer *writer);

/* ERR_LIMIT when the format's 4 GB are full, ERR_IO. */
MUST_CHECK enum err wav_writer_write(struct wav_writer *writer, const int16_t *pcm, size_t n);
