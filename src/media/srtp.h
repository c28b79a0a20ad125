/*
 * SRTP and SRTCP of one call (RFC 3711, 7714) by libsrtp: one context for each direction, so that one side's
 * new key leaves the other direction's packet counters alone. For the files of this room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sdp/srtp.h"

enum {
	SRTP_ROOM = 64,        /* bytes that protecting may add */
	SRTP_SOURCES_MAX = 32, /* SSRCs of the other side that are read under one key */
};

struct srtp_ctx_t_;

/* A zeroed one is in clear: nothing is protected and nothing may come. */
struct media_srtp {
	struct srtp_ctx_t_ *out, *in;
	uint32_t sources[SRTP_SOURCES_MAX]; /* that have come under the key of in */
	size_t n_sources;
};

enum media_srtp_verdict { MEDIA_SRTP_OK, MEDIA_SRTP_REFUSED, MEDIA_SRTP_REPLAYED };

/* Sets the direction's key, in place of an old one. ERR_NOMEM (whatever the library's reason). The first call in a process readies the library. */
MUST_CHECK enum err media_srtp_set_out(struct media_srtp *srtp, enum sdp_suite suite,
				       const struct sdp_key *key);
MUST_CHECK enum err media_srtp_set_in(struct media_srtp *srtp, enum sdp_suite suite,
				      const struct sdp_key *key);
void media_srtp_fini(struct media_srtp *srtp);

/* In place; *len grows by at most SRTP_ROOM. False if nothing may be sent. */
bool media_srtp_protect(struct media_srtp *srtp, bool is_rtcp, void *packet, size_t *len);
/* In place; *len shrinks. What comes from more than SRTP_SOURCES_MAX sources is refused. */
enum media_srtp_verdict media_srtp_unprotect(struct media_srtp *srtp, bool is_rtcp, void *packet,
					     size_t *len);
