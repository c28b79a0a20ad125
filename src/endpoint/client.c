/* Client transactions: what we ask of a peer (RFC 3261 §17.1, §9.1). */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/state.h"
#include "tsx/key.h"

static struct client_tsx *tsx_of(struct client *client)
{
	return CONTAINER_OF(client, struct client_tsx, pub);
}

static struct slice key_of(struct endpoint *endpoint, struct slice branch, struct slice method)
{
	struct writer out = writer_of(endpoint->key, endpoint->key_size);

	put_tsx_client_key(&out, branch, method);
	return writer_text(&out);
}

static uint64_t hash_of(const struct endpoint *endpoint, struct slice key)
{
	return map_hash_number(endpoint->clients, branch_number(key));
}

static struct client_tsx *find(const struct endpoint *endpoint, struct slice key)
{
	struct map_node *node = map_find_hashed(endpoint->clients, key, hash_of(endpoint, key));

	return node ? CONTAINER_OF(node, struct client_tsx, node) : NULL;
}

/* -- life ------------------------------------------------------------------------------------------------ */

void client_free(struct client_tsx *client)
{
	if (!client)
		return;
	mem_free(client->text);
	mem_free(client->cancel_headers);
	mem_free(client);
}

/* What a client transaction is made of. */
struct plan {
	enum sip_method method;
	struct slice method_name, branch;
	flow_id flow;
	struct requirement require;
	struct slice text; /* in scratch */
	void *user;
	const struct client_owner *owner;
	bool internal;
	bool any_size;
};

/* An INVITE's text is needed for its ACK and CANCEL, that of any request where it may be lost on the way. */
static bool is_text_kept(const struct plan *plan)
{
	return plan->method == SIP_INVITE || !transport_is_reliable(flow_transport(plan->flow));
}

/* In an allocation of its own, since it goes before the transaction does. */
static bool keep_text(struct client_tsx *client, struct slice text)
{
	client->text = mem_alloc(text.len);
	if (!client->text)
		return false;
	memcpy(client->text, text.ptr, text.len);
	client->text_len = (uint32_t)text.len;
	return true;
}

static void forget_text(struct client_tsx *client)
{
	mem_free(client->text);
	client->text = NULL;
	client->text_len = 0;
}

static struct client_tsx *client_new(struct endpoint *endpoint, const struct plan *plan)
{
	struct slice key = key_of(endpoint, plan->branch, plan->method_name);
	struct client_tsx *client = mem_zalloc(1, sizeof(*client) + key.len + plan->require.domain.len);
	char *at;

	if (!client)
		return NULL;
	at = (char *)(client + 1);
	client->pub.method = plan->method;
	client->pub.flow = plan->flow;
	client->pub.user = plan->user;
	client->node.key = slice_copy(&at, key);
	client->branch_len = (uint8_t)plan->branch.len;
	client->require = plan->require;
	client->require.domain = slice_copy(&at, plan->require.domain);
	client->owner = plan->owner;
	client->internal = plan->internal;
	client->any_size = plan->any_size;
	client->timer.kind = TIMER_CLIENT;
	if (is_text_kept(plan) && !keep_text(client, plan->text)) {
		client_free(client);
		return NULL;
	}
	return client;
}

static struct remote *remote_find(const struct endpoint *endpoint, flow_id flow)
{
	struct map_node *node = map_find(endpoint->remotes, slice_from(&flow, sizeof(flow)));

	return node ? CONTAINER_OF(node, struct remote, node) : NULL;
}

static struct remote *remote_new(struct endpoint *endpoint, flow_id flow)
{
	struct remote *remote = mem_new(struct remote);

	if (!remote)
		return NULL;
	remote->id = flow;
	remote->node.key = slice_from(&remote->id, sizeof(remote->id));
	list_init(&remote->clients);
	if (map_add(endpoint->remotes, &remote->node) != OK) {
		mem_free(remote);
		return NULL;
	}
	return remote;
}

/* So that it learns of the loss of its flow. On one that is gone already it waits for nothing. */
static enum err wait_on_flow(struct endpoint *endpoint, struct client_tsx *client)
{
	struct flow *flow = flow_find(endpoint, client->pub.flow);

	if (flow) {
		client->waits_on = &flow->clients;
	} else if (flow_worker(client->pub.flow) != endpoint->worker) {
		client->remote = remote_find(endpoint, client->pub.flow);
		if (!client->remote)
			client->remote = remote_new(endpoint, client->pub.flow);
		if (!client->remote)
			return ERR_NOMEM;
		client->waits_on = &client->remote->clients;
	}
	if (client->waits_on)
		list_append(client->waits_on, &client->waits);
	return OK;
}

