#include "ua/replay.h"

#include <string.h>

#include "base/mem.h"
#include "base/scan.h"
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
	replay->changes++;
	return REPLAY_NEW;
}

void replay_fini(struct replay *replay)
{
	mem_free(replay->entries);
	*replay = (struct replay){ .entries = NULL };
}

/* -- between two runs -------------------------------------------------------------------------------------------- */

/* The floor stands where the others have their id. */
static const char floor_mark[] = "floor";

void put_replays(struct writer *out, const struct replay *replay)
{
	put(out, slice_of(floor_mark));
	put_char(out, ' ');
	put_number(out, (uint64_t)replay->floor);
	put_char(out, '\n');
	for (size_t i = 0; i < replay->n; i++) {
		put_hex(out, replay->entries[i].id, REPLAY_ID_SIZE);
		put_char(out, ' ');
		put_number(out, (uint64_t)replay->entries[i].date);
		put_char(out, '\n');
	}
}

static bool parse_date(struct slice text, utc_t *ret_date)
{
	struct scan in = scan_of(text);
	uint64_t date;

	if (!scan_number(&in, INT64_MAX, &date) || !scan_done(&in))
		return false;
	*ret_date = (utc_t)date;
	return true;
}

static bool parse_line(struct replay *replay, struct slice line)
{
	struct slice mark = slice_sub(line, 0, slice_find(line, ' '));
	struct slice date = slice_sub(line, mark.len + 1, line.len);
	struct replay_entry *entry = &replay->entries[replay->n];
	size_t n;

	if (slice_eq(mark, slice_of(floor_mark)))
		return parse_date(date, &replay->floor);
	if (replay->n == REPLAY_MAX || !hex_decode(mark, entry->id, REPLAY_ID_SIZE, &n) ||
	    n != REPLAY_ID_SIZE || !parse_date(date, &entry->date))
		return false;
	replay->n++;
	return true;
}

enum err replay_parse(struct replay *replay, struct slice text)
{
	struct replay read = { .entries = mem_alloc(REPLAY_MAX * sizeof(struct replay_entry)) };

	if (!read.entries)
		return ERR_NOMEM;
	while (text.len > 0) {
		struct slice line = slice_sub(text, 0, slice_find(text, '\n'));

		if (line.len == text.len || !parse_line(&read, line)) {
			replay_fini(&read);
			return ERR_SYNTAX;
		}
		text = slice_sub(text, line.len + 1, text.len);
	}
	replay_fini(replay);
	*replay = read;
	return OK;
}
