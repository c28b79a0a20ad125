#include "media/codec.h"

#include <string.h>

#include <opus/opus.h>
#include <speex/speex_resampler.h>

#include "base/mem.h"
#include "rtp/g711.h"

enum {
	G711_RATE = 8000,
	RATIO = AUDIO_RATE / G711_RATE,
	QUALITY = SPEEX_RESAMPLER_QUALITY_VOIP,
	EXPECTED_LOSS = 5, /* percent: how much Opus spends on copies of lost frames */
};

struct codec {
	OpusEncoder *encoder;
	OpusDecoder *decoder;
	SpeexResamplerState *down, *up; /* for G.711 */
	int16_t last[AUDIO_FRAME];      /* what was heard last, for concealment without Opus */
};

struct codec *codec_new(void)
{
	AUTO(codec) struct codec *codec = mem_new(struct codec);
	int err;

	if (!codec)
		return NULL;
	codec->encoder = opus_encoder_create(AUDIO_RATE, 1, OPUS_APPLICATION_VOIP, &err);
	codec->decoder = opus_decoder_create(AUDIO_RATE, 1, &err);
	codec->down = speex_resampler_init(1, AUDIO_RATE, G711_RATE, QUALITY, &err);
	codec->up = speex_resampler_init(1, G711_RATE, AUDIO_RATE, QUALITY, &err);
	if (!codec->encoder || !codec->decoder || !codec->down || !codec->up)
		return NULL;
	opus_encoder_ctl(codec->encoder, OPUS_SET_INBAND_FEC(1));
	opus_encoder_ctl(codec->encoder, OPUS_SET_PACKET_LOSS_PERC(EXPECTED_LOSS));
	return TAKE(codec);
}

void codec_free(struct codec *codec)
{
	if (!codec)
		return;
	if (codec->encoder)
		opus_encoder_destroy(codec->encoder);
	if (codec->decoder)
		opus_decoder_destroy(codec->decoder);
	if (codec->down)
		speex_resampler_destroy(codec->down);
	if (codec->up)
		speex_resampler_destroy(codec->up);
	mem_free(codec);
}

static size_t encode_g711(struct codec *codec, enum sdp_codec which, const int16_t *pcm, size_t n,
			  uint8_t *payload)
{
	int16_t narrow[CODEC_MAX_PAYLOAD];
	spx_uint32_t n_in = (spx_uint32_t)n, n_out = (spx_uint32_t)(n / RATIO);

	speex_resampler_process_int(codec->down, 0, pcm, &n_in, narrow, &n_out);
	for (size_t i = 0; i < n_out; i++)
		payload[i] = which == SDP_PCMU ? g711_ulaw_encode(narrow[i]) : g711_alaw_encode(narrow[i]);
	return n_out;
}

size_t codec_encode(struct codec *codec, enum sdp_codec which, const int16_t *pcm, size_t n,
		    uint8_t payload[CODEC_MAX_PAYLOAD])
{
	opus_int32 len;

	if (which != SDP_OPUS)
		return encode_g711(codec, which, pcm, n, payload);
	len = opus_encode(codec->encoder, pcm, (int)n, payload, CODEC_MAX_PAYLOAD);
	return len > 0 ? (size_t)len : 0;
}

uint32_t codec_span(enum sdp_codec which, struct slice payload)
{
	int n;

	if (which != SDP_OPUS)
		return payload.len * RATIO <= CODEC_MAX_SPAN ? (uint32_t)payload.len : 0;
	if (payload.len == 0 || payload.len > CODEC_MAX_SPAN)
		return 0;
	n = opus_packet_get_nb_samples((const unsigned char *)payload.ptr, (opus_int32)payload.len,
				       AUDIO_RATE);
	return n > 0 ? (uint32_t)n : 0;
}

/* The end of what was heard, for the next gap. */
static void remember(struct codec *codec, const int16_t *pcm, size_t n)
{
	if (n >= AUDIO_FRAME)
		memcpy(codec->last, pcm + n - AUDIO_FRAME, sizeof codec->last);
}

static size_t decode_g711(struct codec *codec, enum sdp_codec which, struct slice payload, int16_t *pcm)
{
	int16_t narrow[CODEC_MAX_SPAN / RATIO];
	spx_uint32_t n_in = (spx_uint32_t)payload.len, n_out = CODEC_MAX_SPAN;

	for (size_t i = 0; i < payload.len; i++) {
		uint8_t code = (uint8_t)payload.ptr[i];

		narrow[i] = which == SDP_PCMU ? g711_ulaw_decode(code) : g711_alaw_decode(code);
	}
	speex_resampler_process_int(codec->up, 0, narrow, &n_in, pcm, &n_out);
	remember(codec, pcm, n_out);
	return n_out;
}

size_t codec_decode(struct codec *codec, enum sdp_codec which, struct slice payload,
		    int16_t pcm[CODEC_MAX_SPAN])
{
	int n;

	if (codec_span(which, payload) == 0)
		return 0;
	if (which != SDP_OPUS)
		return decode_g711(codec, which, payload, pcm);
	n = opus_decode(codec->decoder, (const unsigned char *)payload.ptr, (opus_int32)payload.len, pcm,
			CODEC_MAX_SPAN, 0);
	return n > 0 ? (size_t)n : 0;
}

/* The last frame again, at half its loudness each time. */
static size_t repeat_last(struct codec *codec, size_t n, int16_t *pcm)
{
	for (size_t i = 0; i < AUDIO_FRAME; i++)
		codec->last[i] /= 2;
	for (size_t i = 0; i < n; i++)
		pcm[i] = codec->last[i % AUDIO_FRAME];
	return n;
}

size_t codec_conceal(struct codec *codec, enum sdp_codec which, size_t n, struct slice next,
		     int16_t pcm[CODEC_MAX_SPAN])
{
	int made;

	if (n > CODEC_MAX_SPAN)
		n = CODEC_MAX_SPAN;
	if (which != SDP_OPUS)
		return repeat_last(codec, n, pcm);
	made = next.len ? opus_decode(codec->decoder, (const unsigned char *)next.ptr, (opus_int32)next.len,
				      pcm, (int)n, 1)
			: opus_decode(codec->decoder, NULL, 0, pcm, (int)n, 0);
	return made > 0 ? (size_t)made : 0;
}
