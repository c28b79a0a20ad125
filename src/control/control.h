/*
 * The control socket: how tools talk to a running server. A Unix socket of the server's user (and root), one
 * JSON object (RFC 8259) on a line each way. What the objects say is in man/sealine-control.7; here is the
 * carriage.
 *
 * A request has "request": its name. A reply has "ok": true, or false with "error" (one of a few words for
 * programs) and "message" (a sentence for people).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/time.h"
#include "net/net.h"

#define CONTROL_LINE_MAX  (4 << 20) /* a request or a reply */
#define CONTROL_BATCH_MAX 5000      /* accounts in one "user-import" or one page of "user-list" */

/* -- the server's end: in the loop of one thread
 * ------------------------------------------------------------------ */

struct control;

/* A request that waits for its reply. request is good until then. */
struct control_call {
	const json_t *request;
	struct slice name; /* of the request */
	void *user;        /* the answerer's own, NULL at first */
};

/* Listens; at most 16 connections at a time, each with one request under way. Errors of socket_listen_unix(),
 * ERR_NOMEM. */
MUST_CHECK enum err control_new(struct net *net, struct slice path, struct control **ret_control);
/* Removes the socket. Calls that still wait are gone. */
void control_free(struct control *control);
OWN(control)

/* Every NET_READY event of the loop whose owner is the control's. What is malformed is answered here. */
void control_event(struct control *control, const struct net_event *event, struct now now);
/* The next request to be answered, now or in a later turn, or NULL. Belongs to the control. */
MUST_CHECK struct control_call *control_next(struct control *control);
/*
 * Answers, and with that the call is gone. Takes the reply over; NULL: there was no memory for it. Also when
 * the asker has gone away meanwhile.
 */
void control_reply(struct control_call *call, json_t *reply);
/* {"ok": false, "error": error, "message": message}. */
void control_refuse(struct control_call *call, const char *error, const char *message);

/* -- the tool's end: blocks
 * ---------------------------------------------------------------------------------------- */

/*
 * Asks and waits for the reply, at most for the time given. OK: there is a reply, which may say "ok": false.
 * ERR_NOT_FOUND: nobody listens (no server runs). ERR_DENIED: not our user's server. ERR_AGAIN: no reply in
 * time. ERR_CLOSED: it went away before it replied. ERR_LIMIT: the request or the reply is too long.
 * ERR_SYNTAX: no reply of ours. ERR_NOMEM, ERR_IO.
 */
MUST_CHECK enum err control_ask(struct slice path, const json_t *request, ms_t timeout, json_t **ret_reply);
