#include "sdp/media.h"

#include "base/mem.h"

static const struct {
	struct slice name;
	unsigned clock;
} codecs[SDP_CODECS] = {
	/* clang-format off */
	[SDP_OPUS]                = { SLICE_INIT("opus"),            48000 },
	[SDP_PCMA]                = { SLICE_INIT("PCMA"),            8000  },
	[SDP_PCMU]                = { SLICE_INIT("PCMU"),            8000  },
	[SDP_TELEPHONE_EVENT]     = { SLICE_INIT("telephone-event"), 8000  },
	[SDP_TELEPHONE_EVENT_48K] = { SLICE_INIT("telephone-event"), 48000 },
	/* clang-format on */
};

static const struct slice profiles[SDP_PROFILES] = {
	[SDP_RTP_AVP] = SLICE_INIT("RTP/AVP"),
	[SDP_RTP_AVPF] = SLICE_INIT("RTP/AVPF"),
	[SDP_RTP_SAVP] = SLICE_INIT("RTP/SAVP"),
	[SDP_RTP_SAVPF] = SLICE_INIT("RTP/SAVPF"),
};

static const struct slice directions[] = {
	[SDP_INACTIVE] = SLICE_INIT("inactive"),
	[SDP_SENDONLY] = SLICE_INIT("sendonly"),
	[SDP_RECVONLY] = SLICE_INIT("recvonly"),
	[SDP_SENDRECV] = SLICE_INIT("sendrecv"),
};

struct slice sdp_codec_name(enum sdp_codec codec)
{
	return codecs[codec].name;
}

unsigned sdp_codec_clock(enum sdp_codec codec)
{
	return codecs[codec].clock;
}

struct slice sdp_profile_name(enum sdp_profile profile)
{
	return profiles[profile];
}

struct slice sdp_direction_name(enum sdp_direction direction)
{
	return directions[direction];
}

void sdp_media_wipe(struct sdp_media *media)
{
	mem_wipe(media, sizeof *media);
}
