#include "endpoint/endpoint.h"

#include <string.h>

#include "base/mem.h"
#include "endpoint/state.h"

/* -- life ------------------------------------------------------------------------------------------------ */

/* What we add to a message that we pass on: Via, Record-Route, tags, and the like. */
enum { ROOM_FOR_OURS = 16384 };

/* That are reported, of what is refused for want of room. */
enum { REFUSALS_BURST = 10, REFUSALS_PER_SECOND = 1 };

/* "SIP/2.0/TLS " and sent_by, which has to be one. */
static enum err make_via(struct endpoint *endpoint, struct slice sent_by)
{
	static const struct slice protocol = SLICE_INIT("SIP/2.0/TLS ");
	struct writer out = { .size = protocol.len + sent_by.len };
	struct scan in;

	endpoint->via_text = out.buf = mem_alloc(out.size);
	if (!endpoint->via_text)
		return ERR_NOMEM;
	put(&out, protocol);
	put(&out, sent_by);
	in = scan_of(writer_text(&out));
	if (!sip_via_scan(&in, &endpoint->via) || !scan_done(&in) || endpoint->via.params.len > 0)
		return ERR_SYNTAX;
	return OK;
}

static bool make_tables(struct endpoint *endpoint, const struct endpoint_config *config)
{
	const struct endpoint_limits *limits = &config->limits;
	size_t n_timers = 4 * limits->transactions + 4 * limits->flows; /* ours, and as many of the user's */

	endpoint->flows = map_new(limits->flows, config->map_key);
	endpoint->remotes = map_new(limits->transactions, config->map_key);
	endpoint->servers = map_new(limits->transactions, config->map_key);
	endpoint->clients = map_new(limits->transactions, config->map_key);
	endpoint->invites = map_new(limits->transactions, config->map_key);
	endpoint->questions = map_new(limits->transactions, config->map_key);
	endpoint->timers = timers_new(n_timers);
	endpoint->outbox_arena = arena_new(limits->output);
	endpoint->branch_mac = mac_new(config->crypto, slice_from(config->branch_key, 32));
	endpoint->scratch_size = limits->sip.message + ROOM_FOR_OURS;
	endpoint->scratch = mem_alloc(endpoint->scratch_size);
	endpoint->key_size = limits->sip.header_area + 256;
	endpoint->key = mem_alloc(endpoint->key_size);
	return endpoint->flows && endpoint->remotes && endpoint->servers && endpoint->clients &&
	       endpoint->invites && endpoint->questions && endpoint->timers && endpoint->outbox_arena &&
	       endpoint->branch_mac && endpoint->scratch && endpoint->key;
}

enum err endpoint_new(const struct endpoint_config *config, struct endpoint **ret_endpoint)
{
	AUTO(endpoint) struct endpoint *endpoint = mem_new(struct endpoint);

	if (!endpoint)
		return ERR_NOMEM;
	endpoint->worker = config->worker;
	endpoint->n_workers = config->n_workers;
	endpoint->limits = config->limits;
	endpoint->level = config->level;
	endpoint->user = config->user;
	endpoint->self = config->user_self;
	endpoint->random = config->random;
	quota_init(&endpoint->refusals, REFUSALS_BURST, REFUSALS_PER_SECOND, 0);
	list_init(&endpoint->failing);
	list_init(&endpoint->gone_servers);
	list_init(&endpoint->gone_clients);
	list_init(&endpoint->outbox);
	list_init(&endpoint->letters);
	list_init(&endpoint->closing);
	if (!make_tables(endpoint, config))
		return ERR_NOMEM;
	TRY(make_via(endpoint, config->sent_by));
	for (size_t i = 0; i <= TRANSPORT_WS; i++)
		endpoint->ports[i] = config->ports ? config->ports[i] : endpoint->via.port;
	random_bytes(endpoint->random, &endpoint->branch_counter, sizeof(endpoint->branch_counter));
	endpoint->branch_counter &= ~UINT64_C(1);
	random_bytes(endpoint->random, &endpoint->ack_counter, sizeof(endpoint->ack_counter));
	*ret_endpoint = TAKE(endpoint);
	return OK;
}

static void free_server_at(struct map_node *node, void *arg)
{
	struct endpoint *endpoint = arg;
	struct server_tsx *server = CONTAINER_OF(node, struct server_tsx, node);

	map_remove(endpoint->servers, node);
	timers_clear(endpoint->timers, &server->timer);
	endpoint->user->server_gone(endpoint->self, &server->pub);
	server_free(server);
}

static void free_client_at(struct map_node *node, void *arg)
{
	struct endpoint *endpoint = arg;
	struct client_tsx *client = CONTAINER_OF(node, struct client_tsx, node);

	map_remove(endpoint->clients, node);
	timers_clear(endpoint->timers, &client->timer);
	client_tell_gone(endpoint, client);
	client_free(client);
}

static void free_remote_at(struct map_node *node, void *arg)
{
	struct endpoint *endpoint = arg;

	map_remove(endpoint->remotes, node);
	mem_free(CONTAINER_OF(node, struct remote, node));
}

