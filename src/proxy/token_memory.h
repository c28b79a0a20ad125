/*
 * The tokens of dialogs that this worker wrote or found good last: ACK and BYE show the one that their INVITE was given, and to compare it costs
 * less than to check it again. What is remembered is the text of the token and all else that its check is over, and what it
 * says: that stays true as long as the key, which lasts as long as this. There is one place for several dialogs, and who
 * comes later takes it; what is too long for a place is not remembered. Private to the room.
 */
#pragma once

#include <stdbool.h>

#include "base/own.h"
#include "proxy/token.h"

struct token_memory;

/* NULL without memory. */
MUST_CHECK struct token_memory *token_memory_new(void);
void token_memory_free(struct token_memory *memory);
OWN(token_memory)

/* What put_token() has written, or token_parse() has found good. */
void token_remember(struct token_memory *memory, struct slice text, const struct token_dialog *dialog,
		    const struct token *token);
/* False: token_parse() has to say whether it is good. */
bool token_recall(const struct token_memory *memory, struct slice text, const struct token_dialog *dialog,
		  struct token *ret_token);
