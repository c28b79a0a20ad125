/*
 * The running server, as the main thread sees it: it wires everything up, answers the control socket,
 * follows signals, watches the files of certificates, and renews the development certificate. Workers and the store's thread do the rest.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/writer.h"
#include "control/control.h"
#include "crypto/lib.h"
#include "location/location.h"
#include "net/net.h"
#include "sealined/crew.h"
#include "sealined/files.h"
#include "sealined/options.h"
#include "store/desk.h"
#include "transport/mailbox.h"
#include "transport/worker.h"

/* The number that stands for the main thread where a worker's is asked for. */
#define MAIN_THREAD UINT_MAX

struct listening {
	enum transport_protocol transport;
	struct address address; /* with the real port */
};

struct daemon {
	const struct options *options;
	struct crypto *crypto;
	struct signer_process *process;
	struct signer_client signer; /* the main thread's channel */
	struct net_watch *life;      /* of the signing process */
	struct net *net;
	struct location *location;
	size_t n_read; /* accounts that were stored when we started */
	struct bans *bans;
	struct desk *desk;
	struct mailbox *mailbox; /* jobs that come back to the main thread */
	struct control *control;
	struct crew crew;
	bool has_crew;
	struct files *files; /* of the configuration that serves */
	struct workers workers;
	struct listening listening[CONFIG_LISTENERS_MAX];
	size_t n_listening;
	utc_t started;
	utc_t awaited; /* when certificates will be valid that were refused because they were not yet; 0: there are none */
	utc_t warned; /* when the ends of our certificates were last looked at; 0: never */
	ms_t started_mono, renewal;
	enum { SERVING, DRAINING } state;
	ms_t drain_until;
	bool is_failed;
};

/* Exit codes of the program. */
enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/*
 * Serves until it is told to end, with the help of a signing process that has a channel for each worker and one more. Takes
 * the configuration over. The exit code of the program.
 */
MUST_CHECK int daemon_run(const struct options *options, struct config *config,
			  struct signer_process *process);
/* What an identity is made from at that time. */
struct identity_source daemon_source(struct daemon *daemon, const struct config *config, utc_t now);

/* -- reload.c -------------------------------------------------------------------------------------------- */

/* Reads configuration and certificates again, unless we are about to end. False: the old ones stay, and why is a sentence. */
MUST_CHECK bool daemon_reload(struct daemon *daemon, struct writer *why);
/* Takes certificates, keys, trust and lists anew whose files have changed, with the configuration as it is. */
void daemon_watch(struct daemon *daemon, struct now now);
/* Makes another development certificate if it is time to. */
void daemon_renew(struct daemon *daemon, struct now now);
/* Warns of domains that our certificates do not prove, and of those that end soon. */
void daemon_warn(struct daemon *daemon, const struct setup *setup, utc_t now);
