#include "media/codec.h"

#include "harness.h"

#include <math.h>
#include <string.h>

enum { FRAMES = 50, TONE_HZ = 400 };

static void fill_tone(int16_t *pcm, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)(10000 * sin(2 * M_PI * TONE_HZ * (double)(at + i) / AUDIO_RATE));
}

/* Mean square of a frame, and how often it crosses zero, which tells the pitch. */
static double energy(const int16_t *pcm, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];
	return sum / (double)n;
}

static void a_tone_comes_through(enum sdp_codec which, uint32_t span)
{
	struct codec *codec = codec_new();
	static int16_t in[AUDIO_FRAME], out[FRAMES * AUDIO_FRAME + CODEC_MAX_SPAN];
	uint8_t payload[CODEC_MAX_PAYLOAD];
	size_t n_out = 0, n_crossings = 0;

	assert_non_null(codec);
	for (size_t i = 0; i < FRAMES; i++) {
		size_t n, got;

		fill_tone(in, AUDIO_FRAME, i * AUDIO_FRAME);
		n = codec_encode(codec, which, in, AUDIO_FRAME, payload);
		assert_in_range(n, 1, CODEC_MAX_PAYLOAD);
		assert_int_equal(codec_span(which, slice_from(payload, n)), span);
		got = codec_decode(codec, which, slice_from(payload, n), out + n_out);
		assert_int_equal(got, AUDIO_FRAME);
		n_out += got;
	}
	/* The last half, when all filters have settled. */
	for (size_t i = n_out / 2 + 1; i < n_out; i++)
		n_crossings += (out[i - 1] < 0) != (out[i] < 0);
	assert_in_range(n_crossings, TONE_HZ - 10, TONE_HZ + 10);
	assert_in_range((unsigned)energy(out + n_out / 2, n_out / 2), 20000000, 80000000);
	codec_free(codec);
}

static void a_tone_comes_through_opus(void **state)
{
	a_tone_comes_through(SDP_OPUS, 960);
}

static void a_tone_comes_through_pcmu(void **state)
{
	a_tone_comes_through(SDP_PCMU, 160);
}

static void a_tone_comes_through_pcma(void **state)
{
	a_tone_comes_through(SDP_PCMA, 160);
}

static void makes_up_what_is_lost(void **state)
{
	static const enum sdp_codec codecs[] = { SDP_OPUS, SDP_PCMU };
	static int16_t in[AUDIO_FRAME], out[CODEC_MAX_SPAN];
	const struct slice none = { 0 };

	for (size_t c = 0; c < 2; c++) {
		struct codec *codec = codec_new();
		uint8_t payload[CODEC_MAX_PAYLOAD];
		size_t n = 0;

		assert_non_null(codec);
		for (size_t i = 0; i < 10; i++) {
			fill_tone(in, AUDIO_FRAME, i * AUDIO_FRAME);
			n = codec_encode(codec, codecs[c], in, AUDIO_FRAME, payload);
			codec_decode(codec, codecs[c], slice_from(payload, n), out);
		}
		assert_int_equal(codec_conceal(codec, codecs[c], AUDIO_FRAME, slice_from(payload, n), out),
				 AUDIO_FRAME);
		assert_int_equal(codec_conceal(codec, codecs[c], AUDIO_FRAME, none, out), AUDIO_FRAME);
		assert_true(energy(out, AUDIO_FRAME) > 100000);
		for (int i = 0; i < 50; i++)
			codec_conceal(codec, codecs[c], AUDIO_FRAME, none, out);
		assert_true(energy(out, AUDIO_FRAME) < 100000);
		codec_free(codec);
	}
}

static void refuses_nonsense(void **state)
{
	struct codec *codec = codec_new();
	static char large[CODEC_MAX_SPAN];
	static int16_t out[CODEC_MAX_SPAN];

	assert_non_null(codec);
	assert_int_equal(codec_span(SDP_OPUS, SLICE("")), 0);
	assert_int_equal(codec_span(SDP_OPUS, SLICE("\xff")), 0);
	assert_int_equal(codec_span(SDP_PCMU, slice_from(large, sizeof large)), 0);
	assert_int_equal(codec_decode(codec, SDP_PCMU, slice_from(large, sizeof large), out), 0);
	assert_int_equal(codec_decode(codec, SDP_OPUS, SLICE("\xff"), out), 0);
	codec_free(codec);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_tone_comes_through_opus), cmocka_unit_test(a_tone_comes_through_pcmu),
	cmocka_unit_test(a_tone_comes_through_pcma), cmocka_unit_test(makes_up_what_is_lost),
	cmocka_unit_test(refuses_nonsense),
};

TEST_MAIN(tests)
