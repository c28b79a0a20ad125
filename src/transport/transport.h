/*
 * Connections as flows (RFC 3261 §18, RFC 5626, RFC 5923): drives one endpoint over real sockets in one
 *thread's loop. Used by each worker of the server (transport/worker.h) and by the phone, which has no
 *listener and no store.
 *
 * A turn of the loop, whoever runs it:
 *
 *	net_wait(net, earliest of endpoint_due(), transport_due(), …);
 *	now = net_now(net);
 *	while (net_next(net, &event))
 *		transport_event(transport, &event, now);     what is not the caller's own
 *	endpoint_tick(endpoint, now);
 *	transport_perform(transport, now);                   what the endpoint asks for; writes; handshakes
 *
 * A TLS flow becomes known to the endpoint when its handshake is over. What is sent in one turn on a flow is
 * joined and written once. Each flow has a deadline at every moment: handshake, blocked writing, or idleness.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/map.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"
#include "endpoint/action.h"
#include "endpoint/aor.h"
#include "endpoint/endpoint.h"
#include "endpoint/flow.h"
#include "endpoint/letter.h"
#include "net/net.h"
#include "tls/context.h"
#include "transport/bans.h"

struct transport;

struct transport_limits {
	size_t flows;                 /* open at a time */
	size_t associations;          /* senders over UDP at a time */
	size_t flows_per_source;      /* accepted from one source (bans.h) that is not exempt; 0: no limit */
	unsigned flows_per_second;    /* how many more each second when it has used up as many at once */
	size_t handshakes;            /* accepted, and not open yet, at a time */
	size_t handshakes_per_source; /* of these, from one source that is not exempt */
	size_t high_mark;             /* bytes that wait on a flow before it counts as blocked */
	size_t output;                /* bytes that wait on a flow before it is closed */
	size_t message;               /* of a WebSocket: the longest that is taken */
	size_t input_per_turn;        /* bytes read from one flow before others have their turn */
	unsigned handshakes_per_turn; /* steps of handshakes; the rest comes in the next turn */
	ms_t handshake;               /* from accept to the end of the handshake */
	ms_t connect;                 /* from the question to the end of the handshake, look-up included */
	ms_t write;                   /* a flow that takes nothing for so long is closed */
	ms_t unproven; /* a flow that somebody opened to us is closed when so long nobody has proven himself on it */
	ms_t idle; /* a flow without a proven account or domain that says nothing for so long is closed */
	ms_t idle_proven; /* the same for one with; as long as somebody who says nothing may be registered */
};

/*
 * 20,000 flows, 10,000 senders over UDP; of one source 1,000, 50 a second; 5,000 handshakes, 200 of one source;
 * 64 KiB, 1 MiB, 64 KiB, 64 KiB, 32; 10 s, 20 s, 20 s, 180 s, 60 s, 2 h.
 */
extern const struct transport_limits transport_limits_default;

/* What the endpoint's actions lead to besides sockets. A NULL function: there is no such thing (the question
 * is answered with ERR_IO, the letter freed). */
struct transport_services {
	void *self;
	/* The snapshot with a reference for the caller. ERR_NOT_FOUND; ERR_AGAIN: what is stored has not all been read yet. */
	enum err (*lookup)(void *self, struct slice aor, struct aor **ret_aor);
	/*
	 * Takes the question up, to be answered later by transport_answer(); copies what it needs. Or answers at once: *ret_aor
	 * is the snapshot now, with a reference for the caller. ERR_NOMEM.
	 */
	enum err (*store)(void *self, uint64_t question, const struct store_question *store,
			  struct aor **ret_aor);
	/* The same for the certificate of a device; or the error of the answer. */
	enum err (*certify)(void *self, uint64_t question, const struct certify_question *certify,
			    struct now now);
	/* Signs at once: the entity lives until the next call. The errors of the answer. */
	enum err (*vouch)(void *self, const struct vouch_question *vouch, struct slice *ret_entity);
	/* The same for a question to the DNS. ERR_LIMIT, ERR_NOMEM. */
	enum err (*resolve)(void *self, uint64_t question, const struct dns_question *resolve);
	/* Takes the letter over. */
	void (*post)(void *self, struct letter *letter);
	void (*report)(void *self, const struct report *report);
};

