/*
 * What a sender can take, and whom it wants to reach: Accept, Accept-Encoding, Accept-Language, Content-Language (RFC
 * 3261 §20.1-3, §20.13), Accept-Contact and Reject-Contact (RFC 3841 §9.2, §9.3). Each function takes one value of the
 * list; slices point into it; q is in thousandths, 1000 where it is not given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* accept-range: "*" for any type or subtype; with a type of "*" the subtype is one, too. */
struct sip_accept_range {
	struct slice type, subtype;
	struct slice params; /* q among them */
	uint16_t q;
};
bool sip_accept_range_parse(struct slice value, struct sip_accept_range *ret_range);

/* encoding and language; text is "*" for any. */
struct sip_preference {
	struct slice text;
	struct slice params;
	uint16_t q;
};
bool sip_encoding_parse(struct slice value, struct sip_preference *ret_encoding);
bool sip_language_parse(struct slice value, struct sip_preference *ret_language);

/* language-tag = 1*8ALPHA *( "-" 1*8ALPHA ), of Content-Language */
bool sip_language_tag_parse(struct slice value, struct slice *ret_tag);

/* ac-value and rc-value: "*" and the features asked for, of which each may come once. */
struct sip_features {
	struct slice params; /* require and explicit among them */
	bool require, is_explicit;
};
bool sip_features_parse(struct slice value, struct sip_features *ret_features);
