/*
 * Who sent a request (RFC 3261 §22, §26): the digest that out-of-dialog requests need, and what follows from
 * it: the account is proven on the flow, and is the one that the request speaks for. Private to the room.
 */
#pragma once

#include "proxy/context.h"

/*
 * Whom the request speaks for is in From, of a REGISTER in To. For a domain of ours it asks for the account of the
 * credentials (CONTEXT_SENDER), without these for that of the connection's certificate (CONTEXT_CERTIFIED), or answers at once: 401 or 407 without credentials, 400, 403. True: the sender is another
 * domain, which the certificate of its connection proves (RFC 5922 §7.4), and wants something of us; context->account is
 * set.
 */
MUST_CHECK bool gate_ask(struct context *context, struct now now);

/*
 * The look-up came back. True if the sender is proven: context->account is set. Else the request has been
 * answered.
 */
bool gate_answer(struct context *context, const struct answer *answer, struct now now);

/* Likewise, for the account that the certificate of its connection names (CONTEXT_CERTIFIED). */
bool gate_answer_certified(struct context *context, const struct answer *answer, struct now now);

/* The look-up of whom a third party registers (RFC 3261 §10.2) came back. True if he lets that account do so. */
bool gate_answer_registered(struct context *context, const struct answer *answer, struct now now);

/*
 * What was decided for a sender who is proven is decided anew, upon a later state of the AOR in To. False if he would not be
 * proven for it by what he has shown, since its password is another one, say: then the request has been answered.
 */
bool gate_holds(struct context *context, const struct aor *aor, struct now now);

/*
 * Whether the sender, who is proven, may have us go to other domains for him: an account of ours, or a peer that may relay.
 */
bool gate_may_relay(const struct context *context);

/*
 * Our own proof to a sender whose credentials were good, for a response with this body: the Authentication-Info
 * line of a REGISTER's, else Proxy-Authentication-Info. Nothing to who gave none, and nothing with overflow where there is no room for it.
 */
void put_gate_proof(struct writer *out, struct context *context, struct slice body, struct now now);
