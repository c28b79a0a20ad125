#include "proxy/hop.h"

#include "base/mem.h"
#include "proxy/alias.h"
#include "proxy/context.h"

/* For a server after which others can be tried; the last one has as long as the transport allows. */
enum { PATIENCE_MS = 5000, FLOWS_PER_REQUEST = 6, KEY_MAX = 3 * 256 + 128, IP_TEXT_MAX = 46, FLOWS_MAX = 8 };

enum hop_state { HOP_IDLE, HOP_SEARCHING, HOP_OPEN };

struct hop {
	struct map_node node; /* in core->hops, by what put_key() writes */
	struct core *core;
	enum hop_state state;
	flow_id flow;             /* HOP_OPEN */
	bool was_there;           /* it stood before the search that has found it */
	flow_id flows[FLOWS_MAX]; /* that were opened to one of its servers, and are open; 0: none */
	struct question question;
	struct list uses, due; /* those who are about to be told stand in the second */
	struct hop_goal goal;  /* its texts in this allocation, in lower case */
	struct locate locate;
	enum err err; /* the worst that was met on this search */
	struct verdict why;
};

/* -- life ------------------------------------------------------------------------------------------------------ */

/* "TRANSPORTS:PORT:LINK:PIN:AS:TARGET:DOMAIN": two ways are the same only if all of it is. */
static void put_key(struct writer *out, const struct hop_goal *goal)
{
	const struct locate_request *request = &goal->locate;

	put_number(out, request->transports);
	put_char(out, request->is_transport_given ? '!' : ':');
	put_number(out, request->port);
	put_char(out, request->needs_tlsa ? '!' : ':');
	put(out, goal->link);
	put_char(out, ':');
	put(out, goal->pin);
	put_char(out, ':');
	put_lower(out, goal->as);
	put_char(out, ':');
	put_lower(out, request->target);
	put_char(out, ':');
	put_lower(out, request->domain);
}

static struct hop *hop_of(struct map_node *node)
{
	return node ? CONTAINER_OF(node, struct hop, node) : NULL;
}

/* The last n bytes before the end; moves the end to the separator in front of them. */
static struct slice take_last(struct slice key, size_t *end, size_t n)
{
	struct slice text = slice_sub(key, *end - n, n);

	*end -= n + 1;
	return text;
}

static struct hop *hop_new(struct core *core, struct slice key, const struct hop_goal *goal)
{
	struct hop *hop = mem_zalloc(1, sizeof *hop + key.len);
	size_t end = key.len;
	char *at;

	if (!hop)
		return NULL;
	at = (char *)(hop + 1);
	hop->node.key = slice_copy(&at, key);
	hop->core = core;
	hop->goal = *goal;
	hop->goal.locate.domain = take_last(hop->node.key, &end, goal->locate.domain.len);
	hop->goal.locate.target = take_last(hop->node.key, &end, goal->locate.target.len);
	hop->goal.as = take_last(hop->node.key, &end, goal->as.len);
	hop->goal.pin = take_last(hop->node.key, &end, goal->pin.len);
	hop->goal.link = take_last(hop->node.key, &end, goal->link.len);
	list_init(&hop->uses);
	list_init(&hop->due);
	if (map_add(core->hops, &hop->node) == OK)
		return hop;
	mem_free(hop);
	return NULL;
}

static void hop_free(struct hop *hop)
{
	endpoint_forget(hop->core->endpoint, &hop->question);
	map_remove(hop->core->hops, &hop->node);
	mem_free(hop);
}

static bool has_flows(const struct hop *hop)
{
	for (size_t i = 0; i < FLOWS_MAX; i++)
		if (hop->flows[i])
			return true;
	return false;
}

static void settle(struct hop *hop)
{
	if (hop->state == HOP_IDLE && hop->uses.n + hop->due.n == 0 && !has_flows(hop))
		hop_free(hop);
}

