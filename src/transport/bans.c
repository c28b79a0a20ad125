#include "transport/bans.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/scan.h"

enum { DOUBLINGS_MAX = 6 };

/* What is known of one source. */
struct record {
	struct map_node node;
	struct link link;
	struct list *list; /* of bans, that it is in */
	uint8_t key[SOURCE_KEY_SIZE];
	unsigned points, n_bans;
	ms_t since; /* when the points began to be counted */
	ms_t until; /* of the ban; 0: none */
	const char *why;
};

struct bans {
	pthread_mutex_t mutex;
	atomic_size_t n_banned; /* at least so many hold */
	struct bans_policy policy;
	struct map *records;
	struct list blamed; /* longest ago first */
	struct list named;  /* banned by the administrator */
};

/* The points of a misdeed, and what is said of a ban for it. */
static const struct {
	unsigned points;
	const char *why;
} misdeeds[] = {
	[MISDEED_CREDENTIALS] = { 10, "wrong credentials" },
	[MISDEED_MALFORMED] = { 5, "malformed messages" },
	[MISDEED_PROBING] = { 5, "challenges left unanswered" },
	[MISDEED_RELAYING] = { 10, "attempts to use us as a relay" },
	[MISDEED_HANDSHAKE] = { 3, "broken handshakes" },
};

const struct bans_policy bans_policy_default = {
	.tolerance = 300,
	.window = 600 * 1000,
	.time = 600 * 1000,
	.exempt = {
		{ .address = { .family = ADDRESS_V4, .ip = { 127 } }, .length = 8 },
		{ .address = { .family = ADDRESS_V6, .ip = { [15] = 1 } }, .length = 128 },
	},
	.n_exempt = 2,
};

/* -- sources --------------------------------------------------------------------------------------------- */

void make_source_key(const struct address *address, uint8_t ret_key[SOURCE_KEY_SIZE])
{
	memset(ret_key, 0, SOURCE_KEY_SIZE);
	ret_key[0] = address->family;
	memcpy(ret_key + 1, address->ip, address->family == ADDRESS_V6 ? 8 : 4);
}

static struct address address_of(const uint8_t key[SOURCE_KEY_SIZE])
{
	struct address address = { .family = key[0] };

	memcpy(address.ip, key + 1, sizeof address.ip);
	return address;
}

bool prefix_parse(struct slice text, struct prefix *ret_prefix)
{
	size_t slash = slice_find(text, '/');
	struct prefix prefix;
	uint64_t length;

	if (!address_parse_ip(slice_sub(text, 0, slash), &prefix.address))
		return false;
	prefix.length = prefix.address.family == ADDRESS_V4 ? 32 : 128;
	if (slash < text.len) {
		struct scan in = scan_of(slice_sub(text, slash + 1, text.len));

		if (!scan_number(&in, prefix.length, &length) || !scan_done(&in))
			return false;
		prefix.length = (unsigned)length;
	}
	*ret_prefix = prefix;
	return true;
}

bool prefix_has(const struct prefix *prefix, const struct address *address)
{
	size_t bytes = prefix->length / 8;
	unsigned bits = prefix->length % 8;

	if (prefix->address.family != address->family || memcmp(prefix->address.ip, address->ip, bytes) != 0)
		return false;
	return bits == 0 || (prefix->address.ip[bytes] ^ address->ip[bytes]) >> (8 - bits) == 0;
}

/* -- life ------------------------------------------------------------------------------------------------ */

struct bans *bans_new(struct map_key key, const struct bans_policy *policy)
{
	struct bans *bans = mem_new(struct bans);

	if (!bans)
		return NULL;
	pthread_mutex_init(&bans->mutex, NULL);
	list_init(&bans->blamed);
	list_init(&bans->named);
	bans->policy = *policy;
	bans->records = map_new(BANS_SOURCES_MAX, key);
	if (!bans->records) {
		bans_free(bans);
		return NULL;
	}
	return bans;
}

static struct record *record_of(struct map_node *node)
{
	return node ? (struct record *)(void *)((char *)node - offsetof(struct record, node)) : NULL;
}

/* At its end. The lock is held, here and below. */
static void enlist(struct record *record, struct list *list)
{
	if (record->list)
		list_remove(record->list, &record->link);
	record->list = list;
	list_append(list, &record->link);
}

static void pardon(struct bans *bans, struct record *record)
{
	if (record->until)
		atomic_fetch_sub(&bans->n_banned, 1);
	record->until = 0;
	record->points = 0;
	if (record->list == &bans->named)
		enlist(record, &bans->blamed);
}

static void forget(struct bans *bans, struct record *record)
{
	pardon(bans, record);
	list_remove(record->list, &record->link);
	map_remove(bans->records, &record->node);
	mem_free(record);
}

static void forget_all(struct bans *bans, struct list *list)
{
	LIST_EACH (record, list, struct record, link)
		forget(bans, record);
}

void bans_free(struct bans *bans)
{
	if (!bans)
		return;
	forget_all(bans, &bans->named);
	forget_all(bans, &bans->blamed);
	map_free(bans->records);
	pthread_mutex_destroy(&bans->mutex);
	mem_free(bans);
}

/* -- records --------------------------------------------------------------------------------------------- */

static bool is_exempt(const struct bans *bans, const struct address *address)
{
	for (size_t i = 0; i < bans->policy.n_exempt; i++)
		if (prefix_has(&bans->policy.exempt[i], address))
			return true;
	return false;
}

/* A ban that is over is noticed when somebody looks. */
static bool is_banned(struct bans *bans, struct record *record, ms_t now)
{
	if (record->until && record->until <= now)
		pardon(bans, record);
	return record->until != 0;
}

static struct record *find(struct bans *bans, const struct address *address)
{
	uint8_t key[SOURCE_KEY_SIZE];

