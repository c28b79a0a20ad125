/*
 * An event package (RFC 6665 §5) as a table of what differs from one to the next: its name, the format of its
 * documents, how long subscriptions last, and how a document is written. The notifier (event/notifier.h) does the rest.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"
#include "base/writer.h"
#include "endpoint/aor.h"

/* What a document is written from; everything is borrowed. */
struct event_state {
	struct slice name;        /* the AOR that it tells of */
	const struct aor *now;    /* NULL: there is no such account; only where the package tells of that */
	const struct aor *before; /* what the subscriber was last told of; NULL: he is told all */
	utc_t wall, wall_before;  /* when that is, and when it was */
	uint32_t version;         /* of the document: 0, 1, 2 … in each subscription */
	struct slice fragment; /* vouched for: header lines of the NOTIFY, which its signature is to cover */
	struct random *random; /* likewise, for a boundary */
};

struct event_package {
	struct slice name;        /* "reg" */
	struct slice format;      /* media type of its documents: "application/reginfo+xml" */
	uint32_t expires_default; /* seconds */
	uint32_t expires_max;
	ms_t throttle; /* between two NOTIFYs of a subscription */
	size_t per_account; /* subscriptions of one subscriber, and of another domain for its users; past them 503 with */
	size_t per_domain; /* Retry-After */
	/*
	 * The domain signs what is told (endpoint_vouch()): the document is a MIME entity, and what is sent is another one, of
	 * the format above. Anybody who is proven may know it, under sips alone, and whether there is such an account is
	 * not told.
	 */
	bool is_vouched;
	/*
	 * Whether what the subscriber was told last is out of date. Cheap: asked again and again.
	 */
	bool (*has_changed)(const struct event_state *state);
	/* Writes the document. */
	void (*put_document)(struct writer *out, const struct event_state *state);
};

/* The registration-event package (RFC 3680). */
extern const struct event_package event_reg;
/* Certificates of users (RFC 6072). */
extern const struct event_package event_certificate;
