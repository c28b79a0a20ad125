/*
 * The third level of protection, from end to end, in words and as an object: who signed, how that is known, how it was encrypted,
 * what was changed on the way. A protection that is NULL is one that there is none of.
 */
#pragma once

#include <jansson.h>

#include "base/writer.h"
#include "sealphone/output.h"
#include "ua/protection.h"

/* Of what came and of what left, as one clause each: "signed by …, encrypted with …". */
void put_smime_theirs(struct writer *out, const struct ua_protection *protection);
void put_smime_ours(struct writer *out, const struct ua_protection *protection);

/* Why it is believed that the signer is the signer. */
void put_smime_trust(struct writer *out, const struct ua_protection *protection);

/* {"signed":…,"encrypted":…,…} */
json_t *smime_object(const struct ua_protection *protection);

/* What was changed on the way, a line each, below what is shown. */
void smime_show_notes(const struct output *output, const struct ua_protection *protection);
