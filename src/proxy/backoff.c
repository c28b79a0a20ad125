#include "proxy/backoff.h"

#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/writer.h"

enum { SOURCE_SIZE = 17, NAME_MAX = 512, KEY_MAX = SOURCE_SIZE + NAME_MAX, DOUBLINGS_MAX = 16 };

struct entry {
	struct map_node node;
	struct link order; /* in backoff->order, failed longest ago first */
	unsigned failures;
	ms_t until;
	char key[];
};

struct backoff {
	struct map *entries;
	struct list order;
};

struct backoff *backoff_new(struct map_key key)
{
	struct backoff *backoff = mem_new(struct backoff);

	if (!backoff)
		return NULL;
	list_init(&backoff->order);
	backoff->entries = map_new(BACKOFF_ENTRIES_MAX, key);
	if (!backoff->entries) {
		mem_free(backoff);
		return NULL;
	}
	return backoff;
}

static void forget(struct backoff *backoff, struct entry *entry)
{
	map_remove(backoff->entries, &entry->node);
	list_remove(&backoff->order, &entry->order);
	mem_free(entry);
}

void backoff_free(struct backoff *backoff)
{
	if (!backoff)
		return;
	LIST_EACH (entry, &backoff->order, struct entry, order)
		forget(backoff, entry);
	map_free(backoff->entries);
	mem_free(backoff);
}

/* The source, then the account: family and address have a fixed length. */
static struct slice make_key(const struct address *from, struct slice account, char buf[KEY_MAX])
{
	struct writer out = writer_of(buf, KEY_MAX);

	memset(buf, 0, SOURCE_SIZE);
	buf[0] = (char)from->family;
	memcpy(buf + 1, from->ip, from->family == ADDRESS_V6 ? 8 : 4);
	out.len = SOURCE_SIZE;
	put(&out, slice_sub(account, 0, NAME_MAX));
	return writer_text(&out);
}

static struct entry *find(const struct backoff *backoff, struct slice key)
{
	struct map_node *node = map_find(backoff->entries, key);

	return node ? (struct entry *)(void *)((char *)node - offsetof(struct entry, node)) : NULL;
}

static struct entry *make_entry(struct backoff *backoff, struct slice key)
{
	struct link *oldest = list_first(&backoff->order);
	struct entry *entry = mem_zalloc(1, sizeof *entry + key.len);

	if (!entry)
		return NULL;
	if (map_count(backoff->entries) == BACKOFF_ENTRIES_MAX && oldest)
		forget(backoff, CONTAINER_OF(oldest, struct entry, order));
	memcpy(entry->key, key.ptr, key.len);
	entry->node.key = slice_from(entry->key, key.len);
	if (map_add(backoff->entries, &entry->node) != OK) {
		mem_free(entry);
		return NULL;
	}
	return entry;
}

ms_t backoff_wait_for(const struct backoff *backoff, const struct address *from, struct slice account,
		      ms_t now)
{
	char buf[KEY_MAX];
	const struct entry *entry = find(backoff, make_key(from, account, buf));

	return entry && entry->until > now ? entry->until - now : 0;
}

static ms_t wait_after(unsigned failures)
{
	unsigned doublings = failures - BACKOFF_FREE;
	ms_t wait = (ms_t)1000 << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);

	return wait < BACKOFF_LONGEST_MS ? wait : BACKOFF_LONGEST_MS;
}

void backoff_failed(struct backoff *backoff, const struct address *from, struct slice account, ms_t now)
{
	char buf[KEY_MAX];
	struct slice key = make_key(from, account, buf);
	struct entry *entry = find(backoff, key);

	if (!entry)
		entry = make_entry(backoff, key);
	if (!entry)
		return;
	list_remove(&backoff->order, &entry->order);
	list_append(&backoff->order, &entry->order);
	/* who has been quiet for long begins anew */
	if (entry->until && now >= entry->until + 2 * (ms_t)BACKOFF_LONGEST_MS)
		entry->failures = 0;
	entry->failures++;
	entry->until = entry->failures < BACKOFF_FREE ? now : now + wait_after(entry->failures);
}

void backoff_succeeded(struct backoff *backoff, const struct address *from, struct slice account)
{
	char buf[KEY_MAX];
	struct entry *entry = find(backoff, make_key(from, account, buf));

	if (entry)
		forget(backoff, entry);
}
