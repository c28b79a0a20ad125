/*
 * Multipart bodies (RFC 2046 §5.1): their parts one after the other, and new ones.
 *
 * The bytes between two delimiters are given as they stand, since a signature may be over them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"
#include "crypto/random.h"
#include "mime/entity.h"

enum {
	MULTIPART_BOUNDARY_MAX = 70, /* RFC 2046 §5.1.1 */
	MULTIPART_PARTS_MAX = 32,
	MULTIPART_BOUNDARY_SIZE = 32, /* of one of ours */
};

struct multipart {
	struct slice rest, boundary;
	size_t n; /* parts given so far */
};

/* Stands before the first part of a multipart entity. ERR_SYNTAX: it is none, or its boundary is malformed or missing. */
MUST_CHECK enum err multipart_begin(const struct mime_entity *entity, struct multipart *ret_multipart);

/*
 * The next part: headers, empty line, body. ERR_NOT_FOUND after the last one. ERR_SYNTAX: a delimiter is missing.
 * ERR_LIMIT past MULTIPART_PARTS_MAX.
 */
MUST_CHECK enum err multipart_next(struct multipart *multipart, struct slice *ret_part);

/* A boundary that stands in no text that exists already, since nobody could foresee it. */
void multipart_make_boundary(struct random *random, char ret_boundary[MULTIPART_BOUNDARY_SIZE]);
/* One part, with the delimiter before it; and the delimiter after the last one. */
void put_part(struct writer *out, struct slice boundary, struct slice part);
void put_last_delimiter(struct writer *out, struct slice boundary);
