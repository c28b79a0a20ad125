/*
 * The grammar of the header fields that sip_message_parse() leaves alone, because passing a message on does not need
 * them: for those who want to know whether a message is right in every part (`sealine parse`, tests).
 */
#pragma once

#include <stdbool.h>

#include "sip/message.h"

/*
 * True if the message has no fault, and each header field that this room knows the grammar of keeps it. Else ret_fault
 * says what is wrong first. Other header fields may hold anything.
 */
bool sip_message_check(const struct sip_message *message, struct sip_fault *ret_fault);
