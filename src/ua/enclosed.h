/*
 * Certificates that come with a refusal (415, 493: RFC 3261 §23.2), so that what was refused can be sent encrypted to them. Nobody has
 * signed such a response, and every server on the way could have written it. So a certificate out of one is believed no more
 * than what vouches for it (credentials_judge(): its domain, our user, our memory, a CA), serves for the one attempt that follows
 * and is not remembered.
 */
#pragma once

#include <stdbool.h>

#include "crypto/certificate.h"
#include "sip/message.h"
#include "ua/ua.h"

/* What came; NULL: nothing that can be read. chain_free(). */
MUST_CHECK struct chain *enclosed_read(struct ua *ua, const struct sip_message *response);

/* The one that is to be believed to be of whom the URI names, borrowed from the chain; NULL: none of them, or there is no chain. */
const struct certificate *enclosed_believed(struct ua *ua, const struct chain *enclosed, struct slice uri,
					    struct now now);

/*
 * Whether one of them has a key of whom the URI names that is not among those known; then what is known of them is taken as out of date, and asked for
 * anew when it is needed.
 */
bool enclosed_is_news(struct ua *ua, const struct chain *enclosed, struct slice uri, struct now now);

/* Whether a refusal says that a protected request would have been taken. */
bool enclosed_wants_protection(const struct sip_message *response);
