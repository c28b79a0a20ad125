/*
 * Who may not connect: sources (an IPv4 address, or the /64 of an IPv6 one) that did too much that only an attacker
 * does, and those that the administrator named. Shared by the workers and the main thread; a lock inside, nothing is
 * called while it is held, and it is not even taken for a look-up while nobody is banned.
 *
 * A ban keeps new connections out, and ends a flow of nobody when it does one more thing that is blamed. It never
 * ends a flow on which somebody has proven himself: he may sit behind the same address. What only came over UDP
 * is blamed on nobody, unless the sender has shown that he sees our answers: a source address is easily forged.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/map.h"
#include "base/own.h"
#include "base/time.h"
#include "endpoint/action.h"

/* Those that are named by the administrator keep their places, and leave half of them to others. */
enum { BANS_SOURCES_MAX = 20000, BANS_NAMED_MAX = 10000, BANS_EXEMPT_MAX = 64 };

/* "192.0.2.0/24", "2001:db8::/32"; without a length one address. */
struct prefix {
	struct address address;
	unsigned length; /* bits */
};
bool prefix_parse(struct slice text, struct prefix *ret_prefix);
bool prefix_has(const struct prefix *prefix, const struct address *address);

struct bans_policy {
	unsigned tolerance; /* points within the window that lead to a ban; 0: none ever */
	ms_t window;
	ms_t time; /* of the first ban; twice as long each time, up to 64 times that */
	struct prefix exempt[BANS_EXEMPT_MAX]; /* who is never banned */
	size_t n_exempt;
};

/* 300 points in 10 minutes, 10 minutes; loopback is exempt. */
extern const struct bans_policy bans_policy_default;

struct bans;

/* Copies the policy. NULL without memory. */
MUST_CHECK struct bans *bans_new(struct map_key key, const struct bans_policy *policy);
void bans_free(struct bans *bans);
OWN(bans)

/* From any thread, all of these. Lifts what is exempt now. */
void bans_set_policy(struct bans *bans, const struct bans_policy *policy);
/* True if the source is banned from now on and was not before. */
bool bans_blame(struct bans *bans, const struct address *address, enum misdeed misdeed, ms_t now);
bool bans_has(struct bans *bans, const struct address *address, ms_t now);
bool bans_is_exempt(struct bans *bans, const struct address *address);

/* A ban by the administrator. ERR_DENIED: the source is exempt. ERR_LIMIT: BANS_NAMED_MAX of them hold. ERR_NOMEM. */
MUST_CHECK enum err bans_add(struct bans *bans, const struct address *address, ms_t time, ms_t now);
/* False: there is none. */
bool bans_lift(struct bans *bans, const struct address *address, ms_t now);

struct ban {
	struct address address; /* of an IPv6 source the first of its /64; no port */
	ms_t left;
	const char *why; /* static */
};
/* Those that hold, first those by the administrator; how many were written. */
size_t bans_list(struct bans *bans, struct ban *ret_bans, size_t max, ms_t now);

/* The key of a source: 17 bytes, family and address, of an IPv6 address the first 64 bits. */
enum { SOURCE_KEY_SIZE = 17 };
void make_source_key(const struct address *address, uint8_t ret_key[SOURCE_KEY_SIZE]);
