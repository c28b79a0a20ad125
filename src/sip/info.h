/*
 * What messages tell about themselves and their senders: Warning, Reason, Server and User-Agent, Timestamp,
 * MIME-Version (RFC 3261 §20, RFC 3326). Each function takes a whole value (of Warning and Reason one of the list) and
 * fails, writing nothing, on any other; slices point into it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/writer.h"

/* warning-value (RFC 3261 §20.43) */
struct sip_warning {
	unsigned code;      /* 300 to 399 are SIP's */
	struct slice agent; /* host[:port] or a pseudonym */
	struct slice text;  /* without the quotes around it, escapes still in */
};
bool sip_warning_parse(struct slice value, struct sip_warning *ret_warning);
/* Writes the value; text is escaped here. */
void put_warning(struct writer *out, unsigned code, struct slice agent, struct slice text);

/* reason-value (RFC 3326 §2) */
struct sip_reason {
	struct slice protocol; /* "SIP", "Q.850" or another token */
	bool has_cause;
	uint32_t cause;
	struct slice text; /* without quotes; absent if there is none */
};
bool sip_reason_parse(struct slice value, struct sip_reason *ret_reason);

/* server-val *( LWS server-val ), of Server and User-Agent: products and comments. ret_first is the first product. */
bool sip_agent_parse(struct slice value, struct slice *ret_first);

/* Timestamp (RFC 3261 §20.38): both texts are numbers with or without a fraction; delay is absent where not given. */
struct sip_timestamp {
	struct slice sent, delay;
};
bool sip_timestamp_parse(struct slice value, struct sip_timestamp *ret_timestamp);

/* MIME-Version = 1*DIGIT "." 1*DIGIT */
struct sip_mime_version {
	uint32_t major, minor;
};
bool sip_mime_version_parse(struct slice value, struct sip_mime_version *ret_version);
