#include "media/device.h"

#include <math.h>
#include <string.h>

#include <alsa/asoundlib.h>

#include "base/mem.h"
#include "media/wav.h"

enum {
	TONE_HZ = 440,
	TONE_LOUDNESS = 8000,
	LATENCY_US = 80000, /* of the sound card's own buffer */
};

struct source {
	enum media_device_kind kind; /* MEDIA_DEVICE_NULL after the end of others */
	struct wav_reader *file;
	snd_pcm_t *pcm;
	unsigned phase; /* of the tone, in samples of one second */
};

struct sink {
	snd_pcm_t *pcm; /* NULL: nobody listens */
};

/* ---- ALSA ------------------------------------------------------------------------------------------------------- */

/*
 * The library prints its troubles to stderr unless told otherwise; we say them in our own event. The parameters
 * are ALSA's choice.
 */
/* clang-format off */
__attribute__((format(printf, 5, 6)))
static void be_quiet(const char *file, int line, const char *function, int err, const char *fmt, ...)
	{ (void)file, (void)line, (void)function, (void)err, (void)fmt; }
/* clang-format on */

static enum err open_pcm(const char *name, snd_pcm_stream_t stream, snd_pcm_t **ret_pcm,
			 char text[MEDIA_MAX_TEXT])
{
	snd_pcm_t *pcm = NULL;
	int err;

	snd_lib_error_set_handler(be_quiet);
	err = snd_pcm_open(&pcm, name, stream, SND_PCM_NONBLOCK);
	if (err == 0)
		err = snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16, SND_PCM_ACCESS_RW_INTERLEAVED, 1,
					 AUDIO_RATE, 1, LATENCY_US);
	if (err == 0 && stream == SND_PCM_STREAM_CAPTURE)
		err = snd_pcm_start(pcm);
	if (err == 0) {
		*ret_pcm = pcm;
		return OK;
	}
	snprintf(text, MEDIA_MAX_TEXT, "cannot open the sound device \"%s\" for %s: %s", name,
		 stream == SND_PCM_STREAM_CAPTURE ? "recording" : "playing", snd_strerror(err));
	if (pcm)
		snd_pcm_close(pcm);
	return ERR_IO;
}

/* The name of ALSA's device, or NULL for other kinds. */
static const char *pcm_name(const struct media_device *device)
{
	switch (device->kind) {
	case MEDIA_DEVICE_ALSA: return device->name;
	case MEDIA_DEVICE_AUTO: return "default";
	default: return NULL;
	}
}

/* What opening comes to: MEDIA_DEVICE_AUTO does without a card. */
static enum err open_device(const struct media_device *device, snd_pcm_stream_t stream, snd_pcm_t **ret_pcm,
			    char text[MEDIA_MAX_TEXT])
{
	const char *name = pcm_name(device);
	enum err err = name ? open_pcm(name, stream, ret_pcm, text) : OK;

	return device->kind == MEDIA_DEVICE_AUTO ? OK : err;
}

/* A buffer that ran empty or full is begun anew; false if the device does not work any more. */
static bool recover(snd_pcm_t *pcm, snd_pcm_sframes_t result)
{
	if (result >= 0 || result == -EAGAIN)
		return true;
	return snd_pcm_recover(pcm, (int)result, 1) == 0;
}

/* ---- sources ---------------------------------------------------------------------------------------------------- */

static enum err open_file(const char *path, struct wav_reader **ret_file, char text[MEDIA_MAX_TEXT])
{
	enum err err = wav_reader_open(path, ret_file);

	if (err == ERR_SYNTAX)
		snprintf(text, MEDIA_MAX_TEXT, "%s is not a WAV file of 16-bit PCM, mono or stereo", path);
	else if (err != OK)
		snprintf(text, MEDIA_MAX_TEXT, "cannot open %s: %s", path, err_text(err));
	return err;
}

enum err media_check_file(const char *path)
{
	AUTO(wav_reader) struct wav_reader *reader = NULL;

