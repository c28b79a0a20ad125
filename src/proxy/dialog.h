/*
 * Requests inside of a dialog that we are in (RFC 3261 §16.4, §16.6 step 6; RFC 5626 §5.3): the token in our
 * own Route says where they may come from and where they go. Private to the room.
 */
#pragma once

#include "proxy/context.h"

/*
 * True if the message is in a dialog (To has a tag), and the text of its topmost Route is a token for it
 * under the names that it has in From and To.
 */
bool dialog_find(const struct core *core, const struct sip_message *message, struct slice text,
		 struct dialog_claim *ret_claim);

/*
 * context->claim is good: forwards to the other party, over the flow that the token names or the one that
 * this party registered on since. Where nothing proves the sender it is asked for credentials, once.
 */
void dialog_request(struct context *context, struct now now);
/* The flow of the token is gone: looks the other party up (CONTEXT_PEER), or refuses. */
void dialog_flow_gone(struct context *context, struct now now);
/* The look-up of the other party came back. */
void dialog_answer(struct context *context, const struct answer *answer, struct now now);

/*
 * Whether the sender of a request in a dialog, or of an ACK, may have it sent to that next hop outside: an account of ours wherever it
 * likes, as out of a dialog; a domain that has nothing else relayed only to the other party.
 */
bool dialog_may_go_to(const struct context *context, const struct sip_uri *next_hop);

/* An ACK to a 2xx: forwarded on the same conditions, else dropped. Its via is as a server's. */
void dialog_ack(struct core *core, flow_id from, const struct sip_message *ack, struct slice via,
		struct now now);
