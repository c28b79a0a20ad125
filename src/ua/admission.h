/*
 * Whether a request that came is taken: as our user wants it of whom it is from (protected from end to end or not), and in a
 * protected call only by its other side. What is not taken is refused here, and told.
 */
#pragma once

#include "ua/arrival.h"

/* arrival: how it came protected; NULL: it did not. False: it was refused. */
MUST_CHECK bool admission_check(struct ua *ua, struct server *server, struct arrival *arrival,
				struct now now);

/*
 * Refuses what cannot be opened, or is not what was protected; the verdict of protection says why. RFC 3261 §23.2: with 415 and 493 goes the
 * certificate to be encrypted to; with 415 and 488, what is read here.
 */
void admission_refuse(struct ua *ua, struct server *server, unsigned status,
		      const struct ua_protection *protection, struct now now);

/* It holds nothing that this phone could take, whoever sent it: an error of content_choose(). */
void admission_refuse_content(struct ua *ua, struct server *server, enum err err, struct now now);
