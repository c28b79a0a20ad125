/*
 * What the server's core is told: what may change by a reload (server_config), and what never does
 * (core_config).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/server.h"
#include "base/address.h"
#include "base/map.h"
#include "base/slice.h"
#include "base/time.h"
#include "crypto/lib.h"
#include "endpoint/flow.h"
#include "endpoint/policy.h"
#include "registrar/registrar.h"

struct server_domain {
	struct slice name; /* in lower case; also the realm */
	enum auth_md5 md5;
	unsigned sha; /* as in struct auth_realm */
	enum auth_integrity integrity;
	utc_t md5_until; /* from then on MD5 is refused, whatever md5 says; 0: no such day */
	enum client_certificate certificate; /* of accounts whose own policy does not say */
	enum protection in, out; /* the least protection of calls and messages to and from its accounts */
	bool require_sips; /* a sip request to a SIPS Contact: 480 with Warning 381, instead of going out as sip over TLS */
	bool follows;   /* redirections by phones (3xx) are followed, instead of being passed on */
	bool redirects; /* senders are told where phones are, instead of being forwarded */
};

/*
 * What a flow has to have proven for the name: the name itself, or "NAME/SCOPE" where the peer is judged by rules of its own
 * (tls/context.h). For sip requests these may have exceptions that never count for sips.
 */
struct server_identity {
	struct slice name, sips, sip; /* in lower case */
};

/* A server of others that the configuration names: what it has to prove, and what it may do. */
struct server_peer {
	struct slice name;
	const struct slice
		*domains; /* in lower case: requests for them go to it, and it may speak for them */
	size_t n_domains;
	struct slice host; /* where it is, a name or an address; empty: where the DNS has the domain */
	uint16_t port;     /* 0: none given */
	struct slice
		proves; /* in lower case: what its certificate has to name; empty: the domain in question */
	const struct server_identity
		*identities; /* of each name that it may have to prove; none: the names themselves */
	size_t n_identities;
	struct slice pin; /* 32 bytes: SHA-256 of the certificate that it must have besides; empty: any */
	bool needs_dane; /* it is reached only where DNSSEC proves a TLSA record (RFC 6698) that its certificate fits */
	enum transport_protocol transport; /* TLS. TCP or UDP: in clear, and for sip requests alone */
	const struct address *addresses;   /* in clear: from where it may come, on any port */
	size_t n_addresses;
	struct slice
		link; /* in clear: the declared link that it is behind, and is reached by alone; empty: none */
	bool link_has_sips; /* our policy lets that carry sips requests */
	bool routes;        /* accounts of ours may choose it by a Route of their own */
	bool relays;        /* what comes from it may go on to other domains */
	bool registers; /* phones of its domains register with it through us, who are their edge proxy (RFC 5626 §5) */
	const struct slice *edge_for; /* domains of ours whose phones may come by it: it is an edge proxy */
	size_t n_edge_for;
	bool in_trust_domain; /* of RFC 3325: the identities that it asserts are believed, and ours are asserted to it */
};

/* The security agreement with phones whose first hop we are (RFC 3329). */
enum agreement {
	AGREEMENT_OFFERED,  /* with those that ask for it */
	AGREEMENT_REQUIRED, /* who comes without TLS is told of it, and not served */
	AGREEMENT_REFUSED,  /* it is an extension that is not known */
};

/* A snapshot: read-only, shared by the workers, replaced whole. */
struct server_config {
	const struct server_domain *domains;
	size_t n_domains;
	struct slice advertise;           /* our name in Record-Route: one that our certificate proves */
	uint16_t ports[TRANSPORT_WS + 1]; /* by enum transport_protocol; 0: the default port, left out */
	const struct server_peer *peers;
	size_t n_peers;
	enum agreement agreement; /* RFC 3329 */
	bool needs_staples; /* servers of other domains have to show what their CA says of them today (RFC 6066 §8) */
	const struct slice *names; /* further names and addresses of ours that a Route may have */
	size_t n_names;
	struct registrar_policy registrar;
	utc_t nonce_lifetime; /* seconds: 3600 */
	ms_t timer_c;         /* more than 3 minutes (RFC 3261 §16.6 step 11) */
	size_t calls_max;     /* of one account, being set up at a time: 200 */
	uint32_t
		requests_per_second; /* of one account, once it has used up five times as many at once: 200 */
	uint32_t certificates_per_minute; /* asked for by one account or one other domain: 600 */
	size_t max_forks;                 /* branches of one request: 10 */
	uint32_t retry_after; /* seconds, with 480 while bindings exist that no flow leads to: 30 */
};

/* Everything but domains, advertise, peers and names. */
extern const struct server_config server_config_default;

/* One worker's. */
struct core_config {
	struct crypto *crypto;  /* borrowed */
	struct slice nonce_key; /* 32 bytes, the same for all workers, secret, kept across restarts */
	struct slice token_key; /* 32 bytes, likewise */
	struct map_key map_key; /* for tables with names that peers choose */
	uint32_t start;         /* of this server: the same as in its flow_ids */
	const struct server_config *server; /* borrowed until core_reconfigure() or core_free() */
};
