/*
 * The two forms that most header fields of SIP are made of: a token, or a URI in angle brackets, each with parameters
 * behind it. What the parameters mean is asked with sip_param_find(). Nothing is copied; each function takes a whole
 * value and fails, writing nothing, on any other; a parameter that is given twice, or more than 64 of them, is an error.
 */
#pragma once

#include <stdbool.h>

#include "base/scan.h"
#include "base/slice.h"
#include "sip/uri.h"

/*
 * token *( SEMI generic-param ): Content-Disposition (RFC 3261 §20.11), Content-Encoding, Request-Disposition (RFC 3841
 * §9.1), and where sip/fields.h, sip/info.h and sip/identity.h look further: Event, Reason, Subscription-State,
 * Security-Client …
 */
struct sip_item {
	struct slice name;
	struct slice params; /* with the leading semicolon, or empty */
};
bool sip_item_parse(struct slice value, struct sip_item *ret_item);

/* One token and nothing else: Allow, Priority, Require, SIP-ETag, SIP-If-Match (RFC 3903 §11.3) … */
bool sip_token_parse(struct slice value, struct slice *ret_token);

/* "<" absoluteURI ">" *( SEMI generic-param ): Alert-Info, Call-Info, Error-Info, Identity-Info (RFC 4474 §9) */
struct sip_reference {
	struct sip_uri uri;
	struct slice params;
};
bool sip_reference_parse(struct slice value, struct sip_reference *ret_reference);

/* *( SEMI generic-param ) [SWS] up to the end of the text; ret_params is the text of them all. */
bool sip_params_scan(struct scan *in, struct slice *ret_params);
