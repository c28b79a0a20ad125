#include "media/call.h"

#include "harness.h"

#include <string.h>

static const struct address loopback = { .family = ADDRESS_V4, .ip = { 127, 0, 0, 1 } };

static struct sdp_key key_of(uint8_t salt)
{
	struct sdp_key key = { .len = (uint8_t)sdp_suite_key_len(SDP_AES_CM_128_HMAC_SHA1_80) };

	memset(key.bytes, salt, key.len);
	return key;
}

/* What is sent to the port in PCMU, under our key of that number. */
static struct sdp_media agreed_on(const struct media_port *port, uint8_t key)
{
	struct sdp_media agreed = {
		.remote = media_port_address(port),
		.remote_rtcp = media_port_address(port),
		.rtcp_mux = true,
		.direction = SDP_SENDONLY,
		.codec = SDP_PCMU,
		.ptime = 20,
		.secure = true,
		.suite = SDP_AES_CM_128_HMAC_SHA1_80,
		.local_key = key_of(key),
		.remote_key = key_of(9),
	};

	memset(&agreed.send, SDP_NO_PAYLOAD, sizeof agreed.send);
	memset(&agreed.recv, SDP_NO_PAYLOAD, sizeof agreed.recv);
	agreed.send.of[SDP_PCMU] = agreed.recv.of[SDP_PCMU] = 0;
	return agreed;
}

static void call_new(const struct media_port *to, struct events *events, struct media_call **ret_call)
{
	AUTO(order) struct order *order = order_new(ORDER_START, 1);
	char text[MEDIA_MAX_TEXT];

	assert_non_null(order);
	assert_int_equal(media_port_open(&loopback, MEDIA_RANGE, &order->port), OK);
	order->agreed = agreed_on(to, 1);
	assert_int_equal(media_call_new(order, events, 0, ret_call, text), OK);
}

/* The other side has our new key only after the first packets under it, between which the numbers begin anew. */
static void a_new_key_is_read_by_who_has_it_late(void **state)
{
	AUTO(media_port) struct media_port *there = NULL;
	AUTO(media_call) struct media_call *call = NULL;
	const struct sdp_key key = key_of(2);
	struct media_srtp reader = { 0 };
	struct events events;
	struct sdp_media agreed;
	struct address from;
	uint8_t buf[MEDIA_MAX_DATAGRAM];
	uint64_t now = 0;

	(void)state;
	assert_int_equal(events_init(&events), OK);
	assert_int_equal(media_port_open(&loopback, MEDIA_RANGE, &there), OK);
	assert_int_equal(media_srtp_set_in(&reader, SDP_AES_CM_128_HMAC_SHA1_80, &key), OK);
	call_new(there, &events, &call);
	call->out.sequence = UINT16_MAX - 1;
	agreed = agreed_on(there, 2);
	assert_int_equal(media_call_update(call, &agreed, now), OK);
	for (unsigned i = 0; i < 6; i++) {
		ssize_t n;
		size_t len;

		media_call_tick(call, now += 20000);
		n = media_port_receive(there->rtp, buf, sizeof buf, &from);
		assert_true(n > 0);
		len = (size_t)n;
		if (i >= 3) /* RFC4568:6.4 */
			assert_int_equal(media_srtp_unprotect(&reader, false, buf, &len), MEDIA_SRTP_OK);
	}
	media_srtp_fini(&reader);
	events_fini(&events);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_new_key_is_read_by_who_has_it_late),
};

TEST_MAIN(tests)
