/* Whole files of a bounded size: read, and replaced by one that is for us alone. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/slice.h"

/*
 * The whole of a regular file, freed by the caller. ERR_NOT_FOUND, ERR_DENIED (no permission), ERR_LIMIT (larger than max, or a path that is too
 * long), ERR_NOMEM, ERR_IO.
 */
MUST_CHECK enum err file_read(struct slice path, size_t max, struct secret **ret_text);

/*
 * The same, also of what is no file but can be read to its end, as a pipe of the shell, which may have up to 1 MiB. It waits for who
 * writes there: for a command that is told what to read, not for a server.
 */
MUST_CHECK enum err file_read_any(struct slice path, size_t max, struct secret **ret_text);

/*
 * Puts one of mode 0600 with this text in its place: a crash leaves the old or the new one, whole and on disk, and what was there stays
 * where it fails. Errors as above; ERR_NOT_FOUND: there is no such directory.
 */
MUST_CHECK enum err file_replace(struct slice path, struct slice text);
