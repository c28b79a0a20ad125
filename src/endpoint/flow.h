/*
 * A flow: one connection, or one UDP association, with what is proven of its other end (RFC 3261 §18, RFC
 * 5626 §2). Flows are opened, read and written above the I/O line; here is what the protocol knows of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"
#include "base/time.h"
#include "sip/transport.h"

/*
 * Never used again: 8 bits worker, 16 bits start of the server (from the store, one more each start), 3 bits
 * transport, 37 bits counter: at a thousand new flows a second, which nobody has to be proven for, those of a worker last
 * for four years. 0 is no flow. So every worker knows whose it is and what kind of transport it is.
 */
typedef uint64_t flow_id;

#define FLOW_START_MAX   0xffffU
#define FLOW_COUNTER_MAX 0x1fffffffffU

static inline flow_id flow_id_of(unsigned worker, uint32_t start, enum transport_protocol transport,
				 uint64_t counter)
{
	return (uint64_t)(worker & 0xff) << 56 | (uint64_t)(start & FLOW_START_MAX) << 40 |
	       (uint64_t)((unsigned)transport & 7) << 37 | (counter & FLOW_COUNTER_MAX);
}
static inline unsigned flow_worker(flow_id id)
{
	return (unsigned)(id >> 56);
}
static inline uint32_t flow_start(flow_id id)
{
	return (uint32_t)(id >> 40) & FLOW_START_MAX;
}
static inline enum transport_protocol flow_transport(flow_id id)
{
	return (enum transport_protocol)(id >> 37 & 7);
}

/* Row number of an account in the store, never used again; 0 is no account. In the phone: 1. */
typedef int64_t account_id;

enum flow_event {
	FLOW_OPENED,  /* accepted, or connected by us; the handshake is over */
	FLOW_BLOCKED, /* the peer does not read; its queue is over the high mark */
	FLOW_UNBLOCKED,
	FLOW_LOST, /* gone; nothing can be sent any more */
};

/*
 * What transport tells endpoint of a flow. Slices live for the length of the call.
 * verified: the SIP domain that the peer's certificate proved (RFC 5922 §7), in lower case; empty: none. Of a flow that
 * the peer opened: all that it proved, separated by commas.
 */
struct flow_facts {
	enum flow_event event;
	enum transport_protocol transport;
	bool outbound;        /* we opened it */
	struct address local; /* of one that we opened */
	struct address peer;
	struct slice verified;
	struct slice
		link; /* the declared link that it runs over, in clear: never together with verified; empty: none */
	struct slice fingerprint; /* SHA-256 of the certificate that proved it; empty: none */
	struct slice user,
		user_key; /* the AOR that it proved (RFC 3261 §26.3.2.1), user with escapes, domain in lower case, and the id of its key; empty: none */
	struct slice tls_version, tls_cipher; /* "TLSv1.3", "TLS_AES_256_GCM_SHA384"; empty when clear */
	struct slice
		why; /* FLOW_LOST: a sentence. FLOW_OPENED: why the certificate that the peer has shown proves nothing */
};

/*
 * What a message demands of the flow that carries it (DESIGN: the verdict of a flow). Levels only ever rise
 * along a transaction or dialog. Checked in one place, endpoint/send.c, on the worker that owns the flow.
 */
enum require_level {
	REQUIRE_NOTHING, /* a sip request: any flow */
	REQUIRE_TLS,     /* best effort encryption asked for (transport=tls, a SIPS Contact reached by a sip
			    request) */
	REQUIRE_ACCOUNT, /* sips to a phone of ours: TLS, and the account is proven on the flow */
	REQUIRE_DOMAIN,  /* sips to a domain: TLS, and the peer's certificate proved the domain */
	REQUIRE_LINK,    /* to a peer behind a declared link: that link, and no other way */
};

struct requirement {
	enum require_level level;
	account_id account; /* REQUIRE_ACCOUNT */
	struct slice
		domain; /* REQUIRE_DOMAIN, lower case; REQUIRE_LINK: its name; copied by whoever keeps it */
};
