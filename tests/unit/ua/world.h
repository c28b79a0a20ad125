/*
 * A user agent on its own endpoint, with a wire whose other end is the test: what it sends is parsed and kept, what it
 * is to receive is written as text. Time passes when the test says so.
 */
#pragma once

#include "harness.h"

#include "crypto/lib.h"
#include "endpoint/endpoint.h"
#include "sdp/offer_answer.h"
#include "sip/build.h"
#include "sip/credentials.h"
#include "ua/ua.h"

enum { WORLD_SENT = 64, WORLD_REALM_SIZE = 512 };

struct world {
	struct crypto *crypto;
	struct random *random;
	struct ua *ua;
	struct endpoint *endpoint;
	struct now now;
	flow_id flow;
	uint32_t flows;       /* made so far */
	uint64_t question;    /* of the CONNECT that waits; 0: none */
	char connect_to[300]; /* "HOST:PORT DOMAIN" of the last one */
	ms_t patience;        /* and how long it may take */
	uint64_t resolve;     /* the question to the DNS that waits; 0: none */
	char asked_name[256];
	enum dns_type asked_type;
	unsigned closed; /* flows that the user agent gave up */
	unsigned pings;  /* that were sent */
	bool is_dead;    /* nothing answers pings any more */
	struct sip_message *sent[WORLD_SENT];
	size_t n_sent, n_seen; /* n_seen: those that world_sent() has given out */
	struct ua_event event; /* the last one of world_event() */
	uint8_t key;           /* what our own SRTP keys are made of */
	uint32_t cseq;         /* of our requests in dialogs */
	const char *tag;       /* of the phone that world_answer() plays; NULL: "bobs-tag" */
};

/*
 * sips:alice@localhost over TLS with password secret at 127.0.0.1, for the fields that are not set; with a server
 * that is empty, but set, it asks the DNS.
 */
void world_open(struct world *world, const struct ua_config *config);
void world_close(struct world *world);

/* Answers the CONNECT: a flow that proves the name (empty: none; with a transport in clear nothing is proven). */
void world_connect(struct world *world, const char *verified);
void world_refuse_connection(struct world *world, enum err err);
void world_lose_flow(struct world *world);
/* Registered over a new flow, with an empty wire and no event waiting. */
void world_register(struct world *world);

/* Lets time pass, timer by timer. */
void world_pass(struct world *world, ms_t time);
/* Takes the endpoint's actions; after anything that was done to the user agent directly. */
void world_pump(struct world *world);

/* The next message that was sent; NULL if there is none. It belongs to the world. */
const struct sip_message *world_sent(struct world *world);
/* The same; fails unless it is that request, or a response of that status. */
const struct sip_message *world_expect(struct world *world, enum sip_method method);
const struct sip_message *world_expect_status(struct world *world, unsigned status);
void world_expect_silence(struct world *world);

/* Arrives on the flow. */
void world_receive(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
/* Answers a request that was sent. lines: header lines, NULL: none; body: SDP, NULL: none. */
void world_answer(struct world *world, const struct sip_message *request, unsigned status, const char *lines,
		  struct slice body);

/* Takes events until one of that kind; fails if there is none. */
const struct ua_event *world_event(struct world *world, enum ua_event_kind kind);
void world_expect_no_event(struct world *world, enum ua_event_kind kind);

/* What the other phone describes. */
struct slice world_offer(struct world *world, enum sdp_srtp_policy srtp, enum sdp_direction direction,
			 char *text, size_t size);
struct slice world_sdp_answer(struct world *world, const struct sip_message *with_offer,
			      enum sdp_srtp_policy srtp, char *text, size_t size);

/* A call of ours to bob that stands; gives the INVITE. Events and wire are empty afterwards. */
const struct sip_message *world_call(struct world *world, uint64_t *ret_call);
