#include "proxy/allowance.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/quota.h"

enum { TRIED_MAX = 64 };

struct allowance_member {
	struct map_node node; /* by account: map_hash_number() */
	struct link
		order; /* in allowance->order, the one that asked for nothing for the longest time first */
	account_id account;
	struct quota requests;
	size_t calls;
};

struct allowance {
	struct map *members;
	struct list order;
};

struct allowance *allowance_new(struct map_key key)
{
	struct allowance *allowance = mem_new(struct allowance);

	if (!allowance)
		return NULL;
	list_init(&allowance->order);
	allowance->members = map_new(ALLOWANCE_ACCOUNTS_MAX, key);
	if (!allowance->members) {
		mem_free(allowance);
		return NULL;
	}
	return allowance;
}

static void forget(struct allowance *allowance, struct allowance_member *member)
{
	map_remove(allowance->members, &member->node);
	list_remove(&allowance->order, &member->order);
	mem_free(member);
}

void allowance_free(struct allowance *allowance)
{
	if (!allowance)
		return;
	LIST_EACH (member, &allowance->order, struct allowance_member, order)
		forget(allowance, member);
	map_free(allowance->members);
	mem_free(allowance);
}

/* Whoever is in the middle of a call is passed over; a few of them only, so that this does not take long. */
static void make_room(struct allowance *allowance)
{
	if (map_count(allowance->members) < ALLOWANCE_ACCOUNTS_MAX)
		return;
	for (int i = 0; i < TRIED_MAX; i++) {
		struct allowance_member *member = CONTAINER_OF(list_first(&allowance->order),
							       struct allowance_member, order);

		if (member->calls == 0) {
			forget(allowance, member);
			return;
		}
		list_remove(&allowance->order, &member->order);
		list_append(&allowance->order, &member->order);
	}
}

static struct allowance_member *make(struct allowance *allowance, account_id account,
				     const struct server_config *server, ms_t now)
{
	struct allowance_member *member = mem_new(struct allowance_member);

	if (!member)
		return NULL;
	make_room(allowance);
	member->account = account;
	member->node.key = slice_from(&member->account, sizeof member->account);
	quota_init(&member->requests, server->requests_per_second * ALLOWANCE_BURST_SECONDS,
		   server->requests_per_second, now);
	if (map_add_hashed(allowance->members, &member->node,
			   map_hash_number(allowance->members, (uint64_t)account)) != OK) {
		mem_free(member);
		return NULL;
	}
	list_append(&allowance->order, &member->order);
	return member;
}

static struct allowance_member *find_or_make(struct allowance *allowance, account_id account,
					     const struct server_config *server, ms_t now)
{
	struct map_node *node = map_find_hashed(allowance->members, slice_from(&account, sizeof account),
						map_hash_number(allowance->members, (uint64_t)account));
	struct allowance_member *member = node ? CONTAINER_OF(node, struct allowance_member, node) : NULL;

	if (!member)
		return make(allowance, account, server, now);
	list_remove(&allowance->order, &member->order);
	list_append(&allowance->order, &member->order);
	return member;
}

struct allowance_member *allowance_take(struct allowance *allowance, account_id account,
					const struct server_config *server, ms_t now)
{
	struct allowance_member *member = find_or_make(allowance, account, server, now);

	return member && quota_take(&member->requests, 1, now) ? member : NULL;
}

bool allowance_begin_call(struct allowance_member *member, const struct server_config *server)
{
	if (member->calls >= server->calls_max)
		return false;
	member->calls++;
	return true;
}

void allowance_end_call(struct allowance_member *member)
{
	if (member)
		member->calls--;
}
