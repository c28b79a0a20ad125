#include "endpoint/flow.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/state.h"

struct flow *flow_find(struct endpoint *endpoint, flow_id id)
{
	struct map_node *node;

	if (endpoint->heard && endpoint->heard->id == id)
		return endpoint->heard;
	if (endpoint->asked && endpoint->asked->id == id)
		return endpoint->asked;
	node = map_find_hashed(endpoint->flows, slice_from(&id, sizeof(id)),
			       map_hash_number(endpoint->flows, id));
	if (!node)
		return NULL;
	endpoint->asked = CONTAINER_OF(node, struct flow, node);
	return endpoint->asked;
}

/* -- opened ---------------------------------------------------------------------------------------------- */

static struct flow *flow_new(flow_id id, const struct flow_facts *facts)
{
	size_t texts = facts->verified.len + facts->link.len + facts->fingerprint.len + facts->user.len +
		       facts->user_key.len + facts->why.len + facts->tls_version.len + facts->tls_cipher.len;
	struct flow *flow = mem_zalloc(1, sizeof(*flow) + texts);
	char *at;

	if (!flow)
		return NULL;
	at = (char *)(flow + 1);
	flow->id = id;
	flow->node.key = slice_from(&flow->id, sizeof(flow->id));
	flow->view = (struct flow_view){
		.transport = flow_transport(id),
		.outbound = facts->outbound,
		.peer = facts->peer,
		.verified = slice_copy(&at, facts->verified),
		.link = slice_copy(&at, facts->link),
		.fingerprint = slice_copy(&at, facts->fingerprint),
		.user = slice_copy(&at, facts->user),
		.user_key = slice_copy(&at, facts->user_key),
		.unproven = slice_copy(&at, facts->why),
		.tls_version = slice_copy(&at, facts->tls_version),
		.tls_cipher = slice_copy(&at, facts->tls_cipher),
	};
	list_init(&flow->servers);
	list_init(&flow->clients);
	return flow;
}

void flow_free(struct flow *flow)
{
	if (!flow)
		return;
	if (flow->free_slot)
		flow->free_slot(flow->slot);
	mem_free(flow->unread);
	mem_free(flow);
}

static void opened(struct endpoint *endpoint, flow_id id, const struct flow_facts *facts, struct now now)
{
	struct flow *flow;

	assert(flow_worker(id) == endpoint->worker && flow_transport(id) == facts->transport);
	flow = flow_new(id, facts);
	if (flow)
		flow->opened = now.mono;
	if (!flow ||
	    map_add_hashed(endpoint->flows, &flow->node, map_hash_number(endpoint->flows, id)) != OK) {
		flow_free(flow);
		outbox_close(endpoint, id, "too many connections");
		return;
	}
	endpoint->user->flow(endpoint->self, id, facts, now);
}

/* -- lost ------------------------------------------------------------------------------------------------ */

static void tell_other_workers(struct endpoint *endpoint, flow_id id)
{
	for (unsigned to = 0; to < endpoint->n_workers; to++) {
		struct letter *letter;

		if (to == endpoint->worker)
			continue;
		letter = letter_new(&(struct letter){
			.kind = LETTER_FLOW_LOST,
			.from = endpoint->worker,
			.to = to,
			.flow = id,
		});
		if (letter)
			outbox_post(endpoint, letter);
		else
			endpoint->counts.dropped_no_memory++; /* what waits there ends by its timers */
	}
}

static void lost(struct endpoint *endpoint, struct flow *flow, const struct flow_facts *facts, struct now now)
{
	map_remove(endpoint->flows, &flow->node);
	if (endpoint->heard == flow)
		endpoint->heard = NULL;
	if (endpoint->asked == flow)
		endpoint->asked = NULL;
	list_remove(&endpoint->closing, &flow->closing);
	LIST_EACH (server, &flow->servers, struct server_tsx, link)
		server_flow_lost(endpoint, server, now);
	client_fail_all(endpoint, &flow->clients, CLIENT_FLOW_LOST);
	tell_other_workers(endpoint, flow->id);
	endpoint->user->flow(endpoint->self, flow->id, facts, now);
	flow_free(flow);
}

