/*
 * What is asked of an account beyond what its domain asks of all, and what it may do besides: the digest that it has to
 * use, the protection of its calls, the names that it may bear, and who may register for it.
 *
 * In words it is lines of KEY=VALUE, as they are stored and as sealine(1) takes them; of a list the items are separated by
 * spaces.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "base/time.h"
#include "base/writer.h"
#include "crypto/digest.h"

/* The three levels, in ascending order. */
enum protection {
	PROTECTION_DIGEST, /* who sends it is proven; no more */
	PROTECTION_SIPS,   /* TLS on every hop (RFC 3261 §26.2.2) */
	PROTECTION_SMIME,  /* that, and the body is S/MIME (RFC 3261 §23) */
	PROTECTIONS,
};

/* "digest", "sips", "smime"; false for any other. */
bool protection_parse(struct slice text, enum protection *ret_protection);

/* What a client certificate is to an account (RFC 3261 §26.3.2.1). */
enum client_certificate {
	CLIENT_CERTIFICATE_UNSAID,  /* of an account: what its domain says; of a domain: no */
	CLIENT_CERTIFICATE_NO,      /* the password proves it, and nothing else */
	CLIENT_CERTIFICATE_EITHER,  /* one of both */
	CLIENT_CERTIFICATE_BESIDE,  /* both */
	CLIENT_CERTIFICATE_INSTEAD, /* the password is good for nothing any more */
	CLIENT_CERTIFICATES,
};

/* "no", "either", "beside", "instead"; false for any other. */
bool client_certificate_parse(struct slice text, enum client_certificate *ret_certificate);

/* All zero: nothing is asked. The lists are in lines' own words. */
struct account_policy {
	enum digest_algorithm least; /* no weaker one is taken; DIGEST_MD5: whatever the domain offers */
	utc_t md5_until;             /* from then on no MD5 is taken; 0: no such day */
	enum client_certificate certificate;
	enum protection in, out; /* of calls and messages that it gets, that it sends */
	struct slice identities; /* AORs of its domain that it may bear in From besides its own */
	struct slice
		registrants; /* accounts that may register it (third-party registration, RFC 3261 §10.2) */
};

enum { POLICY_TEXT_MAX = 2000 };

/*
 * Takes each line in turn upon what the policy says already; a key without a value takes back what was said. What it keeps
 * points into the lines. False: why is a clause that says what is wrong, and the policy is not to be used.
 */
bool account_policy_say(struct account_policy *policy, struct slice lines, struct writer *why);

/* The lines that say all of it, shortest first said; nothing for an empty one. */
void put_account_policy(struct writer *out, const struct account_policy *policy);

/* Whether the list has the AOR. */
bool account_list_has(struct slice list, struct slice aor);
