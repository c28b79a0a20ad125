/*
 * A SIP message, parsed once and never changed (RFC 3261 §7).
 *
 * The message has one arena that holds its bytes, its header array and everything parsed from it; all slices
 * in it, and those parsed from it later, point there and live until sip_message_free(). It may be handed to
 * another thread whole. What routing needs on every message is decoded at once; the rest is parsed on demand
 * from sip_header.value by the pure functions of sip/uri.h, sip/via.h, sip/address.h, sip/credentials.h and
 * sip/fields.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "sip/address.h"
#include "sip/names.h"
#include "sip/uri.h"
#include "sip/via.h"

struct arena;

/* The most that is taken; past one, the fault carries the RFC's status for it. */
struct sip_limits {
	size_t message;     /* bytes in all, 413 */
	size_t header_area; /* bytes from the start line to the empty line, 400 (413 on a stream, where the
			       rest is not read) */
	size_t headers;     /* header fields, 400 */
	size_t uri;         /* bytes of one URI, 414 for the Request-URI, else 400 */
	size_t values;      /* values in one comma list, 400 */
	size_t params;      /* parameters of one value, 400; LEX_PARAMS_MAX at most */
	size_t body_parts; /* of a multipart body, those within others too, 400; 0: bodies are not looked into */
	size_t nesting;    /* multipart bodies within each other, 400 */
};

/* 64 KiB, 16 KiB, 128, 2 KiB, 64, 64, 32, 4. */
extern const struct sip_limits sip_limits_default;

/* One header field as it stands in the message. */
struct sip_header {
	enum sip_header_id id;
	uint16_t next; /* index + 1 of the next one with that id; 0: none */
	struct slice name;
	struct slice value; /* without white space around it; may still hold folded line ends (LWS) */
};

/* Why a message is not acceptable; text for the reason of a 400, a log line, `sealine parse`. */
struct sip_fault {
	unsigned status;   /* 0: nothing wrong. Else what a request gets: 400, 413, 414, 416, 505, … */
	const char *what;  /* a few words, static: "Content-Length is not a number" */
	struct slice name; /* the header field concerned, absent if none */
	size_t at;         /* byte offset in the message */
};

struct sip_cseq {
	uint32_t number;
	enum sip_method method;
	struct slice method_name;
};

enum sip_kind { SIP_REQUEST, SIP_RESPONSE };

struct sip_message {
	struct arena *arena;
	struct slice text; /* the whole message */
	enum sip_kind kind;

	/* request */
	enum sip_method method; /* of a response: that of its CSeq */
	struct slice method_name;
	struct slice uri_text;
	struct sip_uri uri; /* scheme SIP_SCHEME_OTHER for what is neither sip, sips nor tel */

	/* response */
	unsigned status;
	struct slice reason;

	const struct sip_header *headers;
	size_t n_headers;
	uint16_t first[SIP_HEADERS]; /* index + 1 of the first header field with that id; 0: none */
	struct slice body;

	/* decoded at once; a request or response without fault has every one of the mandatory ones */
	struct sip_via via; /* the topmost */
	struct sip_address from, to;
	struct slice call_id;
	struct sip_cseq cseq;
	int max_forwards; /* -1: no such header field */

	struct sip_fault fault; /* the first thing that is wrong; status 0 if nothing is */
};

/*
 * Parses one complete message (one datagram, or what sip_frame() cut out of a stream). The text is copied.
 *
 * OK: *ret_message is set; look at its fault. With a fault, what could be decoded is there, and
 * sip_message_can_be_answered() says whether that suffices for an error response.
 * ERR_SYNTAX: not even a start line of SIP; nothing can be answered; *ret_fault says why.
 * ERR_LIMIT: larger than limits->message. ERR_NOMEM.
 */
MUST_CHECK enum err sip_message_parse(struct slice text, const struct sip_limits *limits,
				      struct sip_message **ret_message, struct sip_fault *ret_fault);
/*
 * Another one with the same text, for whoever needs it longer than the first one lives; whatever limits that was taken
 * under. ERR_NOMEM.
 */
MUST_CHECK enum err sip_message_copy(const struct sip_message *message, struct sip_message **ret_copy);
void sip_message_free(struct sip_message *message);
OWN(sip_message)

/*
 * True for a request, other than ACK, whose topmost Via was understood and that has what a response repeats:
 * From, To, Call-ID and CSeq (RFC 3261 §8.2.6.2). These may themselves be at fault; a response copies them as
 * they came.
 */
bool sip_message_can_be_answered(const struct sip_message *message);

/* The first header field with that id, or NULL. Inline, as what follows: most that is asked for is not there. */
static inline const struct sip_header *sip_message_header(const struct sip_message *message,
							  enum sip_header_id id)
{
	return message->first[id] ? &message->headers[message->first[id] - 1] : NULL;
}
/* The next one with the same id after header, or NULL. */
static inline const struct sip_header *sip_message_next(const struct sip_message *message,
							const struct sip_header *header)
{
	return header->next ? &message->headers[header->next - 1] : NULL;
}
/* The value of the first one, or an absent slice. */
static inline struct slice sip_message_value(const struct sip_message *message, enum sip_header_id id)
{
	const struct sip_header *header = sip_message_header(message, id);

	return header ? header->value : slice_from(NULL, 0);
}

/*
 * Walks the values of all header fields of one id, those in comma lists one by one, in order: Via, Route,
 *Record-Route, Contact, Path, Supported, Require, Allow … (not for WWW-Authenticate and its like: those are
 *one value a field).
 *
 *	struct sip_values it = sip_values_of(request, SIP_ROUTE);
 *	while (sip_values_next(&it, &value)) …
 *
 * Commas inside quoted strings and angle brackets do not separate. An empty list element is skipped.
 */
struct sip_values {
	const struct sip_message *message;
	const struct sip_header *header;
	struct slice rest;
};
static inline struct sip_values sip_values_of(const struct sip_message *message, enum sip_header_id id)
{
	const struct sip_header *header = sip_message_header(message, id);

	return (struct sip_values){ message, header, header ? header->value : slice_from(NULL, 0) };
}
/* The values behind the topmost Via, which was taken apart with the message; rest begins with what stands behind it in the same field. */
static inline struct sip_values sip_vias_below(const struct sip_message *message)
{
	struct sip_values it = sip_values_of(message, SIP_VIA);

	it.rest = slice_sub(it.rest, message->via.text.len, it.rest.len);
	return it;
}
/* sip_values_next() where there may be another one. */
bool sip_values_find(struct sip_values *it, struct slice *ret_value);
static inline bool sip_values_next(struct sip_values *it, struct slice *ret_value)
{
	return (it->header || it->rest.len > 0) && sip_values_find(it, ret_value);
}

/* Whether a comma list of tokens (Supported, Require, Allow …) of any such header field names the token; case
 * ignored. */
bool sip_message_lists(const struct sip_message *message, enum sip_header_id id, struct slice token);
