/*
 * What our identity is in TLS: the certificates that we show, and whose we believe. A server and a client context for each
 * worker, and the same trust asked about a certificate of our own.
 */
#pragma once

#include "crypto/anchors.h"
#include "sealined/identity.h"
#include "tls/context.h"

/* The two roles that a worker plays in TLS, with the same certificates and the same trust in other domains. */
struct identity_roles {
	struct tls_context *server, *client;
};
/*
 * A server that shows all of them, each to who asks for it, and a client that shows each for its own domain. The signer is
 * borrowed as long as there are connections. ERR_DENIED and a verdict, ERR_NOMEM.
 */
MUST_CHECK enum err identity_serve(struct crypto *crypto, const struct identity *identity,
				   const struct key_signer *signer, struct identity_roles *ret_roles,
				   struct verdict *ret_verdict);
void identity_roles_fini(struct identity_roles *roles);

/* Whom this identity believes, to be asked about its own certificates. ERR_NOMEM. */
MUST_CHECK enum err identity_anchors(const struct identity_source *source, const struct identity *identity,
				     struct anchors **ret_anchors);
/*
 * Whether those to whom the n-th certificate is shown can follow it to its end with nothing but roots at hand: it leads to a CA
 * that is trusted here (of the anchors; NULL: there was no memory for them), or a root stands in its file. False: why is a verdict; so it is for one that our own lists revoke.
 */
MUST_CHECK bool identity_is_complete(const struct identity_source *source, const struct identity *identity,
				     size_t n, const struct anchors *anchors, struct writer *why);
