/*
 * What a domain says of the certificates of one of its users (RFC 6072 §6, docs/smime.md): a NOTIFY whose body the domain has
 * signed. The signature counts, and not who brought it: a proxy on the way can hold it back, but not change it, nor give that
 * of another user, another domain or another day for it.
 */
#pragma once

#include "base/err.h"
#include "base/verdict.h"
#include "crypto/anchors.h"
#include "sip/message.h"
#include "ua/credentials.h"

struct vouching_question {
	struct crypto *crypto;
	const struct anchors *anchors;
	const struct sip_message *notify;
	struct slice aor; /* whose certificates we asked for */
	utc_t now;
};

struct vouched {
	size_t n;
	struct certificate *at[CREDENTIALS_DEVICES_MAX];
};

/*
 * The certificates that are vouched for; each of them names the AOR and is valid now. ERR_DENIED: it is not to be believed,
 * the verdict says why (not signed, altered, by another domain, for another user, replayed, expired). ERR_NOMEM.
 */
MUST_CHECK enum err vouching_read(const struct vouching_question *question, struct vouched *ret_vouched,
				  struct verdict *ret_verdict);
