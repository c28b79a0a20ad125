#include "base/quota.h"

enum { THOUSANDTHS = 1000 };

void quota_init(struct quota *quota, uint32_t burst, uint32_t per_second, ms_t now)
{
	*quota = (struct quota){
		.burst = burst,
		.per_second = per_second,
		.level = (uint64_t)burst * THOUSANDTHS,
		.at = now,
	};
}

/* One a second is a thousandth a millisecond. */
static uint64_t level_at(const struct quota *quota, ms_t now)
{
	uint64_t full = (uint64_t)quota->burst * THOUSANDTHS;
	uint64_t missing = full - quota->level;

	if (now <= quota->at || quota->per_second == 0)
		return quota->level;
	if (now - quota->at > missing / quota->per_second)
		return full;
	return quota->level + (now - quota->at) * quota->per_second;
}

bool quota_take(struct quota *quota, uint32_t n, ms_t now)
{
	uint64_t wanted = (uint64_t)n * THOUSANDTHS;

	quota->level = level_at(quota, now);
	if (now > quota->at)
		quota->at = now;
	if (wanted > quota->level)
		return false;
	quota->level -= wanted;
	return true;
}

ms_t quota_wait(const struct quota *quota, uint32_t n, ms_t now)
{
	uint64_t wanted = (uint64_t)n * THOUSANDTHS;
	uint64_t level = level_at(quota, now);

	if (wanted <= level)
		return 0;
	if (n > quota->burst || quota->per_second == 0)
		return QUOTA_NEVER;
	return (wanted - level + quota->per_second - 1) / quota->per_second;
}
