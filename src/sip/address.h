/*
 * name-addr / addr-spec with header parameters: From, To, Contact, Route, Record-Route, Path, Service-Route,
 * Refer-To, Reply-To, P-Asserted-Identity (RFC 3261 §20.10 and §25.1).
 */
#pragma once

#include <stdbool.h>

#include "base/scan.h"
#include "base/slice.h"
#include "sip/uri.h"

struct sip_address {
	struct slice text;    /* the whole value */
	struct slice display; /* as written, quotes included; empty if there is none */
	struct sip_uri uri;
	struct slice params; /* header parameters, with the leading semicolon; RFC 3261 §20: without <> they
				are the header's */
	struct slice tag;    /* absent if there is none */
	bool is_star;        /* Contact: * (only when asked for) */
};

/*
 * Advances past one value and the white space behind it. A parameter given twice or more than 64 of them is a
 * syntax error; the cursor is then left where the grammar is broken.
 */
bool sip_address_scan(struct scan *in, struct sip_address *ret_address);
/* A whole header value that holds exactly one. */
bool sip_address_parse(struct slice value, struct sip_address *ret_address);
/* Contact's value: one address or "*". */
bool sip_contact_parse(struct slice value, struct sip_address *ret_address);