/*
 * A link between proxies of one network that something else than TLS protects (IPsec, a private wire): so it is declared, and
 * never proven. What comes over TCP from one of the addresses, or is connected to one, runs over it; where an interface is named, by
 * that alone.
 */
enum { LINK_NAME_MAX = 32, LINK_ADDRESSES_MAX = 32 };

struct transport_link {
	struct slice name;               /* at most LINK_NAME_MAX */
	const struct address *addresses; /* of the others, on any port */
	size_t n_addresses;
	struct slice interface; /* ours; empty: any */
};

struct transport_links {
	const struct transport_link *all; /* the user's, until others are set */
	size_t n;
};

struct transport_config {
	struct net *net; /* borrowed, like all pointers here */
	struct endpoint *endpoint;
	unsigned worker; /* 0 in the phone */
	uint32_t start;  /* 16 bits of every flow_id: another one each start of the program */
	struct map_key map_key;
	struct transport_limits limits;
	struct transport_services services;
	struct crypto *crypto; /* for the handshakes of WebSockets; NULL: there is no listener for them */
	struct tls_context *server; /* for accepted TLS flows; NULL: none are accepted */
	struct tls_context *client; /* for ACTION_CONNECT over TLS; NULL: refused */
	struct transport_links links;
	struct bans *bans; /* NULL: nobody is banned, and only loopback is exempt */
};

/* Copies the config. NULL without memory. */
MUST_CHECK struct transport *transport_new(const struct transport_config *config);
/* Closes all flows at once, without telling the endpoint. */
void transport_free(struct transport *transport);
OWN(transport)

/* Accepts flows of this transport on a listening socket, or a bound one for UDP, which is taken over. ERR_LIMIT,
 * ERR_NOMEM, ERR_IO: it is still the caller's. */
MUST_CHECK enum err transport_listen(struct transport *transport, enum transport_protocol protocol,
				     int listener);
/* Accepts no more: closes the listeners; over UDP only those are heard that are known. */
void transport_deafen(struct transport *transport);
/* For flows from now on; the old contexts may be freed afterwards. Ends the flows whose peers the new ones know as revoked. */
void transport_set_tls(struct transport *transport, struct tls_context *server, struct tls_context *client,
		       struct now now);

/* Ends the flows that would run over another link, or by another interface, if they were opened now. */
void transport_set_links(struct transport *transport, struct transport_links links, struct now now);

/* How long whoever is proven may be silent (see struct transport_limits), from now on. */
void transport_set_idle_proven(struct transport *transport, ms_t idle_proven);

/* Takes what has come, and does what the endpoint wants done because of it; what is to be sent waits for transport_perform(). */
void transport_event(struct transport *transport, const struct net_event *event, struct now now);
/* Passes an answer that came from elsewhere (services.store, services.resolve) to the endpoint. */
void transport_answer(struct transport *transport, const struct answer *answer, struct now now);
/* Does what the endpoint wants done until it wants nothing more, then writes what waits on the flows. */
void transport_perform(struct transport *transport, struct now now);
/* When a turn is needed even if nothing happens: at once (a time that has passed) when work was put off; 0:
 * no need. */
ms_t transport_due(const struct transport *transport);

/* Flows that are open now, and what became of others since the start. */
struct transport_counts {
	size_t clear, declared, tls, account,
		domain;               /* open flows by verdict; account: of TLS flows with one proven */
	size_t handshaking;           /* and those that are on their way */
	uint64_t accepted, connected; /* since the start */
	uint64_t refused_handshakes, refused_connections, closed_blocked, closed_idle;
	uint64_t refused_banned, closed_unproven,
		closed_banned; /* the first is part of refused_connections */
	uint64_t blamed;       /* misdeeds that counted against their source */
	uint64_t bytes_in, bytes_out;
	uint64_t ignored, withheld, unsent; /* over UDP: no SIP or no room; to strangers; not taken */
};
struct transport_counts transport_counts(const struct transport *transport);
