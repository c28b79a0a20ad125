/* What the files of this room share; nobody else includes it. */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/quota.h"
#include "base/timers.h"
#include "crypto/digest.h"
#include "endpoint/endpoint.h"
#include "sip/frame.h"
#include "tsx/tsx.h"

enum { TIMER_SERVER = 1, TIMER_CLIENT }; /* kinds of our own timers */

enum { MAX_PROOFS = 8 }; /* accounts proven on one flow */

/* "z9hG4bK" and base64url of 25 bytes, see branch.c; with the second part behind a dot. */
enum { BRANCH_SIZE = 41, BRANCH_SIZE_MAX = BRANCH_SIZE + 1 + ENDPOINT_LOOP_SIZE };

enum { BRANCH_CHECKS_SIZE = 32 }; /* of two branches, see branch.c */

enum { TAG_SIZE = 16 }; /* of a To tag of ours */

/* An own flow. What each message touches stands first, as in struct wire. */
struct flow {
	struct map_node node; /* by id: map_hash_number() */
	flow_id id;
	const char *why; /* set: it is being closed, and is as good as gone */
	struct sip_framer framer;
	char *unread; /* what came of a message that is not complete, unread_size bytes of room */
	size_t n_unread, unread_size;
	unsigned pings;               /* of ours that were not answered yet */
	bool half_ping;               /* the first CRLF of theirs has come, in a read of its own */
	bool blocked;                 /* the peer does not read: no new transactions */
	size_t n_pending;             /* of the servers: without a final response so far */
	void *slot;                   /* the transaction user's */
	struct list servers, clients; /* the transactions on it */
	struct flow_view view;        /* its texts are in this allocation */

	account_id proofs[MAX_PROOFS]; /* view.n_accounts of them */
	void (*free_slot)(void *);
	ms_t opened;
	struct link closing;
};

/* Another worker's flow on which transactions of ours wait; lives as long as there is one. */
struct remote {
	struct map_node node; /* by id */
	flow_id id;
	struct list clients;
};

struct server_tsx {
	struct server pub;
	struct map_node node; /* by flow and put_tsx_server_key() */
	struct map_node
		by_branch; /* of an INVITE, without the flow; its key is empty where another has that one */
	struct link link;  /* in the servers of its flow; once it is gone in gone_servers */
	struct flow *home; /* NULL once that flow is lost */
	struct timer timer;
	struct tsx tsx;
	ms_t began;
	struct sip_message *request; /* owned */
	char *last; /* the last response, for retransmission; NULL: none, or not needed any more */
	size_t last_len;
	bool gone, cancelled;
	bool is_strange;       /* from somebody who had proven nothing: counted in n_strange */
	char to_tag[TAG_SIZE]; /* ours; zero until it is needed */
};

struct client_tsx {
	struct client pub;
	struct map_node node; /* by put_tsx_client_key(): see branch_number() */
	struct link waits;    /* in waits_on: the clients of its flow */
	struct list *waits_on;
	struct remote *remote; /* whose list that is, if the flow is another worker's */
	struct link queued;    /* in failing or gone_clients */
	struct timer timer;
	struct tsx tsx;
	struct requirement require; /* its domain in this allocation */
	const struct client_owner *owner;
	enum client_failure failure : 8;
	bool gone;
	bool internal;            /* a CANCEL of ours: the transaction user knows nothing of it */
	bool any_size;            /* see struct outgoing */
	bool cancel, cancel_sent; /* wanted, done */
	uint8_t branch_len;       /* the beginning of the key */
	uint32_t text_len, cancel_headers_len;
	/* Of an INVITE that has no 2xx yet, for its ACK and CANCEL, and where it may have to be sent again; else NULL. */
	char *text;
	char *cancel_headers;
};

struct endpoint {
	unsigned worker, n_workers;
	struct endpoint_limits limits;
	enum report_level level;
	const struct endpoint_user *user;
	void *self;
	struct random *random;
	struct mac *branch_mac;
	uint64_t branch_counter;                         /* of the next branch; begins with an even one */
	uint64_t ack_counter;                            /* of that of the next ACK to a 2xx */
	unsigned char branch_checks[BRANCH_CHECKS_SIZE]; /* of the last pair */
	char *via_text;                                  /* "SIP/2.0/TLS " and the sent-by of our Vias */
	struct sip_via via;                              /* parsed from it */
	uint16_t ports[TRANSPORT_WS + 1];                /* of sent-by, by transport */

