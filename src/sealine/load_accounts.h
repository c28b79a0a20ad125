/* Who generates the load: names from a pattern or from a file as `sealine user import` takes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"
#include "base/slice.h"
#include "sealine/load_options.h"

struct load_account {
	struct slice user, domain, password;
	bool sips;
};

/* All that belongs together: the texts that the accounts point to, and the accounts. Zeroed, there are none. */
struct load_accounts {
	struct secret *file; /* with passwords */
	char *names;
	struct load_account *all;
	size_t n;
};

/* False: it was complained of. load_accounts_fini() has to be called in either case. */
bool load_accounts_init(struct load_accounts *accounts, const struct load_options *options);
void load_accounts_fini(struct load_accounts *accounts);

/* A whole file, which may be a pipe; freed by the caller, in either case. False: it was complained of. */
bool load_read_file(struct slice name, struct secret **ret_text);
