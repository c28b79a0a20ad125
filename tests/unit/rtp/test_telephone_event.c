#include "rtp/telephone_event.h"

#include "harness.h"

static void digits_and_events_are_the_same_thing(void **state)
{
	const char digits[] = "0123456789*#ABCD";

	for (int i = 0; i < 16; i++) {
		assert_int_equal(rtp_event_of_digit(digits[i]), i);
		assert_int_equal(rtp_event_digit((uint8_t)i), digits[i]);
	}
	assert_int_equal(rtp_event_of_digit('d'), 15);
	assert_int_equal(rtp_event_of_digit('E'), -1);
	assert_int_equal(rtp_event_of_digit('\0'), -1);
	assert_int_equal(rtp_event_digit(16), '\0');
}

static void writes_what_it_reads(void **state)
{
	const struct rtp_event event = { .event = 11, .end = true, .volume = 63, .duration = 0xabcd };
	uint8_t payload[RTP_EVENT_PAYLOAD];
	struct rtp_event read;

	rtp_event_build(&event, payload);
	assert_true(rtp_event_parse(slice_from(payload, sizeof payload), &read));
	assert_int_equal(read.event, 11);
	assert_true(read.end);
	assert_int_equal(read.volume, 63);
	assert_int_equal(read.duration, 0xabcd);
	assert_false(rtp_event_parse(slice_from(payload, 3), &read));
}

static void a_digit_grows_and_ends_three_times(void **state)
{
	struct rtp_event_sender sender = { 0 };
	struct rtp_event_packet packet;
	unsigned n = 0;

	assert_false(rtp_event_sender_step(&sender, 160, &packet));
	rtp_event_sender_start(&sender, 5, 1000, 800);
	while (rtp_event_sender_step(&sender, 160, &packet)) {
		n++;
		assert_int_equal(packet.timestamp, 1000);
		assert_int_equal(packet.marker, n == 1);
		assert_int_equal(packet.event.event, 5);
		assert_int_equal(packet.event.duration, n < 5 ? 160 * n : 800);
		assert_int_equal(packet.event.end, n >= 5);
	}
	assert_int_equal(n, 7);
	assert_false(sender.is_active);
}

static char hear(struct rtp_event_receiver *receiver, uint32_t timestamp, uint8_t event, bool end)
{
	const struct rtp_event heard = { .event = event, .end = end, .duration = 160 };
	uint8_t payload[RTP_EVENT_PAYLOAD];

	rtp_event_build(&heard, payload);
	return rtp_event_receive(receiver, timestamp, slice_from(payload, sizeof payload));
}

static void a_digit_is_heard_once(void **state)
{
	struct rtp_event_receiver receiver = { 0 };

	assert_int_equal(hear(&receiver, 100, 1, false), '1');
	assert_int_equal(hear(&receiver, 100, 1, false), '\0');
	assert_int_equal(hear(&receiver, 100, 1, true), '\0');
	/* The same key again, of which only an end came through. */
	assert_int_equal(hear(&receiver, 2000, 1, true), '1');
	/* An end of the one before, late. */
	assert_int_equal(hear(&receiver, 100, 1, true), '\0');
	/* No digit: hook flash. */
	assert_int_equal(hear(&receiver, 4000, 16, true), '\0');
	/* RFC 3550 §A.1: the other side has restarted "without telling us". */
	assert_int_equal(hear(&receiver, 2000u - 900000000, 1, true), '1');
	assert_int_equal(hear(&receiver, 2000u - 900000000, 1, true), '\0');
}

/* On the clock of Opus a key that is held for more than 1.4 s. */
static void a_digit_that_is_held_is_heard_once(void **state)
{
	struct rtp_event_receiver receiver = { 0 };
	uint32_t begin = UINT32_MAX - 70000; /* and beyond the end of numbers */

	(void)state;
	assert_int_equal(hear(&receiver, begin, 1, false), '1');
	assert_int_equal(hear(&receiver, begin + 0xffff, 1, false), '\0'); /* RFC4733:2.5.2.3 */
	assert_int_equal(hear(&receiver, begin, 1, false), '\0');
	assert_int_equal(hear(&receiver, begin + 2 * 0xffff, 1, false), '\0');
	assert_int_equal(hear(&receiver, begin + 2 * 0xffff, 1, true), '\0');
	assert_int_equal(hear(&receiver, begin + 2 * 0xffff, 1, false), '\0');
	/* The same key again, that long after the beginning of the last; and another key. */
	assert_int_equal(hear(&receiver, begin + 3 * 0xffff, 1, false), '1');
	assert_int_equal(hear(&receiver, begin + 4 * 0xffff, 2, false), '2');
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(digits_and_events_are_the_same_thing), cmocka_unit_test(writes_what_it_reads),
	cmocka_unit_test(a_digit_grows_and_ends_three_times),   cmocka_unit_test(a_digit_is_heard_once),
	cmocka_unit_test(a_digit_that_is_held_is_heard_once),
};

TEST_MAIN(tests)
