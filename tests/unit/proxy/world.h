/*
 * A server on one worker with three accounts and the flows of their phones, without a network: what is sent
 * on a flow is collected, look-ups and stores are answered from a table at once. Time stands still unless it
 * is moved.
 */
#pragma once

#include "harness.h"

#include "auth/client.h"
#include "base/writer.h"
#include "endpoint/endpoint.h"
#include "proxy/core.h"

enum { START = 7, PASSED_MAX = 65536, BINDINGS_MAX = 8, LOG_MAX = 16384 };
enum who { ALICE, BOB, CAROL, ACCOUNTS };

/* The flows: each account's phone, a second one of alice's, a connection without TLS, one of nobody. */
enum peer { ALICE_PHONE, BOB_PHONE, CAROL_PHONE, ALICE_OTHER, BOB_OTHER, CLEAR, STRANGER, PEERS };

struct world_account {
	struct slice name;
	account_id id;
	uint64_t version;
	struct account account;
	struct binding bindings[BINDINGS_MAX];
	size_t n_bindings;
	char texts[BINDINGS_MAX][512]; /* what the bindings point to */
};

struct world {
	struct crypto *crypto;
	struct random *random;
	struct server_config server;
	struct core *core;
	struct endpoint *endpoint;
	struct now now;
	struct mac *token_mac;
	struct world_account accounts[ACCOUNTS];
	struct auth_client phones[ACCOUNTS];
	bool closed[PEERS];
	unsigned n_sent;      /* numbers the branches */
	unsigned n_conflicts; /* so many stores are still to be refused */
	enum err store_err;   /* what every store fails with; OK: it does not */
	bool loses_stores;    /* none is answered, nor a CERTIFY, but by world_answer() */
	bool loses_dns;       /* nor any that leads outside, but by world_answer() */
	enum err certify_err; /* what every CERTIFY fails with; OK: as if there were no signing process */
	enum err bob_err;     /* what every look-up of bob fails with; OK: it does not */
	bool holds_answers;   /* look-ups wait for world_release() */
	uint64_t held_question;
	char held_aor[128];
	char passed[PEERS][PASSED_MAX];
	size_t n_passed[PEERS];
	unsigned n_blamed; /* misdeeds */
	char log[LOG_MAX];
	size_t n_log;
};

struct world *world_new(void);
/* In the middle of things. */
void world_free(struct world *world);
/* When all connections are lost and all timers have run, nothing may be left. */
void world_end(struct world *world);

flow_id world_flow(enum peer peer);
/* Registers a phone without a REGISTER: its flow is proven. */
void world_bind(struct world *world, enum who who, enum peer peer, const char *contact, uint16_t q);
void world_lose(struct world *world, enum peer peer);
/* Lets time pass, with all timers. */
void world_pass(struct world *world, ms_t ms);

/* Answers the look-up that was held. */
void world_release(struct world *world);
/* Answers the question that was lost last, be it a store or one that leads outside. */
void world_answer(struct world *world, const struct answer *answer);

struct ask {
	const char *method, *uri, *from, *to,
		*call_id;    /* NULL: INVITE sip:bob@example.org from alice to bob, "call" */
	const char *headers; /* lines to add */
	const char *body;    /* NULL: none */
	unsigned cseq;
	int max_forwards; /* 0: 70, -1: none */
};

/* Sends bytes, or a request with a branch of its own. */
void world_feed(struct world *world, enum peer from, struct slice bytes);
void world_ask(struct world *world, enum peer from, const struct ask *ask, struct slice more_headers);

/* All that was sent to the peer since the last call; good until something is sent to it again. */
struct slice world_passed(struct world *world, enum peer to);
/* The same, which must be exactly one message. The caller frees it. */
struct sip_message *world_one(struct world *world, enum peer to);

/* Takes the challenge in the response that was sent to the peer. */
void world_challenged(struct world *world, enum peer to, enum who who);
/* Asks, is challenged, and asks with credentials. */
void world_ask_proven(struct world *world, enum peer from, enum who who, const struct ask *ask);
/* Credentials of who for such a request. */
void world_put_credentials(struct world *world, struct writer *out, enum who who, const struct ask *ask);

/* A response of the phone to the request that it was sent; to_tag may be NULL. */
void world_respond(struct world *world, enum peer from, const struct sip_message *request, const char *status,
		   const char *headers);

struct slice world_log(const struct world *world);
