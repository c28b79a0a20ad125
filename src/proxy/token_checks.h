/*
 * The keyed check of a dialog's token, and the last ones of them remembered: the ACK and the BYE of a call show the token that its INVITE
 * was given, and to compare costs less than to hash again. What is remembered is all that a check is over, and the check; that stays
 * right as long as the key, which lasts as long as this. There is one place for several dialogs, and who comes later
 * takes it; a text that is too long for it is hashed each time. Private to the room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"
#include "base/slice.h"
#include "crypto/digest.h"

enum { TOKEN_CHECK_SIZE = 16 };

struct token_checks;

/* The key has to outlive it. NULL without memory. */
MUST_CHECK struct token_checks *token_checks_new(struct mac *mac);
void token_checks_free(struct token_checks *checks);
OWN(token_checks)

/* What a check is over, and a number that is another one for most other dialogs: it says where to remember it. */
struct token_signed {
	struct slice parts[5]; /* the first is not empty */
	uint64_t number;
};

/* False if the library fails. */
MUST_CHECK bool token_check_make(struct token_checks *checks, const struct token_signed *over,
				 unsigned char ret_check[TOKEN_CHECK_SIZE]);
/* Whether the check is that of the text. Only one that is is remembered. */
bool token_check_is(struct token_checks *checks, const struct token_signed *over,
		    const unsigned char check[TOKEN_CHECK_SIZE]);
