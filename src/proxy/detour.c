#include "proxy/detour.h"

#include "base/mem.h"

enum { PLACES_BITS = 10, PLACES = 1 << PLACES_BITS };

struct detours {
	struct detour places[PLACES];
};

struct detours *detours_new(void)
{
	return mem_new(struct detours);
}

void detours_free(struct detours *detours)
{
	mem_free(detours);
}

/* By Fibonacci hashing. */
static size_t place_of(flow_id gone)
{
	return gone * 0x9e3779b97f4a7c15 >> (64 - PLACES_BITS);
}

void detours_note(struct detours *detours, const struct detour *detour)
{
	detours->places[place_of(detour->gone)] = *detour;
}

const struct detour *detours_find(const struct detours *detours, flow_id gone, account_id party)
{
	const struct detour *detour = &detours->places[place_of(gone)];

	return party && detour->gone == gone && detour->party == party ? detour : NULL;
}
