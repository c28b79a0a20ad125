/* What credentials.c and its companions share and nobody else includes. */
#pragma once

#include "ua/credentials.h"

enum { KEYS_MAX = 2 * CREDENTIALS_DEVICES_MAX };

/* A key that was seen for an AOR. */
struct peer_key {
	unsigned char id[KEY_ID_SIZE];
	utc_t first_seen;
	bool is_believed;                /* else our user has not said yet whether he believes the change */
	bool is_compared;                /* he has compared the fingerprint */
	bool is_withdrawn;               /* the domain vouched for it once, and does not now */
	struct certificate *certificate; /* that is vouched for; NULL: remembered only */
};

struct peer {
	struct link link;
	enum credentials_state state;
	enum credentials_state before; /* ASKED: what stands if no newer answer comes; UNKNOWN: nothing */
	utc_t until;                   /* how long the state is good, but ASKED */
	utc_t anew;                    /* when the domain may be asked for a newer answer */
	struct verdict *verdict;       /* NULL: none, or no memory for it */
	size_t n_keys;
	struct peer_key keys[KEYS_MAX];
	struct list waiters;
	uint64_t used;
	bool is_busy; /* its waiters are being called */
	struct slice aor;
	char text[];
};

struct credentials {
	struct crypto *crypto;
	struct credentials_source source;
	const struct anchors *anchors;
	enum credentials_policy policy;
	size_t n_own;
	struct {
		struct key *key;
		struct certificate *certificate;
		struct chain *chain; /* it was imported with; NULL: our domain has issued it, or will */
		bool is_told;        /* of an imported one: that our domain vouches for it */
	} own[CREDENTIALS_OWN_MAX];
	bool is_withdrawn; /* our present key, by our domain */
	struct list peers;
	uint64_t uses;
	struct peer *self; /* that of our own AOR */
};

struct peer *peer_find(const struct credentials *credentials, struct slice aor);
/* Finds or makes it. ERR_LIMIT, ERR_NOMEM. */
MUST_CHECK enum err peer_get(struct credentials *credentials, struct slice aor, struct peer **ret_peer);
struct peer_key *peer_key_find(const struct peer *peer, const unsigned char id[KEY_ID_SIZE]);
/* The state at a moment: an answer that is too old counts no more. */
enum credentials_state peer_state(const struct peer *peer, utc_t now);
/* Whether there is an answer of its domain, and a newer one may be asked for. */
bool peer_can_be_asked_anew(const struct credentials *credentials, const struct peer *peer, utc_t now);
/* Whether a key of the AOR was believed before. */
bool peer_has_believed(const struct peer *peer);
/* Keeps a copy; without memory none. */
void peer_explain(struct peer *peer, const struct verdict *why);
/* Why nothing is known; never NULL. */
const struct verdict *peer_verdict(const struct peer *peer);
