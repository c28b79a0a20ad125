/*
 * The codecs of one call, between 48 kHz samples and payloads: Opus by libopus, G.711 with a resampler. For
 * the files of this room.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "media/audio.h"
#include "sdp/media.h"

enum {
	CODEC_MAX_PAYLOAD = 1200,
	CODEC_MAX_SPAN = AUDIO_RATE / 1000 * 200, /* samples that one payload may come to */
};

struct codec;

/* NULL without memory. */
MUST_CHECK struct codec *codec_new(void);
void codec_free(struct codec *codec);
OWN(codec)

/* n: whole frames, at most three. Returns the bytes written to payload, 0 if nothing is to be sent. */
size_t codec_encode(struct codec *codec, enum sdp_codec which, const int16_t *pcm, size_t n,
		    uint8_t payload[CODEC_MAX_PAYLOAD]);

/* Time that a payload covers in units of the codec's RTP clock; 0 if it is malformed. */
uint32_t codec_span(enum sdp_codec which, struct slice payload);

/* Returns the samples written to pcm; 0 if the payload is malformed. */
size_t codec_decode(struct codec *codec, enum sdp_codec which, struct slice payload,
		    int16_t pcm[CODEC_MAX_SPAN]);

/*
 * Makes up what was lost: n samples, whole multiples of 2.5 ms. next: the payload right after the gap, or
 * empty; Opus may carry a copy of the lost one in it. Returns the samples written.
 */
size_t codec_conceal(struct codec *codec, enum sdp_codec which, size_t n, struct slice next,
		     int16_t pcm[CODEC_MAX_SPAN]);
