/* Server transactions: what a peer asked of us (RFC 3261 §17.2, §9.2, §18.2). */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/state.h"
#include "sip/lex.h"
#include "tsx/key.h"

static struct server_tsx *tsx_of(struct server *server)
{
	return CONTAINER_OF(server, struct server_tsx, pub);
}

static void report(struct endpoint *endpoint, enum report_level level, const char *event,
		   const struct server_tsx *server)
{
	endpoint_report(endpoint,
			&(struct report){
				.level = level,
				.event = event,
				.flow = server->pub.flow,
				.call_id = server->request ? server->request->call_id : (struct slice){ 0 },
			});
}

/* -- life ------------------------------------------------------------------------------------------------ */

void server_free(struct server_tsx *server)
{
	if (!server)
		return;
	sip_message_free(server->request);
	mem_free(server->last);
	mem_free(server);
}

/* The flow is part of the key: nobody can meddle with what came on another one. */
static struct slice key_of(struct endpoint *endpoint, flow_id flow, const struct sip_message *request,
			   struct slice method)
{
	struct writer out = writer_of(endpoint->key, endpoint->key_size);

	put(&out, slice_from(&flow, sizeof(flow)));
	put_tsx_server_key(&out, request, method);
	return writer_text(&out);
}

static struct server_tsx *find(struct endpoint *endpoint, flow_id flow, const struct sip_message *request,
			       struct slice method)
{
	struct map_node *node = map_find(endpoint->servers, key_of(endpoint, flow, request, method));

	return node ? CONTAINER_OF(node, struct server_tsx, node) : NULL;
}

/* Its topmost Via with received and rport, which it holds from now on. False without memory. */
static bool copy_received_via(struct endpoint *endpoint, const struct sip_message *request,
			      const struct address *peer, struct slice *ret_via)
{
	struct writer via = writer_of(endpoint->scratch, endpoint->scratch_size);

	put_received_via(&via, &request->via, peer);
	return arena_copy(request->arena, writer_text(&via), ret_via) == OK;
}

/* The request is the transaction's only when that was made. NULL without memory. */
static struct server_tsx *server_new(struct endpoint *endpoint, struct flow *flow, struct slice key,
				     struct sip_message *request)
{
	struct server_tsx *server = mem_zalloc(1, sizeof(*server) + key.len);
	char *at;

	if (!server)
		return NULL;
	if (!copy_received_via(endpoint, request, &flow->view.peer, &server->pub.via)) {
		mem_free(server);
		return NULL;
	}
	at = (char *)(server + 1);
	server->node.key = slice_copy(&at, key);
	if (request->method == SIP_INVITE)
		server->by_branch.key = slice_sub(server->node.key, sizeof(flow->id), key.len);
	server->pub.request = request;
	server->pub.flow = flow->id;
	server->timer.kind = TIMER_SERVER;
	server->home = flow;
	return server;
}

static void no_longer_pending(struct endpoint *endpoint, const struct server_tsx *server)
{
	endpoint->counts.pending--;
	if (server->home)
		server->home->n_pending--;
}

static void end(struct endpoint *endpoint, struct server_tsx *server)
{
	if (server->gone)
		return;
	map_remove(endpoint->servers, &server->node);
	if (server->by_branch.key.len > 0)
		map_remove(endpoint->invites, &server->by_branch);
	timers_clear(endpoint->timers, &server->timer);
	endpoint->n_strange -= server->is_strange;
	if (server->pub.final == 0)
		no_longer_pending(endpoint, server);
	if (server->home)
		list_remove(&server->home->servers, &server->link);
	server->home = NULL;
	server->gone = true;
	list_append(&endpoint->gone_servers, &server->link);
}

/* After every step: sets the timer, or ends what is terminated. Without a timer it would stay for ever. */
static void schedule(struct endpoint *endpoint, struct server_tsx *server)
{
	ms_t due = tsx_due(&server->tsx);

	if (server->gone)
		return;
	if (server->tsx.state == TSX_TERMINATED)
		end(endpoint, server);
	else if (due == 0)
		timers_clear(endpoint->timers, &server->timer);
	else if (timers_set(endpoint->timers, &server->timer, due) != OK)
		end(endpoint, server);
}

