/*
 * The endpoint: one per worker (and in the phone one in all). Bytes and now come in, actions go out (RFC 3261
 * §18, §17).
 *
 * It frames streams, parses, matches messages to transactions, runs the transaction machines (tsx/) and their
 * timers, queues what is to be done, and hands what transactions do not settle themselves to the transaction
 * user: the server's core (proxy/core.h) or the phone's (ua/ua.h). It opens, waits for and logs nothing; no
 * function here calls anything but the transaction user.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/map.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/timers.h"
#include "crypto/random.h"
#include "endpoint/action.h"
#include "endpoint/flow.h"
#include "sip/build.h"
#include "sip/message.h"

struct endpoint;
struct question;

/* -- transactions as the transaction user sees them ------------------------------------------------------ */

/*
 * A server transaction. Belongs to the endpoint, owns its request. The transaction user may keep the pointer,
 * and its own state in user, until server_gone().
 */
struct server {
	const struct sip_message *request; /* NULL after endpoint_forget_request() */
	flow_id flow;
	struct slice
		via; /* value of the topmost Via with received and rport filled in, for sip_edits.via; goes with the request */
	unsigned final; /* status of the final response sent, 0 before */
	void *user;
};

/* A client transaction. Belongs to the endpoint; the pointer is good until client_gone(). */
struct client {
	enum sip_method method;
	unsigned status; /* of the last response that was passed up, 0 before */
	flow_id flow;
	void *user;
};

/* Why a client transaction ends without a final response. */
enum client_failure {
	CLIENT_TIMEOUT,   /* timer B or F */
	CLIENT_FLOW_LOST, /* the flow is gone, or could not take the request */
	CLIENT_TOO_LARGE, /* for UDP (RFC 3261 §18.1.1): nothing was sent */
	CLIENT_REFUSED,   /* the flow does not meet the requirement: nothing was sent */
	CLIENT_NO_MEMORY,
};

/*
 * The transaction user. Called from within endpoint_ functions on the worker's thread; it may call the
 * functions below at will, a transaction is never freed before its _gone call, and never while a call about
 * it runs.
 */
struct endpoint_user {
	/* A request that began a transaction (never ACK, never a matched CANCEL). Answer it now or later. */
	void (*request)(void *self, struct server *server, struct now now);
	/* The INVITE of this transaction is being cancelled; the CANCEL itself has been answered 200. It lives for the length of the call. */
	void (*cancelled)(void *self, struct server *server, const struct sip_message *cancel,
			  struct now now);
	/* An ACK that belongs to no transaction: that of a 2xx. It lives for the length of the call; its via is as a server's. */
	void (*ack)(void *self, flow_id from, const struct sip_message *ack, struct slice via,
		    struct now now);
	/* A response: each 1xx, the first final one, and for INVITE each further 2xx (RFC 6026 §7.2). */
	void (*response)(void *self, struct client *client, const struct sip_message *response,
			 struct now now);
	/* There will be no final response. */
	void (*failed)(void *self, struct client *client, enum client_failure why, struct now now);
	/*
	 * The flow of a server transaction is lost, and with it whoever waits for the response; the flow is not found any
	 * more. NULL for one to whom that makes no difference.
	 */
	void (*server_lost)(void *self, struct server *server, struct now now);
	/* The last mention of a transaction. */
	void (*server_gone)(void *self, struct server *server);
	void (*client_gone)(void *self, struct client *client);
	/* An answer to a question that the transaction user asked. */
	void (*answer)(void *self, struct question *question, const struct answer *answer, struct now now);
	/* A flow was opened or lost. */
	void (*flow)(void *self, flow_id flow, const struct flow_facts *facts, struct now now);
	/* A timer set on endpoint_timers() by the transaction user came due. */
	void (*timer)(void *self, struct timer *timer, struct now now);
	/* The other end answered endpoint_ping(). NULL for one that does not ping. */
	void (*pong)(void *self, flow_id flow, struct now now);
};

/* -- life ------------------------------------------------------------------------------------------------ */

