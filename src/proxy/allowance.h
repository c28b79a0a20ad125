/*
 * What each account may use up: new requests a second, and calls that are being set up at a time. A call that was
 * answered is no longer counted: its dialog lives in the two phones, and the server keeps nothing of it.
 *
 * One worker's; bounded, the account that asked for nothing for the longest time makes room. Private to the room.
 */
#pragma once

#include <stdbool.h>

#include "base/map.h"
#include "base/own.h"
#include "base/time.h"
#include "endpoint/flow.h"
#include "proxy/config.h"

enum { ALLOWANCE_ACCOUNTS_MAX = 20000, ALLOWANCE_BURST_SECONDS = 5 };

struct allowance;
struct allowance_member; /* an account that has asked for something */

/* NULL without memory. */
MUST_CHECK struct allowance *allowance_new(struct map_key key);
void allowance_free(struct allowance *allowance);
OWN(allowance)

/*
 * One more request. Who asks, good until the next one, or as long as it has a call; NULL: it has asked for more than it may, or
 * there is no memory to count.
 */
struct allowance_member *allowance_take(struct allowance *allowance, account_id account,
					const struct server_config *server, ms_t now);
/* One more call, until it is given back. False: it has as many as it may. */
bool allowance_begin_call(struct allowance_member *member, const struct server_config *server);
/* Gives one back. NULL does nothing. */
void allowance_end_call(struct allowance_member *member);
