#include "media/media.h"

#include "harness.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "media/audio.h"
#include "media/port.h"
#include "media/wav.h"
#include "sdp/offer_answer.h"

static const struct address loopback = { .family = ADDRESS_V4, .ip = { 127, 0, 0, 1 } };
static const struct media_devices silence = { .source = { .kind = MEDIA_DEVICE_NULL } };

/* ---- two parties ------------------------------------------------------------------------------------------------ */

struct party {
	struct media *media;
	struct media_port *port;
	struct sdp_media agreed;
};

static void party_free(struct party *party)
{
	media_port_free(party->port);
	media_free(party->media);
	sdp_media_wipe(&party->agreed);
}

static void party_new(struct party *party)
{
	enum err err;

	memset(party, 0, sizeof *party);
	err = media_new(&party->media);
	assert_int_equal(err, OK);
	err = media_port_open(&loopback, MEDIA_RANGE, &party->port);
	assert_int_equal(err, OK);
}

static struct sdp_local local_of(const struct party *party, enum sdp_codec codec, enum sdp_srtp_policy policy)
{
	struct sdp_local local;

	sdp_local_init(&local);
	local.address = media_port_address(party->port);
	local.codecs[0] = codec;
	local.n_codecs = 1;
	local.srtp = policy;
	media_random(local.keys, sizeof local.keys);
	return local;
}

static const struct sdp_session *parse(struct arena *arena, const struct writer *text)
{
	const struct sdp_session *session = NULL;
	enum err err = sdp_session_parse(arena, writer_text(text), &session);

	assert_int_equal(err, OK);
	return session;
}

/* What a offers and b answers. max_suite: the best that b is shown. */
static void agree(struct party *a, struct party *b, enum sdp_codec codec, enum sdp_srtp_policy policy,
		  enum sdp_suite max_suite)
{
	struct sdp_local local_a = local_of(a, codec, policy), local_b = local_of(b, codec, policy);
	char offer_text[2000], answer_text[2000];
	struct writer offer = writer_of(offer_text, sizeof offer_text);
	struct writer answer = writer_of(answer_text, sizeof answer_text);
	struct arena *arena = arena_new(65536);
	size_t gcm;

	assert_non_null(arena);
	assert_int_equal(sdp_offer_build(&offer, &local_a), OK);
	gcm = slice_find_text(writer_text(&offer), SLICE("a=crypto:2"));
	if (max_suite == SDP_AES_CM_128_HMAC_SHA1_80 && gcm < offer.len)
		offer.len = gcm;
	assert_int_equal(sdp_answer_build(&answer, parse(arena, &offer), &local_b, &b->agreed), SDP_OK);
	assert_int_equal(sdp_answer_accept(parse(arena, &answer), &local_a, &a->agreed), SDP_OK);
	assert_int_equal(a->agreed.suite, max_suite);
	arena_free(arena);
}

