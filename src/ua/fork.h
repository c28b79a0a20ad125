/*
 * The early dialogs of an INVITE of ours: one for each phone that it was forked to and that answered 1xx (RFC 3261
 * §12.1, §13.2.2.4), with what was described in each. Reliable responses are acknowledged here (RFC 3262 §4), and
 * changes before the answer are taken (RFC 3311).
 *
 * A fork belongs to its call and goes with it, since a PRACK under way counts in its dialog; the one whose 2xx is taken
 * gives dialog and description to the call.
 */
#pragma once

#include <stdbool.h>

#include "dlg/dialog.h"
#include "ua/call.h"
#include "ua/description.h"

enum { FORKS_MAX = 8 };

struct fork {
	struct link link;
	struct dlg *dialog;
	struct description description; /* our offer, and its answer once is_answered */
	bool is_answered; /* by a reliable response: what comes after it is no answer any more */
	uint32_t rseq;    /* of the last reliable response; 0: there was none */
};

/* Of a response with a To tag; NULL if there is none yet. */
struct fork *fork_find(const struct call *call, const struct sip_message *response);
/* The one that a request has come in, and its call; NULL. */
struct fork *fork_find_request(const struct ua *ua, const struct sip_message *request,
			       struct call **ret_call);
/* Takes the dialog over. NULL without memory or with FORKS_MAX of them: the dialog is then freed. */
struct fork *fork_new(struct call *call, struct dlg *dialog);
void forks_free(struct call *call);

/*
 * A reliable 1xx: takes the answer in it, if it is the first, and sends PRACK. False if it is no news, one that came
 * again or too early (RFC 3262 §4): nothing was done. A fault in the answer is given back.
 */
bool fork_take_reliable(struct call *call, struct fork *fork, const struct sip_message *response,
			struct now now, struct ua_fault *ret_fault);
bool fork_is_reliable(const struct sip_message *response);

/* Makes its dialog and, if it was answered, its description those of the call. */
void fork_choose(struct call *call, struct fork *fork);

/* A request in an early dialog of ours. False: it is none that means something there. */
MUST_CHECK bool fork_take(struct call *call, struct fork *fork, struct server *server, struct now now);
