/*
 * Matching a message to its transaction (RFC 3261 §17.1.3, §17.2.3): its key written, and found or not found among those of others,
 * in tables like the endpoint's. Which one is looked for follows no order; "of the last" is what happens to a proxy, whose answers come
 * back within some milliseconds.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "endpoint/state.h"
#include "sip/message.h"
#include "tsx/key.h"

enum { TSXS_MAX = 100000, LAST = 1000, ROUNDS = 1000000, KEY_SIZE = 120, BRANCH_BYTES = 25 };

struct tsx_entry {
	struct map_node node;
	char key[KEY_SIZE];
};

static const char invite[] = "INVITE sips:bob@biloxi.example.com SIP/2.0\r\n"
			     "Via: SIP/2.0/TLS client.atlanta.example.com:5061;branch=z9hG4bK74bf9\r\n"
			     "Max-Forwards: 69\r\n"
			     "From: Alice <sips:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
			     "To: Bob <sips:bob@biloxi.example.com>\r\n"
			     "Call-ID: 3848276298220188511@atlanta.example.com\r\n"
			     "CSeq: 2 INVITE\r\n"
			     "Content-Length: 0\r\n"
			     "\r\n";

static volatile size_t sink;
static struct sip_message *request;
static const struct slice method = SLICE_INIT("INVITE");

/* As branch_make() writes them: a worker, a counter with its lowest byte first, and what nobody can foresee. */
static struct slice branch_of(size_t counter)
{
	static char buf[BRANCH_SIZE_MAX];
	unsigned char bytes[BRANCH_BYTES] = { 0 };
	struct writer out = writer_of(buf, sizeof buf);

	for (size_t i = 0, left = counter; i < 8; i++, left >>= 8)
		bytes[1 + i] = (unsigned char)left;
	memset(bytes + 9, (int)(counter & 0xff), BRANCH_BYTES - 9);
	put(&out, SLICE("z9hG4bK"));
	put_base64url(&out, bytes, sizeof bytes);
	return writer_text(&out);
}

/* ---- a response to its client transaction ---- */

static struct slice client_key(size_t counter, char buf[KEY_SIZE])
{
	struct writer out = writer_of(buf, KEY_SIZE);

	put_tsx_client_key(&out, branch_of(counter), method);
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
	put_tsx_server_key(&out, request, method);
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
	    sip_message_parse(slice_from(invite, sizeof invite - 1), &sip_limits_default, &request, &fault) !=
		    OK)
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
