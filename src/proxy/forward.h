/*
 * How a request looks when it leaves (RFC 3261 §16.6): what is taken off, what is put on. Private to the
 * room.
 */
#pragma once

#include "proxy/context.h"

/*
 * Starts one branch. user becomes client->user. ERR_LIMIT if the request grows past what can be sent,
 * ERR_NOMEM, ERR_DENIED if the library fails.
 */
MUST_CHECK enum err forward_request(struct context *context, const struct target *target, void *user,
				    struct now now, struct client **ret_client);

/*
 * The same for an ACK, which has no transaction: of its context there is no more than core, request and routes, and via is what
 * a server would have. What cannot be sent is dropped. False: it is too large for UDP.
 */
MUST_CHECK bool forward_ack(const struct context *context, struct slice via, const struct target *target,
			    struct now now);

/* Whether our token can be made of the names in From and To, where the request gets one. Those of accounts are not too long. */
bool forward_has_room_for_names(const struct context *context);

/* Whether a Contact has "transport=tls": then that has to stand in our Record-Route to it as well. */
bool forward_says_tls(const struct sip_uri *contact);

/* "<sip:name;lr>" as who sent the request reaches us. */
void put_route_to_us(struct writer *out, const struct core *core, const struct server *server);

/* "Path: <sip:TOKEN@name;lr;ob>" for the request (RFC 5626 §5.1). */
void put_path(struct writer *out, const struct context *context, struct slice token);

/* The edits with which a response goes upstream: challenges for our realms that others made are left out. */
struct sip_edits forward_response_edits(struct core *core);
/* The same with these header lines in the place of all challenges. */
struct sip_edits forward_challenge_edits(struct core *core, struct slice challenges);
/* The same for a success. What another server has proven to a phone that registers through us is for that phone. */
struct sip_edits forward_success_edits(struct core *core, account_id sender);
/* Whether they leave that challenge in. */
bool forward_keeps_challenge(const struct core *core, const struct sip_header *header);
