#include "rtp/source.h"

#include <string.h>

/* RFC 3550 §A.1 */
enum {
	MAX_DROPOUT = 3000,
	MAX_MISORDER = 100,
	SEQUENCES = 1 << 16,
	NO_SEQUENCE = SEQUENCES + 1,
};

void rtp_source_init(struct rtp_source *source, uint32_t ssrc)
{
	memset(source, 0, sizeof *source);
	source->ssrc = ssrc;
}

/* Begins to count at this sequence number, as if nothing had come before. */
static void start(struct rtp_source *source, uint16_t sequence)
{
	source->is_started = true;
	source->max_sequence = sequence;
	source->base_sequence = sequence;
	source->bad_sequence = NO_SEQUENCE;
	source->cycles = 0;
	source->received = 0;
	source->expected_prior = 0;
	source->received_prior = 0;
	source->has_transit = false;
}

/* §A.1 update_seq(), without probation: who may send is settled by address and SRTP before. */
static bool update_sequence(struct rtp_source *source, uint16_t sequence)
{
	uint16_t delta = (uint16_t)(sequence - source->max_sequence);

	if (!source->is_started) {
		start(source, sequence);
		return true;
	}
	if (delta < MAX_DROPOUT) {
		if (sequence < source->max_sequence)
			source->cycles += SEQUENCES;
		source->max_sequence = sequence;
		return true;
	}
	if (delta > SEQUENCES - MAX_MISORDER)
		return true;
	if (sequence == source->bad_sequence) {
		start(source, sequence);
		return true;
	}
	source->bad_sequence = (uint32_t)(sequence + 1) & (SEQUENCES - 1);
	return false;
}

bool rtp_source_add(struct rtp_source *source, uint16_t sequence)
{
	if (!update_sequence(source, sequence))
		return false;
	source->received++;
	return true;
}

/* §A.8: J += (|D| - J) / 16 */
void rtp_source_time(struct rtp_source *source, uint32_t timestamp, uint32_t arrival)
{
	uint32_t transit = arrival - timestamp;
	int32_t difference = (int32_t)(transit - source->transit);
	uint32_t distance = difference < 0 ? 0u - (uint32_t)difference : (uint32_t)difference;

	if (source->has_transit)
		source->jitter += distance - ((source->jitter + 8) >> 4);
	source->transit = transit;
	source->has_transit = true;
}

void rtp_source_clock_changed(struct rtp_source *source)
{
	source->has_transit = false;
	source->jitter = 0;
}

static uint64_t expected(const struct rtp_source *source)
{
	if (!source->is_started)
		return 0;
	return (uint64_t)source->cycles + source->max_sequence - source->base_sequence + 1;
}

int64_t rtp_source_lost(const struct rtp_source *source)
{
	return (int64_t)expected(source) - (int64_t)source->received;
}

uint32_t rtp_source_jitter(const struct rtp_source *source)
{
	return source->jitter >> 4;
}

/* §6.4.1: 24 bits, and not beyond them. */
static int32_t clamp_lost(int64_t lost)
{
	if (lost > 0x7fffff)
		return 0x7fffff;
	return lost < -0x800000 ? -0x800000 : (int32_t)lost;
}

void rtp_source_report(struct rtp_source *source, struct rtcp_report *ret_report)
{
	uint64_t now_expected = expected(source);
	uint64_t expected_interval = now_expected - source->expected_prior;
	int64_t lost_interval = (int64_t)expected_interval -
				(int64_t)(source->received - source->received_prior);

	source->expected_prior = now_expected;
	source->received_prior = source->received;
	ret_report->ssrc = source->ssrc;
	ret_report->highest = source->cycles + source->max_sequence;
	ret_report->lost = clamp_lost(rtp_source_lost(source));
	ret_report->jitter = rtp_source_jitter(source);
	ret_report->fraction_lost = 0;
	if (expected_interval > 0 && lost_interval > 0)
		ret_report->fraction_lost = (uint8_t)((lost_interval * 255) / (int64_t)expected_interval);
}
