/*
 * How much a multipart body holds (RFC 2046 §5.1), so that whoever reads it later is not made to work for a stranger. Nothing
 * else is looked at: a body that is malformed is for its reader to refuse.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

struct sip_body_limits {
	size_t parts;   /* in all, those within others too */
	size_t nesting; /* multipart bodies within each other */
};

/*
 * content_type is the value of the header field. OK, or ERR_LIMIT: *ret_what says in a few words which limit it is, and
 * *ret_at where in the body it is passed.
 */
MUST_CHECK enum err sip_body_check(struct slice content_type, struct slice body,
				   const struct sip_body_limits *limits, const char **ret_what,
				   const char **ret_at);
