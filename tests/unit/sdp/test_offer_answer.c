#include "sdp/offer_answer.h"

#include "harness.h"

#include <string.h>

#define KEY30     "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0e"
#define KEY28     "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA=="
#define HEAD      "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
#define CM(tag)   "a=crypto:" #tag " AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"
#define GCM(tag)  "a=crypto:" #tag " AEAD_AES_128_GCM inline:" KEY28 "\r\n"
#define CM32(tag) "a=crypto:" #tag " AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "\r\n"

static struct sdp_local local_with(enum sdp_srtp_policy policy, uint8_t salt)
{
	struct sdp_local local;

	sdp_local_init(&local);
	local.address = (struct address){ .family = ADDRESS_V4, .port = 10000, .ip = { 192, 0, 2, 1 } };
	local.session_id = 4711;
	local.session_version = 1;
	local.srtp = policy;
	for (unsigned i = 0; i < sizeof local.keys; i++)
		((uint8_t *)local.keys)[i] = (uint8_t)(i * 7 + salt);
	return local;
}

/* One description and what was made of it. */
struct side {
	char text[4096];
	struct writer out;
	struct sdp_media media;
};

static enum sdp_verdict answer_to(const char *offer, const struct sdp_local *local, struct side *side)
{
	struct arena *arena = arena_new(65536);
	const struct sdp_session *session;
	enum sdp_verdict verdict;

	assert_non_null(arena);
	side->out = writer_of(side->text, sizeof side->text);
	assert_int_equal(sdp_session_parse(arena, slice_of(offer), &session), OK);
	verdict = sdp_answer_build(&side->out, session, local, &side->media);
	arena_free(arena);
	return verdict;
}

static enum sdp_verdict accept_answer(struct slice answer, const struct sdp_local *local,
				      struct sdp_media *ret_media)
{
	struct arena *arena = arena_new(65536);
	const struct sdp_session *session;
	enum sdp_verdict verdict;

	assert_non_null(arena);
	assert_int_equal(sdp_session_parse(arena, answer, &session), OK);
	verdict = sdp_answer_accept(session, local, ret_media);
	arena_free(arena);
	return verdict;
}

/* Offer by a, answer by b, acceptance by a. */
static void negotiate(const struct sdp_local *a, const struct sdp_local *b, struct side *side_a,
		      struct side *side_b)
{
	side_a->out = writer_of(side_a->text, sizeof side_a->text - 1);
	assert_int_equal(sdp_offer_build(&side_a->out, a), OK);
	side_a->text[side_a->out.len] = '\0';
	assert_int_equal(answer_to(side_a->text, b, side_b), SDP_OK);
	assert_int_equal(accept_answer(writer_text(&side_b->out), a, &side_a->media), SDP_OK);
}

static bool has(const struct side *side, const char *text)
{
	struct slice all = writer_text(&side->out);

	return slice_find_text(all, slice_of(text)) < all.len;
}

static void same_key(const struct sdp_key *a, const struct sdp_key *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->bytes, b->bytes, a->len);
}

