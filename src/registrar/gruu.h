/*
 * GRUUs (RFC 5627): URIs that lead to one instance of an account's phones. Nothing is stored for them. The public one is
 * the address with the instance in its gr parameter. A temporary one has in its user part, sealed, the name of the
 * account and a check over the instance and the Call-ID of the REGISTER that it was given out for: it means the bindings
 * of that instance with that Call-ID, and so nothing any more when they are gone or registered under another one.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/writer.h"
#include "crypto/digest.h"
#include "crypto/seal.h"
#include "endpoint/aor.h"
#include "sip/uri.h"

/* User parts that are longer get no temporary GRUU. */
enum { GRUU_USER_MAX = 128, GRUU_CHECK_SIZE = 16 };

/* What it takes to make and to read temporary ones. */
struct gruu_maker {
	struct crypto *crypto; /* borrowed */
	struct seal *seal;     /* owned */
};

/* The key: 32 bytes, kept across restarts. False without memory. */
MUST_CHECK bool gruu_maker_init(struct gruu_maker *maker, struct crypto *crypto, struct slice key);
void gruu_maker_fini(struct gruu_maker *maker);

/* "sip:" or "sips:": that of the Contact, whatever To said (RFC 5630 §5.2.1). */
struct slice gruu_scheme(const struct binding *binding);

/* "sip:alice@example.org;gr=urn:uuid:…"; the AOR's name is canonical, the scheme with its colon. */
void put_public_gruu(struct writer *out, struct slice scheme, struct slice aor, struct slice instance);

/* "sip:tgruu.…@example.org;gr", another one each time; false if there can be none for this AOR, or the library fails. */
MUST_CHECK bool put_temporary_gruu(struct writer *out, const struct gruu_maker *maker, struct slice scheme,
				   struct slice aor, const struct binding *binding);

/* What a URI says about the instance that it means. */
enum gruu_kind {
	GRUU_NONE, /* it is none */
	GRUU_PUBLIC,
	GRUU_TEMPORARY,
	GRUU_INVALID, /* it looks like one and is none of ours */
};

struct gruu {
	enum gruu_kind kind;
	struct slice instance;                /* GRUU_PUBLIC: the value of gr, escapes still in */
	unsigned char check[GRUU_CHECK_SIZE]; /* GRUU_TEMPORARY */
};

/* The name of the AOR that a URI of a domain of ours means is written to aor; of a GRUU that behind it. */
struct gruu gruu_parse(const struct gruu_maker *maker, const struct sip_uri *uri, struct writer *aor);

/* Whether it means this binding; GRUU_NONE means every one. */
bool gruu_means(const struct gruu *gruu, const struct gruu_maker *maker, const struct binding *binding);
