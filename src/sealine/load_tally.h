/* What a run has seen: how long operations took, what failed, and where the other side broke the protocol. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum load_failure {
	LOAD_CONNECT,   /* no connection */
	LOAD_HANDSHAKE, /* no TLS, or the peer is not who it should be */
	LOAD_LOST,      /* the connection was closed or broke */
	LOAD_TIMEOUT,
	LOAD_REFUSED, /* a final response that is no success */
	LOAD_FAILURES,
};

enum load_violation {
	LOAD_NOT_SIP,
	LOAD_MALFORMED,
	LOAD_STRAY_RESPONSE,
	LOAD_OTHER_FIELDS,
	LOAD_MORE_VIAS,
	LOAD_NO_TAG,
	LOAD_NO_BINDING,
	LOAD_FALSE_PROOF,
	LOAD_STRAY_REQUEST,
	LOAD_NO_ACK,
	LOAD_OTHER_URI,
	LOAD_MAX_FORWARDS,
	LOAD_OTHER_BODY,
	LOAD_STRICT_ROUTE,
	LOAD_VIOLATIONS,
};

/* A word for machines, and for people what it means. */
struct load_word {
	const char *code, *text;
};
extern const struct load_word load_failure_words[LOAD_FAILURES];
extern const struct load_word load_violation_words[LOAD_VIOLATIONS];

enum {
	TALLY_STEPS = 32,                 /* to a power of two: a time is known to 1/32 */
	TALLY_BUCKETS = 32 * TALLY_STEPS, /* up to 2^36 microseconds */
	TALLY_TEXT_MAX = 300,
};

struct load_tally {
	uint64_t done, retries, missed;          /* missed: nobody was free when it should have begun */
	uint64_t sent_again, came_again, unsent; /* datagrams; unsent: the kernel had no room for them */
	uint64_t resumed;                        /* handshakes that took a session up again */
	uint64_t failures[LOAD_FAILURES], violations[LOAD_VIOLATIONS];
	uint64_t buckets[TALLY_BUCKETS], longest; /* microseconds */
	char first_failure[TALLY_TEXT_MAX], first_violation[TALLY_TEXT_MAX],
		first_retry[TALLY_TEXT_MAX]; /* escaped; "" without any */
};

void load_tally_time(struct load_tally *tally, uint64_t microseconds);
/* about: what exactly; from a peer, or empty. */
void load_tally_failure(struct load_tally *tally, enum load_failure failure, struct slice about);
/* A failure after which it is tried again. */
void load_tally_retry(struct load_tally *tally, enum load_failure failure, struct slice about);
void load_tally_violation(struct load_tally *tally, enum load_violation violation, struct slice about);

uint64_t load_tally_failures(const struct load_tally *tally);
uint64_t load_tally_violations(const struct load_tally *tally);
/* The time, in microseconds, that so many thousandths of the operations did not exceed; 0 without any. */
uint64_t load_tally_quantile(const struct load_tally *tally, unsigned thousandths);
