/*
 * Protected messages that were taken already: a second one with the same Call-ID, CSeq and Date is a replay (RFC 3261 §26.2.4's
 * concern, §23.4.2's means). Of bounded size: when it is full, what is older than the oldest one in it is not taken any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "base/writer.h"
#include "crypto/lib.h"

enum { REPLAY_MAX = 1024, REPLAY_ID_SIZE = 16 };

struct replay_entry {
	unsigned char id[REPLAY_ID_SIZE];
	utc_t date;
};

struct replay {
	struct replay_entry *entries; /* NULL: none was taken yet */
	size_t n;
	utc_t floor;      /* what is not younger counts as known */
	uint64_t changes; /* how often one was noted */
};

enum replay_verdict { REPLAY_NEW, REPLAY_KNOWN, REPLAY_NO_MEMORY };

/* Notes it. what: texts that together are like no other message's; date: when it was made; before: what is older is not taken anyway. */
enum replay_verdict replay_note(struct replay *replay, struct crypto *crypto, const struct slice what[3],
				utc_t date, utc_t before);
void replay_fini(struct replay *replay);

/* All of it as text, a line each, at most REPLAY_TEXT_MAX bytes; and back, into an empty one. ERR_SYNTAX, ERR_NOMEM. */
enum { REPLAY_TEXT_MAX = (REPLAY_MAX + 1) * (2 * REPLAY_ID_SIZE + 24) };
void put_replays(struct writer *out, const struct replay *replay);
MUST_CHECK enum err replay_parse(struct replay *replay, struct slice text);
