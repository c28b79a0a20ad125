/* What is stored of an account: its name, and digests in place of its password. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/slice.h"
#include "base/writer.h"
#include "crypto/lib.h"
#include "endpoint/aor.h"

struct entry {
	struct slice name; /* canonical: "user@domain" */
	struct account digests;
	size_t line; /* of the file that it came from */
};

/*
 * The canonical name of what somebody typed: user@domain, with or without sip: or sips:, the domain with A-labels. False: it is no
 * such thing; why then has a clause.
 */
bool entry_name(struct writer *out, struct slice text, struct writer *why);
/* The same of an argument; complains of what is none. */
bool entry_take_name(struct writer *out, const char *argument);
/* Computes the digests of a password. False: the library cannot, and it was complained of. */
bool entry_digest(struct crypto *crypto, struct slice password, bool md5, struct entry *entry);
/* Wipes the digests. */
void entry_fini(struct entry *entry);

/* The members of "user-add" in sealine-control(7). NULL without memory. */
json_t *json_of_entry(const struct entry *entry);
