/*
 * A request of ours with all that it takes to get an answer (RFC 3261 §8.1, §22.2): the transaction, and one
 * more with credentials when it is challenged. Belongs to the user agent and goes with its last transaction.
 */
#pragma once

#include <stdbool.h>

#include "auth/client.h"
#include "base/list.h"
#include "endpoint/endpoint.h"
#include "ua/event.h"
#include "ua/ua.h"

struct call;
struct exchange;

/* Called from within endpoint_ functions; of each exchange failed() or a final response() comes once. */
struct exchange_user {
	/* Each 1xx, the final response unless it was a challenge that could be answered, and further 2xx. */
	void (*response)(struct exchange *exchange, const struct sip_message *response, struct now now);
	/* There is none, or it may not be answered; why is a sentence. */
	void (*failed)(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now);
};

struct exchange_plan {
	const struct exchange_user *user;
	struct call *call; /* referenced until the exchange is gone; NULL: none */
	uint64_t id;       /* the user's own */
	enum sip_method method;
	struct slice uri;
	struct slice lines; /* all header lines but Via, CSeq, credentials and Content-Length */
	struct slice body;
	struct slice protect_for;       /* the URI of whom it is signed and encrypted for; empty: it is not */
	const struct certificate *also; /* one of theirs beside those that are known; copied; NULL: none */
	bool is_again;                  /* it was refused, and goes once more in another way */
	bool is_anonymous;              /* its lines do not say who we are */
	uint32_t *cseq; /* counted on with each transaction; lives as long as the call or the user agent */
	uint32_t after; /* with cseq NULL: where to count from */
	bool in_dialog;
};

struct exchange {
	struct link link;
	struct ua *ua;
	const struct exchange_user *user;
	struct call *call;
	uint64_t id;
	enum sip_method method;
	bool in_dialog, is_over; /* is_over: failed() or a final response() was told */
	bool is_again, is_anonymous;
	struct certificate *also;
	uint32_t *cseq, own_cseq;
	uint32_t number; /* CSeq of the transaction under way */
	struct client *client;
	unsigned rounds[AUTH_SIDES]; /* challenges answered */
	struct auth_sent sent;
	struct slice uri, lines, body, protect_for; /* in text, like credentials */
	struct ua_protection how;                   /* it left, if it is protected */
	size_t credentials_len;
	char *credentials;
	char text[];
};

/* Sends. ERR_CLOSED: there is no flow. ERR_LIMIT, ERR_NOMEM. On an error nothing will be told. */
MUST_CHECK enum err exchange_start(struct ua *ua, const struct exchange_plan *plan, struct now now,
				   struct exchange **ret_exchange);

/* The Authorization lines that it went with last, for the ACK (RFC 3261 §13.2.2.4). */
static inline struct slice exchange_credentials(const struct exchange *exchange)
{
	return slice_from(exchange->credentials, exchange->credentials_len);
}

/* What the endpoint tells of its transactions. */
void exchange_response(struct exchange *exchange, struct client *client, const struct sip_message *response,
		       struct now now);
void exchange_failed(struct exchange *exchange, enum client_failure why, struct now now);
void exchange_gone(struct exchange *exchange, struct client *client);