void endpoint_flow(struct endpoint *endpoint, flow_id id, const struct flow_facts *facts, struct now now)
{
	struct flow *flow = flow_find(endpoint, id);

	if (facts->event == FLOW_OPENED && !flow)
		opened(endpoint, id, facts, now);
	else if (facts->event == FLOW_LOST && flow)
		lost(endpoint, flow, facts, now);
	else if (flow)
		flow->blocked = facts->event == FLOW_BLOCKED;
	endpoint_settle(endpoint, now);
}

/* -- what the transaction user asks and tells ------------------------------------------------------------ */

const struct flow_view *endpoint_flow_view(struct endpoint *endpoint, flow_id id)
{
	const struct flow *flow = flow_find(endpoint, id);

	return flow && !flow->why ? &flow->view : NULL;
}

bool flow_is_strange(const struct flow *flow)
{
	return !flow->view.outbound && !flow_view_is_proven(&flow->view);
}

bool flow_has(const struct flow *flow, account_id account)
{
	for (size_t i = 0; i < flow->view.n_accounts; i++)
		if (flow->proofs[i] == account)
			return true;
	return false;
}

bool endpoint_flow_has(struct endpoint *endpoint, flow_id id, account_id account)
{
	const struct flow *flow = flow_find(endpoint, id);

	return flow && flow_has(flow, account);
}

bool flow_proves(const struct flow *flow, struct slice domain)
{
	struct slice rest = flow->view.verified;

	while (rest.len > 0 && domain.len > 0) {
		size_t comma = slice_find(rest, ',');

		if (slice_eq_nocase(slice_trim(slice_sub(rest, 0, comma)), domain))
			return true;
		rest = slice_sub(rest, comma + 1, rest.len);
	}
	return false;
}

bool endpoint_flow_proves(struct endpoint *endpoint, flow_id id, struct slice domain)
{
	const struct flow *flow = flow_find(endpoint, id);

	return flow && !flow->why && flow_proves(flow, domain);
}

bool endpoint_flow_prove(struct endpoint *endpoint, flow_id id, account_id account)
{
	struct flow *flow = flow_find(endpoint, id);

	if (!flow || flow->why || account == 0)
		return false;
	if (flow_has(flow, account))
		return true;
	if (flow->view.n_accounts == MAX_PROOFS)
		return false;
	flow->proofs[flow->view.n_accounts++] = account;
	return true;
}

void endpoint_flow_is_peer(struct endpoint *endpoint, flow_id id)
{
	struct flow *flow = flow_find(endpoint, id);

	if (flow)
		flow->view.is_peer = true;
}

/* From now on it proves nothing, takes nothing, and nothing that comes on it is read. */
void flow_close(struct endpoint *endpoint, struct flow *flow, const char *why)
{
	if (flow->why)
		return;
	flow->why = why;
	flow->view.n_accounts = 0;
	list_append(&endpoint->closing, &flow->closing);
}

void endpoint_flow_close(struct endpoint *endpoint, flow_id id, const char *why)
{
	struct flow *flow = flow_find(endpoint, id);

	if (flow)
		flow_close(endpoint, flow, why);
}

enum err endpoint_ping(struct endpoint *endpoint, flow_id id)
{
	const struct sending ping = { .flow = id, .bytes = SLICE("\r\n\r\n") };
	struct flow *flow = flow_find(endpoint, id);

	if (!flow || !transport_is_stream(flow_transport(id)))
		return ERR_CLOSED;
	TRY(send_on(endpoint, &ping));
	flow->pings++;
	return OK;
}

void **endpoint_flow_slot(struct endpoint *endpoint, flow_id id, void (*free_slot)(void *))
{
	struct flow *flow = flow_find(endpoint, id);

	if (!flow)
		return NULL;
	flow->free_slot = free_slot;
	return &flow->slot;
}
