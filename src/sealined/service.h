/*
 * What a worker does for the domains' certificate service (RFC 6072) beyond the I/O line: it has certificates issued and
 * entities signed by the signing process, and makes of what is to be kept a job for the store.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "base/writer.h"
#include "crypto/lib.h"
#include "endpoint/action.h"
#include "sealined/identity.h"
#include "signer/client.h"
#include "store/desk.h"

enum { SERVICE_ENTITY_MAX = 64 * 1024 };

struct service {
	struct crypto *crypto;
	struct signer_client *signer;
	const struct identity *identity;
};

/* The errors of the answers to ACTION_CERTIFY and ACTION_VOUCH (endpoint/action.h). */
MUST_CHECK enum err service_certify(const struct service *service, const struct certify_question *question,
				    utc_t now, struct job **ret_job);
MUST_CHECK enum err service_vouch(const struct service *service, const struct vouch_question *question,
				  struct writer *out);
