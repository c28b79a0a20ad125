/*
 * Jitter buffer: takes packets as they come and gives them back in order, late enough to hide what the network
 * does to them. It starts when 40 ms are there, adds delay when it runs dry or a packet comes late, takes a
 * frame of it away when for some seconds all packets came early enough without, and never holds more than
 * 200 ms.
 *
 * Time passes by calls of rtp_jitter_get(), not by a clock. Timestamps and spans are in units of the
 * payload's clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"

struct rtp_jitter;

enum rtp_jitter_result {
	RTP_JITTER_PACKET, /* here it is */
	RTP_JITTER_LOST,   /* one should have been here: conceal its span */
	RTP_JITTER_EMPTY   /* nothing has come for a while, or not enough yet: be silent for 20 ms */
};

enum { RTP_JITTER_MAX_PAYLOAD = 1472 };

struct rtp_jitter_packet {
	uint32_t timestamp;
	uint32_t span; /* how much time the payload covers */
	struct slice payload;
};

/* clock: of the payloads, in Hz. NULL without memory; nothing is allocated after this. */
MUST_CHECK struct rtp_jitter *rtp_jitter_new(unsigned clock);
void rtp_jitter_free(struct rtp_jitter *jitter);
OWN(rtp_jitter)

/* Another stream begins: forgets all packets, and takes another clock. */
void rtp_jitter_reset(struct rtp_jitter *jitter, unsigned clock);

/* Keeps a copy. False if the packet is a duplicate, too large, or too late for its turn. */
bool rtp_jitter_put(struct rtp_jitter *jitter, const struct rtp_jitter_packet *packet);

/*
 * What is to be played next; to be called whenever all that came before has been played. With
 * RTP_JITTER_LOST, span is how much to conceal, and payload is the packet right after the gap if it is there
 * already (Opus can carry a copy of the lost frame in it), else empty. The payload lives until the next call
 * of rtp_jitter_put().
 */
enum rtp_jitter_result rtp_jitter_get(struct rtp_jitter *jitter, struct rtp_jitter_packet *ret_packet);

/* How much is held now, in ms. */
unsigned rtp_jitter_delay(const struct rtp_jitter *jitter);
/* Packets that came too late to be played. */
uint64_t rtp_jitter_late(const struct rtp_jitter *jitter);
