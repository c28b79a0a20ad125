/*
 * What a scenario calls by a name: a user agent that says what the scenario lets it say, fills in what RFC
 * 3261 asks for (Via, tags, CSeq, route set …), answers challenges for its own account, and keeps what it
 * gets until it is asked for.
 */
#pragma once

#include "auth/client.h"
#include "scenario.h"
#include "world.h"

enum { INBOX_MAX = 32, TAKEN_MAX = 16, MESSAGE_MAX = 65536, TEXT_MAX = 4096 };

/* Text that is kept. */
struct text {
	size_t len;
	char bytes[TEXT_MAX];
};

/* The one dialog that a phone remembers, the last (RFC 3261 §12). */
struct phone_dialog {
	struct text call_id, local, remote; /* local, remote: values for From and To, with tags */
	struct text target, routes;         /* routes: Route header lines */
	unsigned cseq, invite_cseq;
	bool sips;
};

/* A request that was sent and may be challenged, repeated, cancelled. */
struct phone_request {
	struct pattern pattern;
	struct text call_id, uri;
	char branch[64];
	unsigned cseq, rounds; /* challenges answered for it */
	bool in_dialog, no_credentials;
	struct text sent;
};

struct phone {
	struct slice name;    /* "bob.desk" */
	struct slice account; /* "bob" */
	bool has_account;
	struct slice domain; /* of its addresses; WORLD_DOMAIN, unless it is of another */
	bool serves;         /* the server connects to it, not the other way round */
	unsigned number;     /* its address is 192.0.2.number */
	flow_id flow;        /* 0: not connected; of a server the one that it was spoken to last on */
	flow_id other_flow;  /* of a server: the one before */
	const char *closed;  /* why the server closed it; NULL: it did not */

	struct sip_message *inbox[INBOX_MAX]; /* not looked at so far, oldest first */
	size_t n_inbox;
	struct sip_message *taken[TAKEN_MAX]; /* looked at; requests among them may be answered */
	size_t n_taken;

	struct auth_client auth;
	struct phone_dialog dialog;
	struct phone_request last, invite; /* the last request sent; the last INVITE */
	unsigned n_calls, n_branches, register_cseq;
	struct text path; /* Path of the REGISTER that it got last */
};

void phone_init(struct phone *phone, struct slice name, unsigned number);
void phone_fini(struct phone *phone);
/* Gives it what it needs to answer challenges. */
void phone_know_account(struct phone *phone, struct crypto *crypto, struct random *random);
/* Forgets what came; it is not connected any more. */
void phone_disconnect(struct phone *phone);
struct address phone_address(const struct phone *phone);

/* All of these send; false if the scenario asks for what cannot be said now. */
bool phone_request(struct phone *phone, struct world *world, const struct pattern *pattern);
bool phone_respond(struct phone *phone, struct world *world, const struct pattern *pattern);
bool phone_register(struct phone *phone, struct world *world, struct slice contact);
bool phone_repeat(struct phone *phone, struct world *world);

/*
 * Something came on its flow. True if it answered it by itself (a challenge to its account), so that the
 * scenario need not know of it; else it is in the inbox. Acknowledges final responses to INVITE other than
 * 2xx.
 */
bool phone_receive(struct phone *phone, struct world *world, struct slice bytes);
/* Takes the oldest message out of the inbox; NULL if there is none. It stays the phone's. */
const struct sip_message *phone_take(struct phone *phone);
