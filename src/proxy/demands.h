/*
 * What domain and account demand of a request beyond a proof of who sends it (endpoint/policy.h): the digest's strength, and
 * the protection of calls and messages. Private to the room.
 */
#pragma once

#include "proxy/context.h"

/* Whether the digest that has just proven the account is one that is taken of it; else the request has been refused. */
bool demands_take_digest(struct context *context, const struct aor *aor, struct now now);

/* Whether the proven sender may send such a request at all; else it has been refused. */
bool demands_let_out(struct context *context, struct now now);

/* Whether the one who is called takes such a request. */
bool demands_allow_in(const struct context *context, const struct aor *called);
/* The same; if not, it has been refused. */
bool demands_let_in(struct context *context, const struct aor *called, struct now now);

/* The domain's MD5 policy at that time. */
enum auth_md5 demands_md5(const struct server_domain *domain, struct now now);
