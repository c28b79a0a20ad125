/* Our side of a call that somebody else begins (RFC 3261 §13.3, RFC 3262). */
#pragma once

#include "ua/call.h"

/* An INVITE outside of any dialog. */
void callee_invite(struct ua *ua, struct server *server, struct now now);
/* What an INVITE would be refused with, whoever calls: the phone stops, or has all the calls that it can have. 0: nothing. */
unsigned callee_unable(const struct ua *ua);
/* Refuses the INVITE that rings. */
void callee_refuse(struct call *call, unsigned status, struct now now);
/* Nobody acknowledged our 2xx or reliable 1xx in time. */
void callee_not_acknowledged(struct call *call, struct now now);
/* A PRACK in this call's dialog. */
void callee_prack(struct call *call, struct server *server, struct now now);
/* Answers an INVITE 200 until its ACK comes. False without memory: nothing was sent. */
MUST_CHECK bool callee_send_ok(struct call *call, struct server *server, struct slice description,
			       struct now now);
