/*
 * A protected message is opened: its layers taken off, its signer judged, the header fields inside compared with those outside
 * (RFC 3261 §23, RFC 8591), and what it says put together as the message that counts. What is done with it then is ua/admission.h.
 */
#pragma once

#include "ua/arrival.h"

/* Whether there is something to open: a body of such a type, in a message between phones. */
bool opening_is_for(const struct sip_message *message);

/*
 * Sets arrival->message, protection, signer and from; what was there is forgotten first. With is_broken status says what a request is answered.
 * ERR_AGAIN, only if it may wait: whether the signer, who is named in protection, is to be believed has to be asked first. Else the errors of
 * content_choose() for what is inside.
 */
MUST_CHECK enum err opening_do(struct arrival *arrival, const struct sip_message *outside, bool may_wait,
			       struct now now);

/* What opening_do() made. */
void opening_forget(struct arrival *arrival);
