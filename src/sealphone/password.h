/* The account's password: from a file, or asked for on the terminal. Never from the command line. */
#pragma once

#include <stdbool.h>

#include "base/secret.h"

/* The first line of the file; NULL with a message printed. file NULL: asks, without showing what is typed. */
struct secret *password_read(const char *file, struct slice aor);
