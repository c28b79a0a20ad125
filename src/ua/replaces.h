/* An INVITE that is to take the place of a call of ours (RFC 3891): which one, and whether it may. */
#pragma once

#include "ua/call.h"
#include "ua/fault.h"

struct replacement {
	struct call *call; /* NULL: the request has no Replaces */
	bool consented;    /* it comes from who is in that call already, or our user lets everybody */
};

/* A fault if it has one that cannot be followed; nothing has changed then. */
MUST_CHECK struct ua_fault replaces_find(const struct ua *ua, const struct server *server,
					 struct replacement *ret_replacement);
