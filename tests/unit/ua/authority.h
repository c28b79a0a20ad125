/* A CA of a test, which gives users and domains the certificates that they have. */
#pragma once

#include "harness.h"

#include "crypto/certificate.h"
#include "crypto/key.h"

struct authority {
	struct crypto *crypto; /* borrowed */
	struct key *key;
	struct certificate *certificate;
};

/* Zero, or -1 without memory, as a set-up function of cmocka returns it; then authority_close() all the same. */
int authority_open(struct authority *authority, struct crypto *crypto, struct slice name, utc_t now);
void authority_close(struct authority *authority);

/* A user's certificate for the key, and a domain's; NULL without memory. */
struct certificate *authority_issue(const struct authority *authority, const struct key *key,
				    struct slice aor, utc_t now);
struct certificate *authority_issue_domain(const struct authority *authority, const struct key *key,
					   struct slice name, utc_t now);
/* Its own certificate, and before it that one, if there is one; NULL without memory. */
struct chain *authority_chain(const struct authority *authority, const struct certificate *first);
