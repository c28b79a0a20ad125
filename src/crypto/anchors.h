/*
 * Whom we trust (RFC 5280 §6): certificates of CAs, and whether a certificate that is shown leads to one of them. For TLS
 * that is asked by the handshake (tls/); here it is asked of a certificate that came in a message.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/own.h"
#include "base/time.h"
#include "base/verdict.h"
#include "crypto/certificate.h"
#include "crypto/lib.h"

struct anchors;

/* The certificates of the chain are trusted. ERR_NOMEM. (Those of a TLS client: tls_client_anchors().) */
MUST_CHECK enum err anchors_new(struct crypto *crypto, const struct chain *chain,
				struct anchors **ret_anchors);
void anchors_free(struct anchors *anchors);
OWN(anchors)

struct anchors_question {
	const struct certificate *certificate;
	const struct chain *others; /* that came along, in any order; NULL: none */
	utc_t now;
	bool is_user; /* it is a person's, for S/MIME; else a domain's, with the usages of identity_check_usage() */
};

/*
 * OK if it leads to an anchor, all of it valid now. Whom it names is asked of crypto/identity.h and
 * crypto/user_certificate.h. Else ERR_DENIED and a verdict. ERR_NOMEM.
 */
MUST_CHECK enum err anchors_check(const struct anchors *anchors, const struct anchors_question *question,
				  struct verdict *ret_verdict);
