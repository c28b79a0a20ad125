/* Changes of a call that stands: re-INVITE and UPDATE in both directions (RFC 3261 §14, RFC 3311, RFC 4028). */
#pragma once

#include "ua/call.h"

/* Theirs, in this call's dialog. */
void change_invite(struct call *call, struct server *server, struct now now);
void change_update(struct call *call, struct server *server, struct now now);

/* An UPDATE without an offer in an early dialog, ours or theirs: where the other side is. */
void change_early_target(struct call *call, struct dlg *dialog, struct server *server, struct now now);

/* The session timer that a request asks for; false if it is too short: it was answered 422 or 400 then. */
MUST_CHECK bool change_takes_timer(struct ua *ua, struct server *server, struct session_timer *ret_timer,
				   struct now now);
/* The session timer is due: our refresh, or the end. */
void change_session_due(struct call *call, struct now now);
/* A refresh that failed is made up for, now that there is a flow again. */
void change_registered(struct call *call, struct now now);
/* The wait after a 491 is over. */
void change_again(struct call *call, struct now now);
