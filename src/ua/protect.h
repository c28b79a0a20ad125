/*
 * What leaves: whether it is to be protected, and doing it (RFC 3261 §23, RFC 8591). Header fields and body are signed, then
 * encrypted to all certificates of the other side and to ourselves.
 */
#pragma once

#include <stdbool.h>

#include "ua/credentials.h"
#include "ua/protection.h"
#include "ua/tunnel.h"
#include "ua/ua.h"

/* What our user wants for whom the URI names. */
enum ua_smime protect_policy(const struct ua *ua, struct slice uri);

/* What event packages and the registrar say has protection of its own: certificates come signed by their domain (RFC 6072 §6.8). */
bool protect_is_between_phones(enum sip_method method);

/* Whether there is a certificate of ours that somebody could have encrypted to. */
bool protect_can_read(const struct ua *ua);
/* Whether two URIs are of one AOR. */
bool protect_is_same(struct slice a, struct slice b);

/* The AOR of a sip or sips URI with a user; empty for others. */
struct slice put_protect_aor(struct writer *out, struct slice uri);
/* Whether a URI is of this AOR. */
bool protect_is_of(struct slice uri, struct slice aor);

/* Why it is not protected, or not to be believed; with whom, if the verdict does not say. */
void protect_doubt(struct ua_protection *how, const struct verdict *why, struct slice peer);

enum protect_way {
	PROTECT_CLEAR,   /* as it always did; *ret_how says why */
	PROTECT_SEALED,  /* protect_wrap() will do */
	PROTECT_WAIT,    /* certificates are on their way: the waiter will be called; then ask again */
	PROTECT_ASK,     /* in clear only if our user says so; *ret_how says why */
	PROTECT_REFUSED, /* not at all; *ret_how says why */
};

struct protect_wish {
	struct slice uri; /* of the other side */
	/* the caller's, who has credentials_cease() called when he does not wait any more */
	struct credentials_waiter *waiter;
	const struct chain *enclosed; /* certificates that came with a refusal; NULL: none */
	bool is_anonymous;            /* it is not to say who has sent it: not signed */
};
enum protect_way protect_choose(struct ua *ua, const struct protect_wish *wish, struct now now,
				struct ua_protection *ret_how);

struct protect_order {
	struct slice uri;               /* of the other side */
	const struct certificate *also; /* one of theirs that is believed; NULL: none */
	struct tunnel_order message;    /* Date is added here */
	utc_t now;
};

/* The message's own header lines and body as they leave. */
struct protected
{
	struct secret *lines, *body;
};
void protected_fini(struct protected *what);

/*
 * *ret_how says how. ERR_NOT_FOUND: there is no certificate, ours or theirs, that is good now. ERR_DENIED: theirs are not for being
 * encrypted to. ERR_LIMIT, ERR_NOMEM.
 */
MUST_CHECK enum err protect_wrap(struct ua *ua, const struct protect_order *order, struct protected *ret_what,
				 struct ua_protection *ret_how);

/* A reply with our own certificate, if there is one, for whoever has encrypted to another (RFC 3261 §23.2). */
void protect_reply_certificates(struct ua *ua, struct server *server, unsigned status, struct slice lines,
				struct now now);

/* The line that says what of this kind is read here, for Accept. */
#define PROTECT_ACCEPT "application/pkcs7-mime, multipart/signed, message/sipfrag, message/sip"
