/*
 * The response context (RFC 3261 §16.7): what the core knows of one request from its arrival to the end of
 * the last of its branches. It belongs to itself: it goes when the server transaction and all branches are
 * gone, that of a call as soon as it is accepted and no branch is under way any more (accepted.h).
 *
 * This file holds its life and the collecting of responses; the ways that a request takes through it are in
 * gate.h (who sent it), registration.h, dialog.h and location.h (where it goes). Private to the room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "endpoint/aor.h"
#include "endpoint/endpoint.h"
#include "proxy/check.h"
#include "proxy/hop.h"
#include "proxy/refusals.h"
#include "proxy/state.h"
#include "proxy/token.h"
#include "sip/credentials.h"

/* What a request in a dialog shows of itself: a token of ours for it, under the names in From and To. */
struct dialog_claim {
	struct token token;
	bool may_be_a, may_be_b; /* whose name From has; both in a call of an account with itself */
};

/* What the answer to the pending question is for. */
enum context_stage {
	CONTEXT_SENDER,     /* LOOKUP of the account whose credentials the request carries */
	CONTEXT_CERTIFIED,  /* LOOKUP of the account that the certificate of its connection names */
	CONTEXT_REGISTERED, /* LOOKUP of the account that another one registers */
	CONTEXT_STORE,      /* STORE of a registration */
	CONTEXT_PUBLISH,    /* CERTIFY of a publication */
	CONTEXT_CALLED,     /* LOOKUP of the AOR in the Request-URI */
	CONTEXT_PEER,       /* LOOKUP of the other party of a dialog, whose flow is gone */
	CONTEXT_REDIRECTED, /* LOOKUP of an AOR that a phone redirects to (recurse.h) */
};

/* One way to a phone, or to another domain. */
struct target {
	const struct binding *binding; /* in the snapshot; NULL in a dialog, or to another domain */
	bool is_outside;               /* the flow is still to be found: */
	bool is_trusted;               /* a peer of our trust domain (RFC 3325 §2.3) */
	struct hop_goal outside;       /* its texts are the request's */
	struct sip_uri uri;            /* a Contact; without a binding the text of the Request-URI as it is */
	bool to_sip;                   /* its sips scheme becomes sip (RFC 5630 §5.3) */
	bool says_tls;                 /* the Contact has transport=tls: see forward_says_tls() */
	struct slice path;             /* becomes Route (RFC 3327 §5.4) */
	flow_id flow;
	account_id account; /* or who proves the domain: core_domain_party() */
	struct requirement require;
	/* What is too large for UDP (RFC 3261 §18.1.1) goes over TCP, and if that is refused over UDP all the same. */
	bool leaves_udp, any_size;
};

struct context {
	struct core *core;
	struct server *server; /* NULL once it is gone */
	flow_id flow;          /* that its request came on */
	/*
	 * What it asks for, as long as there is a server: its request, or what RFC 3261 §16.4 has us take it for, which is ours.
	 * Method, body, and all header fields but Route are the same.
	 */
	const struct sip_message *request;
	struct sip_message *preprocessed; /* NULL: it is taken as it is */
	struct question question;         /* its kind is an enum context_stage */
	struct link noted;                /* in core->noted, until it is in core->ongoing */
	struct map_node ongoing;          /* in core->ongoing, while ongoing_key is set */
	char *ongoing_key;
	unsigned n_conflicts;

	/* the sender */
	account_id account; /* 0 until proven; below 0 for another domain: core_domain_party() */
	struct aor *sender; /* whose credentials the request carries; NULL until they were good */
	bool is_asserted;   /* by a peer of our trust domain: its P-Asserted-Identity is true */
	struct allowance_member *caller; /* it is counted among whose calls; or NULL */
	enum protection
		least; /* what the policies of both sides ask for, as far as they are known: demands.h */
	/* for our realm, in the request; without a scheme until they are found */
	struct sip_credentials credentials;
	struct auth_own_proof proof; /* of ours, once they were good */
	struct own_routes routes;
	struct gruu gruu; /* what instance the Request-URI means; its texts are the request's */
	bool in_dialog;
	struct dialog_claim claim; /* if it is */
	bool asked_for_peer; /* its flow of the token failed; the one registered since is the last try */

	/* where it goes: the targets of targets[next] on are still to be tried */
	struct aor *aor; /* holds what the targets point to; NULL in a dialog */
	struct target *targets;
	size_t n_targets, next;
	/*
	 * Behind the targets: other flows of the same phones, each tried once, when the one before it has failed (RFC
	 * 5626 §7). Without a binding: tried already.
	 */
	size_t n_spares;
	char **redirections; /* URIs that phones redirected to, each one's text; see recurse.h */
	size_t n_redirections, next_redirection;
	unsigned breadth; /* Max-Breadth of each branch (RFC 5393 §5.3) */

	/* what came back */
	struct list branches;
	size_t n_pending;
	bool is_answered;
	unsigned best;                    /* status of the best final response so far, 0: none */
	struct sip_message *best_message; /* NULL: no phone said it, but failure */
	enum client_failure failure;
	struct verdict *why; /* on the way to another domain; NULL: there is none, or no memory for it */
	char *challenges;    /* header lines of all 401 and 407 */
	size_t challenges_len;
};

/* Takes the transaction: server->user is the context from now on. NULL without memory. */
struct context *context_new(struct core *core, struct server *server);

/*
 * Goes on its way to the targets, those with the highest q first and equal ones at once; the array (of
 * mem_alloc) is taken over, and a reference on aor if there is one.
 */
void context_forward(struct context *context, struct aor *aor, struct target *targets, size_t n_targets,
		     struct now now);
/* The same for one that has no binding. */
void context_forward_to(struct context *context, const struct target *target, struct now now);

/* Starts what is to be tried next, or answers with the best that came back. */
void context_proceed(struct context *context, struct now now);

/* Refuses, unless an answer was given. */
void context_refuse(struct context *context, const struct refusal *refusal, struct now now);

/* With one of proxy_refusals, what was found, and header lines that say what would be taken. */
void context_refuse_as(struct context *context, enum refused why, struct slice found, struct slice headers,
		       struct now now);

/* The events of struct endpoint_user that belong to a context. */
void context_response(struct client *client, const struct sip_message *response, struct now now);
void context_failed(struct client *client, enum client_failure why, struct now now);
void context_client_gone(struct client *client);
void context_cancelled(struct context *context, const struct sip_message *cancel, struct now now);
void context_server_gone(struct context *context);
void context_hop_found(struct hop_use *use, const struct hop_result *result, struct now now);
void context_timer(struct timer *timer, struct now now);
/* The caller's flow is gone: a call that is not answered yet can no longer become one. */
void context_flow_lost(struct context *context, struct now now);

static inline struct context *context_of_question(struct question *question)
{
	return CONTAINER_OF(question, struct context, question);
}
