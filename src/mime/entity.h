/*
 * A MIME entity (RFC 2045, RFC 2046): header fields that say what a body is, an empty line, and the body. What stands
 * around a body in a SIP message is the same to us: those header fields of the message.
 *
 * Strict where it decides what is meant: lines end with CRLF, a field is given once. All slices point into the text.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "sip/fields.h"

enum mime_encoding {
	MIME_AS_IS, /* 7bit, 8bit, binary, and where nothing is said */
	MIME_BASE64,
	MIME_OTHER, /* quoted-printable and what is unknown: not read */
};

struct mime_entity {
	struct slice text;          /* all of it: what a signature is over */
	struct slice headers;       /* the header lines, each with its CRLF */
	struct sip_media_type type; /* text/plain where nothing is said (RFC 2045 §5.2) */
	enum mime_encoding encoding;
	struct slice disposition; /* Content-Disposition's value, or absent */
	struct slice id;          /* Content-ID's value, or absent */
	struct slice body;        /* as it was transferred */
};

enum { MIME_HEADERS_MAX = 32 /* fields of one entity */ };

/* ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK enum err mime_entity_parse(struct slice text, struct mime_entity *ret_entity);

/*
 * The body without its transfer encoding; decoded into the arena where there is one. ERR_SYNTAX: no base64. ERR_DENIED:
 * an encoding that is not read. ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err mime_entity_decode(const struct mime_entity *entity, struct arena *arena,
				       struct slice *ret_content);
