/* The binding of our Contact to the account (RFC 3261 §10.2, RFC 5626 §4.2). */
#pragma once

#include "ua/state.h"

/* There is a new flow. */
void registration_begin(struct ua *ua, struct now now);
/* It is time to refresh. */
void registration_refresh(struct ua *ua, struct now now);
/* The flow is gone, and the binding with it. */
void registration_lost(struct ua *ua);
/* Takes the binding back, also one that is on its way to be made. */
void registration_end(struct ua *ua, struct now now);
/* Whether the REGISTER takes a binding back. */
bool registration_is_removal(const struct exchange *exchange);