/* -- responses ------------------------------------------------------------------------------------------- */

/*
 * RFC 3581 §4: with rport a response goes to where the request came from. Without, RFC 3261 §18.2.2: "to the
 * address in the "received" parameter, using the port indicated in the "sent-by" value, or using port 5060".
 * An maddr that a stranger writes is not followed.
 */
static uint16_t reply_port(flow_id flow, const struct sip_via *via)
{
	if (transport_is_reliable(flow_transport(flow)) || via->has_rport)
		return 0;
	return via->port ? via->port : 5060;
}

/* own: the flow, where it is at hand. */
static void send_response(struct endpoint *endpoint, flow_id flow, const struct flow *own,
			  const struct sip_message *request, struct slice bytes)
{
	struct sending sending = {
		.flow = flow,
		.own = own,
		.bytes = bytes,
		.port = reply_port(flow, &request->via),
	};
	enum err err = send_on(endpoint, &sending);

	if (err == ERR_NOMEM || err == ERR_LIMIT)
		endpoint->counts.dropped_no_memory++;
}

/* To where the request came from. */
static void respond(struct endpoint *endpoint, const struct server_tsx *server, struct slice bytes)
{
	send_response(endpoint, server->pub.flow, server->home, server->request, bytes);
}

/* Kept while a retransmission of the request may ask for it again; without memory it then gets no answer. */
static void keep_last(struct server_tsx *server, struct slice bytes)
{
	char *last;

	if (server->tsx.state == TSX_TERMINATED || server->tsx.state == TSX_ACCEPTED)
		bytes.len = 0;
	last = bytes.len ? mem_alloc(bytes.len) : NULL;
	if (last)
		memcpy(last, bytes.ptr, bytes.len);
	mem_free(server->last);
	server->last = last;
	server->last_len = last ? bytes.len : 0;
}

static void make_tag(struct endpoint *endpoint, char ret_tag[TAG_SIZE])
{
	struct writer out = writer_of(ret_tag, TAG_SIZE);
	unsigned char bytes[TAG_SIZE / 2];

	random_bytes(endpoint->random, bytes, sizeof(bytes));
	put_hex(&out, bytes, sizeof(bytes));
}

static struct slice to_tag(struct endpoint *endpoint, struct server_tsx *server)
{
	if (!server->to_tag[0])
		make_tag(endpoint, server->to_tag);
	return slice_from(server->to_tag, TAG_SIZE);
}

static struct writer scratch(struct endpoint *endpoint)
{
	return writer_of(endpoint->scratch, endpoint->scratch_size);
}

static void send_100(struct endpoint *endpoint, struct server_tsx *server, struct now now)
{
	struct sip_reply trying = {
		.status = 100,
		.via = server->pub.via,
		.delay = now.mono - server->began,
	};
	struct writer out = scratch(endpoint);

	put_reply(&out, server->request, &trying);
	respond(endpoint, server, writer_text(&out));
	keep_last(server, writer_text(&out));
}

/*
 * RFC 6026 §6 keeps what an error of its flow leaves behind, so that a retransmission is absorbed. Here none
 * can come: transactions are matched per flow, and a flow that is lost is never used again.
 */
static void end_unreachable(struct endpoint *endpoint, struct server_tsx *server)
{
	if (!server->home && server->pub.final)
		end(endpoint, server);
}

/* What the machine asks for besides sending what the transaction user passed. */
static void perform(struct endpoint *endpoint, struct server_tsx *server, unsigned actions, struct now now)
{
	if ((actions & TSX_RESEND) && server->last)
		respond(endpoint, server, slice_from(server->last, server->last_len));
	if (actions & TSX_SEND_100)
		send_100(endpoint, server, now);
	if (actions & TSX_TELL_TIMEOUT)
		report(endpoint, REPORT_INFO, "tsx.no-ack", server);
	if (actions & TSX_TELL_LOST)
		report(endpoint, REPORT_DEBUG, "tsx.flow-lost", server);
	schedule(endpoint, server);
}

