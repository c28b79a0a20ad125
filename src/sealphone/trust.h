/* Whom the phone trusts: the certificates of --ca, or those of the system. */
#pragma once

#include <sys/stat.h>

#include "crypto/anchors.h"
#include "crypto/lib.h"
#include "sealphone/exit.h"
#include "tls/context.h"

/* How the file was when it was read. Zeroed: it was not there. */
struct trust_seen {
	struct timespec modified;
	ino_t inode;
	off_t size;
};

/* ca_file as below. */
struct trust_seen trust_look(const char *ca_file);
bool trust_is_same(const struct trust_seen *a, const struct trust_seen *b);

/*
 * A TLS client that trusts them, and the same anchors for what comes in messages. ca_file: NULL for the system's. Else a code with a
 * message printed.
 */
enum exit_code trust_open(struct crypto *crypto, const char *ca_file, struct tls_context **ret_client,
			  struct anchors **ret_anchors);
