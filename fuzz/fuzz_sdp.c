/* Session descriptions from a peer: parsed, answered, and taken as the answer to an offer of ours. */
#include <stddef.h>
#include <stdint.h>

#include "sdp/offer_answer.h"

static void local_for(struct sdp_local *local, enum sdp_srtp_policy policy)
{
	sdp_local_init(local);
	local->address = (struct address){ .family = ADDRESS_V4, .port = 10000, .ip = { 192, 0, 2, 1 } };
	local->srtp = policy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(256 * 1024);
	const struct sdp_session *session;
	struct sdp_media media;
	struct sdp_local local;
	char text[4096];

	if (!arena)
		return 0;
	if (sdp_session_parse(arena, slice_from(data, size), &session) == OK) {
		for (unsigned policy = SDP_SRTP_NEVER; policy <= SDP_SRTP_REQUIRED; policy++) {
			struct writer out = writer_of(text, sizeof text);

			local_for(&local, (enum sdp_srtp_policy)policy);
			if (sdp_answer_build(&out, session, &local, &media) == SDP_OK &&
			    policy == SDP_SRTP_REQUIRED && !media.secure)
				__builtin_trap();
			if (sdp_answer_accept(session, &local, &media) == SDP_OK &&
			    policy == SDP_SRTP_REQUIRED && !media.secure)
				__builtin_trap();
		}
	}
	arena_free(arena);
	return 0;
}
