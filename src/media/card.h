/*
 * A sound card: 16-bit mono at 48 kHz in frames of 20 ms, never waiting. For the files of this room. ALSA does it (card.c); a phone that
 * is built without (-Dsound=false) has card_none.c, where nothing can be opened.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/own.h"
#include "media/audio.h"
#include "media/event.h"

struct card;

enum card_use { CARD_RECORDING, CARD_PLAYING };

/* name: a PCM of ALSA's. text: why it could not be opened, as a sentence, with ERR_IO. */
MUST_CHECK enum err card_open(const char *name, enum card_use use, struct card **ret_card,
			      char text[MEDIA_MAX_TEXT]);
void card_close(struct card *card);

/* What it has by now; silence for what it has not. False: it does not work any more, and has to be closed. */
bool card_read(struct card *card, int16_t pcm[AUDIO_FRAME]);
bool card_write(struct card *card, const int16_t pcm[AUDIO_FRAME]);
