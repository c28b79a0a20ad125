/*
 * Cuts messages out of a byte stream (RFC 3261 §18.3, §7.5; RFC 5626 §3.5.1). Pure: the caller keeps the
 * unread bytes and the struct, which remembers how far they were searched, so that arrival byte by byte costs
 * O(n) in all.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "sip/message.h"

enum sip_frame_kind {
	SIP_FRAME_MESSAGE,
	SIP_FRAME_PING, /* CRLF CRLF between messages: answer with CRLF */
	SIP_FRAME_PONG, /* a single CRLF between messages followed by something else, or alone: the answer to
			   our ping */
};

/* Zero it for a new stream, and after each frame that was taken. */
struct sip_framer {
	size_t searched; /* bytes in which the end of the header was not found */
	size_t need;     /* length of the whole message once known, else 0 */
	size_t line; /* where the last line of these begins; 0: it is the first, else that was seen, and is one of SIP */
	size_t lengths[2]; /* where the first Content-Length and the next begin; 0: there is none */
};

struct sip_frame {
	enum sip_frame_kind kind;
	struct slice bytes;     /* in the input */
	struct sip_fault fault; /* of a stream that cannot go on */
};

/*
 * Looks at the unread bytes. OK: a message (or a ping or pong) stands at the start of input, to be consumed. ERR_MORE:
 * incomplete. ERR_SYNTAX (no or a bad Content-Length, a line end that is not CRLF, or bytes that cannot begin a SIP
 * message) and ERR_LIMIT: the stream cannot be resynchronised; bytes is then what was read so far (its header area if
 * that is complete), so that a request may be answered 400 or 413 before the flow is closed; fault says why.
 *
 * A lone CRLF is given as a pong at once, since the answer to a ping has to be seen when it comes. So a ping whose two
 * halves arrive apart looks like two pongs; who knows whether he has sent a ping can tell them apart (endpoint/input.c).
 */
MUST_CHECK enum err sip_frame(struct sip_framer *framer, struct slice input, const struct sip_limits *limits,
			      struct sip_frame *ret_frame);
