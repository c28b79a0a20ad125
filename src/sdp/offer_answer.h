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

enum sdp_srtp_policy { SDP_SRTP_NEVER, SDP_SRTP_OPTIONAL, SDP_SRTP_REQUIRED };

/*
 * What we can do and want. Borrowed for the length of a call of the functions below. An offer is accepted
 * with the same values that it was built from.
 */
struct sdp_local {
	struct address address;   /* where we listen: ip and RTP port; RTCP is on the next port */
	uint64_t session_id;      /* random and the same for all of the call; below 2^63 */
	uint64_t session_version; /* one more with each description that we send; below 2^63 */
	enum sdp_codec
		codecs[SDP_CODECS];   /* in order of preference, without SDP_TELEPHONE_EVENT (always there) */
	size_t n_codecs;              /* telephone events are always offered beside them */
	enum sdp_direction direction; /* SDP_SENDRECV; SDP_SENDONLY puts the other side on hold */
	unsigned ptime;               /* 20 unless there is a reason */
	enum sdp_srtp_policy srtp;
	uint8_t keys[SDP_SUITES]
		    [SDP_MAX_KEY]; /* random bytes, fresh for every description; wipe afterwards */
	const struct sdp_media
		*current; /* what the call has agreed on so far; NULL before the first answer */
};

/* Fills in the usual: all codecs (Opus, PCMA, PCMU), sendrecv, 20 ms, SRTP required. The rest is zeroed. */
void sdp_local_init(struct sdp_local *local);

/* Why a description is not taken. */
enum sdp_verdict {
	SDP_OK,
	SDP_NO_AUDIO,          /* no audio line, or it is switched off */
	SDP_BAD_PROFILE,       /* neither RTP/AVP nor RTP/SAVP (nor their F forms) */
	SDP_BAD_ADDRESS,       /* a host name, a multicast address, or no address */
	SDP_NO_CODEC,          /* none in common */
	SDP_NOT_ENCRYPTED,     /* we want encryption and were given none */
	SDP_NO_SUITE,          /* encryption is asked for, with no suite and key that we take */
	SDP_ENCRYPTION_DENIED, /* encryption is asked for, and our policy for this call is never */
	SDP_BAD_CRYPTO,        /* a crypto attribute that is malformed, or answers no line of ours */
	SDP_BAD_ATTRIBUTE,     /* another attribute that is malformed or contradicts another */
	SDP_NOT_OUR_OFFER,     /* the answer's lines are not those of the offer */
	SDP_TOO_LARGE          /* what we would have to write does not fit */
};

/* One sentence that says what is wrong and what would be right; never NULL. */
struct slice sdp_verdict_text(enum sdp_verdict verdict);
/* The warn-code for a Warning header field beside 488 (RFC 3261 §20.43); 0 for SDP_OK. */
unsigned sdp_verdict_warning(enum sdp_verdict verdict);

/* ERR_LIMIT if it does not fit; 1500 bytes suffice. */
MUST_CHECK enum err sdp_offer_build(struct writer *out, const struct sdp_local *local);

/* *ret_media is written on SDP_OK only; it holds keys. */
MUST_CHECK enum sdp_verdict sdp_answer_build(struct writer *out, const struct sdp_session *offer,
					     const struct sdp_local *local, struct sdp_media *ret_media);

/* local: what the offer was built from. *ret_media is written on SDP_OK only; it holds keys. */
MUST_CHECK enum sdp_verdict sdp_answer_accept(const struct sdp_session *answer, const struct sdp_local *local,
					      struct sdp_media *ret_media);
