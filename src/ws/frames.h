/*
 * The frames of one WebSocket, the server's side (RFC 6455 §5 to §8), by wslay: bytes in, messages out, and the
 * other way round. Each message is one SIP message (RFC 7118 §5.1). Pings are answered, fragments joined, and
 * what breaks the protocol is answered with the close code that the RFC names: 1002, 1007 or 1009.
 *
 * Whatever goes in may leave bytes to be written: take them from ws_output().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"

struct ws;

/* message_max: the longest message taken. NULL without memory. */
MUST_CHECK struct ws *ws_new(size_t message_max);
void ws_free(struct ws *ws);
OWN(ws)

/* What the peer has sent, in any pieces; nothing is read any more after the end. ERR_NOMEM: it is all over. */
MUST_CHECK enum err ws_input(struct ws *ws, struct slice bytes);
/* The next message, good until the next call of any function here; false when there is none. */
bool ws_next(struct ws *ws, struct slice *ret_message);

/* Sends a message: as text, or as binary if it is not UTF-8. ERR_CLOSED after the end, ERR_NOMEM. */
MUST_CHECK enum err ws_send(struct ws *ws, struct slice message);
/* Tells the peer that this was all (1000). Does nothing if it knows. ERR_NOMEM. */
MUST_CHECK enum err ws_close(struct ws *ws);

/* What is to be written, good until the next call of any function here. */
struct slice ws_output(const struct ws *ws);
/* It has been taken over. */
void ws_forget_output(struct ws *ws);

/* Why nothing is read any more, as a sentence; NULL while it is open. */
const char *ws_end(const struct ws *ws);
