/*
 * The registrar (RFC 3261 §10.3, RFC 5626 §6, RFC 3327 §5.3, RFC 5630 §5.2) as a pure decision: a REGISTER
 * whose sender has proven to be the account of the AOR, and the snapshot of the AOR, give a refusal, or the
 * new list of bindings. The new list is proposed to the store on top of the snapshot's version; on a conflict
 * the decision is made again. Only when the store has committed is the 200 built, from the snapshot that came
 * back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/writer.h"
#include "endpoint/aor.h"
#include "endpoint/refusal.h"
#include "registrar/gruu.h"
#include "sip/message.h"

enum {
	REGISTRAR_BINDINGS_MAX = 64,
	REGISTRAR_PATH_MAX = 2048,
	/*
	 * Seconds that a binding is stored for beyond its end. Refreshes until then need not be written: after a restart
	 * the binding is there, and ends no earlier than promised. Its CSeq and its flow may be older ones then, but
	 * no flow outlives a restart, and no answer to a nonce does, so that nothing old can be said again.
	 */
	REGISTRAR_SLACK = 6 * 3600,
};

struct registrar_policy {
	uint32_t expires_min, expires_default, expires_max; /* seconds: 60, 600, 3600 */
	size_t bindings_max;    /* of one AOR: 10; at most REGISTRAR_BINDINGS_MAX */
	uint32_t flow_timer;    /* seconds, RFC 5626 §4.4: 120 */
	bool refuses_agreement; /* Require: sec-agree is an extension like others (RFC 3329) */
	bool service_route;     /* phones are told to send their requests through us (RFC 3608) */
};

extern const struct registrar_policy registrar_policy_default;

struct registrar_question {
	const struct registrar_policy *policy;
	const struct sip_message *request;
	const struct aor *aor;
	utc_t now;

	/* where it came from */
	flow_id flow;
	bool secure;           /* the flow is TLS; the account is proven on it */
	struct slice received; /* "ip:port" */

	const struct gruu_maker *gruus; /* NULL: none are given out */
	struct slice service_route;     /* the value of Service-Route; empty: none */
	struct slice date;              /* that of Date, of the 200 */

	/*
	 * Whether a flow is known to be gone: such bindings make room when there are too many. May be NULL.
	 */
	bool (*is_gone)(const void *arg, flow_id flow);
	const void *arg;
};

enum registrar_kind {
	REGISTRAR_REFUSE, /* answer with the refusal */
	REGISTRAR_QUERY,  /* nothing changes: answer 200 from this snapshot */
	REGISTRAR_STORE,  /* store bindings, then answer 200 from the new snapshot */
};

/* Points into the request, the snapshot and the arena. */
struct registrar_decision {
	enum registrar_kind kind;

	struct refusal refusal;

	struct binding *bindings;
	size_t n_bindings;
	size_t n_added, n_refreshed, n_removed; /* by this request; not those that ended by themselves */
	bool durable; /* STORE: more than the end, CSeq and flow of bindings changes, or the end by too much */
};

/* ERR_NOMEM, ERR_LIMIT (of the arena: 16 KiB more than the message and twice its bindings suffice). */
MUST_CHECK enum err registrar_decide(const struct registrar_question *question, struct arena *arena,
				     struct registrar_decision *ret_decision);

/*
 * The header lines of the 200: Contact for each binding that is current in the question's snapshot, Path,
 * Service-Route, Require and Flow-Timer, Supported, Date. A phone that supports them gets its GRUUs (RFC 5627 §5.2).
 */
void put_registrar_ok(struct writer *out, const struct registrar_question *question);

/* ";q=0.7" of thousandths; nothing for 1. */
void put_registrar_q(struct writer *out, uint16_t q);
