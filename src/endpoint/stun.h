/*
 * STUN keep-alives on SIP's own UDP port (RFC 5626 §5.4, §8; RFC 5389): binding requests, and nothing else of STUN.
 * Private to the room.
 */
#pragma once

#include <stdbool.h>

#include "base/address.h"
#include "base/slice.h"
#include "base/writer.h"

enum { STUN_ANSWER_MAX = 128 };

/* Whether the datagram can be one of STUN at all: the first two bits zero, the magic cookie, the length right. */
bool stun_is(struct slice datagram);

/*
 * Writes the answer to a binding request: a success with XOR-MAPPED-ADDRESS, or the error 420 where it has an attribute
 * that has to be understood and is none of STUN's own. Nothing for what is no such request (an indication, an answer).
 */
void put_stun_answer(struct writer *out, struct slice datagram, const struct address *peer);
