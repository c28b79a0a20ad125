/*
 * What the other side says of its audio stream, read from one section of its description. Only for
 * offer_answer.c. It holds a key: wipe it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "sdp/media.h"
#include "sdp/session.h"
#include "sdp/verdict.h"

struct sdp_remote {
	enum sdp_profile profile;
	struct address address; /* RTP */
	struct address rtcp;    /* without rtcp-mux */
	bool is_null_address;   /* 0.0.0.0 or ::, the old way to say hold (RFC 3264 §8.4) */
	bool rtcp_mux;
	enum sdp_direction direction; /* as it says it */
	unsigned ptime;
	struct sdp_payloads payloads;            /* the numbers under which it wants to receive */
	enum sdp_codec codecs[SDP_AUDIO_CODECS]; /* that we know too, in its order */
	size_t n_codecs;                         /* at least 1 */
	size_t n_cryptos;                        /* crypto lines, usable or not */
	struct sdp_crypto crypto;                /* the best one; suite SDP_SUITE_NONE if none is usable */
};

/* *ret_remote is written, to be wiped, on errors too. */
enum sdp_verdict sdp_remote_read(const struct sdp_session *session, const struct sdp_section *section,
				 struct sdp_remote *ret_remote);
