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

/* -- requests.c ------------------------------------------------------------------------------------------ */

void daemon_answer(struct daemon *daemon, struct control_call *call, struct now now);
/* The member "aor" as it is stored, in buf; false: it is no user@domain. */
bool daemon_aor_of(const json_t *object, char buf[STORE_NAME_MAX], struct slice *ret_name);
/* Has a job done whose result is the whole reply. Takes the job over. */
void daemon_post_job(struct daemon *daemon, struct control_call *call, struct job *job);
/*
 * A list is cut behind the account with which it gets as long as that: a reply is a line of CONTROL_LINE_MAX, and one account has
 * room in the rest.
 */
enum { DAEMON_LIST_MAX = CONTROL_LINE_MAX / 2 };
/* How long the members of a list are from one of them on. */
size_t daemon_list_size(const json_t *list, size_t from);
/* -- requests_policy.c ----------------------------------------------------------------------------------- */

void daemon_user_policy(struct daemon *daemon, struct control_call *call, struct now now);
/* The reply that tells the policy of an account. */
json_t *daemon_describe_policy(const struct aor *aor);

/* -- requests_cert.c ------------------------------------------------------------------------------------- */

/* "aor" of the request as it is stored, in buf. False: it was refused. */
bool daemon_read_name(struct control_call *call, char buf[STORE_NAME_MAX], struct slice *ret_name);
void daemon_cert_list(struct daemon *daemon, struct control_call *call, struct now now);
void daemon_cert_revoke(struct daemon *daemon, struct control_call *call, struct now now);
/* -- requests_ban.c -------------------------------------------------------------------------------------- */

void daemon_ban_list(struct daemon *daemon, struct control_call *call, struct now now);
void daemon_ban_add(struct daemon *daemon, struct control_call *call, struct now now);
void daemon_ban_lift(struct daemon *daemon, struct control_call *call, struct now now);

/* A job that a request has led to is done. Takes it over. */
void daemon_job_done(struct daemon *daemon, struct job *job);
