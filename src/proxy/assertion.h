/*
 * Whom we and the peers of our trust domain (RFC 3325 §2.3) say that a sender is, and whether he may be named: P-Asserted-Identity,
 * Privacy, and a From that names nobody (RFC 3323 §4.1.1.3). Private to the room.
 */
#pragma once

#include "proxy/context.h"

/* Whether From says that the sender does not want to be named: its host is anonymous.invalid. */
bool assertion_is_anonymous(const struct sip_message *request);

/*
 * The domain of whom the request speaks for: of To in a REGISTER, else of From. For a sender who is not named there: of the identity
 * that a peer of the trust domain asserts, if it proves that domain on the request's own flow; else the realm of the credentials;
 * else that of an account that was proven on that flow before, or for which an edge has opened it; else where the request goes, if that
 * is a domain of ours; else our first one.
 */
struct slice assertion_domain(const struct context *context);

/* The bits of enum sip_privacy that the request asks for. */
unsigned assertion_privacy(const struct sip_message *request);

/* Whether what the sender asserts goes on to the target: from the trust domain, into it, or to a phone of ours if he may be named. */
bool assertion_is_kept(const struct context *context, const struct target *target);

/* Our own assertion of an account that has given its credentials, to a peer of the trust domain. Nothing to anybody else. */
void put_assertion(struct writer *out, const struct context *context, const struct target *target);