static void start(struct party *party, const struct media_devices *devices)
{
	struct media_port *port = party->port;
	enum err err;

	party->port = NULL;
	err = media_start(party->media, 1, port, &party->agreed, devices);
	assert_int_equal(err, OK);
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static long ms_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Once an allocation has failed, what does not come soon does not come; before, libsrtp may have to load its own libraries. */
static int patience_ms(void)
{
	return harness_has_failed() ? 300 : 5000;
}

/* The next event of that kind, soon; those before it are dropped. */
static bool wait_for(struct party *party, enum media_event_kind kind, struct media_event *ret_event)
{
	enum { LOOK_MS = 50 };
	long began = ms_now();

	for (;;) {
		struct pollfd fd = { .fd = media_fd(party->media), .events = POLLIN };
		long left = began + patience_ms() - ms_now();

		while (media_next_event(party->media, ret_event))
			if (ret_event->kind == kind)
				return true;
		if (left <= 0)
			return false;
		poll(&fd, 1, left < LOOK_MS ? (int)left : LOOK_MS);
	}
}

static struct media_event expect(struct party *party, enum media_event_kind kind)
{
	struct media_event event;

	if (!wait_for(party, kind, &event))
		fail_msg("no event \"%s\"", media_event_name(kind));
	return event;
}

static struct media_statistics stop(struct party *party)
{
	enum err err = media_stop(party->media, 1);

	assert_int_equal(err, OK);
	return expect(party, MEDIA_ENDED).statistics;
}

/* ---- sound ------------------------------------------------------------------------------------------------------ */

enum { BEATS = 16, BEAT_FRAMES = 2, WINDOWS = BEATS * BEAT_FRAMES * 2, WINDOW = AUDIO_FRAME / 2 };

/* Beats of 40 ms, loud or silent in a pattern that is like no shifted self. */
static const char pattern[BEATS + 1] = "#.##..###.#.#..#";

static void write_beats(const char *path)
{
	struct wav_writer *writer = NULL;
	int16_t pcm[AUDIO_FRAME];
	enum err err = wav_writer_open(path, &writer);

	assert_int_equal(err, OK);
	for (int i = 0; i < BEATS * BEAT_FRAMES; i++) {
		for (int s = 0; s < AUDIO_FRAME; s++)
			pcm[s] = pattern[i / BEAT_FRAMES] == '#'
					 ? (int16_t)(12000 *
						     sin(2 * M_PI * 500 * (i * AUDIO_FRAME + s) / AUDIO_RATE))
					 : 0;
		assert_int_equal(wav_writer_write(writer, pcm, AUDIO_FRAME), OK);
	}
	assert_true(wav_writer_close(writer));
}

/* The loudness of each window of 10 ms; returns how many there are. */
static size_t read_loudness(const char *path, double *loudness, size_t size)
{
	struct wav_reader *reader = NULL;
	int16_t pcm[WINDOW];
	size_t n = 0;
	enum err err = wav_reader_open(path, &reader);

	assert_int_equal(err, OK);
	while (n < size && wav_reader_read(reader, pcm, WINDOW) == WINDOW) {
		double sum = 0;

		for (int i = 0; i < WINDOW; i++)
			sum += (double)pcm[i] * pcm[i];
		loudness[n++] = sqrt(sum / WINDOW);
	}
	wav_reader_free(reader);
	return n;
}

static double correlate(const double *a, const double *b, size_t n)
{
	double mean_a = 0, mean_b = 0, ab = 0, aa = 1, bb = 1;

	for (size_t i = 0; i < n; i++) {
		mean_a += a[i] / (double)n;
		mean_b += b[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		ab += (a[i] - mean_a) * (b[i] - mean_b);
		aa += (a[i] - mean_a) * (a[i] - mean_a);
		bb += (b[i] - mean_b) * (b[i] - mean_b);
	}
	return ab / sqrt(aa * bb);
}

/* How well what was recorded fits to what was played, at the best offset. */
static double likeness(const char *played, const char *recorded)
{
	static double a[WINDOWS], b[1000];
	size_t n_a = read_loudness(played, a, WINDOWS), n_b = read_loudness(recorded, b, 1000);
	double best = 0;

	for (size_t at = 0; at + n_a <= n_b; at++) {
		double likely = correlate(a, b + at, n_a);

		if (likely > best)
			best = likely;
	}
	return best;
}

struct files {
	char dir[50], played[70], recorded[70];
};

static void files_new(struct files *files)
{
	harness_template(files->dir, sizeof files->dir, "media");
	assert_non_null(mkdtemp(files->dir));
	snprintf(files->played, sizeof files->played, "%s/played.wav", files->dir);
	snprintf(files->recorded, sizeof files->recorded, "%s/recorded.wav", files->dir);
	write_beats(files->played);
}

static void files_free(struct files *files)
{
	unlink(files->played);
	unlink(files->recorded);
	rmdir(files->dir);
}

/* ---- the tests -------------------------------------------------------------------------------------------------- */

/* How much what arrives is like what was sent. */
static double carry_sound(enum sdp_codec codec, enum sdp_srtp_policy policy, enum sdp_suite suite)
{
	struct party a, b;
	struct files files;
	struct media_statistics of_a, of_b;
	double like;

	files_new(&files);
	party_new(&a);
	party_new(&b);
	agree(&a, &b, codec, policy, suite);
	start(&b, &(struct media_devices){ .record = files.recorded });
	start(&a, &(struct media_devices){ .source = { MEDIA_DEVICE_FILE, files.played } });
	expect(&b, MEDIA_STARTED);
	expect(&b, MEDIA_RECEIVING);
	expect(&a, MEDIA_RECEIVING);
	if (!harness_fails_allocations()) {
		expect(&a, MEDIA_PLAYED);
		poll(NULL, 0, 250); /* what is still in the jitter buffer */
	}
	of_a = stop(&a);
	expect(&b, MEDIA_REMOTE_BYE);
	of_b = stop(&b);
	party_free(&a);
	party_free(&b);
	like = likeness(files.played, files.recorded);
	files_free(&files);

	assert_int_equal(of_b.suite, suite);
	assert_int_equal(of_b.codec, codec);
	assert_in_range(of_b.packets_received, 1, of_a.packets_sent);
	assert_int_equal(of_b.auth_failures + of_b.replays + of_b.packets_refused, 0);
	return like;
}

/* A machine that is too busy to send a frame every 20 ms has gaps in the sound; it gets two more tries. */
static void sound_arrives(enum sdp_codec codec, enum sdp_srtp_policy policy, enum sdp_suite suite)
{
	double like = 0;

	for (int i = 0; i < 3 && like < 0.8; i++)
		like = carry_sound(codec, policy, suite) + (harness_fails_allocations() ? 1 : 0);
	if (like < 0.8)
		fail_msg("the recording is like what was played by %.2f only", like);
}

static void sound_arrives_in_opus_under_gcm(void **state)
{
	sound_arrives(SDP_OPUS, SDP_SRTP_REQUIRED, SDP_AEAD_AES_128_GCM);
}

static void sound_arrives_in_pcmu_under_cm(void **state)
{
	sound_arrives(SDP_PCMU, SDP_SRTP_REQUIRED, SDP_AES_CM_128_HMAC_SHA1_80);
}

static void sound_arrives_in_pcma_in_clear(void **state)
{
	sound_arrives(SDP_PCMA, SDP_SRTP_NEVER, SDP_SUITE_NONE);
}

/* Two parties that talk silence to each other. */
static void connect_parties(struct party *a, struct party *b, enum sdp_srtp_policy policy)
{
	party_new(a);
	party_new(b);
	agree(a, b, SDP_OPUS, policy, policy == SDP_SRTP_NEVER ? SDP_SUITE_NONE : SDP_AEAD_AES_128_GCM);
	start(a, &silence);
	start(b, &silence);
	expect(a, MEDIA_STARTED);
	expect(b, MEDIA_STARTED);
}

static void digits_arrive_once_and_in_order(void **state)
{
	struct party a, b;
	const char digits[] = "1#";

	connect_parties(&a, &b, SDP_SRTP_REQUIRED);
	assert_int_equal(media_dtmf(a.media, 1, 'x'), ERR_SYNTAX);
	for (size_t i = 0; digits[i]; i++)
		assert_int_equal(media_dtmf(a.media, 1, digits[i]), OK);
	for (size_t i = 0; digits[i]; i++)
		assert_int_equal(expect(&b, MEDIA_DIGIT).digit, digits[i]);
	party_free(&a);
	party_free(&b);
}

/* A datagram to a party from a socket of our own at the loopback address. */
static void inject(const struct address *to, const void *datagram, size_t n)
{
	struct media_port *port = NULL;
	enum err err = media_port_open(&loopback, MEDIA_RANGE, &port);

	assert_int_equal(err, OK);
	media_port_send(port->rtp, to, slice_from(datagram, n));
	media_port_free(port);
}

static struct media_statistics statistics_of(struct party *party)
{
	assert_int_equal(media_ask_statistics(party->media, 1), OK);
	return expect(party, MEDIA_STATISTICS).statistics;
}

/* Digits that wait when the other side takes no events any more are for nobody. */
static void digits_that_are_not_agreed_on_any_more_are_not_sent(void **state)
{
	struct party a, b;
	struct sdp_media less;

	connect_parties(&a, &b, SDP_SRTP_REQUIRED);
	for (int i = 0; i < 20; i++) /* four seconds of them */
		assert_int_equal(media_dtmf(a.media, 1, '1'), OK);
	expect(&b, MEDIA_DIGIT);
	less = a.agreed;
	less.send.of[SDP_TELEPHONE_EVENT] = less.send.of[SDP_TELEPHONE_EVENT_48K] = SDP_NO_PAYLOAD;
	assert_int_equal(media_update(a.media, 1, &less), OK);
	usleep(300000);
	assert_int_equal(statistics_of(&b).packets_refused, 0);
	assert_true(statistics_of(&a).packets_sent > 10); /* it goes on with sound */
	sdp_media_wipe(&less);
	party_free(&a);
	party_free(&b);
}

static void digits_that_are_not_sent_are_told(void **state)
{
	enum { WAITING = 32 };
	struct party a, b;
	struct sdp_media less;

	connect_parties(&a, &b, SDP_SRTP_REQUIRED);
	for (int i = 0; i < WAITING + 2; i++) /* one of them may be under way already */
		assert_int_equal(media_dtmf(a.media, 1, '1'), OK);
	assert_int_equal(media_dtmf(a.media, 1, '2'), OK);
	while (expect(&a, MEDIA_NO_DIGIT).digit != '2')
		;
	less = a.agreed;
	less.send.of[SDP_TELEPHONE_EVENT] = less.send.of[SDP_TELEPHONE_EVENT_48K] = SDP_NO_PAYLOAD;
	assert_int_equal(media_update(a.media, 1, &less), OK);
	assert_int_equal(media_dtmf(a.media, 1, '3'), OK);
	assert_int_equal(expect(&a, MEDIA_NO_DIGIT).digit, '3');
	sdp_media_wipe(&less);
	party_free(&a);
	party_free(&b);
}

static void strangers_are_not_heard(void **state)
{
	static const enum sdp_srtp_policy policies[] = { SDP_SRTP_REQUIRED, SDP_SRTP_NEVER };
	static const uint8_t packet[200] = { 0x80, 96, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, 0xf8, 0xff, 0xfe };

	for (size_t i = 0; i < 2; i++) {
		struct media_statistics of_b;
		struct party a, b;

		connect_parties(&a, &b, policies[i]);
		expect(&b, MEDIA_RECEIVING);
		inject(&a.agreed.remote, packet, sizeof packet);
		poll(NULL, 0, 50);
		of_b = statistics_of(&b);
		assert_int_equal(of_b.auth_failures, policies[i] == SDP_SRTP_REQUIRED);
		assert_int_equal(of_b.packets_refused, policies[i] == SDP_SRTP_NEVER);
		assert_true(address_eq(&of_b.remote, &b.agreed.remote));
		party_free(&a);
		party_free(&b);
	}
}

static void a_wrong_key_is_dropped_silently(void **state)
{
	struct media_statistics of_b;
	struct party a, b;

	party_new(&a);
	party_new(&b);
	agree(&a, &b, SDP_OPUS, SDP_SRTP_REQUIRED, SDP_AEAD_AES_128_GCM);
	a.agreed.local_key.bytes[0] ^= 1;
	start(&a, &silence);
	start(&b, &silence);
	expect(&a, MEDIA_RECEIVING);
	for (int i = 0; i < 100 && statistics_of(&b).auth_failures == 0; i++)
		poll(NULL, 0, 20);
	of_b = stop(&b);
	assert_int_equal(of_b.packets_received, 0);
	assert_in_range(of_b.auth_failures, 1, 1000);
	party_free(&a);
	party_free(&b);
}

static void hold_stops_the_stream_and_new_keys_begin_it_again(void **state)
{
	struct party a, b;
	uint64_t before;
	struct sdp_media held;

	connect_parties(&a, &b, SDP_SRTP_REQUIRED);
	expect(&b, MEDIA_RECEIVING);
	held = a.agreed;
	held.direction = SDP_INACTIVE;
	assert_int_equal(media_update(a.media, 1, &held), OK);
	before = statistics_of(&a).packets_sent;
	poll(NULL, 0, 100);
	assert_int_equal(statistics_of(&a).packets_sent, before);

	a.agreed.local_key.bytes[5] ^= 0xff;
	b.agreed.remote_key.bytes[5] ^= 0xff;
	before = statistics_of(&b).packets_received;
	assert_int_equal(media_update(b.media, 1, &b.agreed), OK);
	assert_int_equal(media_update(a.media, 1, &a.agreed), OK);
	poll(NULL, 0, 150);
	assert_true(statistics_of(&b).packets_received > before);
	assert_int_equal(statistics_of(&b).auth_failures, 0);
	sdp_media_wipe(&held);
	party_free(&a);
	party_free(&b);
}

static void nobody_on_hold_hears_our_microphone(void **state)
{
	static double loudness[1000];
	struct party a, b;
	struct files files;
	size_t n;

	files_new(&files);
	party_new(&a);
	party_new(&b);
	agree(&a, &b, SDP_PCMU, SDP_SRTP_REQUIRED, SDP_AEAD_AES_128_GCM);
	a.agreed.on_hold = true;
	start(&b, &(struct media_devices){ .record = files.recorded });
	start(&a, &(struct media_devices){ .source = { MEDIA_DEVICE_TONE, NULL } });
	expect(&b, MEDIA_RECEIVING);
	poll(NULL, 0, 200);
	assert_true(stop(&a).packets_sent > 0);
	stop(&b);
	party_free(&a);
	party_free(&b);
	n = read_loudness(files.recorded, loudness, 1000);
	files_free(&files);
	for (size_t i = 0; i < n; i++)
		assert_true(loudness[i] < 50);
}

static void an_encrypted_call_does_not_go_on_in_clear(void **state)
{
	struct party a, b;

	connect_parties(&a, &b, SDP_SRTP_REQUIRED);
	a.agreed.secure = false;
	assert_int_equal(media_update(a.media, 1, &a.agreed), OK);
	assert_true(strstr(expect(&a, MEDIA_FAILED).text, "clear") != NULL);
	party_free(&a);
	party_free(&b);
}

#define FIFTY "every-file-has-its-name-and-this-name-is-a-long-one"

static const struct {
	const char *label;
	struct media_devices devices;
	const char *text;
} failures[] = {
	{ "no file", { .source = { MEDIA_DEVICE_FILE, "/nonexistent.wav" } }, "/nonexistent.wav" },
	{ "no WAV", { .source = { MEDIA_DEVICE_FILE, "/etc/passwd" } }, "no WAV file" },
	{ "no such card", { .sink = { MEDIA_DEVICE_ALSA, "no-such-card" } }, "no-such-card" },
	{ "no place to record to", { .record = "/nonexistent/x.wav" }, "/nonexistent/x.wav" },
	{ "no place with a long name", { .record = "/nonexistent/" FIFTY FIFTY FIFTY FIFTY }, "not found" },
};

static void says_what_it_cannot_open(void **state)
{
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		struct party a, b;
		struct media_event event;

		party_new(&a);
		party_new(&b);
		agree(&a, &b, SDP_PCMU, SDP_SRTP_NEVER, SDP_SUITE_NONE);
		start(&a, &failures[i].devices);
		event = expect(&a, MEDIA_FAILED);
		party_free(&a);
		party_free(&b);
		if (!strstr(event.text, failures[i].text))
			fail_msg("%s: %s", failures[i].label, event.text);
	}
}

static void does_without_a_card_when_that_is_allowed(void **state)
{
	struct party a, b;

	party_new(&a);
	party_new(&b);
	agree(&a, &b, SDP_OPUS, SDP_SRTP_REQUIRED, SDP_AEAD_AES_128_GCM);
	start(&a, &(struct media_devices){ { MEDIA_DEVICE_AUTO, NULL }, { MEDIA_DEVICE_AUTO, NULL }, NULL });
	start(&b, &(struct media_devices){ .source = { MEDIA_DEVICE_TONE, NULL } });
	expect(&a, MEDIA_RECEIVING);
	assert_int_equal(media_stop(a.media, 1), OK);
	expect(&a, MEDIA_ENDED);
	/* What is not there can be spoken to without harm. */
	assert_int_equal(media_stop(a.media, 1), OK);
	assert_int_equal(media_dtmf(a.media, 1, '1'), OK);
	party_free(&a);
	party_free(&b);
}

static void ports_come_in_pairs(void **state)
{
	struct media_port *port = NULL, *other = NULL;
	struct address address, nowhere = { .family = ADDRESS_V4, .ip = { 192, 0, 2, 1 } };
	struct media_range range = { 0, 0 };

	assert_int_equal(media_port_open(&loopback, MEDIA_RANGE, &port), OK);
	address = media_port_address(port);
	assert_int_equal(address.port % 2, 0);
	assert_in_range(address.port, 10000, 19998);

	range.first = (uint16_t)(address.port - 1);
	range.last = (uint16_t)(address.port + 1);
	assert_int_equal(media_port_open(&loopback, range, &other), ERR_LIMIT);
	range.last = address.port;
	assert_int_equal(media_port_open(&loopback, range, &other), ERR_LIMIT);
	assert_int_equal(media_port_open(&nowhere, MEDIA_RANGE, &other), ERR_IO);
	media_port_free(port);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(sound_arrives_in_opus_under_gcm),
	cmocka_unit_test(sound_arrives_in_pcmu_under_cm),
	cmocka_unit_test(sound_arrives_in_pcma_in_clear),
	cmocka_unit_test(digits_arrive_once_and_in_order),
	cmocka_unit_test(digits_that_are_not_agreed_on_any_more_are_not_sent),
	cmocka_unit_test(digits_that_are_not_sent_are_told),
	cmocka_unit_test(strangers_are_not_heard),
	cmocka_unit_test(a_wrong_key_is_dropped_silently),
	cmocka_unit_test(hold_stops_the_stream_and_new_keys_begin_it_again),
	cmocka_unit_test(nobody_on_hold_hears_our_microphone),
	cmocka_unit_test(an_encrypted_call_does_not_go_on_in_clear),
	cmocka_unit_test(says_what_it_cannot_open),
	cmocka_unit_test(does_without_a_card_when_that_is_allowed),
	cmocka_unit_test(ports_come_in_pairs),
};

TEST_MAIN(tests)
