/*
 * SIP, SIPS and tel URIs (RFC 3261 §19.1 and §25.1, RFC 3966, RFC 3986 §2.1).
 * A struct sip_uri points into the text that it was parsed from.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/scan.h"
#include "base/slice.h"
#include "base/writer.h"

enum sip_scheme { SIP_SCHEME_OTHER, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL };

struct sip_uri {
	enum sip_scheme scheme;
	struct slice text;     /* the whole URI */
	struct slice user;     /* still escaped; absent if there is none; for tel the number */
	struct slice password; /* absent if there is none */
	struct slice host;     /* name, IPv4 address, or IPv6 reference with its brackets */
	uint16_t port;         /* 0: none given */
	struct slice params;   /* ";a=b;c" with the leading semicolon, or empty */
	struct slice headers;  /* "a=b&c=d" without the question mark, or empty */
};

/*
 * Parses one URI at the cursor, up to where its grammar ends. An absolute URI of another scheme is taken up to the
 * first blank, '>' , comma-in-list end or quote and given as SIP_SCHEME_OTHER with only text set.
 * A parameter given twice, a bad escape, a port above 65535 are syntax errors.
 */
bool sip_uri_scan(struct scan *in, struct sip_uri *ret_uri);
/* The same for a text that must be a URI from end to end. */
bool sip_uri_parse(struct slice text, struct sip_uri *ret_uri);

/* A parameter of ";name=value;name" text; the name's case is ignored. ret_value absent for one without "=". */
bool sip_param_find(struct slice params, struct slice name, struct slice *ret_value);

/* RFC 3261 §19.1.4, the whole of it. Not transitive, as the RFC notes. */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);

/*
 * The canonical address-of-record "user@domain" (RFC 3261 §10.3 step 5): escapes of the user part undone where that is
 * unambiguous, domain in lower case, no scheme (sip: and sips: of a name are one AOR), no port, no parameters.
 */
void put_aor(struct writer *out, const struct sip_uri *uri);

/* Undoes %-escapes; false on a malformed one or if it does not fit (out->overflow). */
bool put_unescaped(struct writer *out, struct slice text);
