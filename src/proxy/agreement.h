/*
 * The security agreement with a phone whose first hop we are (RFC 3329), for the mechanism tls: on a listener without
 * TLS it tells a phone that there is TLS, and over TLS the phone shows that it was told so. Somebody on the way who
 * hides the one is given away by the other. Private to the room.
 */
#pragma once

#include "proxy/state.h"

/*
 * True if the request may go on: it is a declared peer's in clear, it does not ask for the agreement and need not, or shows over TLS what our list is. Else
 * *ret_refusal says why not (421, 494, or 502 where we are not the first hop); its header lines are written to headers.
 */
bool agreement_check(const struct core *core, const struct server *server, struct writer *headers,
		     struct refusal *ret_refusal);

/*
 * Whether a header field does not go on as it is: it is about the agreement, or a Require or Proxy-Require that has it
 * among others.
 */
bool agreement_owns(const struct core *core, const struct sip_header *header);
/* What else those Require and Proxy-Require ask for, as header lines. */
void put_without_agreement(struct writer *out, const struct core *core, const struct sip_message *request);
