/*
 * The files that the signing process opens, since who reads the network may not: keys, to hold or to make them; what is shown
 * to others, to pass it on. Private to the room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"
#include "base/writer.h"

enum { FILES_PATH_MAX = 4096 };

/* The whole of a regular file. ERR_NOT_FOUND, ERR_DENIED (no permission), ERR_LIMIT (larger than max), ERR_NOMEM, ERR_IO. */
MUST_CHECK enum err files_read(struct slice path, size_t max, struct secret **ret_text);
/* Puts one of mode 0600 with this text in its place, whole and on disk; what was there stays where it fails. Errors as above. */
MUST_CHECK enum err files_replace(struct slice path, struct slice text);

/* Writes the certificates and the lists of revoked ones in a text of PEM, and nothing else that is in it. */
void put_public(struct writer *out, struct slice text);
