/*
 * What domain and account demand of a request beyond a proof of who sends it (endpoint/policy.h): the digest's strength, and
 * the protection of calls and messages. Private to the room.
 */
#pragma once

#include "proxy/context.h"

/* Whether the digest that has just proven the account is one that is taken of it; else the request has been refused. */
bool demands_take_digest(struct context *context, const struct aor *aor, struct now now);

/* Below, outside of dialogs: context->least rises to what is asked, and holds in the dialog that the request may begin. */

/* Whether the proven sender may send such a request at all; else it has been refused. */
bool demands_let_out(struct context *context, struct now now);

/* Whether the one who is called takes such a request. */
bool demands_allow_in(struct context *context, const struct aor *called);
/* The same; if not, it has been refused. */
bool demands_let_in(struct context *context, const struct aor *called, struct now now);

/* Whether the request, or ACK, is as protected as its dialog has to be, in both directions and whoever asked for it. */
bool demands_allow_within(const struct token *token, const struct sip_message *request);
/* The same for a context in a dialog; if not, it has been refused. */
bool demands_let_within(struct context *context, struct now now);

/* The domain's MD5 policy at that time. */
enum auth_md5 demands_md5(const struct server_domain *domain, struct now now);
