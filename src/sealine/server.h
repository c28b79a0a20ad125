/* The running server, asked through its control socket (sealine-control(7)). */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

/*
 * Asks, taking the request over. OK: a reply with "ok": true. ERR_NOT_FOUND: no server runs. ERR_EXISTS: the reply is
 * a refusal. All other errors were complained of.
 */
MUST_CHECK enum err server_ask(struct slice socket, json_t *request, json_t **ret_reply);
