/*
 * The server's core: the transaction user of a worker's endpoint (RFC 3261 §16, §10). It decides what a
 * request is, asks for the proof that it needs (nothing is relayed or acted on without one), and lets the
 * registrar answer it or relays it.
 *
 *	core_new(&core_config, &core);
 *	endpoint_new(&(struct endpoint_config){ .user = &core_user, .user_self = core, … }, &endpoint);
 *	core_attach(core, endpoint);
 *	…
 *	endpoint_free(endpoint);    first: it tells the core of all that goes
 *	core_free(core);
 */
#pragma once

#include "base/err.h"
#include "base/own.h"
#include "endpoint/endpoint.h"
#include "proxy/config.h"

struct core;

extern const struct endpoint_user core_user;

/* ERR_NOMEM. */
MUST_CHECK enum err core_new(const struct core_config *config, struct core **ret_core);
/* The endpoint is borrowed. Before the first event. */
void core_attach(struct core *core, struct endpoint *endpoint);
void core_free(struct core *core);
OWN(core)

/* From now on this configuration; the old one may then be freed. What is under way goes on. */
void core_reconfigure(struct core *core, const struct server_config *server);