static void free_flow_at(struct map_node *node, void *arg)
{
	struct endpoint *endpoint = arg;

	map_remove(endpoint->flows, node);
	flow_free(CONTAINER_OF(node, struct flow, node));
}

static void reap(struct endpoint *endpoint)
{
	struct link *link;

	while ((link = list_take_first(&endpoint->gone_servers))) {
		struct server_tsx *server = CONTAINER_OF(link, struct server_tsx, link);

		endpoint->user->server_gone(endpoint->self, &server->pub);
		server_free(server);
	}
	while ((link = list_take_first(&endpoint->gone_clients))) {
		struct client_tsx *client = CONTAINER_OF(link, struct client_tsx, queued);

		client_tell_gone(endpoint, client);
		client_free(client);
	}
}

void endpoint_free(struct endpoint *endpoint)
{
	static const struct {
		size_t map;
		void (*free_at)(struct map_node *, void *);
	} tables[] = {
		{ offsetof(struct endpoint, servers), free_server_at },
		{ offsetof(struct endpoint, clients), free_client_at },
		{ offsetof(struct endpoint, remotes), free_remote_at },
		{ offsetof(struct endpoint, flows), free_flow_at },
	};
	struct link *link;

	if (!endpoint)
		return;
	reap(endpoint);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct map **map = (struct map **)(void *)((char *)endpoint + tables[i].map);

		if (*map)
			map_each(*map, tables[i].free_at, endpoint);
		map_free(*map);
	}
	outbox_drop(endpoint);
	while ((link = list_take_first(&endpoint->letters)))
		letter_free(CONTAINER_OF(link, struct letter, link));
	map_free(endpoint->invites);
	map_free(endpoint->questions);
	timers_free(endpoint->timers);
	arena_free(endpoint->outbox_arena);
	mac_free(endpoint->branch_mac);
	mem_free(endpoint->via_text);
	mem_free(endpoint->scratch);
	mem_free(endpoint->key);
	mem_free(endpoint);
}

/* -- time ------------------------------------------------------------------------------------------------ */

void endpoint_settle(struct endpoint *endpoint, struct now now)
{
	do {
		client_settle(endpoint, now);
		reap(endpoint);
	} while (endpoint->failing.n + endpoint->gone_servers.n + endpoint->gone_clients.n > 0);
}

void endpoint_tick(struct endpoint *endpoint, struct now now)
{
	struct timer *timer;

	while ((timer = timers_take_due(endpoint->timers, now.mono))) {
		if (timer->kind == TIMER_SERVER)
			server_tick(endpoint, CONTAINER_OF(timer, struct server_tsx, timer), now);
		else if (timer->kind == TIMER_CLIENT)
			client_tick(endpoint, CONTAINER_OF(timer, struct client_tsx, timer), now);
		else
			endpoint->user->timer(endpoint->self, timer, now);
	}
	endpoint_settle(endpoint, now);
}

ms_t endpoint_due(const struct endpoint *endpoint)
{
	if (endpoint->failing.n + endpoint->gone_servers.n + endpoint->gone_clients.n > 0)
		return 1;
	return timers_next(endpoint->timers);
}

/* -- questions ------------------------------------------------------------------------------------------- */

/* The newest one needs no place in the table if it has its answer before there is another, as most look-ups have. */
static enum err make_room(struct endpoint *endpoint)
{
	struct question *question = endpoint->newest;

	if (question)
		TRY(map_add_hashed(endpoint->questions, &question->node,
				   map_hash_number(endpoint->questions, question->id)));
	endpoint->newest = NULL;
	return OK;
}

static enum err ask(struct endpoint *endpoint, struct question *question, struct action *action)
{
	action->question = endpoint->last_question + 1;
	TRY(make_room(endpoint));
	TRY(outbox_ask(endpoint, action));
	question->id = ++endpoint->last_question;
	question->node.key = slice_from(&question->id, sizeof(question->id));
	endpoint->newest = question;
	return OK;
}

static struct question *find_question(struct endpoint *endpoint, uint64_t id)
{
	struct map_node *node;

	if (endpoint->newest && endpoint->newest->id == id)
		return endpoint->newest;
	node = map_find_hashed(endpoint->questions, slice_from(&id, sizeof(id)),
			       map_hash_number(endpoint->questions, id));
	return node ? CONTAINER_OF(node, struct question, node) : NULL;
}

enum err endpoint_lookup(struct endpoint *endpoint, struct question *question, struct slice aor)
{
	return ask(endpoint, question, &(struct action){ .kind = ACTION_LOOKUP, .lookup = { aor } });
}

enum err endpoint_store(struct endpoint *endpoint, struct question *question,
			const struct store_question *store)
{
	return ask(endpoint, question, &(struct action){ .kind = ACTION_STORE, .store = *store });
}

enum err endpoint_certify(struct endpoint *endpoint, struct question *question,
			  const struct certify_question *certify)
{
	return ask(endpoint, question, &(struct action){ .kind = ACTION_CERTIFY, .certify = *certify });
}

