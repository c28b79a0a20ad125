/*
 * The quotas of the configuration (its key "limits"): each a number with a default and a range, by name. Here is where
 * they are read, and what the rooms make of them. man/sealined.yaml.5 is the reference.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/writer.h"
#include "endpoint/endpoint.h"
#include "proxy/config.h"
#include "transport/bans.h"
#include "transport/transport.h"

enum limit {
	LIMIT_CONNECTIONS,
	LIMIT_CONNECTIONS_PER_SOURCE,
	LIMIT_CONNECTIONS_PER_SECOND,
	LIMIT_HANDSHAKES,
	LIMIT_HANDSHAKES_PER_SOURCE,
	LIMIT_HANDSHAKE_SECONDS,
	LIMIT_PROOF_SECONDS,
	LIMIT_TRANSACTIONS,
	LIMIT_REQUESTS_PER_CONNECTION,
	LIMIT_REQUESTS_PER_SENDER,
	LIMIT_REQUESTS_PER_PEER,
	LIMIT_REQUESTS_PER_STRANGER,
	LIMIT_BINDINGS_PER_ACCOUNT,
	LIMIT_CALLS_PER_ACCOUNT,
	LIMIT_REQUESTS_PER_SECOND,
	LIMIT_BAN_POINTS,
	LIMIT_BAN_SECONDS,
	LIMITS,
};

struct limits {
	uint32_t values[LIMITS];
};

/* All defaults. */
void limits_init(struct limits *limits);
struct slice limit_name(enum limit limit);
/* False: why has a clause that says what is wrong with the value. */
MUST_CHECK bool limits_say(struct limits *limits, enum limit limit, struct slice value, struct writer *why);
/* The name of one that differs and is fixed once the server has started; empty if there is none. */
struct slice limits_fixed_change(const struct limits *old, const struct limits *new);

/* What they mean to the rooms; everything else is left as it is. */
void limits_of_transport(const struct limits *limits, struct transport_limits *transport);
void limits_of_endpoint(const struct limits *limits, struct endpoint_limits *endpoint);
void limits_of_server(const struct limits *limits, struct server_config *server);
void limits_of_bans(const struct limits *limits, struct bans_policy *bans);
