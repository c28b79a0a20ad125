/* The binding of our Contact to the account (RFC 3261 §10.2, RFC 5626 §4.2). */
#pragma once

#include "ua/state.h"

/* There is a new flow. */
void registration_begin(struct ua *ua, struct now now);
/* It is time to refresh. */
void registration_refresh(struct ua *ua, struct now now);
/* The flow is gone, and the binding with it. */
void registration_lost(struct ua *ua);
/* Takes the binding back. */
void registration_end(struct ua *ua, struct now now);