struct endpoint_limits {
	struct sip_limits sip;
	size_t flows; /* 20,000 */
	/*
	 * Of each kind, 100,000: past seven eighths a new request gets 503 with Retry-After, and all are for what belongs to the dialogs of
	 * somebody who is known. Who came to us and has proven nothing gets half.
	 */
	size_t transactions;
	size_t per_flow;   /* server transactions of one flow that are not answered yet: 1,000 */
	size_t per_sender; /* those that are answered and still remembered (for up to 64*T1) as well: 10,000 */
	size_t per_peer;   /* all of them, where a server is at the other end that was named to us: 20,000 */
	size_t per_stranger; /* all of them, where a peer came to us and has proven nothing: 16 */
	size_t output;       /* bytes queued and not yet taken: 16 MiB */
};

struct endpoint_config {
	unsigned worker, n_workers;
	struct endpoint_limits limits;
	struct map_key map_key;
	const uint8_t *branch_key; /* 32 bytes, shared by the workers: the keyed check of our branches */
	struct random *random;     /* borrowed */
	struct crypto *crypto;     /* borrowed; for the keyed checks */
	struct slice sent_by; /* host[:port] for the Vias that we write: a name that our certificate proves */
	/*
	 * By enum transport_protocol: where that transport listens, which is what a Via over it says in place of the port of
	 * sent_by; 0: its default port. NULL: sent_by holds for all.
	 */
	const uint16_t *ports;
	enum report_level level; /* reports above it are not even formatted */
	const struct endpoint_user *user;
	void *user_self;
};

/* Copies what the config points to unless it says borrowed. ERR_SYNTAX: sent_by is not one. ERR_NOMEM. */
MUST_CHECK enum err endpoint_new(const struct endpoint_config *config, struct endpoint **ret_endpoint);
/* Tells the transaction user of every transaction that goes. */
void endpoint_free(struct endpoint *endpoint);
OWN(endpoint)

/* -- the seam upwards: driven by transport/, by the scenario player, by the fuzzer ----------------------- */

void endpoint_flow(struct endpoint *endpoint, flow_id id, const struct flow_facts *facts, struct now now);
void endpoint_input(struct endpoint *endpoint, flow_id from, struct slice bytes, struct now now);
void endpoint_answer(struct endpoint *endpoint, const struct answer *answer, struct now now);
/* Takes the letter over. */
void endpoint_letter(struct endpoint *endpoint, struct letter *letter, struct now now);
void endpoint_tick(struct endpoint *endpoint, struct now now);
/* When endpoint_tick() is next needed; 0: no timer runs. */
ms_t endpoint_due(const struct endpoint *endpoint);
/* The next thing to do; false when there is none. See struct action for how long its parts live. */
bool endpoint_output(struct endpoint *endpoint, struct action *ret_action);

/* -- for the transaction user ---------------------------------------------------------------------------- */

/*
 * Answers a server transaction. The reply's via (received, rport: RFC 3261 §18.2.1, RFC 3581) and, where
 * to_tag is absent and needed, a tag of ours are filled in here. After the final response only further 2xx to
 * INVITE are sent. To a request other than INVITE no 1xx but 100 is sent, and 408 ends the transaction
 * without a word (RFC 4320); one that is never answered ends so by itself after 64*T1. What is too large to
 * be sent becomes a 500.
 */
void endpoint_respond(struct endpoint *endpoint, struct server *server, const struct sip_reply *reply,
		      struct now now);

/* Passes a response on upstream (RFC 3261 §16.7 steps 4, 9): the same, with our own Via taken off and headers
 * added. */
void endpoint_respond_with(struct endpoint *endpoint, struct server *server,
			   const struct sip_message *response, const struct sip_edits *edits, struct now now);

/*
 * The same where the server transaction is gone already: a 2xx to an INVITE, without state (RFC 6026 §8.3). The flow is
 * that of the request, of any worker. What cannot be sent is dropped.
 */
void endpoint_respond_stateless(struct endpoint *endpoint, flow_id flow, const struct sip_message *response,
				const struct sip_edits *edits);

/*
 * Lets go of the request of an INVITE that was answered with a 2xx, and of the transaction user's state: user is NULL from now
 * on, and the transaction is answered no more. What still comes to it is taken as before: an INVITE once more is absorbed, a CANCEL
 * answered, an ACK passed on (RFC 6026 §7.1); further 2xx are for endpoint_respond_stateless().
 */
void endpoint_forget_request(struct server *server);

