/*
 * What the core refuses, in words: the table of its verdicts. Each stands here once and is shown the same way by the
 * log, by the Warning header and by the phone that gets it. Private to the room.
 */
#pragma once

#include "endpoint/refusal.h"

enum refused {
	/* what a request has to be (RFC 3261 §16.3) */
	REFUSED_SCHEME,
	REFUSED_HOPS,
	REFUSED_LOOP,
	REFUSED_PROXY_REQUIRE,
	REFUSED_BREADTH,
	REFUSED_NAME_SIZE,
	/* what the server itself is asked (§8.2) */
	REFUSED_METHOD,
	REFUSED_EXTENSION,
	REFUSED_BODY,
	/* where it may go */
	REFUSED_FOREIGN_ROUTE,
	REFUSED_ROUTE_MALFORMED,
	REFUSED_NO_DOMAIN,
	REFUSED_TRANSPORT,
	REFUSED_ROUTE,
	REFUSED_NO_ROUTE,
	REFUSED_UNKNOWN,
	REFUSED_GRUU,
	REFUSED_NOBODY,
	REFUSED_UNREACHED,
	/* SIPS (RFC 5630) */
	REFUSED_SIPS_CLEAR,
	REFUSED_SIPS_CONTACT,
	REFUSED_SIPS_NOT_ALLOWED,
	REFUSED_SIPS_REQUIRED,
	REFUSED_UNPROTECTED,
	/* who may send it */
	REFUSED_MD5, /* said with a challenge: its status is that of the challenge */
	REFUSED_CREDENTIALS,
	REFUSED_USERNAME_SIZE,
	REFUSED_BACKED_OFF,
	REFUSED_RATE,
	REFUSED_CALLS,
	REFUSED_DIGEST_URI,
	REFUSED_TO_OTHER,
	REFUSED_FROM_OTHER,
	REFUSED_ACCOUNTS,
	REFUSED_SENDER_GONE,
	/* registrations */
	REFUSED_NOT_REGISTRAR,
	REFUSED_REGISTER_USER,
	REFUSED_REGISTER_TO,
	REFUSED_ACCOUNT_GONE,
	REFUSED_STORE,
	/* what the server serves itself */
	REFUSED_EVENT,
	REFUSED_WATCHER,
	/* in a dialog */
	REFUSED_PARTY,
	REFUSED_WHICH_PARTY,
	REFUSED_PEER_UNKNOWN,
	REFUSED_PEER_GONE,
	/* what came of the branches */
	REFUSED_CANCELLED,
	REFUSED_TIMEOUT,
	REFUSED_FLOW_LOST,
	REFUSED_TOO_LARGE,
	REFUSED_PHONE_OVERLOADED,
	REFUSED_HIDDEN_CHALLENGE,
	/* faults of ours */
	REFUSED_OVERLOAD,
	REFUSED_INTERNAL,
};

extern const struct refusal proxy_refusals[];