/* Passes a response that was built to the machine, and on if that lets it. */
static void pass(struct endpoint *endpoint, struct server_tsx *server, unsigned status, struct slice bytes,
		 struct now now)
{
	unsigned actions;

	if (server->gone)
		return;
	actions = tsx_step(&server->tsx, tsx_send_event(status), now.mono);
	if (actions & TSX_SEND) {
		respond(endpoint, server, bytes);
		keep_last(server, bytes);
		if (status >= 200 && server->pub.final == 0) {
			server->pub.final = status;
			no_longer_pending(endpoint, server);
		}
	}
	perform(endpoint, server, actions, now);
	end_unreachable(endpoint, server);
}

/*
 * RFC 4320 §4.1, §4.2: to a request other than INVITE no 1xx is sent but 100, and 408 never: the client has
 * given up by then. True if there is nothing to send.
 */
static bool is_better_unsaid(struct endpoint *endpoint, struct server_tsx *server, unsigned status)
{
	if (server->request->method == SIP_INVITE)
		return false;
	if (status == 408)
		end(endpoint, server);
	return status == 408 || (status > 100 && status < 200);
}

static void respond_too_large(struct endpoint *endpoint, struct server_tsx *server, struct now now)
{
	struct sip_reply reply = {
		.status = 500,
		.reason = SLICE("Response Too Large"),
		.via = server->pub.via,
		.to_tag = to_tag(endpoint, server),
	};
	struct writer out = scratch(endpoint);

	report(endpoint, REPORT_ERROR, "response.too-large", server);
	put_reply(&out, server->request, &reply);
	if (out.overflow)
		end(endpoint, server);
	else
		pass(endpoint, server, 500, writer_text(&out), now);
}

void endpoint_respond(struct endpoint *endpoint, struct server *server, const struct sip_reply *reply,
		      struct now now)
{
	struct server_tsx *tsx = tsx_of(server);
	struct sip_reply complete = *reply;
	struct writer out = scratch(endpoint);

	if (is_better_unsaid(endpoint, tsx, reply->status))
		return;
	if (!complete.via.ptr)
		complete.via = server->via;
	if (!complete.to_tag.ptr)
		complete.to_tag = to_tag(endpoint, tsx);
	put_reply(&out, server->request, &complete);
	if (out.overflow)
		respond_too_large(endpoint, tsx, now);
	else
		pass(endpoint, tsx, reply->status, writer_text(&out), now);
}

/* RFC 3261 §16.7 step 3: "the response was meant for this element and MUST NOT be forwarded" without. */
static bool has_another_via(const struct sip_message *response)
{
	struct sip_values vias = sip_vias_below(response);
	struct slice via;

	return sip_values_next(&vias, &via);
}

/* The caller still has to learn how it ended. */
static void refuse_to_pass_on(struct endpoint *endpoint, struct server_tsx *server, unsigned status,
			      struct now now)
{
	static const struct sip_reply reply = { .status = 502, .reason = SLICE_INIT("Response Lacks A Via") };

	report(endpoint, REPORT_WARNING, "response.lacks-via", server);
	if (status >= 200)
		endpoint_respond(endpoint, &server->pub, &reply, now);
}

void endpoint_respond_with(struct endpoint *endpoint, struct server *server,
			   const struct sip_message *response, const struct sip_edits *edits, struct now now)
{
	struct server_tsx *tsx = tsx_of(server);
	struct sip_edits complete = *edits;
	struct writer out = scratch(endpoint);

	if (is_better_unsaid(endpoint, tsx, response->status))
		return;
	if (!has_another_via(response)) {
		refuse_to_pass_on(endpoint, tsx, response->status, now);
		return;
	}
	complete.drop_via = true;
	put_status_line(&out, response->status, response->reason);
	put_forwarded(&out, response, &complete);
	if (out.overflow)
		respond_too_large(endpoint, tsx, now);
	else
		pass(endpoint, tsx, response->status, writer_text(&out), now);
}

