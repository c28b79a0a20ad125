/*
 * What the phone remembers of an account between two runs, in a file of the state directory (mode 0700): its
 * instance (RFC 5626 §4.1), the strongest digest algorithm that its server was seen to offer, so that nobody can
 * talk it into a weaker one later, and whether the server has proven to know the password, so that nobody who
 * does not can take its place.
 */
#pragma once

#include <stdbool.h>

#include "crypto/digest.h"
#include "crypto/random.h"

struct memory {
	char path[512];
	char instance[64]; /* "urn:uuid:…" */
	enum digest_algorithm least;
	bool was_proven;
};

/*
 * Reads the account's file, or makes it. directory: NULL for the default. False with a message printed if
 * that cannot be done.
 */
bool memory_open(const char *directory, struct slice account, struct random *random,
		 struct memory *ret_memory);
/* Replaces the file; false with a message printed if it cannot. */
bool memory_save(const struct memory *memory);
