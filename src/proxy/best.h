/*
 * The best of the final responses to the branches of a request (RFC 3261 §16.7 steps 6 and 7). Private to the room.
 */
#pragma once

#include "proxy/context.h"

/* Each keeps what it is told of if that is better than the best so far. */
void best_response(struct context *context, const struct sip_message *message);
void best_failure(struct context *context, enum client_failure why);
/* The connection to the domain broke when the request was under way. */
void best_lost(struct context *context, struct slice domain);
/* There is no way to another domain. */
void best_hop(struct context *context, const struct hop_result *result);

/* Keeps the challenges of a 401 or 407: those of all branches are answered at once. */
void best_challenges(struct context *context, const struct sip_message *response);

/* Answers with the best; there is one. */
void best_answer(struct context *context, struct now now);
