#include "sdp/verdict.h"

/* The warn-codes of RFC 3261 §20.43 that speak of session descriptions. */
enum {
	INCOMPATIBLE_ADDRESS = 301,
	INCOMPATIBLE_TRANSPORT = 302,
	MEDIA_TYPE_NOT_AVAILABLE = 304,
	INCOMPATIBLE_FORMAT = 305,
	ATTRIBUTE_NOT_UNDERSTOOD = 306,
	MISCELLANEOUS = 399,
};

static const struct {
	unsigned warning;
	struct slice text;
} verdicts[] = {
	/* clang-format off */
	[SDP_OK]                = { 0,                        SLICE_INIT("accepted") },
	[SDP_NO_AUDIO]          = { MEDIA_TYPE_NOT_AVAILABLE, SLICE_INIT("there is no audio stream, and this is a telephone") },
	[SDP_BAD_PROFILE]       = { INCOMPATIBLE_TRANSPORT,   SLICE_INIT("the audio stream uses neither RTP/AVP nor RTP/SAVP") },
	[SDP_BAD_ADDRESS]       = { INCOMPATIBLE_ADDRESS,     SLICE_INIT("the media address is not a unicast IP address of our kind") },
	[SDP_NO_CODEC]          = { INCOMPATIBLE_FORMAT,      SLICE_INIT("no audio codec in common; Opus, PCMA or PCMU is needed") },
	[SDP_NOT_ENCRYPTED]     = { MISCELLANEOUS,            SLICE_INIT("this call must be encrypted, and no crypto attribute was given") },
	[SDP_NO_SUITE]          = { MISCELLANEOUS,            SLICE_INIT("no SRTP suite in common; AEAD_AES_128_GCM or AES_CM_128_HMAC_SHA1_80 by crypto attribute, without MKI, is needed") },
	[SDP_ENCRYPTION_DENIED] = { MISCELLANEOUS,            SLICE_INIT("encrypted media was asked for, and keys may not be sent on this way") },
	[SDP_BAD_CRYPTO]        = { ATTRIBUTE_NOT_UNDERSTOOD, SLICE_INIT("a crypto attribute is malformed or does not belong to the offer") },
	[SDP_BAD_ATTRIBUTE]     = { ATTRIBUTE_NOT_UNDERSTOOD, SLICE_INIT("an attribute is malformed or contradicts another") },
	[SDP_NOT_OUR_OFFER]     = { MISCELLANEOUS,            SLICE_INIT("the media lines are not those that were offered") },
	[SDP_TOO_LARGE]         = { MISCELLANEOUS,            SLICE_INIT("the session description is too large to be answered") },
	/* clang-format on */
};

struct slice sdp_verdict_text(enum sdp_verdict verdict)
{
	return verdicts[verdict].text;
}

unsigned sdp_verdict_warning(enum sdp_verdict verdict)
{
	return verdicts[verdict].warning;
}
