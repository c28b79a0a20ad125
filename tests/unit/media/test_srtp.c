#include "media/srtp.h"

#include "harness.h"

#include <string.h>

static struct sdp_key key_of(enum sdp_suite suite, uint8_t salt)
{
	struct sdp_key key = { .len = (uint8_t)sdp_suite_key_len(suite) };

	for (uint8_t i = 0; i < key.len; i++)
		key.bytes[i] = (uint8_t)(i + salt);
	return key;
}

/* An RTP packet of 20 bytes in a buffer with room for what protection adds. */
struct packet {
	uint8_t buf[20 + SRTP_ROOM];
	size_t len;
};

static struct packet packet_of(uint8_t sequence)
{
	struct packet packet = { .buf = "\x80\0\0\0\0\0\0\1\0\0\0\2payload.", .len = 20 };

	packet.buf[3] = sequence;
	return packet;
}

static const enum sdp_suite suites[] = { SDP_AES_CM_128_HMAC_SHA1_80, SDP_AEAD_AES_128_GCM };

static void what_is_protected_can_be_read_with_the_key_alone(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct sdp_key key = key_of(suites[i], 1), other = key_of(suites[i], 2);
		struct media_srtp sender = { 0 }, receiver = { 0 }, stranger = { 0 };
		struct packet packet = packet_of(1), plain = packet, copy;

		assert_int_equal(media_srtp_set_out(&sender, suites[i], &key), OK);
		assert_int_equal(media_srtp_set_in(&receiver, suites[i], &key), OK);
		assert_int_equal(media_srtp_set_in(&stranger, suites[i], &other), OK);
		assert_true(media_srtp_protect(&sender, false, packet.buf, &packet.len));
		assert_in_range(packet.len, 30, 20 + SRTP_ROOM);
		assert_memory_not_equal(packet.buf + 12, plain.buf + 12, 8);

		copy = packet;
		assert_int_equal(media_srtp_unprotect(&stranger, false, copy.buf, &copy.len),
				 MEDIA_SRTP_REFUSED);
		copy = packet;
		copy.buf[15] ^= 1;
		assert_int_equal(media_srtp_unprotect(&receiver, false, copy.buf, &copy.len),
				 MEDIA_SRTP_REFUSED);
		copy = packet;
		assert_int_equal(media_srtp_unprotect(&receiver, false, copy.buf, &copy.len), MEDIA_SRTP_OK);
		assert_int_equal(copy.len, plain.len);
		assert_memory_equal(copy.buf, plain.buf, plain.len);
		copy = packet;
		assert_int_equal(media_srtp_unprotect(&receiver, false, copy.buf, &copy.len),
				 MEDIA_SRTP_REPLAYED);

		media_srtp_fini(&sender);
		media_srtp_fini(&receiver);
		media_srtp_fini(&stranger);
	}
}

static void one_direction_keeps_its_counters_when_the_other_changes(void **state)
{
	struct sdp_key first = key_of(SDP_AEAD_AES_128_GCM, 1), second = key_of(SDP_AEAD_AES_128_GCM, 2);
	struct media_srtp sender = { 0 }, both = { 0 };
	struct packet packet = packet_of(9), copy;

	assert_int_equal(media_srtp_set_out(&sender, SDP_AEAD_AES_128_GCM, &first), OK);
	assert_int_equal(media_srtp_set_in(&both, SDP_AEAD_AES_128_GCM, &first), OK);
	assert_true(media_srtp_protect(&sender, false, packet.buf, &packet.len));
	copy = packet;
	assert_int_equal(media_srtp_unprotect(&both, false, copy.buf, &copy.len), MEDIA_SRTP_OK);
	assert_int_equal(media_srtp_set_out(&both, SDP_AEAD_AES_128_GCM, &second), OK);
	assert_int_equal(media_srtp_unprotect(&both, false, packet.buf, &packet.len), MEDIA_SRTP_REPLAYED);
	media_srtp_fini(&sender);
	media_srtp_fini(&both);
}

/* Each one that is read costs memory and time with every packet: who has the key may not have us keep them without end. */
static void a_peer_has_a_limited_number_of_sources(void **state)
{
	struct sdp_key key = key_of(SDP_AEAD_AES_128_GCM, 1);
	struct media_srtp sender = { 0 }, receiver = { 0 };
	unsigned taken = 0;

	assert_int_equal(media_srtp_set_out(&sender, SDP_AEAD_AES_128_GCM, &key), OK);
	assert_int_equal(media_srtp_set_in(&receiver, SDP_AEAD_AES_128_GCM, &key), OK);
	for (int round = 1; round <= 2; round++) {
		for (unsigned source = 0; source < 200; source++) {
			struct packet packet = packet_of((uint8_t)round);

			packet.buf[11] = (uint8_t)source;
			assert_true(media_srtp_protect(&sender, false, packet.buf, &packet.len));
			if (media_srtp_unprotect(&receiver, false, packet.buf, &packet.len) == MEDIA_SRTP_OK)
				taken++;
			else
				assert_true(source >= SRTP_SOURCES_MAX);
		}
	}
	assert_int_equal(taken, 2 * SRTP_SOURCES_MAX);
	/* another key, other sources */
	assert_int_equal(media_srtp_set_in(&receiver, SDP_AEAD_AES_128_GCM, &key), OK);
	struct packet packet = packet_of(3);
	packet.buf[11] = 199;
	assert_true(media_srtp_protect(&sender, false, packet.buf, &packet.len));
	assert_int_equal(media_srtp_unprotect(&receiver, false, packet.buf, &packet.len), MEDIA_SRTP_OK);
	media_srtp_fini(&sender);
	media_srtp_fini(&receiver);
}

static void without_a_key_nothing_goes(void **state)
{
	struct media_srtp none = { 0 };
	struct sdp_key key = key_of(SDP_AEAD_AES_128_GCM, 1);
	struct packet packet = packet_of(1);

	assert_false(media_srtp_protect(&none, false, packet.buf, &packet.len));
	assert_int_equal(media_srtp_unprotect(&none, false, packet.buf, &packet.len), MEDIA_SRTP_REFUSED);
	assert_int_not_equal(media_srtp_set_out(&none, SDP_SUITE_NONE, &key), OK);
	assert_int_not_equal(media_srtp_set_out(&none, SDP_AES_CM_128_HMAC_SHA1_80, &key), OK);
	assert_null(none.out);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_protected_can_be_read_with_the_key_alone),
	cmocka_unit_test(one_direction_keeps_its_counters_when_the_other_changes),
	cmocka_unit_test(a_peer_has_a_limited_number_of_sources),
	cmocka_unit_test(without_a_key_nothing_goes),
};

TEST_MAIN(tests)
