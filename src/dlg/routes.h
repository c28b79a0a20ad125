/* The route set of a dialog (RFC 3261 §12.1, §12.2.1.1): the Record-Route values in the order of our
 * requests. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/writer.h"
#include "sip/message.h"

struct dlg_routes;

enum dlg_route_order {
	DLG_AS_WRITTEN, /* from a request: we answer it */
	DLG_REVERSED,   /* from a response: we sent the request */
};

/* OK with NULL if there is no Record-Route. ERR_SYNTAX, ERR_LIMIT (DLG_MAX_ROUTES), ERR_NOMEM. */
MUST_CHECK enum err dlg_routes_new(const struct sip_message *message, enum dlg_route_order order,
				   struct dlg_routes **ret_routes);
void dlg_routes_free(struct dlg_routes *routes);
OWN(dlg_routes)

/* Of all, of the first as we see them; an empty set (NULL) has nothing that is not sips. */
bool dlg_routes_are_sips(const struct dlg_routes *routes);
bool dlg_routes_begin_with_sips(const struct dlg_routes *routes);

/* The Request-URI if the first route is a strict router (it has no lr parameter); else empty. */
struct slice dlg_routes_strict_uri(const struct dlg_routes *routes);
/* The Route line, or nothing. A strict router gets the target as the last value. */
void put_dlg_routes(struct writer *out, const struct dlg_routes *routes, struct slice target);
