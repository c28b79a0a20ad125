/*
 * Edge proxies (RFC 3327, RFC 5626 §5). As the edge of another domain we pass its phones' REGISTERs on to that domain's server, with a
 * Path of ours that leads back to the phone's connection; as that domain's server ("home") we take registrations from the edges
 * that the configuration declares.
 *
 * The edge asks nobody for a password: the phone proves itself to its home, from end to end. What the edge knows is that home has
 * answered a REGISTER on that connection with 2xx; from then on the connection stands for that address, to home alone. The edge's own
 * certificate proves no user: home asks for digest with each request out of a dialog, and never counts the edge's connection, which
 * many phones share, as that of an account. Private to the room.
 */
#pragma once

#include "proxy/context.h"

/* -- as the edge ---------------------------------------------------------------------------------------------------- */

/* The server whose phones may register through us: that of the domain. NULL: there is none. */
const struct server_peer *edge_home(const struct core *core, struct slice domain);

/* A REGISTER for such a domain: passed on, or refused. */
void edge_register(struct context *context, struct now now);
/* Home has answered it with 2xx: from now on the connection stands for the address. While its server transaction is there. */
void edge_answered(struct context *context);

/* There is no 2xx for it. What home has refused counts against the connection; that home is not there, or overloaded, does not. */
void edge_failed(struct context *context);

/* Whether the request speaks for somebody of such a domain, and does not come from its server. */
bool edge_is_from_phone(const struct context *context);
/* Out of a dialog: true if its connection stands for its From; then context->account is that phone. Else it is refused. */
bool edge_take(struct context *context, struct now now);
/* It goes on to the sender's home, wherever it is for. */
void edge_send_home(struct context *context, struct now now);
/* The Path line of a REGISTER that is passed on to the target. False if the library fails. */
MUST_CHECK bool put_edge_path(struct writer *out, const struct context *context, const struct target *target);
/* context->account is that of a phone that is registered through us. */
bool edge_is_phone(account_id account);

/* Whether the user part of our own Route may be that of a Path; if so the request goes to its phone, or is refused. */
bool edge_is_path(struct slice user);
void edge_deliver(struct context *context, struct now now);

/* -- as home -------------------------------------------------------------------------------------------------------- */

/*
 * Of whose phones one may have sent what came on the connection, if that is of an edge: the domain that is called, where the edge is one for
 * that, else its first. NULL: it is none.
 */
const struct server_domain *edge_domain(const struct context *context);
/*
 * The name that the edge has proven on the connection which the request came on, if the peer there is declared as one for the sender's
 * domain, which is ours. Absent: it is none.
 */
struct slice edge_of_sender(const struct context *context);
/* How the sender stands in the token of a dialog: the edge that it came by, else context->account. */
account_id edge_party(const struct context *context);
/* Whether a REGISTER may have the Path that it has: a declared edge has put it there, under its own name. */
bool edge_may_bring(const struct context *context);

/*
 * A binding of the AOR with a Path is reached by the edge in its first URI, over the flow that it came by or, if that is gone or the target is
 * outside already, a new one. Sets where, and what has to be proven there; false if that is no edge of the domain any more. What is set
 * points into the configuration: a target that has waited is asked for anew.
 */
bool edge_target(const struct core *core, const struct aor *aor, const struct binding *binding,
		 struct target *target);