void endpoint_forget_request(struct server *server)
{
	struct server_tsx *tsx = tsx_of(server);

	assert(server->final >= 200 && server->final < 300 && tsx->request->method == SIP_INVITE);
	sip_message_free(tsx->request);
	tsx->request = NULL;
	server->request = NULL;
	server->via = slice_of(NULL);
	server->user = NULL;
}

void endpoint_respond_stateless(struct endpoint *endpoint, flow_id flow, const struct sip_message *response,
				const struct sip_edits *edits)
{
	struct sip_values vias = sip_values_of(response, SIP_VIA);
	struct sending sending = { .flow = flow };
	struct sip_edits complete = *edits;
	struct writer out = scratch(endpoint);
	struct slice ours, text;
	struct sip_via via;
	struct scan in;

	if (!sip_values_next(&vias, &ours) || !sip_values_next(&vias, &text))
		return;
	in = scan_of(text);
	if (!sip_via_scan(&in, &via))
		return;
	complete.drop_via = true;
	put_status_line(&out, response->status, response->reason);
	put_forwarded(&out, response, &complete);
	sending.bytes = writer_text(&out);
	sending.port = reply_port(flow, &via);
	if (!out.overflow && send_on(endpoint, &sending) == ERR_NOMEM)
		endpoint->counts.dropped_no_memory++;
}

/* To whoever is at the other end of that flow, of any worker. */
static void answer(struct endpoint *endpoint, flow_id flow, const struct address *peer,
		   const struct sip_message *request, const struct sip_reply *reply)
{
	char tag[TAG_SIZE];
	struct writer via = writer_of(endpoint->key, endpoint->key_size);
	struct writer out = scratch(endpoint);
	struct sip_reply complete = *reply;

	put_received_via(&via, &request->via, peer);
	complete.via = writer_text(&via);
	if (!complete.to_tag.ptr) {
		make_tag(endpoint, tag);
		complete.to_tag = slice_from(tag, TAG_SIZE);
	}
	put_reply(&out, request, &complete);
	if (!out.overflow)
		send_response(endpoint, flow, NULL, request, writer_text(&out));
}

void server_answer(struct endpoint *endpoint, const struct flow *flow, const struct sip_message *request,
		   const struct sip_reply *reply)
{
	answer(endpoint, flow->id, &flow->view.peer, request, reply);
}

/* -- requests -------------------------------------------------------------------------------------------- */

/*
 * An ACK to a 2xx has a Route with a token of the transaction user's, who takes it apart; it belongs to no transaction. In a URI there
 * is no '@' but behind a user, and before it none but in quotes.
 */
static bool is_of_dialog(const struct sip_message *ack)
{
	struct scan in = scan_of(sip_message_value(ack, SIP_ROUTE));
	struct slice display_name, route;

	(void)scan_quoted(&in, &display_name);
	route = scan_rest(&in);
	return slice_find(route, '@') < slice_find(route, '>');
}

static void pass_ack(struct endpoint *endpoint, flow_id flow, const struct address *peer,
		     const struct sip_message *ack, struct now now)
{
	struct slice via;

	if (copy_received_via(endpoint, ack, peer, &via))
		endpoint->user->ack(endpoint->self, flow, ack, via, now);
}

/* RFC 6026 §7.1: that to a 2xx is the transaction user's. */
void server_acknowledge(struct endpoint *endpoint, struct server_tsx *server, const struct visitor *visitor,
			const struct sip_message *ack, struct now now)
{
	unsigned actions;

	if (server->tsx.state == TSX_PROCEEDING)
		endpoint->counts.stray_acks++;
	actions = tsx_step(&server->tsx, TSX_RECV_ACK, now.mono);
	if (actions & TSX_PASS_UP)
		pass_ack(endpoint, visitor->flow, &visitor->peer, ack, now);
	perform(endpoint, server, actions, now);
}

