#include "rtp/jitter.h"

#include "harness.h"

#include <string.h>

/*
 * A network on virtual time: packet i of a stream of 20 ms packets leaves at 20*i ms and arrives late by delay[i],
 * or never. The buffer is asked every 20 ms. Each packet carries its number.
 */
enum { CLOCK = 8000, SPAN = 160, LOST = -1, MAX_PACKETS = 1000 };

struct run {
	int n_packets, n_lost, n_empty, n_wrong_order;
	int n_leading_empty;
	unsigned most_delay;
	int played[MAX_PACKETS];        /* how often each */
	unsigned delay_at[MAX_PACKETS]; /* when it was played */
};

static bool put_number_at(struct rtp_jitter *jitter, uint32_t first, int i)
{
	const struct rtp_jitter_packet packet = {
		.timestamp = first + (uint32_t)i * SPAN,
		.span = SPAN,
		.payload = slice_from(&i, sizeof i),
	};

	return rtp_jitter_put(jitter, &packet);
}

static void play_one(struct rtp_jitter *jitter, struct run *run, int *last)
{
	struct rtp_jitter_packet packet;
	unsigned delay;
	int number;

	switch (rtp_jitter_get(jitter, &packet)) {
	case RTP_JITTER_PACKET:
		memcpy(&number, packet.payload.ptr, sizeof number);
		run->n_packets++;
		run->n_wrong_order += number <= *last;
		run->played[number]++;
		run->delay_at[number] = rtp_jitter_delay(jitter);
		*last = number;
		break;
	case RTP_JITTER_LOST: run->n_lost++; break;
	case RTP_JITTER_EMPTY:
		run->n_empty++;
		run->n_leading_empty += run->n_packets == 0;
		break;
	}
	delay = rtp_jitter_delay(jitter);
	if (delay > run->most_delay)
		run->most_delay = delay;
}

static struct run simulate(const int *delay, int n, uint32_t first)
{
	struct rtp_jitter *jitter = rtp_jitter_new(CLOCK);
	struct run run = { 0 };
	int last = -1;

	assert_non_null(jitter);
	for (int now = 0; now < 20 * n + 400; now += 20) {
		for (int i = 0; i < n; i++) {
			int arrival = 20 * i + delay[i];

			/* Between the last look and this one. */
			if (delay[i] != LOST && arrival > now - 20 && arrival <= now)
				put_number_at(jitter, first, i);
		}
		play_one(jitter, &run, &last);
	}
	rtp_jitter_free(jitter);
	return run;
}

static void an_even_stream_is_played_whole(void **state)
{
	int delay[200] = { 0 };
	struct run run = simulate(delay, 200, 0xffffff00); /* the timestamp wraps on the way */

	assert_int_equal(run.n_packets, 200);
	assert_int_equal(run.n_leading_empty, 1);
	assert_int_equal(run.n_wrong_order, 0);
	assert_in_range(run.most_delay, 20, 60);
}

static void packets_are_put_in_order(void **state)
{
	int delay[200] = { 0 };
	struct run run;

	for (int i = 10; i < 190; i += 5)
		delay[i] = 25; /* overtaken by the next */
	run = simulate(delay, 200, 0);
	assert_int_equal(run.n_packets, 199); /* the first of them teaches it */
	assert_int_equal(run.n_wrong_order, 0);
	/* A gap, a frame of delay gained, and what is made up at the end. */
	assert_in_range(run.n_lost, 2, 8);
}

static void a_lost_packet_is_one_gap(void **state)
{
	int delay[200] = { 0 };
	struct run run;

	for (int i = 10; i < 190; i += 10)
		delay[i] = LOST;
	run = simulate(delay, 200, 0);
	assert_int_equal(run.n_packets, 200 - 18);
	assert_in_range(run.n_lost, 18, 18 + 6);
	assert_int_equal(run.n_wrong_order, 0);
}

static void delay_grows_with_jitter_and_shrinks_again(void **state)
{
	static int delay[MAX_PACKETS];
	struct run run;

	for (int i = 0; i < 300; i++)
		delay[i] = (i * 37) % 100; /* up to 100 ms, in no order; and none later */
	run = simulate(delay, MAX_PACKETS, 0);
	/* In the beginning some come too late, then all are waited for; in the end a few frames are dropped. */
	assert_in_range(run.n_packets, MAX_PACKETS - 15, MAX_PACKETS);
	assert_int_equal(run.n_wrong_order, 0);
	assert_in_range(run.most_delay, 80, 200);
	assert_in_range(run.delay_at[290], 40, 160);
	assert_in_range(run.delay_at[MAX_PACKETS - 30], 20, 60);
}

