/* Passwords and passphrases: from a file, or asked for on the terminal. Never from the command line. */
#pragma once

#include <stdbool.h>

#include "base/secret.h"

/*
 * That of the account: the first line of the file. file NULL: asks, without showing what is typed. NULL with a message printed, or
 * without one and *ret_interrupted set where a signal ended the asking.
 */
struct secret *password_read(const char *file, struct slice aor, bool *ret_interrupted);
/* The same for what a key is encrypted with; whose: for the question. */
struct secret *passphrase_read(const char *file, struct slice whose, bool *ret_interrupted);