static void stop_waiting(struct endpoint *endpoint, struct client_tsx *client)
{
	if (client->waits_on)
		list_remove(client->waits_on, &client->waits);
	client->waits_on = NULL;
	if (client->remote && client->remote->clients.n == 0) {
		map_remove(endpoint->remotes, &client->remote->node);
		mem_free(client->remote);
	}
	client->remote = NULL;
}

static void end(struct endpoint *endpoint, struct client_tsx *client)
{
	if (client->gone)
		return;
	client->gone = true;
	map_remove(endpoint->clients, &client->node);
	timers_clear(endpoint->timers, &client->timer);
	stop_waiting(endpoint, client);
	list_remove(&endpoint->failing, &client->queued);
	list_append(&endpoint->gone_clients, &client->queued);
}

/* Queues the failure; endpoint_settle() tells it. */
static void fail(struct endpoint *endpoint, struct client_tsx *client, enum client_failure why)
{
	if (client->gone || link_is_in_list(&client->queued))
		return;
	client->failure = why;
	list_append(&endpoint->failing, &client->queued);
}

/* After every step: sets the timer, or ends what is terminated. */
static void schedule(struct endpoint *endpoint, struct client_tsx *client)
{
	ms_t due = tsx_due(&client->tsx);

	if (client->gone)
		return;
	/* RFC 6026 §7.2: it only waits for further 2xx; no ACK or CANCEL is made of the INVITE any more */
	if (client->tsx.state == TSX_ACCEPTED)
		forget_text(client);
	if (client->tsx.state == TSX_TERMINATED)
		end(endpoint, client);
	else if (due == 0)
		timers_clear(endpoint->timers, &client->timer);
	else if (timers_set(endpoint->timers, &client->timer, due) != OK)
		fail(endpoint, client, CLIENT_NO_MEMORY);
}

/* -- failure --------------------------------------------------------------------------------------------- */

void client_fail_all(struct endpoint *endpoint, struct list *clients, enum client_failure why)
{
	LIST_EACH (client, clients, struct client_tsx, waits) {
		list_remove(clients, &client->waits);
		client->waits_on = NULL;
		fail(endpoint, client, why);
	}
}

void client_fail_remote(struct endpoint *endpoint, flow_id flow)
{
	struct remote *remote = remote_find(endpoint, flow);

	if (!remote)
		return;
	LIST_EACH (client, &remote->clients, struct client_tsx, waits)
		fail(endpoint, client, CLIENT_FLOW_LOST);
}

void client_fail_one(struct endpoint *endpoint, flow_id flow, struct slice key, enum client_failure why)
{
	struct client_tsx *client = find(endpoint, key);

	if (client && client->pub.flow == flow)
		fail(endpoint, client, why);
}

/* -- who is told: the owner of the transaction, else the transaction user; of our own CANCELs nobody -------- */

static void tell_response(struct endpoint *endpoint, struct client_tsx *client,
			  const struct sip_message *response, struct now now)
{
	if (client->owner)
		client->owner->response(&client->pub, response, now);
	else
		endpoint->user->response(endpoint->self, &client->pub, response, now);
}

static void tell_failed(struct endpoint *endpoint, struct client_tsx *client, enum client_failure why,
			struct now now)
{
	if (client->owner)
		client->owner->failed(&client->pub, why, now);
	else
		endpoint->user->failed(endpoint->self, &client->pub, why, now);
}

void client_tell_gone(struct endpoint *endpoint, struct client_tsx *client)
{
	if (client->internal)
		return;
	if (client->owner)
		client->owner->gone(&client->pub);
	else
		endpoint->user->client_gone(endpoint->self, &client->pub);
}

static void tell_failure(struct endpoint *endpoint, struct client_tsx *client, enum client_failure why,
			 struct now now)
{
	if (!client->internal && client->pub.status < 200)
		tell_failed(endpoint, client, why, now);
}

void client_settle(struct endpoint *endpoint, struct now now)
{
	struct link *link;

	while ((link = list_take_first(&endpoint->failing))) {
		struct client_tsx *client = CONTAINER_OF(link, struct client_tsx, queued);

		if (tsx_step(&client->tsx, TSX_FLOW_LOST, now.mono) & TSX_TELL_LOST)
			tell_failure(endpoint, client, client->failure, now);
		end(endpoint, client); /* nothing more can come, also where the machine would go on waiting */
	}
}

static enum client_failure failure_of(enum err err)
{
	return err == ERR_DENIED ? CLIENT_REFUSED : err == ERR_NOMEM ? CLIENT_NO_MEMORY : CLIENT_FLOW_LOST;
}

/* -- sending --------------------------------------------------------------------------------------------- */

static struct writer scratch(struct endpoint *endpoint)
{
	return writer_of(endpoint->scratch, endpoint->scratch_size);
}