/* One more; where there are too many it takes the place of another one, which then ends when it is idle. */
static void keep_flow(struct hop *hop, flow_id flow)
{
	size_t i = 0;

	while (i < FLOWS_MAX - 1 && hop->flows[i])
		i++;
	hop->flows[i] = flow;
}

static void forget_flow(struct hop *hop, flow_id flow)
{
	for (size_t i = 0; i < FLOWS_MAX; i++)
		if (hop->flows[i] == flow)
			hop->flows[i] = 0;
}

static const struct verdict no_memory = {
	.code = "server.overload",
	.what = "there is no memory for a connection to another domain",
	.remedy = "try again later",
};

static const struct verdict too_many = {
	.code = "account.domains",
	.what = "the sender has asked for too many other domains at a time",
	.remedy = "try again later",
};

struct tally {
	account_id asker;
	size_t n;
};

static void count(struct map_node *node, void *arg)
{
	struct tally *tally = arg;

	tally->n += hop_of(node)->goal.asker == tally->asker;
}

/* Of accounts only: what a peer of the configuration asks for is for many. They are counted where places become few. */
static bool has_too_many(const struct core *core, account_id asker)
{
	struct tally tally = { .asker = asker };

	if (asker <= 0 || map_count(core->hops) < HOPS_MAX / 2)
		return false;
	map_each(core->hops, count, &tally);
	return tally.n >= HOPS_PER_ACCOUNT;
}

/* NULL without memory, or with too many. */
static struct hop *find_or_make(struct core *core, const struct hop_goal *goal,
				const struct verdict **ret_why)
{
	char buf[KEY_MAX];
	struct writer key = writer_of(buf, sizeof buf);
	struct hop *hop;

	put_key(&key, goal);
	*ret_why = &no_memory;
	if (key.overflow)
		return NULL;
	hop = hop_of(map_find(core->hops, writer_text(&key)));
	if (hop)
		return hop;
	if (has_too_many(core, goal->asker)) {
		*ret_why = &too_many;
		return NULL;
	}
	return hop_new(core, writer_text(&key), goal);
}

/* -- the search -------------------------------------------------------------------------------------------------- */

static const struct verdict unreached = {
	.code = "domain.unreached",
	.what = "no server of {expected} can be reached: {found}",
	.section = "RFC 3263 §4.3",
	.remedy = "look at the DNS records and the servers of {expected}",
};

static const struct verdict all_failed = {
	.code = "domain.failing",
	.what = "several servers of the domain failed",
	.section = "RFC 3263 §4.3",
	.remedy = "try again later",
};

/* Of several servers that were tried one is told of: the first that was not who it should be, else the last. */
static void note(struct hop *hop, enum err err, struct slice why, const struct verdict *verdict)
{
	if (hop->err == ERR_DENIED)
		return;
	hop->err = err;
	hop->why = verdict ? *verdict : unreached;
	if (verdict)
		return;
	verdict_text_set(&hop->why.expected, hop->goal.locate.domain);
	verdict_text_set(&hop->why.found, why);
}

static struct hop_result failure_of(const struct hop *hop)
{
	return (struct hop_result){ .err = hop->err, .why = &hop->why };
}

static enum err try_target(struct hop *hop, const struct locate_target *target)
{
	char host[IP_TEXT_MAX];
	struct writer out = writer_of(host, sizeof host);
	struct connect_question question = {
		.transport = target->transport,
		.port = target->address.port,
		.domain = transport_is_secure(target->transport) ? target->domain : slice_of(NULL),
		.pin = hop->goal.pin,
		.tlsa = target->tlsa,
		.as = hop->goal.as,
		.patience = target->is_last ? 0 : PATIENCE_MS,
	};

	put_ip(&out, &target->address);
	question.host = writer_text(&out);
	hop->question.kind = HOP_CONNECTION;
	return endpoint_connect(hop->core->endpoint, &hop->question, &question);
}

/* The one that is open to that server, or 0. */
static flow_id find_flow(const struct hop *hop, const struct locate_target *target)
{
	for (size_t i = 0; i < FLOWS_MAX; i++) {
		const struct flow_view *view = endpoint_flow_view(hop->core->endpoint, hop->flows[i]);

		if (view && view->transport == target->transport && address_eq(&view->peer, &target->address))
			return hop->flows[i];
	}
	return 0;
}

