/*
 * What bench/parse measures: a parse as a proxy needs it of every message. The start line; every Via, Route, Record-Route
 * and Contact, From, To, Call-ID, CSeq, Max-Forwards and Authorization found; what routing needs of them decoded into
 * its parts (URIs, ports, parameters): the Request-URI, the topmost Via, Route, From, To, Call-ID, CSeq, Max-Forwards.
 * Each library is behind the same function.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* A little of each thing asked for: so that none of the work can be optimised away, and all libraries agree on it. */
struct parsed {
	unsigned vias, routes, record_routes, contacts, authorizations;
	unsigned ports;  /* the sum of those in the Request-URI, the topmost Via, Route, From and To */
	unsigned hosts;  /* the length of all hosts in these */
	unsigned branch; /* the length of the topmost Via's */
	unsigned tags;   /* that of From's and To's tag */
	unsigned call_id;
	unsigned cseq, max_forwards;
	unsigned body; /* its length */
};

/* Takes one message from its bytes to the parts and gives all memory back; false if it cannot. */
bool parse_sealine(struct slice text, struct parsed *ret_parsed);
/* Decodes all Vias, Record-Routes, Contacts and credentials as well. */
bool parse_sealine_whole(struct slice text, struct parsed *ret_parsed);

#ifdef HAVE_OTHERS
bool parse_osip(struct slice text, struct parsed *ret_parsed);
bool parse_sofia(struct slice text, struct parsed *ret_parsed);      /* every header field that it knows */
bool parse_sofia_lean(struct slice text, struct parsed *ret_parsed); /* taught only what routing needs */
#endif
