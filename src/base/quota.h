/* Token bucket: what a peer may use up, refilled with time. Pure arithmetic; the struct is the caller's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

#define QUOTA_NEVER UINT64_MAX

struct quota {
	uint32_t burst;      /* the most that can be saved up */
	uint32_t per_second; /* refill */
	uint64_t level;      /* in thousandths */
	ms_t at;             /* when level was last brought up to date */
};

/* Starts full. */
void quota_init(struct quota *quota, uint32_t burst, uint32_t per_second, ms_t now);
/* Takes n if there are as many; false (and nothing taken) if not. */
bool quota_take(struct quota *quota, uint32_t n, ms_t now);
/* How long until n are there; 0 if they are now, QUOTA_NEVER if they will never be. */
ms_t quota_wait(const struct quota *quota, uint32_t n, ms_t now);
