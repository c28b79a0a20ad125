/*
 * What two descriptions have agreed on: everything that the media thread needs to know of a call, as plain
 * values without pointers. It holds keys: whoever has a copy wipes it with sdp_media_wipe().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"
#include "sdp/srtp.h"

enum sdp_codec {
	SDP_OPUS,                /* RFC 7587 */
	SDP_PCMA,                /* RFC 3551 */
	SDP_PCMU,                /* RFC 3551 */
	SDP_TELEPHONE_EVENT,     /* RFC 4733 on a clock of 8000 Hz; beside a codec, never alone */
	SDP_TELEPHONE_EVENT_48K, /* the same on the clock of Opus */
	SDP_CODECS,
	SDP_AUDIO_CODECS = SDP_TELEPHONE_EVENT /* those before it carry voice */
};

enum { SDP_NO_PAYLOAD = 255 };

/* The proto of an m= line (RFC 3551, 3711, 4585, 5124). */
enum sdp_profile { SDP_RTP_AVP, SDP_RTP_AVPF, SDP_RTP_SAVP, SDP_RTP_SAVPF, SDP_PROFILES };

/* RFC 8866 §6.7. As bits: what the one who says it does. */
enum sdp_direction { SDP_INACTIVE = 0, SDP_SENDONLY = 1, SDP_RECVONLY = 2, SDP_SENDRECV = 3 };

/* Payload types of one direction; SDP_NO_PAYLOAD where the codec is not agreed. */
struct sdp_payloads {
	uint8_t of[SDP_CODECS];
};

struct sdp_media {
	struct address remote;      /* RTP */
	struct address remote_rtcp; /* the same as remote with rtcp_mux */
	bool rtcp_mux;              /* RFC 5761 */
	bool remote_on_hold;        /* the other side said sendonly or inactive, or gave no address */
	bool on_hold; /* we said so (set by whoever holds): it is to hear nothing of us, although we send */
	enum sdp_direction direction; /* ours: may we send, shall we listen */

	enum sdp_codec codec; /* that we send; any in recv may come */
	struct sdp_payloads send, recv;
	unsigned ptime; /* ms in each packet that we send: 20, 40 or 60 */

	bool secure; /* SRTP and SRTCP with the keys below; nothing else is sent or taken */
	enum sdp_suite suite;
	struct sdp_key local_key, remote_key; /* what we send with, what we receive with */

	enum sdp_profile profile; /* that of the offer */
	uint8_t n_sections;       /* m= lines of the call: they never change places */
	uint8_t section;          /* which of them this is */
};

/* "opus", "PCMU", … as in a=rtpmap. */
struct slice sdp_codec_name(enum sdp_codec codec);
/* RTP clock rate in Hz. */
unsigned sdp_codec_clock(enum sdp_codec codec);
/* "RTP/SAVP", … */
struct slice sdp_profile_name(enum sdp_profile profile);
/* "sendrecv", … as in the attribute. */
struct slice sdp_direction_name(enum sdp_direction direction);

/* Overwrites all of it; accepts a zeroed one. */
void sdp_media_wipe(struct sdp_media *media);
