/*
 * A dialog (RFC 3261 §12): who the two ends are, by which way requests go between them, and in which order.
 *
 * Pure state: it sends nothing, and what a message means for a call is decided in ua/. A dialog is owned by
 * whoever made it and keeps copies of all texts. A secure dialog stays secure: what would take it off sips
 * is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/slice.h"
#include "base/writer.h"
#include "sip/message.h"

enum dlg_state { DLG_EARLY, DLG_CONFIRMED };

enum { DLG_MAX_ROUTES = 32 };

struct dlg_identity;
struct dlg_routes;

/* To be read by its owner, written by the functions below only, but for local_cseq. */
struct dlg {
	enum dlg_state state;
	bool secure;       /* the Request-URI that began it was sips, on TLS */
	bool sips_contact; /* what we give as Contact has to be sips (§12.1.1; true if secure) */

	struct slice call_id, local_tag, remote_tag; /* the dialog ID; an absent tag is RFC 2543's null */
	struct slice local, remote; /* values for From and To of our requests, tags included */
	struct slice target;        /* the remote target: a URI */

	uint32_t local_cseq;  /* of our latest request, counted on by whoever sends it; 0: none yet */
	uint32_t remote_cseq; /* of theirs; 0: none yet */

	struct dlg_identity *identity; /* what the slices above point into */
	struct dlg_routes *routes;     /* NULL: no route set */
	char *target_text;
};

/* The request of ours that began the dialog. Copied. */
struct dlg_sent {
	struct slice call_id, from_tag;
	struct slice from; /* the value of From, tag included */
	uint32_t cseq;
	bool secure; /* its Request-URI was sips and it went over TLS */
};

/*
 * From a 1xx with a To tag (early) or a 2xx (confirmed) to our request (§12.1.2).
 * ERR_SYNTAX: no Contact, or one or a Record-Route that cannot be understood. ERR_DENIED: it would be secure,
 * and the Contact or a Record-Route is not sips. ERR_LIMIT: too many routes. ERR_NOMEM.
 */
MUST_CHECK enum err dlg_new_uac(const struct dlg_sent *sent, const struct sip_message *response,
				struct dlg **ret_dlg);

/*
 * From a request that we are about to answer with this tag (§12.1.1), or from a NOTIFY that has it in To (RFC 6665 §4.4.1).
 * secure as above; errors as above.
 */
MUST_CHECK enum err dlg_new_uas(const struct sip_message *request, struct slice local_tag, bool secure,
				struct dlg **ret_dlg);

void dlg_free(struct dlg *dlg);
OWN(dlg)

/* Whether a request that came in belongs to this dialog (§12.2.2). */
bool dlg_has_request(const struct dlg *dlg, const struct sip_message *request);
/* Whether a response to the request that began it belongs to this dialog, and not to another branch's. */
bool dlg_has_response(const struct dlg *dlg, const struct sip_message *response);

/*
 * The 2xx has come for an early dialog of ours: route set and target are taken from it anew (§13.2.2.4).
 * Errors as for dlg_new_uac(); the dialog is then as it was.
 */
MUST_CHECK enum err dlg_confirm_uac(struct dlg *dlg, const struct sip_message *response);
/* We answered 2xx. */
void dlg_confirm_uas(struct dlg *dlg);

/* Takes note of the order of a request that came in; false if it is not newer than the last (§12.2.2: 500).
 */
MUST_CHECK bool dlg_receive(struct dlg *dlg, const struct sip_message *request);

/*
 * A target refresh request, or the 2xx to ours: its Contact becomes the remote target, if it has one.
 * ERR_SYNTAX, ERR_DENIED (not sips in a secure dialog), ERR_NOMEM: nothing has changed.
 */
MUST_CHECK enum err dlg_refresh_target(struct dlg *dlg, const struct sip_message *message);

/* The Request-URI of our requests (§12.2.1.1: the target, or the first route if that is a strict router). */
struct slice dlg_request_uri(const struct dlg *dlg);
/* The lines Route, From, To, Call-ID and Max-Forwards of a request of ours. */
void put_dlg_headers(struct writer *out, const struct dlg *dlg);
