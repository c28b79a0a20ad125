/*
 * What the files of this room share: the core itself, what it keeps of a flow, and how it refuses. Private to
 * the room.
 */
#pragma once

#include "auth/server.h"
#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "endpoint/endpoint.h"
#include "event/notifier.h"
#include "proxy/allowance.h"
#include "proxy/backoff.h"
#include "proxy/config.h"
#include "proxy/detour.h"
#include "proxy/refusals.h"
#include "proxy/token_memory.h"
#include "registrar/gruu.h"
#include "sip/date.h"

enum { SCRATCH_SIZE = 96 * 1024, NO_MD5_MAX = 1024 };

struct core {
	struct endpoint *endpoint;
	const struct server_config *server;
	struct auth_server *auth;
	struct mac *token_mac;
	struct token_memory *tokens; /* with that key */
	struct detours *detours;
	struct backoff *backoff;
	struct allowance *allowance;
	struct notifier *notifier;
	struct gruu_maker gruus;
	struct arena *arena; /* for one decision of the registrar; reset before each */
	char *scratch;       /* SCRATCH_SIZE bytes, for one message in the making */
	struct map *hops;    /* the ways to other domains: see hop.h */
	struct map *aliases; /* connections of others that lead back to them: see alias.h */
	struct map *ongoing; /* contexts of what the server itself answers: see merged.h */
	struct list noted;   /* those of them that are not in there yet */
	uint32_t start;
	struct {
		utc_t when;
		char text[SIP_DATE_SIZE];
	} date; /* that core_date() gave last */
	char no_md5_text[NO_MD5_MAX];
	struct slice no_md5; /* in there: the Warning of a challenge that does not offer it */
};

/* In the slot of a flow. */
struct flow_state {
	struct auth_used used;
	unsigned n_unanswered; /* challenges in a row that no credentials came for */
	account_id domain;     /* core_domain_party() of who was proven on it last; 0: nobody */
	account_id phone;      /* edge_is_phone() that was proven on it last; 0: none */
};

/* That of the flow, made if need be; NULL if the flow is gone or without memory. */
struct flow_state *core_flow_state(struct core *core, flow_id flow);

/* The domain of ours that the host names, or NULL. */
const struct server_domain *core_domain(const struct core *core, struct slice host);
/*
 * Who proved a domain, as a party of a dialog stands in our token: below 0, where accounts are above. The domain's case
 * counts for nothing. 0 if the library fails.
 */
account_id core_domain_party(const struct core *core, struct slice domain);
/* The one of the names that the flow has proven which is the party; empty: there is none, or it is no flow of this worker. */
struct slice core_proven_name(const struct core *core, flow_id flow, account_id party);
/* Whether the flow is proven for the party: one of its accounts, or one of the domains of its certificate. */
bool core_flow_has(const struct core *core, flow_id flow, account_id party);

/* Whether a Route with this host means us: a domain, the advertised name, or another name of ours. */
bool core_is_own_host(const struct core *core, struct slice host);

/*
 * Whether something can be sent on the flow as far as this worker knows: another worker's may just have gone.
 */
bool core_flow_is_alive(const struct core *core, flow_id flow);

/* What Date says now: written anew when the second is another one, good until then. */
struct slice core_date(struct core *core, struct now now);

/* Answers the request and reports that. */
void core_refuse(struct core *core, struct server *server, const struct refusal *refusal, struct now now);
