/* Whom the phone trusts: the certificates of --ca, or those of the system, but for what --crl revokes. */
#pragma once

#include <sys/stat.h>

#include "crypto/anchors.h"
#include "crypto/lib.h"
#include "sealphone/exit.h"
#include "sealphone/options.h"
#include "tls/context.h"

/* How a file was when it was read. Zeroed: it was not there. */
struct trust_seen_file {
	struct timespec modified;
	ino_t inode;
	off_t size;
};

struct trust_seen {
	struct trust_seen_file cas, revoked;
};

struct trust_seen trust_look(const struct options *options);
bool trust_is_same(const struct trust_seen *a, const struct trust_seen *b);

/*
 * A TLS client that trusts them, and the same anchors for what comes in messages. With --ocsp require the client wants each server to staple a
 * word of its CA. Else a code with a message printed.
 */
enum exit_code trust_open(struct crypto *crypto, const struct options *options,
			  struct tls_context **ret_client, struct anchors **ret_anchors);
