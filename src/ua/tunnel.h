/*
 * SIP in SIP (RFC 3261 §23.4): a copy of a message's header fields inside of its protected body, as message/sip or
 * message/sipfrag (RFC 3420), and what it means that outside something else stands.
 *
 * Pure. What stands inside is what the sender has signed, so it counts; what was changed on the way is said.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/writer.h"
#include "mime/entity.h"
#include "sip/message.h"

enum {
	TUNNEL_DIFFERENCES_MAX = 16,
	TUNNEL_WINDOW =
		3600, /* seconds that a Date may be off (RFC 3261 §23.4.2: "on the order of an hour") */
};

/* -- writing ----------------------------------------------------------------------------------------------- */

struct tunnel_order {
	struct slice start;    /* a response's status line; empty: there is none */
	struct slice identity; /* header lines that the message has outside without us; copied inside only */
	struct slice lines;    /* the others, one field a line */
	struct slice body;
};

/*
 * An entity of type message/sipfrag: the lines that are worth protecting, then the body. From, To, Call-ID, CSeq and Date have to
 * be among them.
 */
void put_tunnel(struct writer *out, const struct tunnel_order *order);
/* The header lines of a message whose body is protected: those of the order without what describes its body. */
void put_tunnel_outside(struct writer *out, const struct tunnel_order *order);

/* -- reading ----------------------------------------------------------------------------------------------- */

struct tunnel {
	struct sip_message
		*message; /* what stands inside; a start line that is not there is that of the outside */
	bool has_start;
};

bool tunnel_is_one(const struct mime_entity *entity);
/*
 * ERR_SYNTAX: malformed, or without one of From, To, Call-ID and CSeq, so that it could stand in any message; *ret_why is
 * static. ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err tunnel_parse(const struct mime_entity *entity, const struct sip_message *outside,
				 struct tunnel *ret_tunnel, const char **ret_why);
void tunnel_fini(struct tunnel *tunnel);

/* What differs. The texts point into the two messages; absent: it is not there at all. */
struct tunnel_difference {
	struct slice name; /* of the header field, or what else it is; static */
	const char
		*what;  /* a sentence without full stop, static; {inside} and {outside} stand for the texts */
	bool is_breach; /* it is not the message that was protected, so nothing of it is to be shown */
	struct slice inside, outside;
};

struct tunnel_findings {
	struct tunnel_difference at[TUNNEL_DIFFERENCES_MAX];
	size_t n;
	bool is_breach; /* one of them is */
};

/*
 * Compares by RFC 3261 §23.4.1.1: what proxies may change is not looked at (Request-URI, Via, Route, Record-Route, Max-Forwards,
 * credentials). A Date that is further than TUNNEL_WINDOW from now is a breach, as is another dialog, request or status than the
 * one inside.
 */
void tunnel_compare(const struct tunnel *tunnel, const struct sip_message *outside, utc_t now,
		    struct tunnel_findings *ret_findings);
void put_tunnel_difference(struct writer *out, const struct tunnel_difference *difference);

/*
 * The message as it counts: the start line, the way and the identifiers of the outside, the rest as it stands inside.
 * ERR_SYNTAX, ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err tunnel_join(const struct tunnel *tunnel, const struct sip_message *outside,
				struct sip_message **ret_message);
/* The same for an entity that is no tunnel; content: its decoded body. */
MUST_CHECK enum err tunnel_replace(const struct mime_entity *entity, struct slice content,
				   const struct sip_message *outside, struct sip_message **ret_message);
/* The same without any body, since it cannot be opened. */
MUST_CHECK enum err tunnel_strip(const struct sip_message *outside, struct sip_message **ret_message);
