#include "media/device.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "media/card.h"
#include "media/wav.h"

enum {
	TONE_HZ = 440,
	TONE_LOUDNESS = 8000,
};

struct source {
	enum media_device_kind kind; /* MEDIA_DEVICE_NULL after the end of others */
	struct wav_reader *file;
	struct card *card;
	unsigned phase; /* of the tone, in samples of one second */
};

struct sink {
	struct card *card; /* NULL: nobody listens */
};

/* ---- cards ------------------------------------------------------------------------------------------------------ */

/* The name of ALSA's device, or NULL for other kinds. */
static const char *card_name(const struct media_device *device)
{
	switch (device->kind) {
	case MEDIA_DEVICE_ALSA: return device->name;
	case MEDIA_DEVICE_AUTO: return "default";
	default: return NULL;
	}
}

/* What opening comes to: MEDIA_DEVICE_AUTO does without a card. */
static enum err open_device(const struct media_device *device, enum card_use use, struct card **ret_card,
			    char text[MEDIA_MAX_TEXT])
{
	const char *name = card_name(device);
	enum err err = name ? card_open(name, use, ret_card, text) : OK;

	return device->kind == MEDIA_DEVICE_AUTO ? OK : err;
}

/* ---- sources ---------------------------------------------------------------------------------------------------- */

static enum err open_file(const char *path, struct wav_reader **ret_file, char text[MEDIA_MAX_TEXT])
{
	enum err err = wav_reader_open(path, ret_file);

	if (err == ERR_SYNTAX)
		snprintf(text, MEDIA_MAX_TEXT, "this is no WAV file of 16-bit PCM, mono or stereo: %s", path);
	else if (err != OK)
		snprintf(text, MEDIA_MAX_TEXT, "the file cannot be opened (%s): %s", err_text(err), path);
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
	TRY(open_device(device, CARD_RECORDING, &source->card, text));
	*ret_source = TAKE(source);
	return OK;
}

void source_free(struct source *source)
{
	if (!source)
		return;
	wav_reader_free(source->file);
	card_close(source->card);
	mem_free(source);
}

bool source_is_live(const struct source *source)
{
	return source->card != NULL;
}

static void make_tone(struct source *source, int16_t *pcm)
{
	for (size_t i = 0; i < AUDIO_FRAME; i++) {
		double angle = 2 * M_PI * TONE_HZ * source->phase / AUDIO_RATE;

		pcm[i] = (int16_t)(TONE_LOUDNESS * sin(angle));
		source->phase = (source->phase + 1) % AUDIO_RATE;
	}
}

static enum source_result read_card(struct source *source, int16_t *pcm)
{
	if (card_read(source->card, pcm))
		return SOURCE_SOUND;
	card_close(source->card);
	source->card = NULL;
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
	if (source->card)
		return read_card(source, pcm);
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
	TRY(open_device(device, CARD_PLAYING, &sink->card, text));
	*ret_sink = TAKE(sink);
	return OK;
}

void sink_free(struct sink *sink)
{
	if (!sink)
		return;
	card_close(sink->card);
	mem_free(sink);
}

bool sink_write(struct sink *sink, const int16_t pcm[AUDIO_FRAME])
{
	if (!sink->card || card_write(sink->card, pcm))
		return true;
	card_close(sink->card);
	sink->card = NULL;
	return false;
}
