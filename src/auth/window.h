/*
 * Which nonce counts were used on one flow (RFC 7616 §3.4, nc; §5.8 against replay): for each of the last few
 * nonces the highest count and a bitmap of the 64 below it, so that requests may overtake each other a
 * little. Kept only for nonces that were answered with a valid response. Belongs to the caller; zero it to
 * begin.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { AUTH_WINDOWS = 8 };

struct auth_window {
	uint64_t serial; /* of the nonce */
	uint32_t highest;
	uint64_t seen; /* bit n: highest - n was used */
};

struct auth_windows {
	struct auth_window window[AUTH_WINDOWS];
	size_t n;
};

enum auth_count {
	AUTH_COUNT_NEW,
	AUTH_COUNT_USED, /* a replay, or too far behind to tell */
	AUTH_COUNT_FORGOTTEN,
};

/* Marks the count as used. nc 0 never is new. */
enum auth_count auth_windows_take(struct auth_windows *windows, uint64_t serial, uint32_t nc);