	struct map *flows, *remotes, *servers, *clients, *questions;
	/* Where the last input came from, and who was asked for last besides: most questions are about these. NULL: it is gone. */
	struct flow *heard, *asked;
	struct map *invites; /* servers, by their branches alone */
	struct timers *timers;
	struct list failing;                    /* clients whose failure is still to be told */
	struct list gone_servers, gone_clients; /* to be told and freed when no call about them runs */
	uint64_t last_question;
	struct question *newest; /* not in questions yet; NULL: it has its answer */

	struct arena *outbox_arena; /* holds what is in outbox */
	struct list outbox;         /* actions */
	struct aor *wanted;         /* of the STORE that was taken last; a reference is held */
	struct list letters;        /* to be posted */
	struct list closing;        /* flows to be closed, after what is in outbox */

	char *scratch; /* where messages are built */
	size_t scratch_size;
	char *key; /* where keys are built */
	size_t key_size;

	struct endpoint_counts counts;
	size_t n_strange;      /* servers, of strangers */
	struct quota refusals; /* to be reported */
	unsigned unreported;
};

/* -- endpoint.c ------------------------------------------------------------------------------------------ */

/* Tells failures and the end of transactions; the last thing that every function of the seam does. */
void endpoint_settle(struct endpoint *endpoint, struct now now);

/* -- outbox.c: what must not fail drops what it cannot queue; ERR_LIMIT (the outbox is full), ERR_NOMEM -- */

struct sending;
MUST_CHECK enum err outbox_send(struct endpoint *endpoint, const struct sending *sending);
/* A flow that is not in the table. */
void outbox_close(struct endpoint *endpoint, flow_id flow, const char *why);
MUST_CHECK enum err outbox_ask(struct endpoint *endpoint, const struct action *question);
/* Forgets all actions that were not taken. */
void outbox_drop(struct endpoint *endpoint);
/* Takes the letter over. */
void outbox_post(struct endpoint *endpoint, struct letter *letter);
/* " name="…"" with the text escaped, for a report. */
void put_fact(struct writer *out, const char *name, struct slice text);
/* A message that comes or goes, at REPORT_DEBUG. */
void report_passing(struct endpoint *endpoint, const char *event, flow_id flow,
		    const struct sip_message *message);

/* -- send.c ---------------------------------------------------------------------------------------------- */

/* What is to leave on a flow of any worker. */
struct sending {
	flow_id flow;
	const struct flow *own; /* where the caller has it at hand; else NULL */
	struct requirement require;
	struct slice bytes;
	struct slice transaction; /* key of the client transaction that begins with it, or empty */
	uint16_t port;            /* see struct action */
};

/* Whether the flow, an own one, is proven for all that is demanded. */
bool flow_meets(const struct flow *flow, const struct requirement *require);

/* RFC 3261 §18.1.1: whether a request is small enough for that flow; a large one "MUST be sent" otherwise. */
bool send_fits(flow_id flow, struct slice request);

/*
 * OK: queued, or posted to the flow's owner, who may tell later that it could not. ERR_CLOSED: the flow is
 * gone, or blocked and this would begin a transaction. ERR_DENIED: the flow does not meet the requirement.
 * ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err send_on(struct endpoint *endpoint, const struct sending *sending);

/* -- flow.c ---------------------------------------------------------------------------------------------- */

/* NULL if it is not here. */
struct flow *flow_find(struct endpoint *endpoint, flow_id id);
bool flow_has(const struct flow *flow, account_id account);
/* Whether the peer came to us and has proven nothing. */
bool flow_is_strange(const struct flow *flow);
/* Whether the certificate of its peer proved the domain. */
bool flow_proves(const struct flow *flow, struct slice domain);
void flow_close(struct endpoint *endpoint, struct flow *flow, const char *why);
void flow_free(struct flow *flow);

/* -- client.c: who is told --------------------------------------------------------------------------------- */

/* The last mention of it to its owner. */
void client_tell_gone(struct endpoint *endpoint, struct client_tsx *client);

/* -- input.c --------------------------------------------------------------------------------------------- */

/* The value of a Via with received and rport as RFC 3261 §18.2.1 and RFC 3581 §4 ask for. */
void put_received_via(struct writer *out, const struct sip_via *via, const struct address *peer);

/* -- overload.c ------------------------------------------------------------------------------------------ */

struct refusal;
/* Why a request may not begin a transaction now; NULL: it may. */
const struct refusal *overload_object(const struct endpoint *endpoint, const struct flow *flow,
				      const struct sip_message *request);
extern const struct refusal overload_no_memory;
/* Counts and reports it, and answers without a transaction. */
void overload_refuse(struct endpoint *endpoint, const struct flow *flow, const struct sip_message *request,
		     const struct refusal *refusal, struct now now);

/* -- server.c -------------------------------------------------------------------------------------------- */

