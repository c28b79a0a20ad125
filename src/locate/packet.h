/*
 * The answer section of a DNS message (RFC 1035 §4.1): the records of one type that belong to a name, or to the
 * one that its aliases lead to. Reads what the resolver gave; nothing in it is trusted to be well formed.
 */
#pragma once

#include "base/address.h"
#include "base/dns.h"

enum { PACKET_NAME_MAX = 253, PACKET_ALIASES_MAX = 8 };

/* A domain name as text in lower case without its final dot; empty: the root. */
struct name {
	uint8_t len;
	bool is_odd; /* it has bytes other than letters, digits, "-" and "_", and is of no use to us */
	char text[PACKET_NAME_MAX];
};

static inline struct slice name_text(const struct name *name)
{
	return slice_from(name->text, name->len);
}
/* False for what is no domain name of letters, digits, "-" and "_". */
bool name_set(struct name *name, struct slice text);

struct packet {
	struct slice bytes;
	size_t at;       /* of the next record */
	unsigned n_left; /* records of the answer section from there on */
	enum dns_type type;
	struct name owner; /* whose records are wanted */
};

/* RDATA of a record. */
struct rdata {
	size_t at, len;
};

/* False for what is no response to such a question, is malformed, or reports a failure of the server. */
bool packet_open(struct packet *packet, struct slice bytes, const struct dns_question *question);
/* The next record of the type and owner; false at the end, or where the message is malformed. */
bool packet_next(struct packet *packet, struct rdata *ret_rdata);

/* DNS_A and DNS_AAAA; the port is 0. */
bool packet_address(const struct packet *packet, const struct rdata *rdata, struct address *ret_address);

struct srv {
	uint16_t priority, weight, port;
	struct name target;
};
bool packet_srv(const struct packet *packet, const struct rdata *rdata, struct srv *ret_srv);

/*
 * RFC 6698 §2.1: "certificate usage", "selector", "matching type" and the data, as they stand there. False for what has other
 * numbers than those of the RFC, or a digest of another length than its type has.
 */
bool packet_tlsa(const struct packet *packet, const struct rdata *rdata, struct slice *ret_tlsa);

struct naptr {
	uint16_t order, preference;
	struct slice flags, services, regexp; /* in the message */
	struct name replacement;
};
bool packet_naptr(const struct packet *packet, const struct rdata *rdata, struct naptr *ret_naptr);
