/* Requests that come in: which are for us, and who in this room sees to them (RFC 3261 §8.2, §12.2.2). */
#pragma once

#include "ua/state.h"

void request_take(struct ua *ua, struct server *server, struct now now);
/* One that has been accepted and, if it was protected, opened. */
void request_take_opened(struct ua *ua, struct server *server, struct now now);
