/*
 * Header fields in the bytes of a message (RFC 3261 §7.3, §25.1 message-header): where each begins and ends.
 * Both the framing of streams and the parsing of messages find them with this, so that the two cannot
 * disagree.
 */
#pragma once

#include <stdbool.h>

#include "base/scan.h"
#include "sip/message.h"

/*
 * Takes one line, its folds and its CRLF included. Fails, with the fault's what and at (counted from
 * in->start), when it is not a header field: no colon, a control character (other than HTAB, folding, and
 * what a quoted-pair escapes), a bare CR or LF, the end of the text before its CRLF. The cursor then stands
 * behind the line, or at the end of the text, and ret_header holds id and name if at least these could be
 * read.
 */
bool sip_line_scan(struct scan *in, struct sip_header *ret_header, struct sip_fault *ret_fault);

/* Where the last " SIP/" of a request line begins, or NULL; a malformed Request-URI may hold blanks itself.
 */
const char *sip_line_version(struct slice line);

/* What to say of a control character that may not stand where it does. */
const char *sip_line_control(char c);