static void two_of_us_agree_on_gcm(void **state)
{
	struct sdp_local a = local_with(SDP_SRTP_REQUIRED, 1), b = local_with(SDP_SRTP_REQUIRED, 99);
	struct side side_a, side_b;

	b.address.port = 20000;
	negotiate(&a, &b, &side_a, &side_b);
	assert_true(has(&side_a, "m=audio 10000 RTP/SAVP 96 8 0 97 101\r\n"));
	assert_true(has(&side_a, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "));
	assert_true(has(&side_a, "a=crypto:2 AEAD_AES_128_GCM "));
	assert_true(has(&side_b, "m=audio 20000 RTP/SAVP 96 97 101\r\n"));
	assert_true(has(&side_b, "a=crypto:2 AEAD_AES_128_GCM "));
	assert_false(has(&side_b, "a=crypto:1"));

	assert_true(side_a.media.secure && side_b.media.secure);
	assert_int_equal(side_a.media.suite, SDP_AEAD_AES_128_GCM);
	same_key(&side_a.media.local_key, &side_b.media.remote_key);
	same_key(&side_b.media.local_key, &side_a.media.remote_key);
	assert_memory_equal(side_a.media.local_key.bytes, a.keys[SDP_AEAD_AES_128_GCM], 28);
	assert_int_equal(side_a.media.codec, SDP_OPUS);
	assert_int_equal(side_a.media.remote.port, 20000);
	assert_int_equal(side_a.media.remote_rtcp.port, 20000);
	assert_true(side_a.media.rtcp_mux);
	assert_int_equal(side_a.media.direction, SDP_SENDRECV);
	assert_int_equal(side_a.media.recv.of[SDP_PCMU], SDP_NO_PAYLOAD);
	assert_int_equal(side_b.media.recv.of[SDP_TELEPHONE_EVENT], 101);
}

static void a_plain_phone_is_answered_in_its_own_terms(void **state)
{
	struct sdp_local local = local_with(SDP_SRTP_OPTIONAL, 1);
	struct side side;

	assert_int_equal(answer_to(HEAD "m=audio 49170 RTP/AVP 18 8 0 100\r\na=rtpmap:18 G729/8000\r\n"
					"a=rtpmap:100 telephone-event/8000\r\na=ptime:40\r\na=rtcp:50000\r\n",
				   &local, &side),
			 SDP_OK);
	assert_true(has(&side, "m=audio 10000 RTP/AVP 8 100\r\n"));
	assert_false(has(&side, "crypto"));
	assert_false(has(&side, "rtcp-mux"));
	assert_false(side.media.secure);
	assert_int_equal(side.media.codec, SDP_PCMA);
	assert_int_equal(side.media.send.of[SDP_TELEPHONE_EVENT], 100);
	assert_int_equal(side.media.ptime, 40);
	assert_int_equal(side.media.remote_rtcp.port, 50000);
}

/* RFC 8866 §6.6: the number of channels "may be omitted if the number of channels is one". */
static void one_channel_may_be_said(void **state)
{
	struct sdp_local local = local_with(SDP_SRTP_NEVER, 1);
	struct side side;

	assert_int_equal(answer_to(HEAD "m=audio 4 RTP/AVP 96 8 101 97\r\na=rtpmap:96 opus/48000/2\r\n"
					"a=rtpmap:8 PCMA/8000/1\r\na=rtpmap:101 telephone-event/8000/1\r\n"
					"a=rtpmap:97 telephone-event/48000/1\r\n",
				   &local, &side),
			 SDP_OK);
	assert_int_equal(side.media.send.of[SDP_TELEPHONE_EVENT], 101);
	assert_int_equal(side.media.send.of[SDP_TELEPHONE_EVENT_48K], 97);
}

static void each_side_has_its_own_numbers(void **state)
{
	struct sdp_local local = local_with(SDP_SRTP_NEVER, 1);
	struct sdp_media media;

	assert_int_equal(accept_answer(SLICE(HEAD "m=audio 4000 RTP/AVP 120 0\r\n"
						  "a=rtpmap:120 OPUS/48000/2\r\n"),
				       &local, &media),
			 SDP_OK);
	assert_int_equal(media.codec, SDP_OPUS);
	assert_int_equal(media.send.of[SDP_OPUS], 120);
	assert_int_equal(media.recv.of[SDP_OPUS], 96);
	assert_int_equal(media.recv.of[SDP_PCMU], 0);
	assert_int_equal(media.recv.of[SDP_PCMA], SDP_NO_PAYLOAD);
	assert_int_equal(media.remote_rtcp.port, 4001);
}

static const struct {
	const char *label, *lines;
	enum sdp_srtp_policy policy;
	enum sdp_verdict verdict;
	enum sdp_suite suite;
} offers[] = {
	{ "SAVP, CM", "m=audio 4 RTP/SAVP 0\r\n" CM(1), SDP_SRTP_REQUIRED, SDP_OK,
	  SDP_AES_CM_128_HMAC_SHA1_80 },
	{ "SAVPF", "m=audio 4 RTP/SAVPF 0\r\n" CM(1), SDP_SRTP_REQUIRED, SDP_OK,
	  SDP_AES_CM_128_HMAC_SHA1_80 },
	{ "both, GCM last", "m=audio 4 RTP/SAVP 0\r\n" CM(1) GCM(2), SDP_SRTP_REQUIRED, SDP_OK,
	  SDP_AEAD_AES_128_GCM },
	{ "both, GCM first", "m=audio 4 RTP/SAVP 0\r\n" GCM(1) CM(2), SDP_SRTP_OPTIONAL, SDP_OK,
	  SDP_AEAD_AES_128_GCM },
	{ "_32 passed over", "m=audio 4 RTP/SAVP 0\r\n" CM32(1) CM(2), SDP_SRTP_REQUIRED, SDP_OK,
	  SDP_AES_CM_128_HMAC_SHA1_80 },
	{ "_32 alone", "m=audio 4 RTP/SAVP 0\r\n" CM32(1), SDP_SRTP_OPTIONAL, SDP_NO_SUITE, 0 },
	{ "SAVP without keys", "m=audio 4 RTP/SAVP 0\r\n", SDP_SRTP_OPTIONAL, SDP_NO_SUITE, 0 },
	{ "SAVP against never", "m=audio 4 RTP/SAVP 0\r\n" CM(1), SDP_SRTP_NEVER, SDP_ENCRYPTION_DENIED, 0 },
	{ "AVP with keys", "m=audio 4 RTP/AVP 0\r\n" CM(1), SDP_SRTP_OPTIONAL, SDP_OK,
	  SDP_AES_CM_128_HMAC_SHA1_80 },
	{ "AVP with keys, required", "m=audio 4 RTP/AVP 0\r\n" CM(1), SDP_SRTP_REQUIRED, SDP_OK,
	  SDP_AES_CM_128_HMAC_SHA1_80 },
	{ "AVP with keys, never", "m=audio 4 RTP/AVP 0\r\n" CM(1), SDP_SRTP_NEVER, SDP_OK, 0 },
	{ "AVP", "m=audio 4 RTP/AVP 0\r\n", SDP_SRTP_OPTIONAL, SDP_OK, 0 },
	{ "AVP, required", "m=audio 4 RTP/AVP 0\r\n", SDP_SRTP_REQUIRED, SDP_NOT_ENCRYPTED, 0 },
	{ "AVP with _32, required", "m=audio 4 RTP/AVP 0\r\n" CM32(1), SDP_SRTP_REQUIRED, SDP_NO_SUITE, 0 },
	{ "same tag twice", "m=audio 4 RTP/SAVP 0\r\n" CM(1) GCM(1), SDP_SRTP_REQUIRED, SDP_BAD_CRYPTO, 0 },
	{ "one line broken", "m=audio 4 RTP/SAVP 0\r\n" CM(1) "a=crypto:2\r\n", SDP_SRTP_REQUIRED,
	  SDP_BAD_CRYPTO, 0 },
	{ "DTLS", "m=audio 4 UDP/TLS/RTP/SAVPF 0\r\n", SDP_SRTP_REQUIRED, SDP_BAD_PROFILE, 0 },
	{ "no audio", "m=video 4 RTP/AVP 31\r\n", SDP_SRTP_OPTIONAL, SDP_NO_AUDIO, 0 },
	{ "audio off", "m=audio 0 RTP/AVP 0\r\n", SDP_SRTP_OPTIONAL, SDP_NO_AUDIO, 0 },
	{ "no media", "", SDP_SRTP_OPTIONAL, SDP_NO_AUDIO, 0 },
	{ "no codec", "m=audio 4 RTP/AVP 18 3\r\n", SDP_SRTP_OPTIONAL, SDP_NO_CODEC, 0 },
	{ "events alone", "m=audio 4 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n", SDP_SRTP_OPTIONAL,
	  SDP_NO_CODEC, 0 },
	{ "dynamic number without a name", "m=audio 4 RTP/AVP 96\r\n", SDP_SRTP_OPTIONAL, SDP_NO_CODEC, 0 },
	{ "Opus in mono", "m=audio 4 RTP/AVP 96\r\na=rtpmap:96 opus/48000\r\n", SDP_SRTP_OPTIONAL,
	  SDP_NO_CODEC, 0 },
	{ "number of RTCP", "m=audio 4 RTP/AVP 72\r\na=rtpmap:72 PCMU/8000\r\n", SDP_SRTP_OPTIONAL,
	  SDP_NO_CODEC, 0 },
	{ "host name", "m=audio 4 RTP/AVP 0\r\nc=IN IP4 host.example\r\n", SDP_SRTP_OPTIONAL, SDP_BAD_ADDRESS,
	  0 },
	{ "other family", "m=audio 4 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n", SDP_SRTP_OPTIONAL,
	  SDP_BAD_ADDRESS, 0 },
	{ "two directions", "m=audio 4 RTP/AVP 0\r\na=sendonly\r\na=recvonly\r\n", SDP_SRTP_OPTIONAL,
	  SDP_BAD_ATTRIBUTE, 0 },
	{ "bad ptime", "m=audio 4 RTP/AVP 0\r\na=ptime:x\r\n", SDP_SRTP_OPTIONAL, SDP_BAD_ATTRIBUTE, 0 },
	{ "bad rtcp", "m=audio 4 RTP/AVP 0\r\na=rtcp:0\r\n", SDP_SRTP_OPTIONAL, SDP_BAD_ATTRIBUTE, 0 },
	{ "no port for RTCP", "m=audio 65535 RTP/AVP 0\r\n", SDP_SRTP_OPTIONAL, SDP_BAD_ATTRIBUTE, 0 },
	{ "RTCP on the last port too", "m=audio 65535 RTP/AVP 0\r\na=rtcp-mux\r\n", SDP_SRTP_OPTIONAL, SDP_OK,
	  0 },
};

static void answers_by_policy(void **state)
{
	for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
		struct sdp_local local = local_with(offers[i].policy, 50);
		struct side side = { 0 };
		enum sdp_verdict verdict;
		char text[1000];

		snprintf(text, sizeof text, HEAD "%s", offers[i].lines);
		verdict = answer_to(text, &local, &side);
		if (verdict != offers[i].verdict)
			fail_msg("%s: %.*s", offers[i].label, SLICE_FMT(sdp_verdict_text(verdict)));
		if (verdict == SDP_OK &&
		    (side.media.suite != offers[i].suite || side.media.secure != (offers[i].suite != 0) ||
		     has(&side, "crypto") != side.media.secure))
			fail_msg("%s: suite %d", offers[i].label, side.media.suite);
	}
}

static const struct {
	const char *label, *lines;
	enum sdp_srtp_policy policy;
	enum sdp_verdict verdict;
} answers[] = {
	{ "CM", "m=audio 4 RTP/SAVP 0\r\n" CM(1), SDP_SRTP_REQUIRED, SDP_OK },
	{ "GCM", "m=audio 4 RTP/SAVP 0\r\n" GCM(2), SDP_SRTP_REQUIRED, SDP_OK },
	{ "tag of another suite", "m=audio 4 RTP/SAVP 0\r\n" GCM(1), SDP_SRTP_REQUIRED, SDP_BAD_CRYPTO },
	{ "tag of none", "m=audio 4 RTP/SAVP 0\r\n" CM(3), SDP_SRTP_REQUIRED, SDP_BAD_CRYPTO },
	{ "tag zero", "m=audio 4 RTP/SAVP 0\r\n" CM(0), SDP_SRTP_REQUIRED, SDP_BAD_CRYPTO },
	{ "two keys", "m=audio 4 RTP/SAVP 0\r\n" CM(1) GCM(2), SDP_SRTP_REQUIRED, SDP_BAD_CRYPTO },
	{ "suite not offered", "m=audio 4 RTP/SAVP 0\r\n" CM32(1), SDP_SRTP_REQUIRED, SDP_NO_SUITE },
	{ "no key", "m=audio 4 RTP/SAVP 0\r\n", SDP_SRTP_REQUIRED, SDP_NOT_ENCRYPTED },
	{ "in clear after all", "m=audio 4 RTP/AVP 0\r\n", SDP_SRTP_REQUIRED, SDP_NOT_OUR_OFFER },
	{ "optional, taken", "m=audio 4 RTP/AVP 0\r\n" CM(1), SDP_SRTP_OPTIONAL, SDP_OK },
	{ "optional, not taken", "m=audio 4 RTP/AVP 0\r\n", SDP_SRTP_OPTIONAL, SDP_OK },
	{ "key without offer", "m=audio 4 RTP/AVP 0\r\n" CM(1), SDP_SRTP_NEVER, SDP_BAD_CRYPTO },
	{ "refused", "m=audio 0 RTP/SAVP 0\r\n", SDP_SRTP_REQUIRED, SDP_NO_AUDIO },
	{ "one line more", "m=audio 4 RTP/AVP 0\r\nm=audio 5 RTP/AVP 0\r\n", SDP_SRTP_OPTIONAL,
	  SDP_NOT_OUR_OFFER },
	{ "no line", "", SDP_SRTP_OPTIONAL, SDP_NOT_OUR_OFFER },
	{ "codec not offered", "m=audio 4 RTP/AVP 18\r\n", SDP_SRTP_OPTIONAL, SDP_NO_CODEC },
};

static void accepts_by_policy(void **state)
{
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct sdp_local local = local_with(answers[i].policy, 50);
		struct sdp_media media;
		enum sdp_verdict verdict;
		char text[1000];

		snprintf(text, sizeof text, HEAD "%s", answers[i].lines);
		verdict = accept_answer(slice_of(text), &local, &media);
		if (verdict != answers[i].verdict)
			fail_msg("%s: %.*s", answers[i].label, SLICE_FMT(sdp_verdict_text(verdict)));
	}
}