/* That, or a connection of theirs (RFC 5923), spares us another one of our own. */
static bool take_open(struct hop *hop, const struct locate_target *target)
{
	flow_id flow = find_flow(hop, target);

	if (!flow)
		flow = alias_find(hop->core, &hop->goal, target);
	if (!flow)
		return false;
	hop->state = HOP_OPEN;
	hop->flow = flow;
	hop->was_there = true;
	return true;
}

/* True: a question is on its way, or the flow is there. False: the search is over, and why has been noted. */
static bool search(struct hop *hop)
{
	struct locate_next next;
	enum err err = OK;

	locate_next(&hop->locate, &next);
	switch (next.step) {
	case LOCATE_ASK:
		hop->question.kind = HOP_DNS;
		err = endpoint_resolve(hop->core->endpoint, &hop->question, &next.question);
		break;
	case LOCATE_TRY:
		if (take_open(hop, &next.target))
			return true;
		err = try_target(hop, &next.target);
		break;
	case LOCATE_END:
		hop->state = HOP_IDLE;
		if (hop->err == OK)
			note(hop, next.err, next.why, NULL);
		return false;
	}
	hop->state = err == OK ? HOP_SEARCHING : HOP_IDLE;
	if (err != OK)
		note(hop, err, SLICE("there is no memory to look it up"), NULL);
	return err == OK;
}

static bool begin_search(struct hop *hop)
{
	uint64_t seed;

	random_bytes(endpoint_random(hop->core->endpoint), &seed, sizeof seed);
	locate_start(&hop->locate, &hop->goal.locate, seed);
	hop->err = OK;
	return search(hop);
}

static bool is_open(const struct hop *hop)
{
	return hop->state == HOP_OPEN && core_flow_is_alive(hop->core, hop->flow);
}

static void enlist(struct hop_use *use, struct list *list)
{
	if (use->list)
		list_remove(use->list, &use->link);
	use->list = list;
	list_append(list, &use->link);
}

/* Tells all who wait; who is told may go, ask again, and take others with it. */
static void tell(struct hop *hop, const struct hop_result *result, struct now now)
{
	LIST_EACH (use, &hop->uses, struct hop_use, link)
		if (use->is_waiting)
			enlist(use, &hop->due);
	while (hop->due.n > 0) {
		struct hop_use *use = CONTAINER_OF(list_first(&hop->due), struct hop_use, link);

		enlist(use, &hop->uses);
		use->is_waiting = false;
		use->was_open = hop->was_there;
		use->flow = result->flow;
		use->n_flows += result->is_found;
		context_hop_found(use, result, now);
	}
}

static void tell_found(struct hop *hop, struct now now)
{
	tell(hop, &(struct hop_result){ .is_found = true, .flow = hop->flow }, now);
}

void hop_answer(struct question *question, const struct answer *answer, struct now now)
{
	struct hop *hop = CONTAINER_OF(question, struct hop, question);
	struct hop_use keep = { .hop = hop }; /* so that it outlives its users */

	enlist(&keep, &hop->uses);
	if (question->kind == HOP_CONNECTION && answer->err == OK) {
		hop->state = HOP_OPEN;
		hop->flow = answer->flow;
		hop->was_there = false;
		keep_flow(hop, answer->flow);
		tell_found(hop, now);
	} else {
		if (question->kind == HOP_DNS)
			locate_answer(&hop->locate, &answer->dns);
		else
			note(hop, answer->err, answer->why, answer->verdict);
		if (!search(hop)) {
			struct hop_result failure = failure_of(hop);

			tell(hop, &failure, now);
		} else if (hop->state == HOP_OPEN) {
			tell_found(hop, now);
		}
	}
	hop_release(&keep);
}

/* -- users --------------------------------------------------------------------------------------------------------- */

