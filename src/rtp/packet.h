/* RTP packets (RFC 3550 §5.1): parse and build, in clear. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"

enum { RTP_HEADER = 12 };

struct rtp_packet {
	uint8_t payload_type;
	bool marker;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t ssrc;
	struct slice payload; /* points into the datagram; without CSRCs, header extension and padding */
};

/* RFC 5761 §4: whether a datagram on a shared port is RTCP. */
bool rtp_is_rtcp(struct slice datagram);

/* False if it is not a well-formed RTP packet. */
bool rtp_parse(struct slice datagram, struct rtp_packet *ret_packet);

/* Without CSRCs, extension and padding. ERR_LIMIT if it does not fit. */
MUST_CHECK enum err rtp_build(struct writer *out, const struct rtp_packet *packet);
