/*
 * Two transports with real endpoints in one thread, over loopback: a server that answers 200 to all, and a
 * client.
 */
#pragma once

#include "harness.h"

#include "crypto/lib.h"
#include "net/socket.h"
#include "transport/transport.h"

enum { STAGE_ACCOUNT = 7 }; /* what struct end.prove proves */

/* One end: what a thread would have, and what its transaction user was told. */
struct end {
	struct crypto *crypto;
	struct random *random;
	struct net *net;
	struct endpoint *endpoint;
	struct transport *transport;
	struct tls_context *server, *client;
	unsigned n_signed, n_together; /* signatures of the server's key, and how often for one or several */

	flow_id flow; /* the last one that was opened */
	unsigned opened, lost, requests, responses;
	unsigned warned; /* lines of the log that somebody should look at */
	bool prove;      /* every new flow at once */
	bool stuff;      /* answer with a lot */
	bool part;       /* close the flow after the answer */
	char why[500];
	struct question question;
	bool answered;
	enum err err;
};

extern struct end near_end, far_end;
extern struct address address;         /* where the server listens */
extern struct transport_limits limits; /* of both; set before raise_curtain() */
extern struct bans *bans;              /* likewise; NULL: there are none */
extern char padding[20000];            /* one header field that is all of it, after fill_padding() */
void fill_padding(void);

#define play(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
int stage_set_up(void **state);
int stage_tear_down(void **state);

/* Both ends are there, and the server listens. */
void raise_curtain(enum transport_protocol protocol);

void turn(struct end *end);
/* The halves of it: what has come is taken, and what this leads to is done. */
void take_events(struct end *end);
void perform(struct end *end);
/* Where an allocation has failed on purpose, what is waited for may never come: then the wait is short. */
bool is_hopeless(int turns);

/* Both ends take turns until the condition holds. */
#define UNTIL(condition)                                                \
	do {                                                            \
		for (int i = 0; !(condition) && !is_hopeless(i); i++) { \
			turn(&near_end);                                \
			turn(&far_end);                                 \
		}                                                       \
		assert_true(condition);                                 \
	} while (0)

/* Asks for a connection and waits for the answer: near_end.err, why, flow. */
void dial(enum transport_protocol protocol, const char *host, const char *domain);
/* Sends a request on it. */
void ask(void);

/* A peer that is no endpoint, but a bare socket. */
int raw_peer(void);
/* The same from this address. */
int raw_peer_from(const char *ip);
/* Whether the other side has closed; what it said is thrown away. */
bool is_closed(int fd);

/* What raw peers have heard. */
extern char heard[100000];
extern size_t n_heard;
/* Whether what the peer has got so far contains the text. */
bool hears(int fd, struct slice text);

/* Nobody is exempt, and one broken handshake is too much: before raise_curtain(). */
void watch_handshakes(void);

/* Who connects, says that and goes, and whether he is blamed for it and the log warns of it. */
struct visit {
	const char *label;
	enum transport_protocol protocol;
	const char *text;
	bool resets, is_blamed;
};
/* Each on a stage of its own. */
void play_visits(const struct visit *visits, size_t n, void **state);
