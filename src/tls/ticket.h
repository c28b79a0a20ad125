/*
 * The keys of session tickets (RFC 8446 §4.6.1): what a server must know to take a session up again that any of
 * its workers began. They are drawn at random, live in memory only and change every six hours; a key that is older than
 * twelve is wiped, and with it every ticket that was sealed under it. A restart forgets them all.
 *
 * May be shared by threads: a lock is held while a key is copied or drawn, and nothing is called meanwhile.
 */
#pragma once

#include "base/err.h"
#include "base/own.h"
#include "base/time.h"

struct tls_ticket_keys;

enum {
	TLS_TICKET_CHANGE = 6 * 3600, /* seconds: a key is used for new tickets for so long … */
	TLS_SESSION_MAX = 12 * 3600,  /* … and no session is taken up that began longer ago */
};

/* NULL without memory. */
MUST_CHECK struct tls_ticket_keys *tls_ticket_keys_new(void);
/* After every context that was given them. */
void tls_ticket_keys_free(struct tls_ticket_keys *keys);
OWN(tls_ticket_keys)
