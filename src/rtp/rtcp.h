/* RTCP compound packets (RFC 3550 §6): SR or RR, SDES with the CNAME, BYE. Others inside are passed over. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"

/* A report block (§6.4.1). */
struct rtcp_report {
	uint32_t ssrc;           /* of the source that is reported on */
	uint8_t fraction_lost;   /* of 256, since the last report */
	int32_t lost;            /* 24 bits, signed */
	uint32_t highest;        /* extended highest sequence number */
	uint32_t jitter;         /* in timestamp units */
	uint32_t last_sr, delay; /* middle 32 bits of the NTP time of the last SR; 1/65536 s since it came */
};

struct rtcp_compound {
	uint32_t ssrc;  /* who sends this */
	bool is_sender; /* SR, with the next four */
	uint64_t ntp;
	uint32_t timestamp, packets, octets;
	bool has_report; /* parsed: the block about report_on; built: as given */
	struct rtcp_report report;
	struct slice cname; /* may be empty when parsed */
	bool bye;
};

/*
 * False if the datagram is not a valid compound packet (RFC 3550 §A.2). report_on: our SSRC, the one whose
 * report block is wanted; blocks about others are passed over.
 */
bool rtcp_parse(struct slice datagram, uint32_t report_on, struct rtcp_compound *ret_compound);

/* SR or RR, then SDES, then BYE if asked for. ERR_LIMIT if it does not fit. */
MUST_CHECK enum err rtcp_build(struct writer *out, const struct rtcp_compound *compound);
