/* What is said of a description that was received: taken, or why not. */
#pragma once

#include "base/slice.h"

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
