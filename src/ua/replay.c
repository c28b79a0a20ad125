#include "ua/replay.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"

static bool make_id(struct crypto *crypto, const struct slice what[3], unsigned char ret_id[REPLAY_ID_SIZE])
{
	const struct slice parts[] = { what[0], SLICE("\n"), what[1], SLICE("\n"), what[2] };
	unsigned char hash[DIGEST_SIZE_MAX];

	if (!digest(crypto, DIGEST_SHA256, parts, sizeof parts / sizeof parts[0], hash))
		return false;
	memcpy(ret_id, hash, REPLAY_ID_SIZE);
	return true;
}

static void drop_older(struct replay *replay, utc_t before)
{
	size_t n = 0;

	for (size_t i = 0; i < replay->n; i++)
		if (replay->entries[i].date >= before)
			replay->entries[n++] = replay->entries[i];
	replay->n = n;
}

static void drop_oldest(struct replay *replay)
{
	utc_t oldest = replay->entries[0].date;

	for (size_t i = 1; i < replay->n; i++)
		if (replay->entries[i].date < oldest)
			oldest = replay->entries[i].date;
	replay->floor = oldest;
	drop_older(replay, oldest + 1);
}

enum replay_verdict replay_note(struct replay *replay, struct crypto *crypto, const struct slice what[3],
				utc_t date, utc_t before)
{
	struct replay_entry entry = { .date = date };

	if (!make_id(crypto, what, entry.id))
		return REPLAY_NO_MEMORY;
	if (!replay->entries)
		replay->entries = mem_alloc(REPLAY_MAX * sizeof entry);
	if (!replay->entries)
		return REPLAY_NO_MEMORY;
	if (date <= replay->floor)
		return REPLAY_KNOWN;
	for (size_t i = 0; i < replay->n; i++)
		if (memcmp(replay->entries[i].id, entry.id, sizeof entry.id) == 0)
			return REPLAY_KNOWN;
	drop_older(replay, before);
	if (replay->n == REPLAY_MAX)
		drop_oldest(replay);
	if (date <= replay->floor)
		return REPLAY_KNOWN;
	replay->entries[replay->n++] = entry;
	return REPLAY_NEW;
}

void replay_fini(struct replay *replay)
{
	mem_free(replay->entries);
	*replay = (struct replay){ NULL, 0, 0 };
}
