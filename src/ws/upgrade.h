/*
 * How a connection becomes a WebSocket that carries SIP: the server's side of the opening handshake (RFC 6455
 * §4.2) for the sub-protocol "sip" (RFC 7118 §4). Pure; the request stays the caller's.
 *
 * Any path is taken. So is any Origin for now: who asks is proven by digest inside, where no browser adds
 * credentials by itself. It is handed out, so that the log shows it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"
#include "crypto/lib.h"

enum { WS_REQUEST_MAX = 8192 }; /* bytes of the request's header */

struct ws_upgrade {
	unsigned status;          /* 101, or why not: 400, 405, 426, 431, 505; then the connection ends */
	const char *why;          /* of a refusal: a sentence; static */
	size_t length;            /* of the request in the input; frames may follow */
	struct slice key, origin; /* in the input; no origin: the client is no browser */
};

/* Looks at all that came so far. ERR_MORE: the request is not complete yet. */
MUST_CHECK enum err ws_upgrade_parse(struct slice input, struct ws_upgrade *ret_upgrade);

/* The answer, good or bad. False if the library fails. */
MUST_CHECK bool put_ws_upgrade(struct writer *out, struct crypto *crypto, const struct ws_upgrade *upgrade);
