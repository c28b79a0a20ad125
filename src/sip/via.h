/* Via (RFC 3261 §20.42, RFC 3581). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/scan.h"
#include "base/slice.h"

struct sip_via {
	struct slice text;      /* the whole via-parm */
	struct slice transport; /* "TLS", "TCP", "UDP", "WS", "WSS" or another token */
	struct slice host;      /* of sent-by; an IPv6 reference with its brackets */
	uint16_t port;          /* 0: none given */
	struct slice branch;    /* absent if there is none */
	struct slice received;  /* absent if there is none */
	bool has_rport;
	uint16_t rport;      /* 0: without a value */
	struct slice maddr;  /* absent if there is none */
	struct slice params; /* all of them, with the leading semicolon */
};

/*
 * Advances past one via-parm and the white space behind it. A parameter given twice or more than 64 of them
 * is a syntax error; the cursor is then left where the grammar is broken.
 */
bool sip_via_scan(struct scan *in, struct sip_via *ret_via);
