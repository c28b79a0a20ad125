/*
 * PUBLISH for the package certificate (RFC 3903 §6, docs/smime.md): what a request wants, as a question about the
 * certificates of the account that sent it. Pure.
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"
#include "base/writer.h"
#include "endpoint/action.h"
#include "sip/message.h"

enum publish_verdict {
	PUBLISH_OK,
	PUBLISH_EVENT,     /* 489: another package, or none */
	PUBLISH_MALFORMED, /* 400: Expires, or two tags */
	PUBLISH_EMPTY,     /* 400: there is neither a body nor a tag */
	PUBLISH_TAG,       /* 412: no such publication */
	PUBLISH_BRIEF,     /* 423 */
	PUBLISH_TYPE,      /* 415 */
};

enum { PUBLISH_EXPIRES_MIN = 60 };

/* sender: the account that has proven itself. The question points into the request and the snapshot. */
enum publish_verdict publish_read(const struct sip_message *request, const struct aor *sender, utc_t now,
				  struct certify_question *ret_question);

/* "application/pkcs10, application/pkix-cert" */
extern const struct slice publish_accept;

/* A tag as it stands in SIP-ETag. */
void put_publish_tag(struct writer *out, uint64_t tag);
