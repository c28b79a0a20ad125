/*
 * Where certificates come from (RFC 6072): a subscription to the certificate package of each AOR whose certificates are needed,
 * kept as long as the phone runs, so that a change or a withdrawal is heard of. The source of ua/credentials.h.
 */
#pragma once

#include "ua/state.h"

enum { FETCH_MAX = 32 /* subscriptions at once; the oldest one makes room */ };

/* self: the ua. As of struct credentials_source. */
enum err fetch_ask(void *self, struct slice aor, struct now now);
/* The same for our own AOR, once our certificate was asked for. */
MUST_CHECK enum err fetch_own(struct ua *ua, struct now now);
/* News of certificates as events. */
void fetch_tell(void *self, const struct credentials_news *news);