static void an_encrypted_call_never_becomes_clear(void **state)
{
	struct sdp_local a = local_with(SDP_SRTP_OPTIONAL, 1), b = local_with(SDP_SRTP_OPTIONAL, 99);
	struct side side_a, side_b, again;
	struct sdp_media media;

	negotiate(&a, &b, &side_a, &side_b);
	assert_true(side_a.media.secure);

	a.srtp = SDP_SRTP_NEVER;
	a.current = &side_a.media;
	again.out = writer_of(again.text, sizeof again.text);
	assert_int_equal(sdp_offer_build(&again.out, &a), OK);
	assert_true(has(&again, "a=crypto:1"));
	assert_int_equal(
		accept_answer(SLICE(HEAD "m=audio 4 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"), &a, &media),
		SDP_NOT_ENCRYPTED);
	assert_int_equal(answer_to(HEAD "m=audio 4 RTP/AVP 0\r\n", &a, &again), SDP_NOT_ENCRYPTED);
}

static void our_own_key_is_not_taken_back(void **state)
{
	struct sdp_local local = local_with(SDP_SRTP_REQUIRED, 0);
	struct side side;

	for (unsigned i = 0; i < 30; i++)
		local.keys[SDP_AES_CM_128_HMAC_SHA1_80][i] = (uint8_t)(i + 1);
	assert_int_equal(answer_to(HEAD "m=audio 4 RTP/SAVP 0\r\n" CM(1), &local, &side), SDP_BAD_CRYPTO);
}

