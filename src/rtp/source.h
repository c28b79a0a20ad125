/*
 * What is counted of one received RTP stream (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8). Pure arithmetic;
 * the struct is the caller's, one for each SSRC.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rtp/rtcp.h"

struct rtp_source {
	uint32_t ssrc;
	bool is_started;
	uint16_t max_sequence;
	uint32_t cycles; /* of the sequence number, shifted by 16 */
	uint32_t base_sequence;
	uint32_t bad_sequence; /* the one that would confirm a jump */
	uint64_t received;
	uint64_t expected_prior, received_prior;
	uint32_t transit;
	bool has_transit;
	uint32_t jitter; /* in 1/16 timestamp units */
};

void rtp_source_init(struct rtp_source *source, uint32_t ssrc);

/*
 * Counts a packet. False if its sequence number is too far from the others: it is not to be played, unless the next
 * one confirms the jump.
 */
bool rtp_source_add(struct rtp_source *source, uint16_t sequence);

/* Measures the jitter of a packet whose timestamp is its own. arrival: in units of the payload's clock. */
void rtp_source_time(struct rtp_source *source, uint32_t timestamp, uint32_t arrival);

/* Another payload clock: old transit times mean nothing any more. */
void rtp_source_clock_changed(struct rtp_source *source);

/* Cumulative, may be negative after duplicates. */
int64_t rtp_source_lost(const struct rtp_source *source);
/* Interarrival jitter in timestamp units. */
uint32_t rtp_source_jitter(const struct rtp_source *source);

/* Fills ssrc, fraction_lost, lost, highest and jitter of a report, and begins a new interval. */
void rtp_source_report(struct rtp_source *source, struct rtcp_report *ret_report);
