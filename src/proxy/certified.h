/*
 * Accounts that show themselves by the client certificate of their connection (RFC 3261 §26.3.2.1), instead of a password
 * or beside it. That it leads to a CA of the domain's users, and whom it names, the handshake has found out
 * (tls/context.h); here is what the account's policy makes of that. Private to the room.
 */
#pragma once

#include "proxy/context.h"

/*
 * Whether the request's flow has such a certificate of a user of the realm; writes his address-of-record. Whether there is such an
 * account is another question.
 */
bool certified_claims(const struct context *context, struct slice realm, struct writer *ret_aor);
/* The domain of the certificate's user, where it is one of ours; or NULL. */
const struct server_domain *certified_domain(const struct context *context);

/* Whether the certificate alone proves the account: its own, not withdrawn, and the policy lets it stand for the password. */
bool certified_suffices(const struct context *context, const struct aor *aor);
/* Whether the password alone proves it. False: the request was refused. */
bool certified_allows_password(struct context *context, const struct aor *aor, struct now now);
