/*
 * Offer and answer (RFC 3264) for calls with one audio stream, in clear or under SRTP keyed by the crypto
 * attribute (RFC 4568). Pure functions: nothing is remembered between them but what the caller hands in.
 *
 *	offerer:   sdp_offer_build(local)  ->  text  ->  … answer …  ->  sdp_answer_accept(answer, same local)
 *	answerer:  … offer …  ->  sdp_answer_build(offer, local)  ->  text and struct sdp_media
 *
 * Encryption never gets less. SDP_SRTP_REQUIRED neither offers nor accepts anything without it; and once
 * local.current is secure, every later offer and answer of that call is handled as required, whatever
 * local.srtp says. SDP_SRTP_OPTIONAL offers RTP/AVP with crypto lines (RFC 8643) and takes what comes back;
 * a description in RTP/SAVP is always answered with SRTP or refused.
 *
 * The suites are offered with AES_CM_128_HMAC_SHA1_80 first, because old phones look no further, and
 * AEAD_AES_128_GCM after it. In an answer to others GCM is chosen when it was offered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/writer.h"
#include "sdp/media.h"
#include "sdp/session.h"
#include "sdp/verdict.h"

enum sdp_srtp_policy { SDP_SRTP_NEVER, SDP_SRTP_OPTIONAL, SDP_SRTP_REQUIRED };

/*
 * What we can do and want. Borrowed for the length of a call of the functions below. An offer is accepted
 * with the same values that it was built from.
 */
struct sdp_local {
	struct address address;          /* where we listen: ip and RTP port; RTCP is on the next port */
	uint64_t session_id;             /* random and the same for all of the call; below 2^63 */
	uint64_t session_version;        /* one more with each description that we send; below 2^63 */
	enum sdp_direction direction;    /* SDP_SENDRECV; SDP_SENDONLY puts the other side on hold */
	unsigned ptime;                  /* 20 unless there is a reason */
	const struct sdp_media *current; /* what is agreed on so far; NULL before the first answer */

	/* In order of preference. Telephone events are always offered beside them. */
	enum sdp_codec codecs[SDP_AUDIO_CODECS];
	size_t n_codecs;

	/* Random bytes, fresh for every description that is sent; the caller wipes them afterwards. */
	enum sdp_srtp_policy srtp;
	uint8_t keys[SDP_SUITES][SDP_MAX_KEY];
};

/* Fills in the usual: all codecs (Opus, PCMA, PCMU), sendrecv, 20 ms, SRTP required. The rest is zeroed. */
void sdp_local_init(struct sdp_local *local);

/*
 * ERR_LIMIT if it does not fit; 1500 bytes suffice. Within a call (local.current) an offer names only codecs
 * that are agreed on already, under the same numbers (RFC 3264 §8.3.2); ERR_NOT_FOUND if local.codecs has
 * none of them.
 */
MUST_CHECK enum err sdp_offer_build(struct writer *out, const struct sdp_local *local);

/* *ret_media is written on SDP_OK only; it holds keys. */
MUST_CHECK enum sdp_verdict sdp_answer_build(struct writer *out, const struct sdp_session *offer,
					     const struct sdp_local *local, struct sdp_media *ret_media);

/* local: what the offer was built from. *ret_media is written on SDP_OK only; it holds keys. */
MUST_CHECK enum sdp_verdict sdp_answer_accept(const struct sdp_session *answer, const struct sdp_local *local,
					      struct sdp_media *ret_media);