/* Takes it over. */
static void receive_ack(struct endpoint *endpoint, struct flow *flow, struct sip_message *ack, struct now now)
{
	struct server_tsx *server = find(endpoint, flow->id, ack, SLICE("INVITE"));
	const struct visitor visitor = stray_visitor(flow);

	if (server)
		server_acknowledge(endpoint, server, &visitor, ack, now);
	else if (!is_of_dialog(ack) && stray_receive(endpoint, flow, ack, now))
		return;
	else
		pass_ack(endpoint, flow->id, &flow->view.peer, ack, now);
	sip_message_free(ack);
}

/*
 * RFC 3261 §9.2: "assuming that the request method is anything but CANCEL or ACK". INVITE first, it is the
 * usual one.
 */
static struct server_tsx *find_cancelled(struct endpoint *endpoint, flow_id flow,
					 const struct sip_message *cancel)
{
	struct server_tsx *server = find(endpoint, flow, cancel, sip_method_name(SIP_INVITE));

	for (enum sip_method method = SIP_METHOD_OTHER + 1; !server && method < SIP_METHODS; method++)
		if (method != SIP_ACK && method != SIP_CANCEL)
			server = find(endpoint, flow, cancel, sip_method_name(method));
	return server;
}

/* Answered without a transaction: the same CANCEL again gets the same answer and does nothing more. */
void server_cancel(struct endpoint *endpoint, struct server_tsx *server, const struct visitor *visitor,
		   const struct sip_message *cancel, struct now now)
{
	/* "SHOULD be the same" as in the response to the INVITE */
	const struct sip_reply ok = { .status = 200, .to_tag = to_tag(endpoint, server) };

	answer(endpoint, visitor->flow, &visitor->peer, cancel, &ok);
	if (server->pub.final || server->request->method != SIP_INVITE || server->cancelled)
		return;
	server->cancelled = true;
	endpoint->user->cancelled(endpoint->self, &server->pub, cancel, now);
}

static void refuse_stray(struct endpoint *endpoint, const struct flow *flow,
			 const struct sip_message *request, struct now now)
{
	if (request->method == SIP_CANCEL)
		server_answer(endpoint, flow, request, &(struct sip_reply){ .status = 481 });
	else
		pass_ack(endpoint, flow->id, &flow->view.peer, request, now);
}

void server_repeat(struct endpoint *endpoint, struct server_tsx *server, const struct visitor *visitor,
		   const struct sip_message *request, struct now now)
{
	unsigned actions = tsx_step(&server->tsx, TSX_RECV_REQUEST, now.mono);

	if ((actions & TSX_RESEND) && server->last)
		send_response(endpoint, visitor->flow, NULL, request,
			      slice_from(server->last, server->last_len));
	schedule(endpoint, server);
}

/* Takes it over. */
static void receive_cancel(struct endpoint *endpoint, struct flow *flow, struct sip_message *cancel,
			   struct now now)
{
	struct server_tsx *server = find_cancelled(endpoint, flow->id, cancel);
	const struct visitor visitor = stray_visitor(flow);

	if (server)
		server_cancel(endpoint, server, &visitor, cancel, now);
	else if (stray_receive(endpoint, flow, cancel, now))
		return;
	else
		refuse_stray(endpoint, flow, cancel, now);
	sip_message_free(cancel);
}

/* Where a request stands among the transactions, or would. */
struct place {
	struct slice key; /* in endpoint->key */
	uint64_t hash;
};

/* A request that begins a transaction. NULL: it does, and is taken over; else why it does not. */
static const struct refusal *begin(struct endpoint *endpoint, struct flow *flow, const struct place *place,
				   struct sip_message *request, struct now now)
{
	enum tsx_machine machine = request->method == SIP_INVITE ? TSX_INVITE_SERVER : TSX_SERVER;
	const struct refusal *objection = overload_object(endpoint, flow, request);
	struct server_tsx *server;

