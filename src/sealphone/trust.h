/* Whom the phone trusts: the certificates of --ca, or those of the system. */
#pragma once

#include "crypto/anchors.h"
#include "crypto/lib.h"
#include "sealphone/exit.h"
#include "tls/context.h"

/*
 * A TLS client that trusts them, and the same anchors for what comes in messages. ca_file: NULL for the system's. Else a code with a
 * message printed.
 */
enum exit_code trust_open(struct crypto *crypto, const char *ca_file, struct tls_context **ret_client,
			  struct anchors **ret_anchors);
