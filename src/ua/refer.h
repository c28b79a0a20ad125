/*
 * A transfer that the other side of a call asks of us: REFER in its dialog (RFC 3515). What it wants is told to the program,
 * which lets us follow or not; the other side hears of it by NOTIFY in the same dialog. Never to a lower scheme, and to
 * media no less protected than there were.
 */
#pragma once

#include "base/timers.h"
#include "endpoint/endpoint.h"
#include "sip/uri.h"

struct call;
struct ua;

enum refer_state {
	REFER_NONE,
	REFER_ASKED,    /* accepted; the program has not said yet */
	REFER_FOLLOWED, /* our new call is on its way; the old one is its referrer */
};

struct referral {
	enum refer_state state;
	bool is_silent;                 /* nothing is told of how it goes (RFC 4488) */
	uint32_t cseq;                  /* of the REFER */
	unsigned n;                     /* REFERs taken in this dialog */
	char *text;                     /* of the slices */
	struct slice uri, replaces, by; /* Request-URI; values of Replaces and of Referred-By, or empty */
	struct timer timer;
};

/* In this call's dialog. */
void refer_take(struct call *call, struct server *server, struct now now);
/* Outside of any: refused, and told. */
void refer_refuse_stranger(struct ua *ua, struct server *server, struct now now);
/* The lines that our INVITE has because of it. */
void put_refer_lines(struct writer *out, const struct referral *referral);
/* The call that it led to got this response; a final one ends the matter, 0 is one that there never was. */
void refer_progress(struct call *call, unsigned status, struct now now);
/* Nobody has said whether we follow. */
void refer_due(struct call *call, struct now now);
/* Accepts one that never was. */
void refer_fini(struct referral *referral);
