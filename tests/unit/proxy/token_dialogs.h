/* The dialog of the tests of tokens, and others that differ from it by as little as may be. */
#pragma once

#include "proxy/token.h"

static const struct token_dialog call = { { "call", 4 }, { "alice@a", 7 }, { "bob@a", 5 } };
static const struct token_dialog other_dialogs[] = {
	{ { "other", 5 }, { "alice@a", 7 }, { "bob@a", 5 } },
	{ { "callx", 5 }, { "alice@a", 7 }, { "bob@a", 5 } },
	{ { "", 0 }, { "alice@a", 7 }, { "bob@a", 5 } },
	{ { "call", 4 }, { "carol@a", 7 }, { "bob@a", 5 } },
	{ { "call", 4 }, { "alice@a", 7 }, { "carol@a", 7 } },
	{ { "call", 4 }, { "bob@a", 5 }, { "alice@a", 7 } },
	{ { "call", 4 }, { "alice@ab", 8 }, { "ob@a", 4 } },
	{ { "cal", 3 }, { "lalice@a", 8 }, { "bob@a", 5 } },
};
