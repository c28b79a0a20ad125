/*
 * Finding the next hop (RFC 3263 §4): from the host of a SIP or SIPS URI to the addresses to be tried, in order.
 *
 * A state machine over the answers of the DNS, and nothing else. It says which records it needs, is told them, and gives
 * one target after the other: the caller tries to connect, and asks for the next one if that fails. So the addresses of
 * a second server are only looked up when the first one is dead.
 *
 *	locate_start(&locate, &request, seed);
 *	for (;;) {
 *		locate_next(&locate, &next);
 *		LOCATE_ASK: put next.question to the DNS, locate_answer(), go on;
 *		LOCATE_TRY: connect to next.target; go on if that fails;
 *		LOCATE_END: there is no other target.
 *	}
 *
 * Every target must prove the domain of the URI (RFC 5922 §7.3), never a name that the DNS has given. How it may do so the domain can say
 * itself: below SRV records that DNSSEC proves, the TLSA records of the server are asked for (RFC 6698, RFC 7673). The transport
 * is selected once (§4.1): there is no falling back from one that has servers to another.
 *
 * Bounded: at most 8 service records, 16 servers and 16 addresses of each are kept, the best of them; a chain of
 * aliases has at most 8 links. The struct belongs to the caller and points nowhere: it may be copied, and dropped at
 * any time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/dns.h"
#include "base/err.h"
#include "base/slice.h"
#include "locate/packet.h"
#include "sip/transport.h"
#include "sip/uri.h"

/* A set of transports. */
#define LOCATE_WITH(transport) (1U << (transport))

struct locate_request {
	struct slice domain; /* that the other end must prove */
	struct slice target; /* TARGET (§4): where the search begins: maddr, or the same */
	uint16_t port;       /* 0: none given */
	unsigned transports; /* the set that may be used; TLS, TCP and UDP are looked for */
	bool is_transport_given;
	bool needs_tlsa; /* only servers that have TLSA records */
};

/*
 * The request for a URI; its slices point into the URI's text. supported: the transports that we can use. False if
 * none of them can be used for it: sips is TLS only, a transport parameter is obeyed.
 */
bool locate_request_of(const struct sip_uri *uri, unsigned supported, struct locate_request *ret_request);

struct locate_target {
	enum transport_protocol transport;
	struct address address;
	struct slice domain; /* that it must prove; lives as long as the struct locate, as host does */
	struct slice host;   /* the name whose address it is, or the address itself */
	struct slice tlsa;   /* RDATA of its TLSA records, each behind its length in two bytes; empty: none */
	bool is_secure;      /* DNSSEC proves each record that led here; false if none was needed */
	bool is_last;        /* nothing else would be tried */
};

enum locate_step { LOCATE_ASK, LOCATE_TRY, LOCATE_END };

struct locate_next {
	enum locate_step step;
	struct dns_question question; /* LOCATE_ASK; lives until locate_answer() */
	struct locate_target target;  /* LOCATE_TRY */
	/*
	 * LOCATE_END, if it was not reached by trying: ERR_NOT_FOUND (no such domain or service), ERR_DENIED (bogus,
	 * RFC 4033 §5), ERR_AGAIN and ERR_IO (name servers that do not answer or fail), ERR_SYNTAX (the host is no
	 * domain name); and a sentence, which lives as long as the struct locate.
	 */
	enum err err;
	struct slice why;
};

/* -- the state; for locate.c only ------------------------------------------------------------------------------ */

enum {
	LOCATE_SERVICES_MAX = 8,
	LOCATE_SERVERS_MAX = 16,
	LOCATE_ADDRESSES_MAX = 16,
	LOCATE_TLSA_MAX = 2048,
	LOCATE_WHY_MAX = 500,
};

enum locate_state {
	LOCATE_SERVICES,
	LOCATE_SERVERS,
	LOCATE_V6,
	LOCATE_V4,
	LOCATE_TLSA,
	LOCATE_ADDRESSES,
	LOCATE_OVER,
};

/* A way to the SRV records of one transport: a NAPTR record, or what is made up if there is none. */
struct locate_service {
	uint16_t order, preference;
	enum transport_protocol transport;
	struct name name;
};

struct locate_place {
	struct address address;
	bool is_secure;
};

struct locate {
	enum locate_state state;
	struct name domain, target;
	unsigned transports;               /* a set */
	enum transport_protocol transport; /* that is selected, or would be if there are no servers */
	uint64_t chance;
	bool is_secure; /* each answer so far, but for addresses */

	struct locate_service services[LOCATE_SERVICES_MAX]; /* sorted */
	size_t n_services, service;                          /* and the one that is being looked up */

	bool is_unoffered;                      /* an SRV record says that there is no such service */
	struct srv servers[LOCATE_SERVERS_MAX]; /* in the order in which they are tried */
	size_t n_servers, server;

	struct locate_place places[LOCATE_ADDRESSES_MAX]; /* of that server */
	size_t n_places, place;

	bool has_srv; /* the server comes from SRV records that are proven, as is all that led to them */
	bool needs_tlsa;
	struct name tlsa_name; /* "_PORT._tcp.SERVER" (RFC 6698 §3) */
	char tlsa[LOCATE_TLSA_MAX];
	size_t tlsa_len;

	enum err err; /* the worst that was met */
	char why[LOCATE_WHY_MAX];
	size_t why_len;
};

/* seed: 64 random bits for the choice among servers of the same priority (RFC 2782). */
void locate_start(struct locate *locate, const struct locate_request *request, uint64_t seed);
void locate_next(struct locate *locate, struct locate_next *ret_next);
/* The answer to the question that locate_next() gave last. */
void locate_answer(struct locate *locate, const struct dns_answer *answer);
