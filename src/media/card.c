#include "media/card.h"

#include <string.h>

#include <alsa/asoundlib.h>

#include "base/mem.h"

enum { LATENCY_US = 80000 /* of the card's own buffer */ };

/*
 * The library prints its troubles to stderr unless told otherwise; we say them in our own event. The parameters
 * are ALSA's choice.
 */
/* clang-format off */
__attribute__((format(printf, 5, 6)))
static void be_quiet(const char *file, int line, const char *function, int err, const char *fmt, ...)
	{ (void)file, (void)line, (void)function, (void)err, (void)fmt; }
/* clang-format on */

/* What this room knows as a card is ALSA's PCM. */
static snd_pcm_t *pcm_of(struct card *card)
{
	return (snd_pcm_t *)card;
}

enum err card_open(const char *name, enum card_use use, struct card **ret_card, char text[MEDIA_MAX_TEXT])
{
	snd_pcm_stream_t stream = use == CARD_RECORDING ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK;
	snd_pcm_t *pcm = NULL;
	int err;

	snd_lib_error_set_handler(be_quiet);
	err = snd_pcm_open(&pcm, name, stream, SND_PCM_NONBLOCK);
	if (err == 0)
		err = snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16, SND_PCM_ACCESS_RW_INTERLEAVED, 1,
					 AUDIO_RATE, 1, LATENCY_US);
	if (err == 0 && use == CARD_RECORDING)
		err = snd_pcm_start(pcm);
	if (err == 0) {
		*ret_card = (struct card *)pcm;
		return OK;
	}
	snprintf(text, MEDIA_MAX_TEXT, "cannot open the sound device \"%s\" for %s: %s", name,
		 use == CARD_RECORDING ? "recording" : "playing", snd_strerror(err));
	if (pcm)
		snd_pcm_close(pcm);
	return ERR_IO;
}

void card_close(struct card *card)
{
	if (card)
		snd_pcm_close(pcm_of(card));
}

/* A buffer that ran empty or full is begun anew; false if the device does not work any more. */
static bool recover(snd_pcm_t *pcm, snd_pcm_sframes_t result)
{
	if (result >= 0 || result == -EAGAIN)
		return true;
	return snd_pcm_recover(pcm, (int)result, 1) == 0;
}

bool card_read(struct card *card, int16_t pcm[AUDIO_FRAME])
{
	snd_pcm_sframes_t n = snd_pcm_readi(pcm_of(card), pcm, AUDIO_FRAME);
	bool works = recover(pcm_of(card), n);

	if (n < 0)
		n = 0;
	memset(pcm + n, 0, (AUDIO_FRAME - (size_t)n) * sizeof *pcm);
	if (works && snd_pcm_state(pcm_of(card)) == SND_PCM_STATE_PREPARED)
		works = snd_pcm_start(pcm_of(card)) == 0;
	return works;
}

bool card_write(struct card *card, const int16_t pcm[AUDIO_FRAME])
{
	return recover(pcm_of(card), snd_pcm_writei(pcm_of(card), pcm, AUDIO_FRAME));
}
