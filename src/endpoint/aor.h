/*
 * All that is known of one address-of-record: the account behind it and its bindings (RFC 3261 §10), as an
 * immutable, reference-counted snapshot with a version. Published in `location` by the store's thread, and by a worker
 * where only the end of a binding moves within what is stored; read by everybody: registrar and proxy decide on it, and
 * a change is proposed as a new list of bindings on top of a version.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/map.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"
#include "endpoint/certificates.h"
#include "endpoint/flow.h"
#include "endpoint/policy.h"

/* H(A1) = H(username:realm:password) of RFC 7616 §3.4.2; as good as the password. All zero bits of has_: not
 * stored. */
struct account {
	account_id id;
	bool has_sha256, has_sha512_256, has_md5;
	uint8_t sha256[32], sha512_256[32], md5[16];
	struct account_policy policy;
};

struct binding {
	struct slice contact;  /* the Contact URI byte for byte as registered */
	struct slice params;   /* the Contact's header parameters as registered, without expires and q */
	struct slice instance; /* +sip.instance without quotes and <>, or empty (RFC 5626 §4.1) */
	uint32_t reg_id;       /* RFC 5626 §4.2; 0: none */
	struct slice call_id;
	uint32_t cseq;
	uint16_t q;    /* thousandths; 1000 when not given */
	utc_t expires; /* when it ends */
	utc_t stored; /* when it ends for whoever reads the disk: later, so that a refresh need not be written */
	flow_id flow;      /* the flow on which it was registered: the only way to it */
	bool secure;       /* that flow was TLS with the account proven */
	struct slice path; /* Path values of the REGISTER, comma separated, or empty (RFC 3327) */
	struct slice user_agent;
	struct slice received; /* "ip:port" it came from, for status */
};

/* What a look-up touches stands together, at the end: the name is behind it, and then the bindings. */
struct aor {
	struct account account;
	struct certificates *certificates; /* of its devices; NULL: none. A reference is held */
	uint64_t
		version; /* grows with every change that is stored, of account and certificates too; never 0 */
	size_t n_bindings;
	const struct binding *bindings; /* in the same allocation, as all their texts are */
	struct slice name;              /* canonical "user@domain", see put_aor() */

	/* the table's that it is published in (location/location.h), and only touched there */
	struct map_node published;
	bool is_reserved;

	_Atomic uint32_t refs;
	uint32_t refreshes; /* of this version: changes that the disk need not know of */
};

/*
 * A snapshot with one reference, everything copied into one allocation; NULL without memory. It has no certificates: who
 * makes it sets them before it is shared.
 */
MUST_CHECK struct aor *aor_new(struct slice name, uint64_t version, const struct account *account,
			       const struct binding *bindings, size_t n_bindings);
/* A change of the bindings: with the version, refreshes, account and certificates of the one that it was decided upon. */
MUST_CHECK struct aor *aor_change(const struct aor *decided, const struct binding *bindings,
				  size_t n_bindings);
struct aor *aor_ref(struct aor *aor);
/* Accepts NULL. The last one wipes the digests and frees. */
void aor_unref(struct aor *aor);
static inline void aor_free(struct aor *aor)
{
	aor_unref(aor);
}
OWN(aor)
