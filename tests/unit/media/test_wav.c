#include "media/wav.h"

#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/writer.h"
#include "media/audio.h"

struct file {
	char path[50];
};

static struct file file_with(struct slice content)
{
	struct file file;
	int fd;

	harness_template(file.path, sizeof file.path, "wav");
	fd = mkstemp(file.path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content.ptr, content.len), content.len);
	close(fd);
	return file;
}

static void put_le(struct writer *out, uint32_t number, int n)
{
	for (int i = 0; i < n; i++)
		put_char(out, (char)(number >> 8 * i));
}

struct format {
	unsigned tag, channels, bits;
	uint32_t rate;
};

/* A header with the given format, a chunk to be passed over, and n samples of value 1000. */
static void put_wav(struct writer *out, const struct format *format, uint32_t n)
{
	put(out, SLICE("RIFF\0\0\0\0WAVE"
		       "LIST\3\0\0\0abc\0fmt \x10\0\0\0"));
	put_le(out, format->tag, 2);
	put_le(out, format->channels, 2);
	put_le(out, format->rate, 4);
	put_le(out, format->rate * format->channels * format->bits / 8, 4);
	put_le(out, format->channels * format->bits / 8, 2);
	put_le(out, format->bits, 2);
	put(out, SLICE("data"));
	put_le(out, n * format->channels * 2, 4);
	for (uint32_t i = 0; i < n * format->channels; i++)
		put_le(out, 1000, 2);
}

static void reads_what_it_wrote(void **state)
{
	struct file file = file_with(SLICE(""));
	struct wav_writer *writer = NULL;
	struct wav_reader *reader = NULL;
	int16_t pcm[AUDIO_FRAME], read[AUDIO_FRAME];
	enum err err;

	for (int i = 0; i < AUDIO_FRAME; i++)
		pcm[i] = (int16_t)(i % 2 ? i - 1000 : 1000 - i);
	err = wav_writer_open(file.path, &writer);
	assert_int_equal(err, OK);
	for (int i = 0; i < 60; i++)
		assert_int_equal(wav_writer_write(writer, pcm, AUDIO_FRAME), OK);
	assert_int_equal(wav_writer_write(writer, pcm, AUDIO_FRAME + 1), ERR_LIMIT);

	/* Already whole, but for what came after the last full second. */
	err = wav_reader_open(file.path, &reader);
	assert_int_equal(err, OK);
	wav_reader_free(reader);
	assert_true(wav_writer_close(writer));

	err = wav_reader_open(file.path, &reader);
	assert_int_equal(err, OK);
	for (int i = 0; i < 60; i++)
		assert_int_equal(wav_reader_read(reader, read, AUDIO_FRAME), AUDIO_FRAME);
	assert_int_equal(wav_reader_read(reader, read, AUDIO_FRAME), 0);
	wav_reader_free(reader);
	unlink(file.path);
}

static const struct {
	const char *label;
	struct format format;
	enum err err;
} cases[] = {
	{ "8 kHz", { 1, 1, 16, 8000 }, OK },
	{ "22.05 kHz", { 1, 1, 16, 22050 }, OK },
	{ "44.1 kHz stereo", { 1, 2, 16, 44100 }, OK },
	{ "48 kHz", { 1, 1, 16, 48000 }, OK },
	{ "8 bits", { 1, 1, 8, 8000 }, ERR_SYNTAX },
	{ "float", { 3, 1, 16, 48000 }, ERR_SYNTAX },
	{ "three channels", { 1, 3, 16, 48000 }, ERR_SYNTAX },
	{ "no rate", { 1, 1, 16, 0 }, ERR_SYNTAX },
};

static void reads_pcm_of_any_rate(void **state)
{
	static char content[300000];
	static int16_t pcm[2 * AUDIO_RATE];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct writer out = writer_of(content, sizeof content);
		struct wav_reader *reader = NULL;
		struct file file;
		enum err err;
		size_t n;

		put_wav(&out, &cases[i].format, cases[i].format.rate);
		assert_false(out.overflow);
		file = file_with(writer_text(&out));
		err = wav_reader_open(file.path, &reader);
		unlink(file.path);
		if (err != cases[i].err)
			fail_msg("%s: %s", cases[i].label, err_text(err));
		if (err != OK)
			continue;
		n = wav_reader_read(reader, pcm, 2 * AUDIO_RATE);
		wav_reader_free(reader);
		/* A second of a constant. */
		assert_in_range(n, AUDIO_RATE - 100, AUDIO_RATE + 100);
		assert_in_range(pcm[AUDIO_RATE / 2], 990, 1010);
	}
}

static void a_file_that_ends_early_is_played_to_its_end(void **state)
{
	char content[200];
	struct writer out = writer_of(content, sizeof content);
	struct wav_reader *reader = NULL;
	int16_t pcm[AUDIO_FRAME];
	struct file file;
	enum err err;

	put_wav(&out, &(struct format){ 1, 1, 16, 48000 }, 50);
	file = file_with(slice_sub(writer_text(&out), 0, out.len - 21));
	err = wav_reader_open(file.path, &reader);
	unlink(file.path);
	assert_int_equal(err, OK);
	assert_in_range(wav_reader_read(reader, pcm, AUDIO_FRAME), 30, 39);
	wav_reader_free(reader);
}

static void refuses_what_is_no_wav(void **state)
{
	static const struct slice contents[] = {
		SLICE_INIT(""),
		SLICE_INIT("RIFF"),
		SLICE_INIT("RIFF\0\0\0\0WAVX"),
		SLICE_INIT("RIFF\0\0\0\0WAVEdata\0\0\0\0"),
		SLICE_INIT("RIFF\0\0\0\0WAVEfmt \x08\0\0\0\1\0\1\0\0\0\0\0"),
		SLICE_INIT("RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff\1\0\1\0"),
	};

	for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
		struct wav_reader *reader = NULL;
		struct file file = file_with(contents[i]);
		enum err err = wav_reader_open(file.path, &reader);

		unlink(file.path);
		assert_int_equal(err, ERR_SYNTAX);
	}
}

static void says_why_a_file_does_not_open(void **state)
{
	struct file file = file_with(SLICE("a recording"));
	struct wav_reader *reader = NULL;
	struct wav_writer *writer = NULL;

	assert_int_equal(wav_reader_open("/nonexistent/x.wav", &reader), ERR_NOT_FOUND);
	assert_int_equal(wav_writer_open("/nonexistent/x.wav", &writer), ERR_NOT_FOUND);
	assert_int_equal(wav_writer_open("/tmp", &writer), ERR_IO);
	assert_int_equal(wav_writer_open(file.path, &writer), ERR_EXISTS);
	unlink(file.path);
	assert_true(wav_writer_close(NULL));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(reads_what_it_wrote),
	cmocka_unit_test(reads_pcm_of_any_rate),
	cmocka_unit_test(a_file_that_ends_early_is_played_to_its_end),
	cmocka_unit_test(refuses_what_is_no_wav),
	cmocka_unit_test(says_why_a_file_does_not_open),
};

TEST_MAIN(tests)
