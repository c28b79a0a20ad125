/*
 * Building messages. Everything goes through a writer, which remembers an overflow; nothing here allocates.
 * Header lines given as text are complete: "Name: value\r\n", one after the other.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/writer.h"
#include "sip/message.h"

/* "METHOD uri SIP/2.0\r\n" */
void put_request_line(struct writer *out, struct slice method, struct slice uri);
/* "SIP/2.0 status reason\r\n"; an absent reason is that of sip_reason_phrase(). */
void put_status_line(struct writer *out, unsigned status, struct slice reason);
/* "Name: value\r\n"; what does not fit is left out whole. */
void put_header(struct writer *out, enum sip_header_id id, struct slice value);
/* "Content-Length: n\r\n\r\n" and the body. */
void put_body(struct writer *out, struct slice body);
/* A quoted-string: quotes and backslashes escaped. Control bytes are left out. */
void put_quoted(struct writer *out, struct slice text);

/* Whether a header field stays in a message that is passed on. */
typedef bool sip_keep(const struct sip_header *header, void *arg);
sip_keep sip_keep_not; /* never */

/*
 * What changes when a message is passed on (RFC 3261 §16.6, §16.7). Names and values of everything else, unknown header
 * fields included, are copied byte for byte and in order; what stands around a name's colon becomes ": ".
 */
struct sip_edits {
	struct slice top; /* header lines to put before all that are kept */
	struct slice via; /* replaces the topmost Via's value (received, rport); absent: as it is */
	bool drop_via;    /* takes the topmost via-parm out */
	int max_forwards; /* replaces or adds the header field; -1: as it is */
	/* By the id of a header field, SIP_HEADERS of them: who is asked whether it stays; NULL: it does. NULL: all do. */
	sip_keep *const *keep;
	void *keep_arg;
};

/* All header lines with the edits, then Content-Length and the body: what follows the start line. */
void put_forwarded(struct writer *out, const struct sip_message *message, const struct sip_edits *edits);

/* A response to a request by the rules of RFC 3261 §8.2.6. */
struct sip_reply {
	unsigned status;
	struct slice reason;  /* absent: the standard one */
	struct slice via;     /* replaces the topmost Via's value; absent: as received */
	struct slice to_tag;  /* put behind To if that has none and the status is not 100; absent: none */
	struct slice headers; /* header lines of its own (Contact, Warning, Record-Route …) */
	struct slice body;    /* with Content-Type among headers */
	uint64_t delay; /* of a 100: milliseconds since the request came, for its Timestamp; 0: not told */
};
void put_reply(struct writer *out, const struct sip_message *request, const struct sip_reply *reply);
