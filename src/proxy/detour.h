/*
 * Where requests in dialogs went whose way is gone that the token names: to the party's new flow, or to its domain over another
 * connection. An ACK cannot look for it (it waits for nothing, and hears of no failure), but the INVITE before it has. The last of them are
 * known, by the number of the flow, on the worker where that was found; whose place was taken has his ACKs dropped as before.
 * Private to the room.
 */
#pragma once

#include "base/own.h"
#include "endpoint/flow.h"

struct detour {
	flow_id gone;     /* the token's */
	account_id party; /* whose it was */
	flow_id instead;  /* of another domain 0: its way is looked for */
};

struct detours;

/* NULL without memory. */
struct detours *detours_new(void);
void detours_free(struct detours *detours);
OWN(detours)

void detours_note(struct detours *detours, const struct detour *detour);
/* NULL: none is known. */
const struct detour *detours_find(const struct detours *detours, flow_id gone, account_id party);
