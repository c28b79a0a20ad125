/*
 * A CANCEL, the ACK to a refusal, or an INVITE once more, that comes on another connection than its INVITE: the client has
 * opened one more, perhaps to another worker. Each worker is asked once, one after the other; the letter comes back if none
 * knows it. Nearly every INVITE is a new one, so for it only those connections are asked about that are as young as a
 * transaction can be old.
 *
 * It counts only where the other end is proven to be the same: an account or a domain that both connections have. Who has
 * merely seen a branch cancels nobody's call (RFC 3261 §9.2, §26.1.4).
 */
#include "base/mem.h"
#include "endpoint/state.h"
#include "tsx/key.h"

/* -- whose it is --------------------------------------------------------------------------------------------------- */

struct visitor stray_visitor(const struct flow *flow)
{
	return (struct visitor){
		.flow = flow->id,
		.peer = flow->view.peer,
		.accounts = flow->proofs,
		.n_accounts = flow->view.n_accounts,
		.verified = flow->view.verified,
	};
}

static bool is_proven(const struct visitor *visitor)
{
	return visitor->n_accounts > 0 || visitor->verified.len > 0;
}

static bool is_same_peer(const struct flow *home, const struct visitor *visitor)
{
	if (visitor->verified.len > 0 && slice_eq(home->view.verified, visitor->verified))
		return true;
	for (size_t i = 0; i < visitor->n_accounts; i++)
		if (flow_has(home, visitor->accounts[i]))
			return true;
	return false;
}

/* The INVITE of one that may speak for its sender, or NULL. */
static struct server_tsx *find_invite(struct endpoint *endpoint, const struct visitor *visitor,
				      const struct sip_message *request)
{
	struct writer key = writer_of(endpoint->scratch, endpoint->scratch_size);
	struct server_tsx *server;
	struct map_node *node;

	put_tsx_server_key(&key, request, sip_method_name(SIP_INVITE));
	node = map_find(endpoint->invites, writer_text(&key));
	server = node ? CONTAINER_OF(node, struct server_tsx, by_branch) : NULL;
	return server && server->home && is_same_peer(server->home, visitor) ? server : NULL;
}

/* True if its transaction is here: it has been taken. */
static bool take(struct endpoint *endpoint, const struct visitor *visitor, const struct sip_message *request,
		 struct now now)
{
	struct server_tsx *server = find_invite(endpoint, visitor, request);

	if (!server)
		return false;
	if (request->method == SIP_CANCEL)
		server_cancel(endpoint, server, visitor, request, now);
	else if (request->method == SIP_INVITE)
		server_repeat(endpoint, server, visitor, request, now);
	else
		server_acknowledge(endpoint, server, visitor, request, now);
	return true;
}

/* -- from worker to worker ------------------------------------------------------------------------------------------ */

/* Takes the message over if it went. */
static bool post(struct endpoint *endpoint, const struct visitor *visitor, unsigned from,
		 struct sip_message *request)
{
	struct letter *letter = letter_new(&(struct letter){
		.kind = LETTER_STRAY,
		.from = from,
		.to = (endpoint->worker + 1) % endpoint->n_workers,
		.flow = visitor->flow,
		.peer = visitor->peer,
		.message = request,
		.text = slice_from(visitor->accounts, visitor->n_accounts * sizeof visitor->accounts[0]),
		.transaction = visitor->verified,
	});

	if (letter)
		outbox_post(endpoint, letter);
	return letter;
}

bool stray_receive(struct endpoint *endpoint, const struct flow *flow, struct sip_message *request,
		   struct now now)
{
	const struct visitor visitor = stray_visitor(flow);

	if (!is_proven(&visitor))
		return false;
	if (take(endpoint, &visitor, request, now)) {
		sip_message_free(request);
		return true;
	}
	if (request->method == SIP_INVITE && now.mono - flow->opened >= (ms_t)64 * T1)
		return false;
	return endpoint->n_workers > 1 && post(endpoint, &visitor, endpoint->worker, request);
}

void stray_letter(struct endpoint *endpoint, struct letter *letter, struct now now)
{
	account_id accounts[MAX_PROOFS];
	struct visitor visitor = {
		.flow = letter->flow,
		.peer = letter->peer,
		.accounts = accounts,
		.n_accounts = letter->text.len / sizeof accounts[0],
		.verified = letter->transaction,
	};
	struct sip_message *request = letter->message;
	struct flow *flow;

	if (letter->from == endpoint->worker) { /* nobody has it */
		flow = flow_find(endpoint, letter->flow);
		if (flow) {
			letter->message = NULL;
			server_receive_asked(endpoint, flow, request, now);
		}
		return;
	}
	memcpy(accounts, letter->text.ptr, letter->text.len);
	if (!take(endpoint, &visitor, request, now) && post(endpoint, &visitor, letter->from, request))
		letter->message = NULL;
}
