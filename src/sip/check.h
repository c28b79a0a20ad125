/*
 * What sip_message_parse() leaves alone, because passing a message on does not need it: for those who want to know
 * whether a message is right in every part (`sealine parse`, tests).
 */
#pragma once

#include <stdbool.h>

#include "sip/message.h"

/*
 * Whether a header field of the message keeps the grammar of its value; true for one whose grammar this room does not
 * know. Else ret_fault says where.
 */
bool sip_header_check(const struct sip_message *message, const struct sip_header *header,
		      struct sip_fault *ret_fault);

/*
 * True for a message in which nothing is wrong but that it has no Via: as a transaction user writes it, before the
 * transport adds one (RFC 3261 §18.1.1).
 */
bool sip_message_is_unsent(const struct sip_message *message);
