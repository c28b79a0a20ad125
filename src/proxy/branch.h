/*
 * A branch of a request (RFC 3261 §16.6): one client transaction of a response context, from when its way is looked for to its end;
 * and what is tried in its place. What comes back on it is the context's affair. Private to the room.
 */
#pragma once

#include "proxy/context.h"

struct branch {
	struct link link;
	struct context *context;
	struct target target;
	struct hop_use hop;    /* of a target outside */
	struct client *client; /* NULL until the request is sent */
	struct timer timer;    /* C, of an INVITE (RFC 3261 §16.6 step 11) */
	bool is_done;          /* it has its final response, or will have none */
	bool is_cancelled;
};

/* OK: it is under way, or what became of it has been noted. */
MUST_CHECK enum err branch_start(struct context *context, const struct target *target, struct now now);
/* The way outside is found, or there is none, or no more: then the branch is gone. */
MUST_CHECK enum err branch_take_hop(struct branch *branch, const struct hop_result *result, struct now now);
/* Nothing more will come of it; it stays until the client transaction has gone. */
void branch_done(struct branch *branch);
void branch_free(struct branch *branch);

bool branch_is_invite(const struct branch *branch);
/* RFC 3261 §16.7 step 2; moving a timer that runs cannot fail. */
void branch_restart_timer_c(struct branch *branch, struct now now);
/* With a Reason (RFC 3326), or without. What was not sent yet is gone; other requests than INVITE go on (§16.10). */
void branch_cancel(struct branch *branch, struct slice reason, struct now now);

/* Nothing else is tried in its place. RFC 3261 §16.7 step 5: after a 6xx the proxy "MUST NOT create any new branches in this context". */
bool branch_is_over(const struct branch *branch);
/* Another flow of that phone (RFC 5626 §7), or the domain's next server (RFC 3263 §4.3), where there is one. */
void branch_fail_over(struct branch *branch, bool was_answered, struct now now);
/* The connection by which an edge has brought a registration is gone, and another worker's, so that nobody knew: then over a new one. */
MUST_CHECK bool branch_dial_edge(struct branch *branch, struct now now);
/*
 * RFC 3261 §18.1.1: what is too large for UDP "MUST be sent using an RFC 2914 congestion controlled transport protocol, such as
 * TCP". False: it is for no peer that is reached over UDP.
 */
MUST_CHECK bool branch_leave_udp(struct branch *branch, struct now now);
