#include "media/wav.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <speex/speex_resampler.h>

#include "base/mem.h"
#include "media/audio.h"

enum {
	FORMAT_PCM = 1,
	FORMAT_EXTENSIBLE = 0xfffe,
	HEADER = 44,
	MIN_RATE = 4000,
	MAX_RATE = 192000,
	QUALITY = SPEEX_RESAMPLER_QUALITY_DESKTOP,
};

static unsigned get16(const uint8_t *at)
{
	return at[0] | (unsigned)at[1] << 8;
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static void set32(uint8_t *at, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> 8 * i);
}

/* ---- reading
 * ---------------------------------------------------------------------------------------------------- */

struct wav_reader {
	FILE *file;
	unsigned channels;
	uint32_t rate;
	uint64_t left; /* bytes of the data chunk that were not read; the file may end before */
	SpeexResamplerState *resampler;
	int16_t buf[AUDIO_FRAME]; /* read, mixed to mono, not yet resampled */
	size_t at, n;
};

static bool read_exactly(FILE *file, void *buf, size_t n)
{
	return fread(buf, 1, n, file) == n;
}

static bool parse_format(struct wav_reader *reader, const uint8_t *fmt, size_t n)
{
	unsigned format = get16(fmt);

	if (format == FORMAT_EXTENSIBLE && n >= 26)
		format = get16(fmt + 24);
	reader->channels = get16(fmt + 2);
	reader->rate = get32(fmt + 4);
	return format == FORMAT_PCM && (reader->channels == 1 || reader->channels == 2) &&
	       reader->rate >= MIN_RATE && reader->rate <= MAX_RATE && get16(fmt + 14) == 16;
}

/* The chunks up to the sound itself. */
static bool read_header(struct wav_reader *reader)
{
	uint8_t head[12], chunk[8], fmt[40];
	bool has_format = false;

	if (!read_exactly(reader->file, head, sizeof head) || memcmp(head, "RIFF", 4) != 0 ||
	    memcmp(head + 8, "WAVE", 4) != 0)
		return false;
	while (read_exactly(reader->file, chunk, sizeof chunk)) {
		uint32_t len = get32(chunk + 4), skip = len + (len & 1);

		if (memcmp(chunk, "data", 4) == 0) {
			reader->left = len;
			return has_format;
		}
		if (memcmp(chunk, "fmt ", 4) == 0) {
			size_t n = len < sizeof fmt ? len : sizeof fmt;

			if (len < 16 || !read_exactly(reader->file, fmt, n) || !parse_format(reader, fmt, n))
				return false;
			has_format = true;
			skip -= (uint32_t)n;
		}
		if (fseek(reader->file, (long)skip, SEEK_CUR) != 0)
			return false;
	}
	return false;
}

enum err wav_reader_open(const char *path, struct wav_reader **ret_reader)
{
	AUTO(wav_reader) struct wav_reader *reader = mem_new(struct wav_reader);
	int err;

	if (!reader)
		return ERR_NOMEM;
	reader->file = fopen(path, "rbe");
	if (!reader->file)
		return err_of_file(errno);
	if (!read_header(reader))
		return ERR_SYNTAX;
	reader->resampler = speex_resampler_init(1, reader->rate, AUDIO_RATE, QUALITY, &err);
	if (!reader->resampler)
		return ERR_NOMEM;
	*ret_reader = TAKE(reader);
	return OK;
}

void wav_reader_free(struct wav_reader *reader)
{
	if (!reader)
		return;
	if (reader->file)
		fclose(reader->file);
	if (reader->resampler)
		speex_resampler_destroy(reader->resampler);
	mem_free(reader);
}

/* The next sample, both channels mixed; false at the end. */
static bool read_sample(struct wav_reader *reader, int16_t *ret_sample)
{
	uint8_t bytes[4];
	size_t n = 2 * reader->channels;
	int sum = 0;

	if (reader->left < n || !read_exactly(reader->file, bytes, n))
		return false;
	reader->left -= n;
	for (size_t i = 0; i < n; i += 2)
		sum += (int16_t)get16(bytes + i);
	*ret_sample = (int16_t)(sum / (int)reader->channels);
	return true;
}

static bool refill(struct wav_reader *reader)
{
	reader->at = reader->n = 0;
	while (reader->n < AUDIO_FRAME && read_sample(reader, &reader->buf[reader->n]))
		reader->n++;
	return reader->n > 0;
}

size_t wav_reader_read(struct wav_reader *reader, int16_t *pcm, size_t n)
{
	size_t done = 0;

	while (done < n) {
		spx_uint32_t n_in, n_out = (spx_uint32_t)(n - done);

		if (reader->at == reader->n && !refill(reader))
			break;
		n_in = (spx_uint32_t)(reader->n - reader->at);
		speex_resampler_process_int(reader->resampler, 0, reader->buf + reader->at, &n_in, pcm + done,
					    &n_out);
		reader->at += n_in;
		done += n_out;
	}
	return done;
}

/* ---- writing
 * ---------------------------------------------------------------------------------------------------- */

struct wav_writer {
	int fd;
	uint32_t len;          /* bytes of sound */
	unsigned since_header; /* samples since the header was last brought up to date */
};

static bool write_all(int fd, const void *buf, size_t n)
{
	const uint8_t *at = buf;

	while (n > 0) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		n -= (size_t)done;
	}
	return true;
}

static bool write_header(struct wav_writer *writer)
{
	uint8_t header[HEADER] = "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0....\0\0\0\0\2\0\x10\0data";

	set32(header + 4, writer->len + HEADER - 8);
	set32(header + 24, AUDIO_RATE);
	set32(header + 28, AUDIO_RATE * 2);
	set32(header + 40, writer->len);
	writer->since_header = 0;
	return pwrite(writer->fd, header, sizeof header, 0) == sizeof header;
}

enum err wav_writer_open(const char *path, struct wav_writer **ret_writer)
{
	struct wav_writer *writer = mem_new(struct wav_writer);
	struct stat found;
	enum err err = OK;

	if (!writer)
		return ERR_NOMEM;
	writer->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (writer->fd < 0)
		err = err_of_file(errno);
	else if (fstat(writer->fd, &found) != 0)
		err = ERR_IO;
	else if (found.st_size > 0)
		err = ERR_EXISTS;
	else if (!write_header(writer) || lseek(writer->fd, HEADER, SEEK_SET) != HEADER)
		err = ERR_IO;
	if (err != OK) {
		if (writer->fd >= 0)
			close(writer->fd);
		mem_free(writer);
		return err;
	}
	*ret_writer = writer;
	return OK;
}

bool wav_writer_close(struct wav_writer *writer)
{
	bool ok;

	if (!writer)
		return true;
	ok = write_header(writer);
	ok = close(writer->fd) == 0 && ok;
	mem_free(writer);
	return ok;
}

enum err wav_writer_write(struct wav_writer *writer, const int16_t *pcm, size_t n)
{
	uint8_t bytes[2 * AUDIO_FRAME];

	if (n > AUDIO_FRAME || writer->len > UINT32_MAX - HEADER - sizeof bytes)
		return ERR_LIMIT;
	for (size_t i = 0; i < n; i++) {
		bytes[2 * i] = (uint8_t)pcm[i];
		bytes[2 * i + 1] = (uint8_t)(pcm[i] >> 8);
	}
	if (!write_all(writer->fd, bytes, 2 * n))
		return ERR_IO;
	writer->len += (uint32_t)(2 * n);
	writer->since_header += (unsigned)n;
	if (writer->since_header >= AUDIO_RATE && !write_header(writer))
		return ERR_IO;
	return OK;
}
