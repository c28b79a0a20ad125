/*
 * Our side of a transfer: REFER in a call's dialog, and the NOTIFYs that tell what became of it (RFC 3515, RFC 5589).
 * A blind one names a URI, an attended one another call of ours that the new one is to replace (RFC 3891).
 */
#pragma once

#include "base/timers.h"
#include "endpoint/endpoint.h"

struct call;
struct sip_message;

struct transfer {
	bool is_pending;
	bool has_id;   /* it is not the first REFER in this dialog */
	uint32_t cseq; /* of the REFER: the subscription's id (RFC 3515 §2.4.6) */
	unsigned n;    /* REFERs sent in this dialog */
	struct timer timer;
};

/* A NOTIFY of the event package refer in this call's dialog. */
void transfer_notify(struct call *call, struct server *server, struct now now);
/* Nothing was heard for too long. */
void transfer_due(struct call *call, struct now now);