static void send_request(struct endpoint *endpoint, struct client_tsx *client, struct slice text)
{
	struct sending sending = {
		.flow = client->pub.flow,
		.require = client->require,
		.bytes = text,
		.transaction = client->node.key,
	};
	enum err err;

	if (!client->any_size && !send_fits(sending.flow, text)) {
		fail(endpoint, client, CLIENT_TOO_LARGE);
		return;
	}
	err = send_on(endpoint, &sending);
	if (err != OK)
		fail(endpoint, client, failure_of(err));
}

/* Makes the transaction and sends its request, which lies in scratch. */
static enum err start(struct endpoint *endpoint, const struct plan *plan, struct now now,
		      struct client_tsx **ret_client)
{
	enum tsx_machine machine = plan->method == SIP_INVITE ? TSX_INVITE_CLIENT : TSX_CLIENT;
	struct client_tsx *client = client_new(endpoint, plan);
	enum err err;

	if (!client)
		return ERR_NOMEM;
	err = map_add_hashed(endpoint->clients, &client->node, hash_of(endpoint, client->node.key));
	if (err != OK) {
		client_free(client);
		return err;
	}
	tsx_init(&client->tsx, machine, transport_is_reliable(flow_transport(plan->flow)), now.mono);
	err = wait_on_flow(endpoint, client);
	if (err == OK)
		err = timers_set(endpoint->timers, &client->timer, tsx_due(&client->tsx));
	if (err != OK) {
		stop_waiting(endpoint, client);
		map_remove(endpoint->clients, &client->node);
		client_free(client);
		return err;
	}
	send_request(endpoint, client, plan->text);
	*ret_client = client;
	return OK;
}

static struct slice method_name(const struct outgoing *outgoing)
{
	return outgoing->method == SIP_METHOD_OTHER ? outgoing->method_name
						    : sip_method_name(outgoing->method);
}

enum err endpoint_request(struct endpoint *endpoint, const struct outgoing *outgoing, struct now now,
			  struct client **ret_client)
{
	char branch[BRANCH_SIZE_MAX];
	struct writer out = scratch(endpoint);
	struct client_tsx *client;
	struct plan plan = {
		.method = outgoing->method,
		.method_name = method_name(outgoing),
		.flow = outgoing->flow,
		.require = outgoing->require,
		.user = outgoing->user,
		.owner = outgoing->owner,
		.any_size = outgoing->any_size,
	};

	if (!branch_make(endpoint, outgoing->loop, branch, &plan.branch))
		return ERR_NOMEM;
	put_outgoing(&out, endpoint, outgoing, plan.branch);
	if (out.overflow)
		return ERR_LIMIT;
	plan.text = writer_text(&out);
	TRY(start(endpoint, &plan, now, &client));
	*ret_client = &client->pub;
	return OK;
}

bool endpoint_send(struct endpoint *endpoint, const struct outgoing *outgoing, struct now now)
{
	char branch[BRANCH_SIZE_MAX];
	struct writer out = scratch(endpoint);
	struct sending sending = { .flow = outgoing->flow, .require = outgoing->require };

	(void)now;
	put_outgoing(&out, endpoint, outgoing, branch_of_ack(endpoint, branch));
	sending.bytes = writer_text(&out);
	if (!out.overflow && !send_fits(sending.flow, sending.bytes))
		return false;
	if (out.overflow || send_on(endpoint, &sending) != OK)
		endpoint_report(endpoint, &(struct report){
						  .level = REPORT_WARNING,
						  .event = "send.dropped",
						  .flow = outgoing->flow,
					  });
	return true;
}

/* Our own INVITE, to make its ACK or CANCEL from; NULL without memory. */
static struct sip_message *parse_invite(const struct client_tsx *client)
{
	struct sip_message *invite;
	struct sip_fault fault;

	return sip_message_parse(slice_from(client->text, client->text_len), &own_limits, &invite, &fault) ==
			       OK
		       ? invite
		       : NULL;
}

/* An ACK that cannot be sent is asked for again by the next retransmission of the response. */
static void send_ack(struct endpoint *endpoint, struct client_tsx *client, const struct sip_message *response)
{
	AUTO(sip_message) struct sip_message *invite = parse_invite(client);
	struct writer out = scratch(endpoint);
	struct sending sending = { .flow = client->pub.flow, .require = client->require };

	if (!invite) {
		endpoint->counts.dropped_no_memory++;
		return;
	}
	put_ack(&out, invite, response);
	sending.bytes = writer_text(&out);
	if (!out.overflow && send_on(endpoint, &sending) == ERR_NOMEM)
		endpoint->counts.dropped_no_memory++;
}

