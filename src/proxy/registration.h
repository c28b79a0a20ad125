/* A REGISTER whose sender is proven, on its way through the registrar and the store. Private to the room. */
#pragma once

#include "proxy/context.h"

/* Decides on the snapshot, and stores (CONTEXT_STORE) or answers. */
void registration_decide(struct context *context, struct aor *aor, struct now now);
/* The store came back: answers 200, decides again on a conflict, or refuses. */
void registration_answer(struct context *context, const struct answer *answer, struct now now);
