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

/* NULL without memory. */
MUST_CHECK struct allowance *allowance_new(struct map_key key);
void allowance_free(struct allowance *allowance);
OWN(allowance)

/* One more request. False: it has asked for more than it may, or there is no memory to count. */
bool allowance_take(struct allowance *allowance, account_id account, const struct server_config *server,
		    ms_t now);
/* One more call, until it is given back. False: it has as many as it may. */
bool allowance_begin_call(struct allowance *allowance, account_id account, const struct server_config *server,
			  ms_t now);
void allowance_end_call(struct allowance *allowance, account_id account);
