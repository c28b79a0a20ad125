/* How sound is kept between sources, codecs and sinks: 16-bit mono at 48 kHz, in frames of 20 ms. */
#pragma once

#include <stdint.h>

enum {
	AUDIO_RATE = 48000,
	AUDIO_FRAME_MS = 20,
	AUDIO_FRAME = AUDIO_RATE / 1000 * AUDIO_FRAME_MS, /* samples */
};
