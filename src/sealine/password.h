/* Passwords: asked for, read or made; never on the command line, and wiped when they are done with. */
#pragma once

#include "base/secret.h"
#include "crypto/lib.h"

enum { PASSWORD_MAX = 1024 };

/*
 * Asks for it twice on the terminal, without showing what is typed. NULL: it was complained of; *ret_interrupted says
 * that somebody pressed Ctrl-C.
 */
MUST_CHECK struct secret *password_ask(const char *whose, bool *ret_interrupted);

/* The first line of standard input. NULL: it was complained of. */
MUST_CHECK struct secret *password_read(void);

/* 120 random bits as 24 letters and digits that are not mistaken for one another. NULL: it was complained of. */
MUST_CHECK struct secret *password_make(struct crypto *crypto);

/* Whether it can be one: 1 to PASSWORD_MAX bytes without control characters. */
bool password_is_good(struct slice password);
