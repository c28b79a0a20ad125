#include "auth/window.h"

enum { COUNTS = 64 };

/*
 * Where there is no room the oldest nonce, that with the lowest serial, is pushed out: NULL if that is this
 * one.
 */
static struct auth_window *open_window(struct auth_windows *windows, uint64_t serial)
{
	struct auth_window *window = &windows->window[0];

	if (windows->n < AUTH_WINDOWS) {
		window = &windows->window[windows->n++];
	} else {
		for (size_t i = 1; i < AUTH_WINDOWS; i++)
			if (windows->window[i].serial < window->serial)
				window = &windows->window[i];
		if (serial < window->serial)
			return NULL;
	}
	*window = (struct auth_window){ .serial = serial };
	return window;
}

static struct auth_window *find_window(struct auth_windows *windows, uint64_t serial)
{
	for (size_t i = 0; i < windows->n; i++)
		if (windows->window[i].serial == serial)
			return &windows->window[i];
	return NULL;
}

enum auth_count auth_windows_take(struct auth_windows *windows, uint64_t serial, uint32_t nc)
{
	struct auth_window *window = find_window(windows, serial);

	if (nc == 0)
		return AUTH_COUNT_USED;
	if (!window)
		window = open_window(windows, serial);
	if (!window)
		return AUTH_COUNT_FORGOTTEN;

	if (nc > window->highest) {
		uint32_t step = nc - window->highest;

		window->seen = step < COUNTS ? window->seen << step : 0;
		window->seen |= 1;
		window->highest = nc;
		return AUTH_COUNT_NEW;
	}

	uint32_t behind = window->highest - nc;

	if (behind >= COUNTS || window->seen >> behind & 1)
		return AUTH_COUNT_USED;
	window->seen |= (uint64_t)1 << behind;
	return AUTH_COUNT_NEW;
}