	if (objection)
		return objection;
	server = server_new(endpoint, flow, place->key, request);
	if (!server)
		return &overload_no_memory;
	server->began = now.mono;
	tsx_init(&server->tsx, machine, transport_is_reliable(flow_transport(flow->id)), now.mono);
	if (timers_set(endpoint->timers, &server->timer, tsx_due(&server->tsx)) != OK)
		goto fail;
	if (map_add_hashed(endpoint->servers, &server->node, place->hash) != OK) {
		timers_clear(endpoint->timers, &server->timer);
		goto fail;
	}
	if (server->by_branch.key.len > 0 && map_add(endpoint->invites, &server->by_branch) != OK)
		server->by_branch.key.len = 0;
	server->request = request;
	server->is_strange = flow_is_strange(flow);
	endpoint->n_strange += server->is_strange;
	list_append(&flow->servers, &server->link);
	flow->n_pending++;
	endpoint->counts.pending++;
	endpoint->user->request(endpoint->self, &server->pub, now);
	return NULL;
fail:
	server_free(server);
	return &overload_no_memory;
}

static void receive_request(struct endpoint *endpoint, struct flow *flow, struct sip_message *request,
			    bool may_be_stray, struct now now)
{
	struct slice key = key_of(endpoint, flow->id, request, request->method_name);
	const struct place place = { key, map_hash_of(endpoint->servers, key) };
	struct map_node *node = map_find_hashed(endpoint->servers, place.key, place.hash);
	const struct refusal *refusal;

	if (node) {
		struct server_tsx *server = CONTAINER_OF(node, struct server_tsx, node);

		perform(endpoint, server, tsx_step(&server->tsx, TSX_RECV_REQUEST, now.mono), now);
	} else if (may_be_stray && request->method == SIP_INVITE &&
		   stray_receive(endpoint, flow, request, now)) {
		return;
	} else {
		refusal = begin(endpoint, flow, &place, request, now);
		if (!refusal)
			return;
		overload_refuse(endpoint, flow, request, refusal, now);
	}
	sip_message_free(request);
}

void server_receive(struct endpoint *endpoint, struct flow *flow, struct sip_message *request, struct now now)
{
	switch (request->method) {
	case SIP_ACK: receive_ack(endpoint, flow, request, now); break;
	case SIP_CANCEL: receive_cancel(endpoint, flow, request, now); break;
	default: receive_request(endpoint, flow, request, true, now);
	}
}

/* What has come on the flow since may have made a transaction. */
void server_receive_asked(struct endpoint *endpoint, struct flow *flow, struct sip_message *request,
			  struct now now)
{
	const struct visitor visitor = stray_visitor(flow);
	struct server_tsx *server;

	if (request->method == SIP_INVITE) {
		receive_request(endpoint, flow, request, false, now);
		return;
	}
	server = request->method == SIP_CANCEL ? find_cancelled(endpoint, flow->id, request)
					       : find(endpoint, flow->id, request, SLICE("INVITE"));
	if (!server)
		refuse_stray(endpoint, flow, request, now);
	else if (request->method == SIP_CANCEL)
		server_cancel(endpoint, server, &visitor, request, now);
	else
		server_acknowledge(endpoint, server, &visitor, request, now);
	sip_message_free(request);
}

void server_tick(struct endpoint *endpoint, struct server_tsx *server, struct now now)
{
	enum tsx_event timer = tsx_timer_due(&server->tsx, now.mono);

	perform(endpoint, server, tsx_step(&server->tsx, timer, now.mono), now);
}

void server_flow_lost(struct endpoint *endpoint, struct server_tsx *server, struct now now)
{
	list_remove(&server->home->servers, &server->link);
	server->home = NULL;
	perform(endpoint, server, tsx_step(&server->tsx, TSX_FLOW_LOST, now.mono), now);
	end_unreachable(endpoint, server);
	if (endpoint->user->server_lost)
		endpoint->user->server_lost(endpoint->self, &server->pub, now);
}
