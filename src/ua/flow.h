/* The one flow to the account's server: found, opened, verified, and opened again when it is lost (RFC 5626 §4.5). */
#pragma once

#include "ua/state.h"

void flow_open(struct ua *ua, struct now now);
void flow_answer(struct ua *ua, const struct answer *answer, struct now now);
/* Of an open flow that we opened. */
void flow_opened(struct ua *ua, flow_id flow, const struct flow_facts *facts, struct now now);
void flow_lost(struct ua *ua, const struct flow_facts *facts, struct now now);
/* Gives the flow up for one to another server of the domain; false if there is none left to be tried. */
bool flow_leave(struct ua *ua, const char *why);
/* Gives the flow up (it does not answer); a new one will be opened. */
void flow_abandon(struct ua *ua, const char *why);