/* A request without fault. Takes it over. */
void server_receive(struct endpoint *endpoint, struct flow *flow, struct sip_message *request,
		    struct now now);
/* An answer without a transaction; via and, where needed, a tag are filled in. */
void server_answer(struct endpoint *endpoint, const struct flow *flow, const struct sip_message *request,
		   const struct sip_reply *reply);
/* Who is at the other end of a flow of some worker, and what is proven of him. */
struct visitor {
	flow_id flow;
	struct address peer;
	const account_id *accounts;
	size_t n_accounts;
	struct slice verified;
};
/* Cancels the INVITE, and answers the CANCEL. */
void server_cancel(struct endpoint *endpoint, struct server_tsx *server, const struct visitor *visitor,
		   const struct sip_message *cancel, struct now now);
/* The ACK to what ended the INVITE has come. */
void server_acknowledge(struct endpoint *endpoint, struct server_tsx *server, const struct visitor *visitor,
			const struct sip_message *ack, struct now now);
/* The INVITE has come again: what was answered last goes to where it came from. */
void server_repeat(struct endpoint *endpoint, struct server_tsx *server, const struct visitor *visitor,
		   const struct sip_message *request, struct now now);
/* An INVITE, CANCEL or ACK that belongs to no transaction of any other worker. Takes it over. */
void server_receive_asked(struct endpoint *endpoint, struct flow *flow, struct sip_message *request,
			  struct now now);
void server_tick(struct endpoint *endpoint, struct server_tsx *server, struct now now);
void server_flow_lost(struct endpoint *endpoint, struct server_tsx *server, struct now now);
void server_free(struct server_tsx *server);

/* -- stray.c --------------------------------------------------------------------------------------------- */

struct visitor stray_visitor(const struct flow *flow);
/* An INVITE, CANCEL or ACK without a transaction on its own flow: true if it has been taken over, here or by a letter. */
MUST_CHECK bool stray_receive(struct endpoint *endpoint, const struct flow *flow, struct sip_message *request,
			      struct now now);
void stray_letter(struct endpoint *endpoint, struct letter *letter, struct now now);

/* -- client.c -------------------------------------------------------------------------------------------- */

/* A response that came on the flow; false if no transaction waits for it there. */
bool client_receive(struct endpoint *endpoint, flow_id from, const struct sip_message *response,
		    struct now now);
void client_tick(struct endpoint *endpoint, struct client_tsx *client, struct now now);
/* Queues a failure of all that wait on an own flow, which then is left alone; on another worker's flow. endpoint_settle() tells it. */
void client_fail_all(struct endpoint *endpoint, struct list *clients, enum client_failure why);
void client_fail_remote(struct endpoint *endpoint, flow_id flow);
/* The same for the one with that key, if it is still there and waits on that flow. */
void client_fail_one(struct endpoint *endpoint, flow_id flow, struct slice key, enum client_failure why);
/* Tells the queued failures. */
void client_settle(struct endpoint *endpoint, struct now now);
void client_free(struct client_tsx *client);

/* -- build.c: what a client transaction makes from its request ------------------------------------------- */

/* For parsing what we wrote ourselves, which may be longer than what we take. */
extern const struct sip_limits own_limits;

/* Whether a Via has the sent-by that we write for its transport. */
bool via_is_ours(const struct endpoint *endpoint, const struct sip_via *via);
/* Request line, Via and the rest. */
void put_outgoing(struct writer *out, const struct endpoint *endpoint, const struct outgoing *outgoing,
		  struct slice branch);
/* The ACK to a final response other than 2xx (RFC 3261 §17.1.1.3). */
void put_ack(struct writer *out, const struct sip_message *invite, const struct sip_message *response);
/* RFC 3261 §9.1; headers are lines to add. */
void put_cancel(struct writer *out, const struct sip_message *invite, struct slice headers);

/* -- branch.c -------------------------------------------------------------------------------------------- */

/* loop: the second part, or empty. ret_branch points into buf. */
MUST_CHECK bool branch_make(struct endpoint *endpoint, struct slice loop, char buf[BRANCH_SIZE_MAX],
			    struct slice *ret_branch);
/* That of an ACK to a 2xx: nothing comes back for it. Points into buf. */
struct slice branch_of_ack(struct endpoint *endpoint, char buf[BRANCH_SIZE_MAX]);
/* The counter of a branch of ours, for map_hash_number(); of what begins with a branch too. Of another's text it is any number. */
uint64_t branch_number(struct slice branch);
/* The worker that wrote the branch; false if none of ours did, or if it is that of an ACK. */
bool branch_worker(const struct endpoint *endpoint, struct slice branch, unsigned *ret_worker);