/* Who is told of one client transaction in place of the transaction user; the same rules hold. */
struct client_owner {
	void (*response)(struct client *client, const struct sip_message *response, struct now now);
	void (*failed)(struct client *client, enum client_failure why, struct now now);
	void (*gone)(struct client *client);
};

/* A request to be sent. The endpoint writes the request line, its own Via with a new branch, then rest. */
struct outgoing {
	enum sip_method method;
	struct slice method_name; /* for SIP_METHOD_OTHER */
	struct slice uri;
	struct slice rest; /* all other header lines, the empty line and the body: from put_forwarded() or
			      put_header() … put_body() */
	flow_id flow;      /* of any worker */
	struct requirement require;
	void *user;                       /* becomes client->user */
	const struct client_owner *owner; /* NULL: the transaction user */
	bool alias;    /* the other end may send its requests over this connection as well (RFC 5923 §5) */
	bool any_size; /* over UDP although it may be too large for it: see CLIENT_TOO_LARGE */
	/* The second part of the branch (RFC 5393 §4.2.1), ENDPOINT_LOOP_SIZE characters of base64url, or empty. */
	struct slice loop;
};

/*
 * The second part of the branch in a Via that is ours; empty where it has none. False if it is not ours, or no branch
 * that this server wrote.
 */
enum { ENDPOINT_LOOP_SIZE = 11 };
MUST_CHECK bool endpoint_via_loop(const struct endpoint *endpoint, const struct sip_via *via,
				  struct slice *ret_loop);

/*
 * Starts a client transaction. ERR_LIMIT, ERR_NOMEM: none was started. A flow that is gone or not good enough
 * is told later by failed(), from endpoint_tick(), never from within this call.
 */
MUST_CHECK enum err endpoint_request(struct endpoint *endpoint, const struct outgoing *outgoing,
				     struct now now, struct client **ret_client);

/*
 * Sends without a transaction: the ACK to a 2xx. What cannot be sent is dropped and reported. False: nothing was sent, for it is
 * too large for UDP (see CLIENT_TOO_LARGE); whoever knows no other way reports that.
 */
MUST_CHECK bool endpoint_send(struct endpoint *endpoint, const struct outgoing *outgoing, struct now now);

/*
 * Cancels an INVITE client transaction (RFC 3261 §9.1): at once if a provisional response came, else when one
 * comes; does nothing after a final one. headers: lines to add (Reason), or empty.
 */
void endpoint_cancel(struct endpoint *endpoint, struct client *client, struct slice headers, struct now now);

/* From now on this owner is told of it, in place of who was. */
void endpoint_hand_over(struct client *client, const struct client_owner *owner, void *user);

/* A question to the world. Embedded in its owner, who keeps it until the answer or endpoint_forget(). */
struct question {
	struct map_node node; /* by id: map_hash_number() */
	uint64_t id;          /* 0: none is pending */
	int kind;             /* the owner's own code */
};

MUST_CHECK enum err endpoint_lookup(struct endpoint *endpoint, struct question *question, struct slice aor);
/* Takes a reference on what is wanted. */
MUST_CHECK enum err endpoint_store(struct endpoint *endpoint, struct question *question,
				   const struct store_question *store);
MUST_CHECK enum err endpoint_certify(struct endpoint *endpoint, struct question *question,
				     const struct certify_question *certify);
MUST_CHECK enum err endpoint_vouch(struct endpoint *endpoint, struct question *question,
				   const struct vouch_question *vouch);
MUST_CHECK enum err endpoint_resolve(struct endpoint *endpoint, struct question *question,
				     const struct dns_question *resolve);
MUST_CHECK enum err endpoint_connect(struct endpoint *endpoint, struct question *question,
				     const struct connect_question *connect);
/* No answer will be given any more. Does nothing if none is pending. */
void endpoint_forget(struct endpoint *endpoint, struct question *question);

/* What is known of an own flow. */
struct flow_view {
	enum transport_protocol transport;
	bool outbound;
	bool is_peer; /* endpoint_flow_is_peer() */
	struct address peer;
	size_t n_accounts; /* proven on it */
	struct slice verified;
	struct slice tls_version, tls_cipher;
	struct slice link;           /* declared, that it runs over; empty: none */
	struct slice fingerprint;    /* of the certificate */
	struct slice user, user_key; /* that it proved; see struct flow_facts */
	struct slice unproven;       /* why nothing is verified; see struct flow_facts */
};
/* Whether who is at the other end has proven something, or was named to us. */
static inline bool flow_view_is_proven(const struct flow_view *view)
{
	return view->n_accounts > 0 || view->verified.len > 0 || view->is_peer;
}
/* NULL if it is not open, or another worker's. Good until endpoint_flow() tells that the flow is lost. */
const struct flow_view *endpoint_flow_view(struct endpoint *endpoint, flow_id id);

