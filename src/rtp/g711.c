#include "rtp/g711.h"

/*
 * Both laws are a sign, a segment of three bits and a place of four bits in it; each segment's steps are
 * twice as wide as those of the one before.
 */
enum {
	SIGN = 0x80,
	ULAW_BIAS = 0x84,
	ULAW_CLIP = 32635,
	ALAW_TOGGLE = 0x55, /* every other bit is inverted on the line */
};

/* The highest bit set above the lowest segment's range: 0..7. */
static unsigned segment_of(unsigned magnitude)
{
	unsigned segment = 0;

	for (magnitude >>= 8; magnitude; magnitude >>= 1)
		segment++;
	return segment;
}

int16_t g711_ulaw_decode(uint8_t code)
{
	unsigned bits = (uint8_t)~code;
	int magnitude = (int)((((bits & 0x0f) << 3) + ULAW_BIAS) << (bits >> 4 & 7)) - ULAW_BIAS;

	return (int16_t)(bits & SIGN ? -magnitude : magnitude);
}

uint8_t g711_ulaw_encode(int16_t sample)
{
	unsigned magnitude = (unsigned)(sample < 0 ? -(int)sample : sample);
	unsigned segment;

	if (magnitude > ULAW_CLIP)
		magnitude = ULAW_CLIP;
	magnitude += ULAW_BIAS;
	segment = segment_of(magnitude);
	return (uint8_t) ~((sample < 0 ? SIGN : 0) | segment << 4 | (magnitude >> (segment + 3) & 0x0f));
}

int16_t g711_alaw_decode(uint8_t code)
{
	unsigned bits = code ^ ALAW_TOGGLE;
	unsigned segment = bits >> 4 & 7;
	int magnitude = (int)((bits & 0x0f) << 4) + 8;

	if (segment > 0)
		magnitude = (magnitude + 0x100) << (segment - 1);
	return (int16_t)(bits & SIGN ? magnitude : -magnitude);
}

uint8_t g711_alaw_encode(int16_t sample)
{
	unsigned magnitude = (unsigned)(sample < 0 ? -(int)sample - 1 : sample);
	unsigned segment = segment_of(magnitude);
	unsigned place = segment ? magnitude >> (segment + 3) : magnitude >> 4;

	return (uint8_t)(((sample < 0 ? 0 : SIGN) | segment << 4 | (place & 0x0f)) ^ ALAW_TOGGLE);
}