static const struct {
	const char *label, *attribute;
	enum sdp_direction ours, result;
	bool on_hold;
} directions[] = {
	{ "nothing said", "", SDP_SENDRECV, SDP_SENDRECV, false },
	{ "hold", "a=sendonly\r\n", SDP_SENDRECV, SDP_RECVONLY, true },
	{ "hold without music", "a=inactive\r\n", SDP_SENDRECV, SDP_INACTIVE, true },
	{ "they listen", "a=recvonly\r\n", SDP_SENDRECV, SDP_SENDONLY, false },
	{ "we hold", "a=sendrecv\r\n", SDP_SENDONLY, SDP_SENDONLY, false },
	{ "both hold", "a=sendonly\r\n", SDP_SENDONLY, SDP_INACTIVE, true },
	{ "hold of old", "c=IN IP4 0.0.0.0\r\n", SDP_SENDRECV, SDP_RECVONLY, true },
};

static void directions_are_mirrored(void **state)
{
	for (size_t i = 0; i < sizeof directions / sizeof directions[0]; i++) {
		struct sdp_local local = local_with(SDP_SRTP_NEVER, 1);
		struct side side;
		char text[1000], wanted[40];

		local.direction = directions[i].ours;
		snprintf(text, sizeof text, HEAD "m=audio 4 RTP/AVP 0\r\n%s", directions[i].attribute);
		assert_int_equal(answer_to(text, &local, &side), SDP_OK);
		snprintf(wanted, sizeof wanted, "a=%.*s\r\n",
			 SLICE_FMT(sdp_direction_name(directions[i].result)));
		if (side.media.direction != directions[i].result ||
		    side.media.remote_on_hold != directions[i].on_hold || !has(&side, wanted))
			fail_msg("%s: %d", directions[i].label, side.media.direction);
	}
}

