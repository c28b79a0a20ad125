/*
 * Whole files of a bounded size, as the phone reads them, and replaces them by file/file.h. It reads what is no regular file, too, as
 * file_read() does not: --ca <(sealine ca export).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * What is in it, to be freed by mem_free(); NULL with errno set, or with errno 0 for one that has limit bytes or more, or
 * where there is no memory.
 */
char *phone_file_read(const char *path, size_t limit, size_t *ret_length);
/* Replaces it: whole or not at all, and for us alone (mode 0600). False with a message printed. */
bool phone_file_replace(const char *path, struct slice text);