/* If it cannot be sent, the INVITE's transaction ends 64*T1 later all the same. */
static void send_cancel(struct endpoint *endpoint, struct client_tsx *client, struct now now)
{
	AUTO(sip_message) struct sip_message *invite = parse_invite(client);
	struct writer out = scratch(endpoint);
	struct client_tsx *cancel;
	struct plan plan = {
		.method = SIP_CANCEL,
		.method_name = sip_method_name(SIP_CANCEL),
		.branch = slice_sub(client->node.key, 0, client->branch_len),
		.flow = client->pub.flow,
		.require = client->require,
		.internal = true,
		.any_size = client->any_size,
	};

	if (!invite) {
		endpoint->counts.dropped_no_memory++;
		return;
	}
	put_cancel(&out, invite, slice_from(client->cancel_headers, client->cancel_headers_len));
	plan.text = writer_text(&out);
	if (!out.overflow && start(endpoint, &plan, now, &cancel) != OK)
		endpoint->counts.dropped_no_memory++;
}

/* -- responses ------------------------------------------------------------------------------------------- */

/* What the machine asks for; response is that which came, or NULL. */
static void perform(struct endpoint *endpoint, struct client_tsx *client, unsigned actions,
		    const struct sip_message *response, struct now now)
{
	if (actions & TSX_RESEND)
		send_request(endpoint, client, slice_from(client->text, client->text_len));
	if (actions & TSX_SEND_ACK)
		send_ack(endpoint, client, response);
	if (actions & TSX_SEND_CANCEL)
		send_cancel(endpoint, client, now);
	if (actions & TSX_PASS_UP) {
		assert(response);
		client->pub.status = response->status;
		if (!client->internal)
			tell_response(endpoint, client, response, now);
	}
	if (actions & TSX_TELL_TIMEOUT)
		tell_failure(endpoint, client, CLIENT_TIMEOUT, now);
	schedule(endpoint, client);
}

/*
 * RFC 3261 §9.1: "the client MUST wait for the arrival of a provisional response before sending" the CANCEL.
 */
static void cancel_if_wanted(struct endpoint *endpoint, struct client_tsx *client, struct now now)
{
	if (!client->cancel || client->cancel_sent || client->tsx.state != TSX_PROCEEDING)
		return;
	client->cancel_sent = true;
	perform(endpoint, client, tsx_step(&client->tsx, TSX_CANCEL, now.mono), NULL, now);
}

void endpoint_cancel(struct endpoint *endpoint, struct client *client, struct slice headers, struct now now)
{
	struct client_tsx *tsx = tsx_of(client);

	if (tsx->cancel || client->status >= 200)
		return;
	tsx->cancel = true;
	if (headers.len > 0)
		tsx->cancel_headers = mem_alloc(headers.len);
	if (tsx->cancel_headers) {
		memcpy(tsx->cancel_headers, headers.ptr, headers.len);
		tsx->cancel_headers_len = (uint32_t)headers.len;
	}
	cancel_if_wanted(endpoint, tsx, now);
}

void endpoint_hand_over(struct client *client, const struct client_owner *owner, void *user)
{
	tsx_of(client)->owner = owner;
	client->user = user;
}

/*
 * On any other flow it would be somebody who has seen the branch, not the peer whom we asked. Over UDP what a peer answers may
 * reach the socket of another worker, and so come on a flow of that one; there the branch, which cannot be guessed, is all
 * the proof that there is.
 */
static bool is_peer(const struct client_tsx *client, flow_id from)
{
	return client->pub.flow == from ||
	       (flow_transport(client->pub.flow) == TRANSPORT_UDP && flow_transport(from) == TRANSPORT_UDP &&
		flow_worker(client->pub.flow) != flow_worker(from));
}

/*
 * RFC 3261 §18.1.1: a response may come on "a new connection to the address in the top Via": where it proves what the request
 * demanded of its flow, it is the same peer.
 */
static bool proves_as_much(struct endpoint *endpoint, const struct client_tsx *client, flow_id from)
{
	const struct flow *flow = flow_find(endpoint, from);
	bool is_named = client->require.level >= REQUIRE_ACCOUNT;

	return is_named && flow && flow_meets(flow, &client->require);
}

bool client_receive(struct endpoint *endpoint, flow_id from, const struct sip_message *response,
		    struct now now)
{
	struct slice key = key_of(endpoint, response->via.branch, response->cseq.method_name);
	struct client_tsx *client = find(endpoint, key);
	unsigned actions;

	if (!client || !(is_peer(client, from) || proves_as_much(endpoint, client, from)))
		return false;
	actions = tsx_step(&client->tsx, tsx_recv_event(response->status), now.mono);
	perform(endpoint, client, actions, response, now);
	cancel_if_wanted(endpoint, client, now);
	return true;
}

void client_tick(struct endpoint *endpoint, struct client_tsx *client, struct now now)
{
	enum tsx_event timer = tsx_timer_due(&client->tsx, now.mono);

	perform(endpoint, client, tsx_step(&client->tsx, timer, now.mono), NULL, now);
}