static void lines_keep_their_places(void **state)
{
	struct sdp_local local = local_with(SDP_SRTP_NEVER, 1);
	struct side side, again;

	assert_int_equal(answer_to(HEAD "m=video 6 RTP/AVP 31 32\r\nm=audio 4 RTP/AVP 18\r\n"
					"m=audio 8 RTP/AVP 0\r\nm=x-y 9 a/b z\r\n",
				   &local, &side),
			 SDP_OK);
	assert_true(
		has(&side, "m=video 0 RTP/AVP 31\r\nm=audio 0 RTP/AVP 18\r\nm=audio 10000 RTP/AVP 0\r\n"));
	assert_true(has(&side, "a=sendrecv\r\nm=x-y 0 a/b z\r\n"));
	assert_int_equal(side.media.section, 2);
	assert_int_equal(side.media.n_sections, 4);

	local.current = &side.media;
	again.out = writer_of(again.text, sizeof again.text);
	assert_int_equal(sdp_offer_build(&again.out, &local), OK);
	assert_true(has(&again, "m=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\nm=audio 10000 RTP/AVP 0\r\n"));
	assert_int_equal(answer_to(HEAD "m=audio 4 RTP/AVP 0\r\n", &local, &again), SDP_NOT_OUR_OFFER);
}

