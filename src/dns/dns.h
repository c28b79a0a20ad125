/*
 * Questions to the DNS, with the answers validated by DNSSEC (RFC 4033), by libunbound in the loop of one thread: no thread and
 * no descriptor of its own, and a cache that keeps what its time to live allows.
 *
 * Answers are fetched like the events of net/, nothing is called back: after each net_wait(), and after dns_ask(), which may
 * have found the answer in the cache,
 *
 *	while (dns_next(dns, &id, &answer))
 *		…
 *
 * The names in /etc/hosts and localhost are answered without asking anybody; they count as unsigned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/dns.h"
#include "base/err.h"
#include "base/own.h"
#include "base/time.h"
#include "net/net.h"

struct dns;

struct dns_config {
	struct net *net; /* borrowed; outlives the struct dns */
	struct address
		server; /* to be asked; ADDRESS_NONE: those of /etc/resolv.conf, without any the roots of the DNS */
	const char *anchors; /* file with trust anchors: DS or DNSKEY records; NULL: nothing is validated */
	ms_t patience;       /* for one answer */
};

enum { DNS_QUERIES_MAX = 64 };

/* ERR_SYNTAX: the file of anchors holds something else, or cannot be read. ERR_NOMEM. */
MUST_CHECK enum err dns_new(const struct dns_config *config, struct dns **ret_dns);
/* Drops what has not been answered. Before net_free(). */
void dns_free(struct dns *dns);
OWN(dns)

/* Asks; exactly one answer will come under that id. ERR_LIMIT with DNS_QUERIES_MAX under way, ERR_NOMEM: none will. */
MUST_CHECK enum err dns_ask(struct dns *dns, uint64_t id, const struct dns_question *question);
/* The next answer, or false. Its slices live until the next call for this struct dns. */
bool dns_next(struct dns *dns, uint64_t *ret_id, struct dns_answer *ret_answer);
