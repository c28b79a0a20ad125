/*
 * What a phone over UDP does against loss, by the rules of the transactions (RFC 3261 §17, §13.3.1.4, RFC 6026): it sends
 * again what gets no answer, answers again what comes again, and has both counted. A phone has one request of its own under
 * way and is called by one other, so the last one of each kind is all that it has to know.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"

struct load_phone;
struct load_datagrams;
struct sip_message;

/* NULL without memory. */
struct load_datagrams *load_datagrams_new(void);
void load_datagrams_free(struct load_datagrams *datagrams);

/* These do nothing for a phone that is not on UDP. Without memory for the text it is not sent again. */

/* The phone has sent this request, and waits for a response. */
void load_datagram_request(struct load_phone *phone, struct slice text, struct now now);
/* It has sent this ACK to a response of that status. */
void load_datagram_ack(struct load_phone *phone, unsigned status, struct slice text);
/* It has answered the request with this final response. */
void load_datagram_answer(struct load_phone *phone, const struct sip_message *request, struct slice text,
			  struct now now);
/* Of a call that it takes: the ACK or the BYE has come, so that nothing has to be said again. */
void load_datagram_confirmed(struct load_phone *phone);

/* A response to the request that is under way. */
void load_datagram_response(struct load_phone *phone, unsigned status, struct now now);
/* Whether a message that is not expected is one that came before; if so it has been dealt with. */
bool load_datagram_is_old_response(struct load_phone *phone, const struct sip_message *response);
bool load_datagram_is_old_request(struct load_phone *phone, const struct sip_message *request);

/* Time has passed. May find that the operation has failed. */
void load_datagram_look(struct load_phone *phone, struct now now);
/* The phone's socket was closed: nothing is under way. */
void load_datagram_forget(struct load_phone *phone);