static void a_later_offer_keeps_numbers(void **state)
{
	struct sdp_local local = local_with(SDP_SRTP_NEVER, 1);
	struct side side, again;

	assert_int_equal(
		answer_to(HEAD "m=audio 4 RTP/AVP 111 0\r\na=rtpmap:111 opus/48000/2\r\n", &local, &side),
		SDP_OK);
	local.current = &side.media;
	local.direction = SDP_SENDONLY;
	again.out = writer_of(again.text, sizeof again.text);
	assert_int_equal(sdp_offer_build(&again.out, &local), OK);
	assert_true(has(&again, "m=audio 10000 RTP/AVP 111\r\n"));
	assert_true(has(&again, "a=sendonly\r\n"));

	local.codecs[0] = SDP_PCMU;
	local.n_codecs = 1;
	assert_int_equal(sdp_offer_build(&again.out, &local), ERR_NOT_FOUND);
}

static void works_over_ipv6(void **state)
{
	struct sdp_local a = local_with(SDP_SRTP_REQUIRED, 1), b = local_with(SDP_SRTP_REQUIRED, 99);
	struct side side_a, side_b;

	a.address = b.address = (struct address){ .family = ADDRESS_V6,
						  .port = 10000,
						  .ip = { 0x20, 1, 0xd, 0xb8 } };
	negotiate(&a, &b, &side_a, &side_b);
	assert_true(has(&side_a, "c=IN IP6 2001:db8::\r\n"));
	assert_true(address_eq(&side_a.media.remote, &b.address));
}

static void says_when_there_is_no_room(void **state)
{
	struct sdp_local local = local_with(SDP_SRTP_REQUIRED, 1);
	struct arena *arena = arena_new(65536);
	const struct sdp_session *session;
	struct sdp_media media;
	char text[100];
	struct writer out = writer_of(text, sizeof text);

	assert_non_null(arena);
	assert_int_equal(sdp_offer_build(&out, &local), ERR_LIMIT);
	assert_int_equal(sdp_session_parse(arena, SLICE(HEAD "m=audio 4 RTP/SAVP 0\r\n" CM(1)), &session),
			 OK);
	out = writer_of(text, sizeof text);
	assert_int_equal(sdp_answer_build(&out, session, &local, &media), SDP_TOO_LARGE);
	arena_free(arena);
}

static void every_verdict_has_its_words(void **state)
{
	for (unsigned i = SDP_OK; i <= SDP_TOO_LARGE; i++) {
		assert_true(sdp_verdict_text((enum sdp_verdict)i).len > 0);
		assert_int_equal(sdp_verdict_warning((enum sdp_verdict)i) == 0, i == SDP_OK);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(two_of_us_agree_on_gcm),
	cmocka_unit_test(a_plain_phone_is_answered_in_its_own_terms),
	cmocka_unit_test(one_channel_may_be_said),
	cmocka_unit_test(each_side_has_its_own_numbers),
	cmocka_unit_test(answers_by_policy),
	cmocka_unit_test(accepts_by_policy),
	cmocka_unit_test(an_encrypted_call_never_becomes_clear),
	cmocka_unit_test(our_own_key_is_not_taken_back),
	cmocka_unit_test(directions_are_mirrored),
	cmocka_unit_test(lines_keep_their_places),
	cmocka_unit_test(a_later_offer_keeps_numbers),
	cmocka_unit_test(works_over_ipv6),
	cmocka_unit_test(says_when_there_is_no_room),
	cmocka_unit_test(every_verdict_has_its_words),
};

TEST_MAIN(tests)