enum err endpoint_vouch(struct endpoint *endpoint, struct question *question,
			const struct vouch_question *vouch)
{
	return ask(endpoint, question, &(struct action){ .kind = ACTION_VOUCH, .vouch = *vouch });
}

enum err endpoint_resolve(struct endpoint *endpoint, struct question *question,
			  const struct dns_question *resolve)
{
	return ask(endpoint, question, &(struct action){ .kind = ACTION_RESOLVE, .resolve = *resolve });
}

enum err endpoint_connect(struct endpoint *endpoint, struct question *question,
			  const struct connect_question *connect)
{
	return ask(endpoint, question, &(struct action){ .kind = ACTION_CONNECT, .connect = *connect });
}

void endpoint_forget(struct endpoint *endpoint, struct question *question)
{
	if (question->id == 0)
		return;
	if (endpoint->newest == question)
		endpoint->newest = NULL;
	else
		map_remove(endpoint->questions, &question->node);
	question->id = 0;
}

void endpoint_answer(struct endpoint *endpoint, const struct answer *answer, struct now now)
{
	struct question *question = find_question(endpoint, answer->question);

	if (question) {
		endpoint_forget(endpoint, question);
		endpoint->user->answer(endpoint->self, question, answer, now);
	}
	endpoint_settle(endpoint, now);
}

/* -- letters --------------------------------------------------------------------------------------------- */

/* Sends for another worker, and tells it if that cannot be. */
static void send_for(struct endpoint *endpoint, const struct letter *letter)
{
	struct sending sending = {
		.flow = letter->flow,
		.require = letter->require,
		.bytes = letter->text,
		.transaction = letter->transaction,
	};
	enum err err = flow_worker(letter->flow) == endpoint->worker ? send_on(endpoint, &sending)
								     : ERR_CLOSED;
	struct letter *reply;

	if (err == OK || letter->transaction.len == 0)
		return;
	reply = letter_new(&(struct letter){
		.kind = LETTER_FLOW_LOST,
		.from = endpoint->worker,
		.to = letter->from,
		.flow = letter->flow,
		.refused = err == ERR_DENIED,
		.transaction = letter->transaction,
	});
	if (reply)
		outbox_post(endpoint, reply);
	else
		endpoint->counts.dropped_no_memory++;
}

static void flow_is_lost(struct endpoint *endpoint, const struct letter *letter)
{
	if (letter->transaction.len == 0)
		client_fail_remote(endpoint, letter->flow);
	else
		client_fail_one(endpoint, letter->flow, letter->transaction,
				letter->refused ? CLIENT_REFUSED : CLIENT_FLOW_LOST);
}

struct drop {
	struct endpoint *endpoint;
	account_id account;
};

static void drop_account(struct map_node *node, void *arg)
{
	const struct drop *drop = arg;
	struct flow *flow = CONTAINER_OF(node, struct flow, node);

	if (flow_has(flow, drop->account))
		flow_close(drop->endpoint, flow, "account removed or changed");
}

void endpoint_letter(struct endpoint *endpoint, struct letter *letter, struct now now)
{
	switch (letter->kind) {
	case LETTER_SEND: send_for(endpoint, letter); break;
	case LETTER_RESPONSE:
		if (!client_receive(endpoint, letter->flow, letter->message, now))
			endpoint->counts.stray_responses++;
		break;
	case LETTER_FLOW_LOST: flow_is_lost(endpoint, letter); break;
	case LETTER_STRAY: stray_letter(endpoint, letter, now); break;
	case LETTER_DROP_ACCOUNT:
		map_each(endpoint->flows, drop_account, &(struct drop){ endpoint, letter->account });
		break;
	}
	letter_free(letter);
	endpoint_settle(endpoint, now);
}

/* -- what the transaction user may know ------------------------------------------------------------------ */

struct timers *endpoint_timers(struct endpoint *endpoint)
{
	return endpoint->timers;
}

struct random *endpoint_random(struct endpoint *endpoint)
{
	return endpoint->random;
}

unsigned endpoint_worker(const struct endpoint *endpoint)
{
	return endpoint->worker;
}

const char *endpoint_reason_name(enum endpoint_reason reason)
{
	static const char *const names[] = {
		[REASON_WRONG_CREDENTIALS] = "wrong_credentials",
		[REASON_REPLAY] = "replay",
		[REASON_BACKED_OFF] = "backed_off",
		[REASON_HIDDEN_CHALLENGE] = "hidden_challenge",
		[REASON_POLICY] = "policy",
		[REASON_RATE] = "rate",
		[REASON_OVERLOAD] = "overload",
	};

	return names[reason];
}

void endpoint_count(struct endpoint *endpoint, enum endpoint_reason reason)
{
	endpoint->counts.reasons[reason]++;
}

struct endpoint_counts endpoint_counts(const struct endpoint *endpoint)
{
	struct endpoint_counts counts = endpoint->counts;

	counts.flows = map_count(endpoint->flows);
	counts.servers = map_count(endpoint->servers);
	counts.clients = map_count(endpoint->clients);
	return counts;
}
