/*
 * What comes: a protected body is opened, its signer judged, its header fields compared (RFC 3261 §23, RFC 8591), and the
 * message as it counts takes the place of the one that came. Requests that wait for a certificate are held as long.
 */
#pragma once

#include "base/list.h"
#include "endpoint/endpoint.h"
#include "ua/credentials.h"
#include "ua/protection.h"
#include "ua/replay.h"
#include "ua/ua.h"

struct arrival {
	struct link link;
	struct ua *ua;
	struct server *server;    /* a request's; else NULL */
	struct sip_message *part; /* the part of it that is for us (ua/content.h); NULL: it came as a whole */
	bool is_plain;            /* and that is not protected; else */
	struct sip_message *message; /* as it counts; NULL: as it came */
	struct ua_protection protection;
	struct certificate *signer; /* if believed */
	bool is_unasked;            /* too many strangers write */
	unsigned status;            /* broken: what a request is answered */
	char from[1024];            /* who the message says it is from: a URI */
	size_t from_len;
	char aor[CREDENTIALS_AOR_MAX]; /* of who has to have signed it */
	size_t aor_len;
	struct credentials_waiter waiter;
};

static inline struct slice arrival_aor(const struct arrival *arrival)
{
	return slice_from(arrival->aor, arrival->aor_len);
}

/* Of a request: NULL if it came without protection. Of what is being handled, response or ACK: the same. */
const struct arrival *arrival_of(const struct ua *ua, const struct server *server);
const struct arrival *arrival_current(const struct ua *ua);
/* Who a request is from: the URI that was protected, or what From claims. */
struct slice arrival_from(const struct ua *ua, const struct server *server);
/* As struct ua_protection has it; NULL: it came without. */
const struct ua_protection *arrival_protection(const struct ua *ua, const struct server *server);

/*
 * Chooses the part of the body that is for us, and opens it; server->request is then the message that counts. False: it waits, and request_take_opened() is called
 * later, or it was refused, and told.
 */
MUST_CHECK bool arrival_take(struct ua *ua, struct server *server, struct now now);

/*
 * A response or an ACK, for the length of its handling: *ret_arrival is the current one until arrival_end(). What cannot be opened
 * comes without its body, and is_broken is set; what is not understood comes without its body. Gives the message that counts. False without memory.
 */
MUST_CHECK bool arrival_begin(struct ua *ua, const struct sip_message *message, struct now now,
			      struct arrival *ret_arrival, const struct sip_message **ret_message);
void arrival_end(struct ua *ua, struct arrival *arrival);

/* The request of this transaction is cancelled; true if it was held, and is answered now. */
MUST_CHECK bool arrival_cancelled(struct ua *ua, struct server *server, struct now now);
void arrival_gone(struct ua *ua, struct server *server);
void arrivals_free(struct ua *ua);
