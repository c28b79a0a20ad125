/*
 * What the core tells the log, one event each. Nothing is formatted that is not wanted. Private to the room.
 */
#pragma once

#include "proxy/context.h"
#include "registrar/registrar.h"

void report_flow_proven(struct core *core, flow_id flow, struct slice aor);
void report_auth_failed(const struct context *context, struct slice username, enum auth_verdict verdict);
/* A phone that lets one challenge after the other pass unanswered. */
void report_unanswered(const struct context *context);
void report_challenge(const struct context *context, const struct auth_realm *realm, bool stale);
void report_registered(const struct context *context, const struct aor *aor, struct now now);
void report_published(const struct context *context, const struct answer *answer, struct now now);
void report_refused(struct core *core, const struct server *server, const struct refusal *refusal);
void report_ack_dropped(struct core *core, flow_id from, const struct sip_message *ack, const char *why);

/* INVITEs that begin a call; other requests report nothing here. */
void report_call_started(const struct context *context);
void report_call_answered(const struct context *context);
void report_call_failed(const struct context *context);
/* A BYE on its way. */
void report_call_ended(const struct context *context);
