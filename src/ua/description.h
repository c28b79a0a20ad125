/*
 * The media of a call as it is offered, answered and agreed on (RFC 3264): what sdp/ needs between one
 * description and the next. Keys are fresh for every description that leaves, and wiped as soon as they are
 * not needed.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/writer.h"
#include "crypto/random.h"
#include "sdp/offer_answer.h"
#include "ua/fault.h"

/* Faults below say what is wrong with their description: 400, 488 or 500. */
enum { DESCRIPTION_MAX = 4096 };

struct description {
	struct random *random; /* borrowed */
	struct sdp_local local;
	bool offering;           /* local is an offer that is not answered yet */
	enum sdp_direction wish; /* SDP_SENDONLY: the other side is to be on hold */
	bool has_media;
	struct sdp_media media; /* agreed on; good while has_media */
};

void description_init(struct description *description, struct random *random, const struct address *address,
		      enum sdp_srtp_policy srtp);
/* Wipes it; accepts a zeroed one. */
void description_fini(struct description *description);

/* Writes an offer, which then waits for its answer. False if it does not fit. */
MUST_CHECK bool description_offer(struct description *description, struct writer *out);
/* The offer was refused: all is as before. */
void description_withdraw(struct description *description);
/* Takes the answer to our offer. On a fault the offer still waits. */
MUST_CHECK struct ua_fault description_accept(struct description *description, struct slice answer);
/* What description_accept() would agree on, for media before the call is answered; changes nothing. */
MUST_CHECK bool description_preview(const struct description *description, struct slice answer,
				    struct sdp_media *ret_media);
/* Writes the answer to their offer; on a fault nothing has changed. */
MUST_CHECK struct ua_fault description_answer(struct description *description, struct slice offer,
					      struct writer *out);
/* Whether description_answer() would take the offer; changes nothing. */
MUST_CHECK struct ua_fault description_check(const struct description *description, struct slice offer);
