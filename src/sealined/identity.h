/*
 * Who we are: our certificate with its chain, and its key, as PEM texts that each worker parses for itself.
 * They come from the files of the configuration, or else from the development CA in the state directory,
 * which is made on first start.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/writer.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "crypto/lib.h"
#include "sealined/config.h"

struct identity {
	struct secret *certificates; /* PEM, ours first */
	struct secret *key;          /* PEM */
	bool development;
};

void identity_fini(struct identity *identity);

/*
 * Reads and checks: the key is the certificate's, it may be used for SIP, and it proves the name that we
 * advertise. False: why is a sentence.
 */
MUST_CHECK bool identity_load(struct crypto *crypto, const struct config *config,
			      struct identity *ret_identity, struct writer *why);

/*
 * Both as objects of a thread's own cryptography. False only without memory, once identity_load() was
 * content.
 */
MUST_CHECK bool identity_parse(struct crypto *crypto, const struct identity *identity,
			       struct chain **ret_chain, struct key **ret_key);

/*
 * Makes in the state directory what is not there yet: the development CA, and its certificate for all our
 * names; that also when less than a third of its life is left or our names have changed. False: why is a
 * sentence. *ret_made: whether something was made.
 */
MUST_CHECK bool development_make(struct crypto *crypto, const struct config *config, utc_t now,
				 bool *ret_made, struct writer *why);