static bool give_open(struct hop *hop, struct hop_use *use, struct hop_result *ret_result)
{
	use->was_open = true;
	use->flow = hop->flow;
	use->n_flows++;
	*ret_result = (struct hop_result){ .is_found = true, .flow = hop->flow };
	return true;
}

static bool wait(struct hop *hop, struct hop_use *use, bool is_searched, struct hop_result *ret_result)
{
	if (is_searched && is_open(hop))
		return give_open(hop, use, ret_result);
	use->is_waiting = is_searched;
	if (!is_searched)
		*ret_result = failure_of(hop);
	return !is_searched;
}

bool hop_ask(struct core *core, const struct hop_goal *goal, struct hop_use *use,
	     struct hop_result *ret_result)
{
	const struct verdict *why;
	struct hop *hop = find_or_make(core, goal, &why);

	if (!hop) {
		*ret_result = (struct hop_result){ .err = ERR_NOMEM, .why = why };
		return true;
	}
	use->hop = hop;
	enlist(use, &hop->uses);
	if (is_open(hop))
		return give_open(hop, use, ret_result);
	return wait(hop, use, hop->state == HOP_SEARCHING || begin_search(hop), ret_result);
}

bool hop_ask_other(struct core *core, struct hop_use *use, bool was_answered, struct hop_result *ret_result)
{
	struct hop *hop = use->hop;
	bool was_stale = use->was_open && !core_flow_is_alive(core, use->flow);

	if (!was_answered)
		forget_flow(hop, use->flow);
	if (use->n_flows >= FLOWS_PER_REQUEST) {
		*ret_result = (struct hop_result){ .err = ERR_IO, .why = &all_failed };
		return true;
	}
	if (is_open(hop) && hop->flow != use->flow)
		return give_open(hop, use, ret_result);
	if (hop->state == HOP_SEARCHING)
		return wait(hop, use, true, ret_result);
	return wait(hop, use, was_stale ? begin_search(hop) : search(hop), ret_result);
}

void hop_move(struct hop_use *from, struct hop_use *to)
{
	*to = *from;
	if (!from->hop)
		return;
	list_remove(from->list, &from->link);
	to->link = (struct link){ 0 };
	list_append(to->list, &to->link);
	*from = (struct hop_use){ 0 };
}

void hop_release(struct hop_use *use)
{
	struct hop *hop = use->hop;

	if (!hop)
		return;
	list_remove(use->list, &use->link);
	*use = (struct hop_use){ 0 };
	settle(hop);
}

struct slice hop_domain(const struct hop_use *use)
{
	return use->hop->goal.locate.domain;
}

struct slice hop_link(const struct hop_use *use)
{
	return use->hop->goal.link;
}

flow_id hop_prepare(struct core *core, const struct hop_goal *goal)
{
	const struct verdict *why;
	struct hop *hop = find_or_make(core, goal, &why);

	if (!hop)
		return 0;
	if (is_open(hop))
		return hop->flow;
	if (hop->state != HOP_SEARCHING && !begin_search(hop))
		settle(hop);
	else if (is_open(hop))
		return hop->flow;
	return 0;
}

/* -- flows ------------------------------------------------------------------------------------------------------- */

struct lost {
	flow_id flow;
};

static void lose(struct map_node *node, void *arg)
{
	const struct lost *lost = arg;
	struct hop *hop = hop_of(node);

	forget_flow(hop, lost->flow);
	if (hop->state == HOP_OPEN && hop->flow == lost->flow) {
		hop->state = HOP_IDLE;
		hop->flow = 0;
	}
	settle(hop);
}

void hop_flow_lost(struct core *core, flow_id flow)
{
	map_each(core->hops, lose, &(struct lost){ flow });
}

static void free_at(struct map_node *node, void *arg)
{
	struct hop *hop = hop_of(node);

	(void)arg;
	map_remove(hop->core->hops, node);
	mem_free(hop);
}

void hop_free_all(struct core *core)
{
	if (core->hops)
		map_each(core->hops, free_at, NULL);
	map_free(core->hops);
}
