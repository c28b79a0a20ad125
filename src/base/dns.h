/*
 * A question to the DNS and its answer, as they pass the I/O line: asked by locate/, answered by dns/, carried by
 * the endpoint's actions.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

/* Record types by their numbers (RFC 1035 §3.2.2, RFC 3596, RFC 2782, RFC 3403, RFC 6698). */
enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_SRV = 33, DNS_NAPTR = 35, DNS_TLSA = 52 };

struct dns_question {
	struct slice name; /* absolute, with or without its final dot */
	enum dns_type type;
};

struct dns_answer {
	/*
	 * OK: a message is there, be it that there is no such name or record. ERR_DENIED: DNSSEC says that the
	 * answer is forged or broken (RFC 4033 §5 "Bogus"); it is not shown. ERR_AGAIN: none came in time.
	 * ERR_SYNTAX: that is no domain name. ERR_IO: the name servers failed. ERR_NOMEM.
	 */
	enum err err;
	bool is_secure; /* signed, and checked up to a trust anchor; also that something does not exist */
	struct slice message; /* RFC 1035 §4.1 */
	struct slice why;     /* ERR_DENIED: what the validator found */
};
