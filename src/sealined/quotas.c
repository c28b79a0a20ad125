#include "sealined/quotas.h"

#include "base/scan.h"

/* clang-format off */
static const struct {
	struct slice name;
	uint32_t value, least, most;
	bool is_fixed; /* from the start of the server on */
} table[LIMITS] = {
	[LIMIT_CONNECTIONS]             = { SLICE_INIT("connections"),             20000,   1, 1000000, true },
	[LIMIT_CONNECTIONS_PER_SOURCE]  = { SLICE_INIT("connections-per-source"),   1000,   1, 1000000, true },
	[LIMIT_CONNECTIONS_PER_SECOND]  = { SLICE_INIT("connections-per-second"),     50,   1, 1000000, true },
	[LIMIT_HANDSHAKES]              = { SLICE_INIT("handshakes"),               5000,   1, 1000000, true },
	[LIMIT_HANDSHAKES_PER_SOURCE]   = { SLICE_INIT("handshakes-per-source"),     200,   1, 1000000, true },
	[LIMIT_HANDSHAKE_SECONDS]       = { SLICE_INIT("handshake-seconds"),          10,   1,     300, true },
	[LIMIT_PROOF_SECONDS]           = { SLICE_INIT("proof-seconds"),             180,   1,   86400, true },
	[LIMIT_TRANSACTIONS]            = { SLICE_INIT("transactions"),           100000, 100, 1000000, true },
	[LIMIT_REQUESTS_PER_CONNECTION] = { SLICE_INIT("requests-per-connection"),  1000,   1,  100000, true },
	[LIMIT_REQUESTS_PER_SENDER]     = { SLICE_INIT("requests-per-sender"),     10000,   1,  100000, true },
	[LIMIT_REQUESTS_PER_PEER]       = { SLICE_INIT("requests-per-peer"),       20000,   1,  100000, true },
	[LIMIT_REQUESTS_PER_STRANGER]   = { SLICE_INIT("requests-per-stranger"),      16,   1,  100000, true },
	[LIMIT_BINDINGS_PER_ACCOUNT]    = { SLICE_INIT("bindings-per-account"),       10,   1,      64, false },
	[LIMIT_CALLS_PER_ACCOUNT]       = { SLICE_INIT("calls-per-account"),         200,   1,  100000, false },
	[LIMIT_REQUESTS_PER_SECOND]     = { SLICE_INIT("requests-per-second"),       200,   1,  100000, false },
	[LIMIT_BAN_POINTS]              = { SLICE_INIT("ban-points"),                300,   0, 1000000, false },
	[LIMIT_BAN_SECONDS]             = { SLICE_INIT("ban-seconds"),               600,   1, 1000000, false },
};
/* clang-format on */

void limits_init(struct limits *limits)
{
	for (int i = 0; i < LIMITS; i++)
		limits->values[i] = table[i].value;
}

struct slice limit_name(enum limit limit)
{
	return table[limit].name;
}

bool limits_say(struct limits *limits, enum limit limit, struct slice value, struct writer *why)
{
	struct scan in = scan_of(value);
	uint64_t number;

	if (scan_number(&in, table[limit].most, &number) && scan_done(&in) && number >= table[limit].least) {
		limits->values[limit] = (uint32_t)number;
		return true;
	}
	put(why, SLICE("it is no number from "));
	put_number(why, table[limit].least);
	put(why, SLICE(" to "));
	put_number(why, table[limit].most);
	return false;
}

struct slice limits_fixed_change(const struct limits *old, const struct limits *new)
{
	for (int i = 0; i < LIMITS; i++)
		if (table[i].is_fixed && old->values[i] != new->values[i])
			return table[i].name;
	return slice_of(NULL);
}

static ms_t seconds(const struct limits *limits, enum limit limit)
{
	return (ms_t)limits->values[limit] * 1000;
}

void limits_of_transport(const struct limits *limits, struct transport_limits *transport)
{
	transport->flows = limits->values[LIMIT_CONNECTIONS];
	transport->flows_per_source = limits->values[LIMIT_CONNECTIONS_PER_SOURCE];
	transport->flows_per_second = limits->values[LIMIT_CONNECTIONS_PER_SECOND];
	transport->handshakes = limits->values[LIMIT_HANDSHAKES];
	transport->handshakes_per_source = limits->values[LIMIT_HANDSHAKES_PER_SOURCE];
	transport->handshake = seconds(limits, LIMIT_HANDSHAKE_SECONDS);
	transport->unproven = seconds(limits, LIMIT_PROOF_SECONDS);
}

void limits_of_endpoint(const struct limits *limits, struct endpoint_limits *endpoint)
{
	endpoint->transactions = limits->values[LIMIT_TRANSACTIONS];
	endpoint->per_flow = limits->values[LIMIT_REQUESTS_PER_CONNECTION];
	endpoint->per_sender = limits->values[LIMIT_REQUESTS_PER_SENDER];
	endpoint->per_peer = limits->values[LIMIT_REQUESTS_PER_PEER];
	endpoint->per_stranger = limits->values[LIMIT_REQUESTS_PER_STRANGER];
}

void limits_of_server(const struct limits *limits, struct server_config *server)
{
	server->registrar.bindings_max = limits->values[LIMIT_BINDINGS_PER_ACCOUNT];
	server->calls_max = limits->values[LIMIT_CALLS_PER_ACCOUNT];
	server->requests_per_second = limits->values[LIMIT_REQUESTS_PER_SECOND];
}

void limits_of_bans(const struct limits *limits, struct bans_policy *bans)
{
	bans->tolerance = limits->values[LIMIT_BAN_POINTS];
	bans->time = seconds(limits, LIMIT_BAN_SECONDS);
}
