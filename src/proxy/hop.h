/*
 * The way to the servers of another domain: found by RFC 3263, proven by RFC 5922 §7.3, and shared by all requests of this
 * worker that go the same way. The same way is the same domain to be proven, found in the same place, by the same domain of ours;
 * never the same address: two domains that one machine serves have a connection each (CVE-2020-15260).
 *
 * The struct hop is the core's. It lives while somebody uses it, while it is being looked for, and while flows of its are open. A search that
 * comes to a server to which one is open takes that: who answers with 503 each time is not connected to anew each time.
 * Private to the room.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "base/verdict.h"
#include "endpoint/endpoint.h"
#include "locate/locate.h"
#include "proxy/state.h"

/* Where half of them are there, an account that was the first to ask for so many of these gets no further one. */
enum { HOPS_MAX = 5000, HOPS_PER_ACCOUNT = HOPS_MAX / 8 };

/* The kinds of its questions; those of a context are lower (enum context_stage). */
enum { HOP_DNS = 100, HOP_CONNECTION };

struct hop;

/* Where to, and as whom. */
struct hop_goal {
	struct locate_request locate;
	struct slice as;   /* the domain of ours that speaks; empty: any */
	struct slice pin;  /* of the peer's certificate, 32 bytes; empty: none */
	struct slice link; /* declared, that has to carry it; empty: none */
	account_id asker;  /* for whom; it is the same way for others */
};

/* One user of a way: a request, from when it asks until hop_release(). Zeroed before the first use. */
struct hop_use {
	struct link link;
	struct list *list; /* of the hop, that it is in */
	struct hop *hop;
	bool is_waiting;
	bool was_open;    /* the flow stood before it was asked for: it may have been stale */
	unsigned n_flows; /* how many it was given */
	flow_id flow;     /* the last */
};

/* What came of asking, at once or later. */
struct hop_result {
	bool is_found;
	flow_id flow;
	/*
	 * If not: ERR_NOT_FOUND (no such domain or service), ERR_DENIED (forged, or not who it should be), ERR_AGAIN (no answer
	 * in time), ERR_IO (nobody there), ERR_LIMIT, ERR_NOMEM; and a verdict, which lives for the length of the call.
	 */
	enum err err;
	const struct verdict *why;
};

/* True: *ret_result is there. False: it will be given to context_hop_found(). The goal's texts are copied. */
MUST_CHECK bool hop_ask(struct core *core, const struct hop_goal *goal, struct hop_use *use,
			struct hop_result *ret_result);
/*
 * The same, once a request has failed on the flow that was found last: the next server of the domain (RFC 3263 §4.3), or the
 * same one anew if the flow was stale. Not found: there is none. A flow on which nothing was answered is not taken again.
 */
MUST_CHECK bool hop_ask_other(struct core *core, struct hop_use *use, bool was_answered,
			      struct hop_result *ret_result);
/* Hands the use over to another struct. */
void hop_move(struct hop_use *from, struct hop_use *to);
/* Waits for nothing any more. Accepts one that asked for nothing. */
void hop_release(struct hop_use *use);

/* The domain that the other end has proven; as long as it is used. */
struct slice hop_domain(const struct hop_use *use);

/* The link that has to carry it, likewise. */
struct slice hop_link(const struct hop_use *use);

/*
 * The open flow of that way, or 0: then it is looked for, and will be there for what comes next (an ACK that is lost is sent
 * again).
 */
flow_id hop_prepare(struct core *core, const struct hop_goal *goal);

void hop_answer(struct question *question, const struct answer *answer, struct now now);
void hop_flow_lost(struct core *core, flow_id flow);
/* With the core. */
void hop_free_all(struct core *core);
