/*
 * libunbound's events (unbound-event.h) on the loop of net/: what lets it work in our thread, without one of its own.
 * For this room alone.
 */
#pragma once

#include <sys/time.h>

#include <unbound-event.h>

#include "base/err.h"
#include "base/own.h"
#include "net/net.h"

/* The base for ub_ctx_create_ub_event(); it has to outlive that context. NULL without memory. */
MUST_CHECK struct ub_event_base *loop_new(struct net *net);
void loop_free(struct ub_event_base *base);
