/*
 * Matching a message to its transaction (RFC 3261 §17.1.3, §17.2.3): its key written, and found or not found among those of others,
 * in tables like the endpoint's. Which one is looked for follows no order; "of the last" is what happens to a proxy, whose answers come
 * back within some milliseconds.
 */
#include "bench.h"
#include "messages.h"

#include <stdlib.h>

#include "endpoint/state.h"
#include "sip/message.h"
#include "tsx/key.h"

enum { TSXS_MAX = 100000, LAST = 1000, ROUNDS = 1000000, KEY_SIZE = 120 };

struct tsx_entry {
	struct map_node node;
	char key[KEY_SIZE];
};

static volatile size_t sink;
static struct sip_message *request;

/* Without the check and what tells loops, which no table looks at. */
static struct slice branch_of(size_t counter)
{
	static char buf[BRANCH_SIZE_MAX];
	static struct endpoint endpoint;

	endpoint.ack_counter = counter;
	return branch_of_ack(&endpoint, buf);
}

/* ---- a response to its client transaction ---- */

static struct slice client_key(size_t counter, char buf[KEY_SIZE])
{
	struct writer out = writer_of(buf, KEY_SIZE);

	put_tsx_client_key(&out, branch_of(counter), request->method_name);
	return writer_text(&out);
}

static uint64_t client_hash(const struct map *map, struct slice key)
{
	return map_hash_number(map, branch_number(key));
}

static void find_client(const struct map *map, size_t counter)
{
	char buf[KEY_SIZE];
	struct slice key = client_key(counter, buf);

	sink += map_find_hashed(map, key, client_hash(map, key)) != NULL;
}

/* ---- a request to its server transaction ---- */

static struct slice server_key(size_t counter, char buf[KEY_SIZE])
{
	struct writer out = writer_of(buf, KEY_SIZE);

	request->via.branch = branch_of(counter);
	put_tsx_server_key(&out, request, request->method_name);
	return writer_text(&out);
}

static void find_server(const struct map *map, size_t counter)
{
	char buf[KEY_SIZE];

	sink += map_find(map, server_key(counter, buf)) != NULL;
}

/* ---- both ---- */

static struct map *table_of(struct tsx_entry *entries,
			    struct slice (*key_of)(size_t counter, char buf[KEY_SIZE]), bool counted)
{
	struct map *map = map_new(TSXS_MAX, (struct map_key){ 0x1f83d9abfb41bd6b, 2 });

	for (size_t i = 0; map && i < TSXS_MAX; i++) {
		struct map_node *node = &entries[i].node;

		node->key = key_of(i, entries[i].key);
		if (map_add_hashed(map, node,
				   counted ? client_hash(map, node->key) : map_hash_of(map, node->key)) != OK)
			abort();
	}
	return map;
}

int main(void)
{
	struct tsx_entry *clients = calloc(TSXS_MAX, sizeof *clients);
	struct tsx_entry *servers = calloc(TSXS_MAX, sizeof *servers);
	struct sip_fault fault;

	if (!clients || !servers ||
	    sip_message_parse(invite_text, &sip_limits_default, &request, &fault) != OK)
		abort();
	struct map *of_clients = table_of(clients, client_key, true);
	struct map *of_servers = table_of(servers, server_key, false);
	if (!of_clients || !of_servers)
		abort();
	BENCH("match: write a branch", ROUNDS, sink += branch_of(i).len);
	BENCH("match: a response, any of 100,000", ROUNDS, find_client(of_clients, i * 7919 % TSXS_MAX));
	BENCH("match: a response, of the last 1,000", ROUNDS,
	      find_client(of_clients, TSXS_MAX - 1 - i * 7919 % LAST));
	BENCH("match: a request again, any of 100,000", ROUNDS, find_server(of_servers, i * 7919 % TSXS_MAX));
	BENCH("match: a new request, beside 100,000", ROUNDS, find_server(of_servers, TSXS_MAX + i));
	map_free(of_clients);
	map_free(of_servers);
	sip_message_free(request);
	free(clients);
	free(servers);
	return 0;
}
