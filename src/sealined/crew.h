/*
 * What each worker works with: its cryptography, endpoint, core and TLS context, made on its thread from
 * the snapshot of the configuration that is current, and made anew from the next one.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/digest.h"
#include "sealined/setup.h"
#include "signer/process.h"
#include "transport/worker.h"

/* Shared by the workers. All but the setup is fixed before they start. */
struct crew {
	unsigned n_workers;
	uint32_t start;
	uint8_t nonce_key[32], token_key[32], branch_key[32];
	char sent_by[300];
	struct tls_ticket_keys *tickets;
	pthread_mutex_t mutex; /* of the setup */
	struct setup *setup;
	const struct signer_process *signer; /* channel 0 is the main thread's, n + 1 that of worker n */
};

/* Whether a worker could ask the DNS: its trust anchor can be read. False: why is a sentence. */
MUST_CHECK bool crew_can_resolve(const struct config *config, struct writer *why);

extern const struct worker_user crew_user; /* with self = struct crew */

/* The secret is that of the state directory; the setup is taken over. False if the library fails. */
MUST_CHECK bool crew_init(struct crew *crew, struct crypto *crypto, struct slice secret, struct setup *setup);
void crew_fini(struct crew *crew);

/* The current one, with a reference for the caller. */
MUST_CHECK struct setup *crew_setup(struct crew *crew);
/* From now on this one, which is taken over. The workers are told by worker_reload(). */
void crew_change(struct crew *crew, struct setup *setup);
