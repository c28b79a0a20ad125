/* Messages without a session (RFC 3428). */
#pragma once

#include "ua/state.h"

/* A MESSAGE that came in. */
void message_take(struct ua *ua, struct server *server, struct now now);
