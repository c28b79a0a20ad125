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
	struct slice host;     /* name, without a final dot, IPv4 address, or IPv6 reference in brackets */
	uint16_t port;         /* 0: none given */
	struct slice params;   /* ";a=b;c" with the leading semicolon, or empty */
	struct slice headers;  /* "a=b&c=d" without the question mark, or empty */
};

/*
 * Parses one URI at the cursor, up to where its grammar ends. Of another scheme the longest run of what an
 * absolute URI may hold is taken and given as SIP_SCHEME_OTHER with only text set. A parameter given twice,
 * more than 64 of them or of headers, a bad escape, a port of 0 or above 65535 are syntax errors; the cursor is
 * then left where the grammar is broken.
 */
bool sip_uri_scan(struct scan *in, struct sip_uri *ret_uri);
/*
 * The same for an addr-spec that stands without "<" and ">" in a header field: it ends before the first
 * comma, semicolon or question mark (RFC 3261 §20), so it has no parameters and no headers.
 */
bool sip_uri_scan_bare(struct scan *in, struct sip_uri *ret_uri);
/* A text that must be a URI from end to end. */
bool sip_uri_parse(struct slice text, struct sip_uri *ret_uri);

/*
 * A parameter of ";name=value;name" text, of a URI as of a header field; the name's case is ignored, an
 * escaped name is not found. ret_value is without quotes (escapes still in), and absent for a parameter
 * without "=".
 */
bool sip_param_find(struct slice params, struct slice name, struct slice *ret_value);

/*
 * The URI of a Contact as a Request-URI: without what table 1 of RFC 3261 §19.1.1 forbids there, a method parameter and
 * the header part. All else stays as it is, byte for byte.
 */
void put_request_uri(struct writer *out, const struct sip_uri *contact);
/* A sip or sips URI as a Request-URI that no longer says where to send it: without port, maddr and transport. */
void put_uri_without_place(struct writer *out, const struct sip_uri *uri);

/*
 * RFC 3261 §19.1.4 with RFC 5954 §4.2, the whole of it; not transitive, as the RFC notes. tel URIs by RFC 3966 §4, others by
 * their bytes. Values of headers are compared as they are, unescaped.
 */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);

/* RFC 5954 §4.2: IPv6 references by what they are, however they are written; for an IPv4 address there is one way only. */
bool sip_host_eq(struct slice a, struct slice b);

/*
 * The canonical address-of-record "user@domain" of a sip or sips URI (RFC 3261 §10.3 step 5): escapes of
 * unreserved characters in the user part undone, the others in capitals, domain in lower case, no scheme
 * (sip: and sips: of a name are one AOR), no password, port or parameters. Without a user part: the domain
 * alone.
 */
void put_aor(struct writer *out, const struct sip_uri *uri);
/* A canonical AOR with all escapes undone, as certificates are asked for it (crypto/user_certificate.h). */
void put_plain_aor(struct writer *out, struct slice canonical);