/*
 * The account has proven itself on this flow (digest bound to it, or client certificate): the verdict rises
 * to account(A) if the flow is TLS. A flow carries at most 8 accounts; false past that, or if the flow is
 * gone.
 */
bool endpoint_flow_prove(struct endpoint *endpoint, flow_id id, account_id account);
/*
 * At the other end of an own flow is a server that was named to us: limits.per_peer holds, and over UDP it is answered as who is
 * proven. Proves nothing else.
 */
void endpoint_flow_is_peer(struct endpoint *endpoint, flow_id id);
/* Whether the account is proven on the flow. For an own flow only. */
bool endpoint_flow_has(struct endpoint *endpoint, flow_id id, account_id account);
/* Whether the certificate of its peer proved the domain; case ignored. For an own flow only. */
bool endpoint_flow_proves(struct endpoint *endpoint, flow_id id, struct slice domain);
/*
 * Asks the other end of an own stream for a sign of life (RFC 5626 §4.4.1); pong() tells of the answer, and how long to
 * wait for it is up to the caller. ERR_CLOSED: the flow is not there, or no stream. ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err endpoint_ping(struct endpoint *endpoint, flow_id id);
/* Closes after what is queued; why is static text for the log. */
void endpoint_flow_close(struct endpoint *endpoint, flow_id id, const char *why);

/*
 * Room for the transaction user's own per-flow state (the nc windows of auth/): one pointer, freed by the
 * function given when the flow is gone. NULL for a flow that is not there.
 */
void **endpoint_flow_slot(struct endpoint *endpoint, flow_id id, void (*free_slot)(void *));

/* Timers of the transaction user have a kind of at least ENDPOINT_TIMER_USER. */
enum { ENDPOINT_TIMER_USER = 1000 };
struct timers *endpoint_timers(struct endpoint *endpoint);
struct random *endpoint_random(struct endpoint *endpoint);
unsigned endpoint_worker(const struct endpoint *endpoint);

/* For reports: true if this level is wanted, so that nothing is formatted in vain. */
bool endpoint_reports(const struct endpoint *endpoint, enum report_level level);
void endpoint_report(struct endpoint *endpoint, const struct report *report);

/* Why something was refused, by the transaction user but for the last; each is counted by itself. */
enum endpoint_reason {
	REASON_WRONG_CREDENTIALS,
	REASON_REPLAY,           /* a nonce count that was used before */
	REASON_BACKED_OFF,       /* too many wrong credentials from there for that account */
	REASON_HIDDEN_CHALLENGE, /* a phone asked for the password that only we may ask for */
	REASON_POLICY,           /* what the domain or the account does not allow */
	REASON_RATE,             /* an account asked for more than its quota */
	REASON_OVERLOAD,         /* no room, or no memory, for one more transaction */
	ENDPOINT_REASONS,
};
/* As it is called in reports: "wrong_credentials". */
const char *endpoint_reason_name(enum endpoint_reason reason);
void endpoint_count(struct endpoint *endpoint, enum endpoint_reason reason);
/*
 * Holds a misdeed against the other end of an own flow (ACTION_BLAME). Over UDP only for what proves that the sender
 * is where he says; anything else is for the caller to leave alone, and MISDEED_MALFORMED is left alone here.
 */
void endpoint_blame(struct endpoint *endpoint, flow_id flow, enum misdeed misdeed);

/* What was counted; for status and tests. */
struct endpoint_counts {
	uint64_t messages_in, messages_out, malformed, stray_responses, stray_acks, refused_sends,
		dropped_no_memory;
	size_t flows, servers, clients; /* transactions that are kept, answered ones too */
	size_t pending;                 /* server transactions without a final response so far */
	uint64_t reasons[ENDPOINT_REASONS];
};
struct endpoint_counts endpoint_counts(const struct endpoint *endpoint);