	make_source_key(address, key);
	return record_of(map_find(bans->records, slice_from(key, sizeof key)));
}

/* Where there is no room, the one that was blamed longest ago is forgotten; whom the administrator has named never. */
static struct record *make_record(struct bans *bans, const struct address *address, ms_t now)
{
	struct link *oldest = list_first(&bans->blamed);
	struct record *record = mem_new(struct record);

	if (!record)
		return NULL;
	if (map_count(bans->records) == BANS_SOURCES_MAX && oldest)
		forget(bans, CONTAINER_OF(oldest, struct record, link));
	make_source_key(address, record->key);
	record->node.key = slice_from(record->key, sizeof record->key);
	record->since = now;
	if (map_add(bans->records, &record->node) != OK) {
		mem_free(record);
		return NULL;
	}
	enlist(record, &bans->blamed);
	return record;
}

static struct record *find_or_make(struct bans *bans, const struct address *address, ms_t now)
{
	struct record *record = find(bans, address);

	if (!record)
		return make_record(bans, address, now);
	enlist(record, record->list);
	return record;
}

static void ban(struct bans *bans, struct record *record, ms_t until, const char *why)
{
	if (!record->until)
		atomic_fetch_add(&bans->n_banned, 1);
	record->until = until;
	record->why = why;
}

/* True if that is too much. */
static bool add_points(const struct bans *bans, struct record *record, unsigned points, ms_t now)
{
	if (now - record->since > bans->policy.window) {
		record->since = now;
		record->points = 0;
	}
	record->points += points;
	return bans->policy.tolerance > 0 && record->points >= bans->policy.tolerance;
}

static bool blame(struct bans *bans, const struct address *address, enum misdeed misdeed, ms_t now)
{
	struct record *record = is_exempt(bans, address) ? NULL : find_or_make(bans, address, now);

	if (!record || is_banned(bans, record, now) ||
	    !add_points(bans, record, misdeeds[misdeed].points, now))
		return false;
	ban(bans, record, now + (bans->policy.time << record->n_bans), misdeeds[misdeed].why);
	record->n_bans += record->n_bans < DOUBLINGS_MAX;
	return true;
}

bool bans_blame(struct bans *bans, const struct address *address, enum misdeed misdeed, ms_t now)
{
	pthread_mutex_lock(&bans->mutex);
	bool is_new = blame(bans, address, misdeed, now);
	pthread_mutex_unlock(&bans->mutex);
	return is_new;
}

bool bans_has(struct bans *bans, const struct address *address, ms_t now)
{
	if (atomic_load(&bans->n_banned) == 0)
		return false;
	pthread_mutex_lock(&bans->mutex);
	struct record *record = find(bans, address);
	bool found = record && is_banned(bans, record, now);
	pthread_mutex_unlock(&bans->mutex);
	return found;
}

bool bans_is_exempt(struct bans *bans, const struct address *address)
{
	pthread_mutex_lock(&bans->mutex);
	bool exempt = is_exempt(bans, address);
	pthread_mutex_unlock(&bans->mutex);
	return exempt;
}

/* -- the administrator ----------------------------------------------------------------------------------- */

static void forget_exempt(struct bans *bans, struct list *list)
{
	LIST_EACH (record, list, struct record, link) {
		struct address address = address_of(record->key);

		if (is_exempt(bans, &address))
			forget(bans, record);
	}
}

void bans_set_policy(struct bans *bans, const struct bans_policy *policy)
{
	pthread_mutex_lock(&bans->mutex);
	bans->policy = *policy;
	forget_exempt(bans, &bans->named);
	forget_exempt(bans, &bans->blamed);
	pthread_mutex_unlock(&bans->mutex);
}

/* Those whose time is over give their places back. */
static bool may_name_another(struct bans *bans, ms_t now)
{
	if (bans->named.n < BANS_NAMED_MAX)
		return true;
	LIST_EACH (record, &bans->named, struct record, link)
		(void)is_banned(bans, record, now);
	return bans->named.n < BANS_NAMED_MAX;
}

static enum err add(struct bans *bans, const struct address *address, ms_t until, ms_t now)
{
	struct record *record = find(bans, address);

	if (is_exempt(bans, address))
		return ERR_DENIED;
	if (!(record && record->list == &bans->named) && !may_name_another(bans, now))
		return ERR_LIMIT;
	record = find_or_make(bans, address, now);
	if (!record)
		return ERR_NOMEM;
	ban(bans, record, until, "the administrator");
	enlist(record, &bans->named);
	return OK;
}

enum err bans_add(struct bans *bans, const struct address *address, ms_t time, ms_t now)
{
	pthread_mutex_lock(&bans->mutex);
	enum err err = add(bans, address, now + time, now);
	pthread_mutex_unlock(&bans->mutex);
	return err;
}

bool bans_lift(struct bans *bans, const struct address *address, ms_t now)
{
	pthread_mutex_lock(&bans->mutex);
	struct record *record = find(bans, address);
	bool found = record && is_banned(bans, record, now);
	if (found)
		forget(bans, record);
	pthread_mutex_unlock(&bans->mutex);
	return found;
}

size_t bans_list(struct bans *bans, struct ban *ret_bans, size_t max, ms_t now)
{
	struct list *const lists[] = { &bans->named, &bans->blamed };
	size_t n = 0;

	pthread_mutex_lock(&bans->mutex);
	for (size_t i = 0; i < 2; i++)
		LIST_EACH (record, lists[i], struct record, link)
			if (n < max && is_banned(bans, record, now))
				ret_bans[n++] = (struct ban){ address_of(record->key), record->until - now,
							      record->why };
	pthread_mutex_unlock(&bans->mutex);
	return n;
}