static void a_stop_of_the_network_costs_what_is_too_old(void **state)
{
	int delay[200] = { 0 };
	struct run run;

	for (int i = 50; i < 80; i++)
		delay[i] = 20 * (80 - i); /* all come at once, 600 ms after the first of them was due */
	run = simulate(delay, 200, 0);
	assert_in_range(run.most_delay, 100, 200);
	assert_in_range(run.n_packets, 170, 190);
	assert_int_equal(run.n_wrong_order, 0);
	for (int i = 100; i < 200; i++)
		assert_int_equal(run.played[i], 1);
}

static void duplicates_and_late_ones_are_refused(void **state)
{
	struct rtp_jitter *jitter = rtp_jitter_new(CLOCK);
	struct rtp_jitter_packet packet;

	assert_non_null(jitter);
	assert_true(put_number_at(jitter, 0, 100));
	assert_false(put_number_at(jitter, 0, 100));
	assert_true(put_number_at(jitter, 0, 101));
	assert_int_equal(rtp_jitter_get(jitter, &packet), RTP_JITTER_PACKET);
	assert_false(put_number_at(jitter, 0, 99));
	assert_false(put_number_at(jitter, 0, 100));
	assert_int_equal(rtp_jitter_late(jitter), 2);
	rtp_jitter_free(jitter);
}

static void shows_what_follows_a_gap(void **state)
{
	struct rtp_jitter *jitter = rtp_jitter_new(CLOCK);
	struct rtp_jitter_packet packet;
	int number;

	assert_non_null(jitter);
	assert_true(put_number_at(jitter, 0, 1));
	assert_true(put_number_at(jitter, 0, 3));
	assert_int_equal(rtp_jitter_get(jitter, &packet), RTP_JITTER_PACKET);
	assert_int_equal(rtp_jitter_get(jitter, &packet), RTP_JITTER_LOST);
	assert_int_equal(packet.span, SPAN);
	assert_int_equal(packet.payload.len, sizeof number);
	memcpy(&number, packet.payload.ptr, sizeof number);
	assert_int_equal(number, 3);
	assert_int_equal(rtp_jitter_get(jitter, &packet), RTP_JITTER_PACKET);
	assert_int_equal(packet.timestamp, 3 * SPAN);
	rtp_jitter_free(jitter);
}

static void a_new_stream_begins_anew(void **state)
{
	struct rtp_jitter *jitter = rtp_jitter_new(CLOCK);
	struct rtp_jitter_packet packet;

	assert_non_null(jitter);
	assert_true(put_number_at(jitter, 0, 1));
	assert_true(put_number_at(jitter, 0, 2));
	assert_int_equal(rtp_jitter_get(jitter, &packet), RTP_JITTER_PACKET);
	assert_true(put_number_at(jitter, 0x70000000, 1));
	assert_int_equal(rtp_jitter_get(jitter, &packet), RTP_JITTER_EMPTY);
	assert_true(put_number_at(jitter, 0x70000000, 2));
	assert_int_equal(rtp_jitter_get(jitter, &packet), RTP_JITTER_PACKET);
	assert_int_equal(packet.timestamp, 0x70000000 + SPAN);

	rtp_jitter_reset(jitter, 48000);
	assert_int_equal(rtp_jitter_get(jitter, &packet), RTP_JITTER_EMPTY);
	rtp_jitter_free(jitter);
}

static void a_flood_does_not_overflow_it(void **state)
{
	struct rtp_jitter *jitter = rtp_jitter_new(CLOCK);
	static const char large[RTP_JITTER_MAX_PAYLOAD + 1];
	struct rtp_jitter_packet packet = { .span = SPAN, .payload = slice_from(large, sizeof large) };

	assert_non_null(jitter);
	for (int i = 99; i >= 0; i--)
		put_number_at(jitter, 0, i);
	for (int i = 0; i < 100; i++)
		put_number_at(jitter, 0, i);
	assert_false(rtp_jitter_put(jitter, &packet));
	packet.payload.len = 0;
	assert_false(rtp_jitter_put(jitter, &packet));
	packet = (struct rtp_jitter_packet){ .payload = SLICE("x") };
	assert_false(rtp_jitter_put(jitter, &packet));
	rtp_jitter_free(jitter);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_even_stream_is_played_whole),
	cmocka_unit_test(packets_are_put_in_order),
	cmocka_unit_test(a_lost_packet_is_one_gap),
	cmocka_unit_test(delay_grows_with_jitter_and_shrinks_again),
	cmocka_unit_test(a_stop_of_the_network_costs_what_is_too_old),
	cmocka_unit_test(duplicates_and_late_ones_are_refused),
	cmocka_unit_test(shows_what_follows_a_gap),
	cmocka_unit_test(a_new_stream_begins_anew),
	cmocka_unit_test(a_flood_does_not_overflow_it),
};

TEST_MAIN(tests)
