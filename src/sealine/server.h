/* The running server, asked through its control socket (sealine-control(7)). */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"
#include "sealine/command.h"

/*
 * Asks, taking the request over. OK: a reply with "ok": true. ERR_NOT_FOUND: no server runs. ERR_EXISTS: the reply is
 * a refusal. All other errors were complained of.
 */
MUST_CHECK enum err server_ask(struct slice socket, json_t *request, json_t **ret_reply);

/* What is said to who asks in vain. */
struct server_hints {
	const char *nothing; /* "nobody is banned": where no server runs */
	const char *look;    /* "sealine ban list": what shows why it was refused */
};

/* Asks the server of the state directory, taking the request over; NULL: it was complained of. */
json_t *server_ask_for(const struct invocation *invocation, json_t *request,
		       const struct server_hints *hints);
