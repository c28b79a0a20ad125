/* The account's password: from a file, or asked for on the terminal. Never from the command line. */
#pragma once

#include <stdbool.h>

#include "base/secret.h"

/*
 * The first line of the file. file NULL: asks, without showing what is typed. NULL with a message printed, or without one
 * and *ret_interrupted set where a signal ended the asking.
 */
struct secret *password_read(const char *file, struct slice aor, bool *ret_interrupted);
