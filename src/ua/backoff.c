#include "ua/backoff.h"

ms_t backoff_wait(unsigned failures, struct random *random)
{
	ms_t bound = BACKOFF_FIRST_MS;
	uint32_t chance;

	/* RFC 5626 §4.5: "upper-bound wait time = min( max-time, (base-time * (2 ^ consecutive-failures)))"
	 */
	if (failures > 0)
		bound = failures < 10 ? (ms_t)BACKOFF_BASE_MS << failures : BACKOFF_MAX_MS;
	if (bound > BACKOFF_MAX_MS)
		bound = BACKOFF_MAX_MS;
	random_bytes(random, &chance, sizeof chance);
	return bound / 2 + chance % (bound / 2 + 1);
}