	return wav_reader_open(path, &reader);
}

enum err source_open(const struct media_device *device, struct source **ret_source, char text[MEDIA_MAX_TEXT])
{
	AUTO(source) struct source *source = mem_new(struct source);

	text[0] = '\0';
	if (!source)
		return ERR_NOMEM;
	source->kind = device->kind;
	if (device->kind == MEDIA_DEVICE_FILE)
		TRY(open_file(device->name, &source->file, text));
	TRY(open_device(device, SND_PCM_STREAM_CAPTURE, &source->pcm, text));
	*ret_source = TAKE(source);
	return OK;
}

void source_free(struct source *source)
{
	if (!source)
		return;
	wav_reader_free(source->file);
	if (source->pcm)
		snd_pcm_close(source->pcm);
	mem_free(source);
}

bool source_is_live(const struct source *source)
{
	return source->pcm != NULL;
}

static void make_tone(struct source *source, int16_t *pcm)
{
	for (size_t i = 0; i < AUDIO_FRAME; i++) {
		double angle = 2 * M_PI * TONE_HZ * source->phase / AUDIO_RATE;

		pcm[i] = (int16_t)(TONE_LOUDNESS * sin(angle));
		source->phase = (source->phase + 1) % AUDIO_RATE;
	}
}

/* What the card has by now; silence for what it has not. */
static enum source_result read_pcm(struct source *source, int16_t *pcm)
{
	snd_pcm_sframes_t n = snd_pcm_readi(source->pcm, pcm, AUDIO_FRAME);
	bool works = recover(source->pcm, n);

	if (n < 0)
		n = 0;
	memset(pcm + n, 0, (AUDIO_FRAME - (size_t)n) * sizeof *pcm);
	if (works && snd_pcm_state(source->pcm) == SND_PCM_STATE_PREPARED)
		works = snd_pcm_start(source->pcm) == 0;
	if (works)
		return SOURCE_SOUND;
	snd_pcm_close(source->pcm);
	source->pcm = NULL;
	return SOURCE_GONE;
}

static enum source_result read_file(struct source *source, int16_t *pcm)
{
	size_t n = wav_reader_read(source->file, pcm, AUDIO_FRAME);

	memset(pcm + n, 0, (AUDIO_FRAME - n) * sizeof *pcm);
	if (n == AUDIO_FRAME)
		return SOURCE_SOUND;
	source->kind = MEDIA_DEVICE_NULL;
	return SOURCE_ENDED;
}

enum source_result source_read(struct source *source, int16_t pcm[AUDIO_FRAME])
{
	if (source->pcm)
		return read_pcm(source, pcm);
	switch (source->kind) {
	case MEDIA_DEVICE_FILE: return read_file(source, pcm);
	case MEDIA_DEVICE_TONE: make_tone(source, pcm); break;
	default: memset(pcm, 0, AUDIO_FRAME * sizeof *pcm); break;
	}
	return SOURCE_SOUND;
}

/* ---- sinks ------------------------------------------------------------------------------------------------------ */

enum err sink_open(const struct media_device *device, struct sink **ret_sink, char text[MEDIA_MAX_TEXT])
{
	AUTO(sink) struct sink *sink = mem_new(struct sink);

	text[0] = '\0';
	if (!sink)
		return ERR_NOMEM;
	TRY(open_device(device, SND_PCM_STREAM_PLAYBACK, &sink->pcm, text));
	*ret_sink = TAKE(sink);
	return OK;
}

void sink_free(struct sink *sink)
{
	if (!sink)
		return;
	if (sink->pcm)
		snd_pcm_close(sink->pcm);
	mem_free(sink);
}

bool sink_write(struct sink *sink, const int16_t pcm[AUDIO_FRAME])
{
	if (!sink->pcm || recover(sink->pcm, snd_pcm_writei(sink->pcm, pcm, AUDIO_FRAME)))
		return true;
	snd_pcm_close(sink->pcm);
	sink->pcm = NULL;
	return false;
}
