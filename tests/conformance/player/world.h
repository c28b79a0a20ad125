/*
 * The world that a scenario plays in: a server of some workers (each a real endpoint with the real core),
 * whose store is a table in memory, whose network is a callback, and whose clock stands still until it is
 * moved.
 */
#pragma once

#include <stdbool.h>

#include "auth/response.h"
#include "endpoint/endpoint.h"
#include "proxy/core.h"

enum { WORKERS_MAX = 8, ACCOUNTS_MAX = 16, SERVERS_MAX = 8 };

/* One that the server can connect to. */
struct world_server {
	struct slice name;   /* that the scenario gives it */
	struct slice domain; /* the DNS names it for that domain */
	struct slice proves; /* what its certificate names */
	struct address address;
	unsigned refused; /* a bit (1 << protocol) for each transport over which nobody listens there */
};

struct worker {
	struct crypto *crypto;
	struct random *random;
	struct core *core;
	struct endpoint *endpoint;
	uint32_t n_flows; /* opened so far */
};

struct world_account {
	struct slice name; /* user part */
	struct aor *aor;   /* what is stored of it */
};

/* What the world tells of. bytes live for the length of the call. */
struct world_user {
	void (*sent)(void *self, flow_id flow, struct slice bytes);
	void (*closed)(void *self, flow_id flow, const char *why);
	void (*reported)(void *self, const struct report *report);
	/* The server has connected to one that serves a domain. */
	void (*connected)(void *self, struct slice name, flow_id flow);
};

struct world {
	unsigned n_workers;
	struct worker workers[WORKERS_MAX];
	struct now now;
	uint32_t start; /* of the server: one more after each restart */
	struct server_config server;
	struct world_account accounts[ACCOUNTS_MAX];
	size_t n_accounts;
	struct world_server servers[SERVERS_MAX];
	size_t n_servers;
	const struct world_user *user;
	void *self;
};

/* The domain of the server; what it calls itself is sip.example.org. */
#define WORLD_DOMAIN "example.org"

/* False if something could not be made. */
bool world_init(struct world *world, unsigned n_workers, const struct world_user *user, void *self);
/* Accepts a world that was only zeroed. */
void world_fini(struct world *world);

/* An account whose password is its name. The name must outlive the world. */
bool world_add_account(struct world *world, struct slice name);
/* Says a line upon its policy (endpoint/policy.h). */
bool world_say_policy(struct world *world, struct slice name, struct slice line);

/* The peer has the address that it is given. */
flow_id world_connect(struct world *world, unsigned worker, enum transport_protocol transport,
		      struct address peer);
/* The same, and its certificate proves the domain. */
flow_id world_connect_proven(struct world *world, struct address peer, struct slice domain);
/* The same, and its certificate proves a user of ours (RFC 3261 §26.3.2.1), as the handshake knows him. */
flow_id world_connect_user(struct world *world, struct address peer, struct slice user);
/* False if there are too many. */
bool world_serve(struct world *world, const struct world_server *server);
void world_lose(struct world *world, flow_id flow);
/* All that are left: of one name there may be several. */
void world_lose_all(struct world *world);
void world_input(struct world *world, flow_id flow, struct slice bytes);
/* Goes from due time to due time; what is due at the end still happens. */
void world_pass(struct world *world, ms_t time);
/*
 * A new server process: no flow, transaction or nonce is left, only what was stored. The caller forgets its
 * flows.
 */
bool world_restart(struct world *world);
