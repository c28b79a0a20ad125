/*
 * A worker of the server: a thread with its own loop, endpoint and flows. What it needs of its own
 * (cryptography, the transaction user, TLS contexts) is made in its thread by whoever starts it. To involve
 * another worker a letter is posted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/own.h"
#include "base/time.h"
#include "endpoint/endpoint.h"
#include "location/location.h"
#include "store/desk.h"
#include "tls/context.h"
#include "transport/mailbox.h"
#include "transport/transport.h"

struct worker;

/* What a worker works with; belongs to the worker_user. */
struct worker_parts {
	struct net *net; /* the worker's loop; there already when open() is called */
	struct endpoint *endpoint;
	struct crypto *crypto;
	struct tls_context *server, *client;
	struct map_key map_key;
	struct transport_links links;
	ms_t idle_proven; /* in place of the one in the worker's limits */
	void *own;        /* the user's */
};

/* Called on the worker's thread. */
struct worker_user {
	/* Makes the parts. An error ends the thread and is returned by worker_start(). */
	enum err (*open)(void *self, unsigned number, struct worker_parts *ret_parts);
	/* There is a new configuration: make new contexts if need be. The old ones are not used after it
	 * returns. */
	void (*reload)(void *self, struct worker_parts *parts, struct now now);
	void (*close)(void *self, struct worker_parts *parts);
	/* A question to the DNS, to be answered later by next_answer(); it is copied. ERR_LIMIT, ERR_NOMEM, ERR_IO. */
	enum err (*resolve)(void *self, struct worker_parts *parts, uint64_t question,
			    const struct dns_question *resolve);
	/*
	 * What is to be done about the certificate of a device: a job for the store, which the worker posts. Issues one if
	 * one is wanted. The errors of the answer to ACTION_CERTIFY. NULL: the server is no certificate service.
	 */
	enum err (*certify)(void *self, struct worker_parts *parts, const struct certify_question *certify,
			    utc_t now, struct job **ret_job);
	/* Signs; the entity lives until the next call. NULL likewise. */
	enum err (*vouch)(void *self, struct worker_parts *parts, const struct vouch_question *vouch,
			  struct slice *ret_entity);
	/* The next answer of the DNS, whose slices live until the next call; false if there is none now. */
	bool (*next_answer)(void *self, struct worker_parts *parts, struct answer *ret_answer);
	/* From any worker's thread. */
	void (*report)(void *self, const struct report *report);
	/* Likewise: it is about to wait for what happens next. */
	void (*waits)(void *self);
};

/* All workers of the process; filled before the first one starts. */
struct workers {
	size_t n;
	struct worker *all[256];
};

struct worker_config {
	unsigned number;
	uint32_t start;
	struct transport_limits limits;
	const struct worker_user *user;
	void *user_self;
	struct location *location;
	struct workers *workers;
	struct bans *bans;
};

/* A worker with its loop and mailbox, not running yet. NULL without memory or descriptors. */
MUST_CHECK struct worker *worker_new(const struct worker_config *config);
/* One that does not run (any more). */
void worker_free(struct worker *worker);
OWN(worker)

/* Before it starts: a listening socket, taken over when OK. ERR_LIMIT past 16. */
MUST_CHECK enum err worker_add_listener(struct worker *worker, enum transport_protocol protocol,
					int listener);
/* Where its STOREs go; before it starts. */
void worker_set_desk(struct worker *worker, struct desk *desk);
/* Starts the thread and returns when it is ready, or with the error of open(). */
MUST_CHECK enum err worker_start(struct worker *worker);

/* From any thread. Takes over what it is given. */
void worker_post(struct worker *worker, struct letter *letter);
void worker_post_job(struct worker *worker, struct job *job);
/* Has it change over in its next turn. */
void worker_reload(struct worker *worker);
/* Accepts nothing new; what is under way goes on. */
void worker_drain(struct worker *worker);
/*
 * Whether a draining worker has answered every request. Its flows may still carry what another one waits
 * for.
 */
bool worker_is_idle(struct worker *worker);
void worker_stop(struct worker *worker);
/* Waits for the end of the thread. */
void worker_join(struct worker *worker);

/* From any thread but its own: waits until it has changed over as it was told to, at most a second. */
void worker_await_reload(struct worker *worker);

struct worker_status {
	struct transport_counts flows;
	struct endpoint_counts endpoint;
};
/*
 * From any thread but its own: asks the worker and waits for its next turn, at most a second; then it is
 * what was known before.
 */
struct worker_status worker_status(struct worker *worker);
