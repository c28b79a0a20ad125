#include "event/rate.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/quota.h"

enum { SHARE = 60 /* of a quota that is refilled by the second: what one costs, with so many a minute */ };

struct member {
	struct map_node node;
	struct link order; /* in rates->order, who asked for nothing for the longest time first */
	struct quota quota;
	uint64_t refused;
	char key[];
};

struct rates {
	struct map *members;
	struct list order;
};

struct rates *rates_new(struct map_key map_key)
{
	AUTO(rates) struct rates *rates = mem_new(struct rates);

	if (!rates)
		return NULL;
	list_init(&rates->order);
	rates->members = map_new(RATES_MAX, map_key);
	return rates->members ? TAKE(rates) : NULL;
}

static void forget(struct rates *rates, struct member *member)
{
	map_remove(rates->members, &member->node);
	list_remove(&rates->order, &member->order);
	mem_free(member);
}

void rates_free(struct rates *rates)
{
	if (!rates)
		return;
	LIST_EACH (member, &rates->order, struct member, order)
		forget(rates, member);
	map_free(rates->members);
	mem_free(rates);
}

static struct member *make(struct rates *rates, struct slice key)
{
	struct member *member = key.len <= RATE_KEY_MAX ? mem_zalloc(1, sizeof *member + key.len) : NULL;

	if (!member)
		return NULL;
	if (map_count(rates->members) == RATES_MAX)
		forget(rates, CONTAINER_OF(list_first(&rates->order), struct member, order));
	memcpy(member->key, key.ptr, key.len);
	member->node.key = slice_from(member->key, key.len);
	if (map_add(rates->members, &member->node) != OK) {
		mem_free(member);
		return NULL;
	}
	list_append(&rates->order, &member->order);
	return member;
}

/* The member, as the one who asked last; with the rate that holds now. */
static struct member *find_or_make(struct rates *rates, struct slice key, uint32_t per_minute, ms_t now)
{
	struct map_node *node = map_find(rates->members, key);
	struct member *member = node ? CONTAINER_OF(node, struct member, node) : make(rates, key);

	if (!member)
		return NULL;
	list_remove(&rates->order, &member->order);
	list_append(&rates->order, &member->order);
	if (member->quota.per_second != per_minute)
		quota_init(&member->quota, SHARE * per_minute, per_minute, now);
	return member;
}

struct rate_answer rates_take(struct rates *rates, struct slice key, uint32_t per_minute, ms_t now)
{
	struct member *member = find_or_make(rates, key, per_minute, now);

	if (!member)
		return (struct rate_answer){ .wait = 1000, .refused = 1 };
	if (quota_take(&member->quota, SHARE, now)) {
		member->refused = 0;
		return (struct rate_answer){ .wait = 0 };
	}
	return (struct rate_answer){ quota_wait(&member->quota, SHARE, now), ++member->refused };
}
