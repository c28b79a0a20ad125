/*
 * A session description as it was received (RFC 8866): the lines, checked and taken apart, without judgement
 * on what they mean together (that is sdp/offer_answer.h).
 *
 * The parser is strict: lines in the order of RFC 8866 §9, each ended by CRLF or LF, nothing after the last.
 * The result never changes; it lives in the arena and points into the text, which has to live as long.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

/* Beyond these a description is well formed but refused (ERR_LIMIT). */
enum {
	SDP_MAX_TEXT = 16384,    /* bytes in all */
	SDP_MAX_SECTIONS = 16,   /* m= lines */
	SDP_MAX_FORMATS = 64,    /* on one m= line */
	SDP_MAX_ATTRIBUTES = 256 /* a= lines in all */
};

/* a=name or a=name:value; value.ptr is NULL without a colon. */
struct sdp_attribute {
	struct slice name, value;
};

struct sdp_attributes {
	const struct sdp_attribute *list;
	size_t n;
};

/* c=: where media is to be sent. address.family is ADDRESS_NONE for a host name or a multicast address. */
struct sdp_connection {
	struct slice text; /* as written; ptr NULL if there was no such line */
	struct address address;
};

/* One m= line and the lines that belong to it (RFC 8866 §5.14). */
struct sdp_section {
	struct slice media, proto;
	uint16_t port; /* 0: refused or switched off (RFC 3264) */
	uint16_t n_ports;
	const struct slice *formats;
	size_t n_formats; /* at least 1 */
	struct sdp_connection connection;
	struct sdp_attributes attributes;
};

struct sdp_session {
	uint64_t session_id, session_version; /* o= */
	struct sdp_connection connection;
	struct sdp_attributes attributes;
	const struct sdp_section *sections;
	size_t n_sections;
};

/* ERR_SYNTAX, ERR_LIMIT (see above), ERR_NOMEM. */
MUST_CHECK enum err sdp_session_parse(struct arena *arena, struct slice text,
				      const struct sdp_session **ret_session);

/* The first attribute of that name, or NULL. Names are case-sensitive (RFC 8866 §5.13). */
const struct sdp_attribute *sdp_attribute_find(const struct sdp_attributes *attributes, struct slice name);
