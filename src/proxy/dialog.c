#include "proxy/dialog.h"

#include "proxy/demands.h"
#include "proxy/edge.h"
#include "proxy/forward.h"
#include "proxy/gate.h"
#include "proxy/outside.h"
#include "proxy/peer.h"
#include "proxy/report.h"

enum { NAME_MAX = 512 };

/* -- who it is from ---------------------------------------------------------------------------------------------- */

typedef bool find_token(const struct core *core, struct slice text, const struct token_dialog *dialog,
			struct token *ret_token);

static bool recall_token(const struct core *core, struct slice text, const struct token_dialog *dialog,
			 struct token *ret_token)
{
	return token_recall(core->tokens, text, dialog, ret_token);
}

static bool check_token(const struct core *core, struct slice text, const struct token_dialog *dialog,
			struct token *ret_token)
{
	if (!token_parse(core->token_mac, text, dialog, ret_token))
		return false;
	token_remember(core->tokens, text, dialog, ret_token);
	return true;
}

/* What is good for the names in one order is so in the other one only if they are the same. */
static bool find_claim(find_token *find, const struct core *core, struct slice text,
		       const struct token_dialog *as_a, struct dialog_claim *ret_claim)
{
	const struct token_dialog as_b = { as_a->call_id, as_a->name_b, as_a->name_a };

	ret_claim->may_be_a = find(core, text, as_a, &ret_claim->token);
	ret_claim->may_be_b = ret_claim->may_be_a ? slice_eq(as_a->name_a, as_a->name_b)
						  : find(core, text, &as_b, &ret_claim->token);
	return ret_claim->may_be_a || ret_claim->may_be_b;
}

bool dialog_find(const struct core *core, const struct sip_message *message, struct slice text,
		 struct dialog_claim *ret_claim)
{
	char from[NAME_MAX], to[NAME_MAX];
	struct writer from_out = writer_of(from, sizeof from), to_out = writer_of(to, sizeof to);
	struct token_dialog as_a;

	if (!message->to.tag.ptr || text.len != TOKEN_LENGTH) /* before any name is written down */
		return false;
	put_aor(&from_out, &message->from.uri);
	put_aor(&to_out, &message->to.uri);
	if (from_out.overflow || to_out.overflow)
		return false;
	as_a = (struct token_dialog){ message->call_id, writer_text(&from_out), writer_text(&to_out) };
	return find_claim(recall_token, core, text, &as_a, ret_claim) ||
	       find_claim(check_token, core, text, &as_a, ret_claim);
}

static bool is_proven(const struct core *core, flow_id flow, flow_id of_token, account_id account)
{
	return flow == of_token || core_flow_has(core, flow, account);
}

/* A dialog under SIPS is so on every hop: over TLS, or for another domain over the link that it is declared to be behind. */
static bool is_safe(const struct core *core, flow_id flow, account_id party)
{
	return transport_is_secure(flow_transport(flow)) ||
	       (party < 0 && peer_is_safe_for(core, flow, party));
}

enum party {
	PARTY_A,
	PARTY_B,
	PARTY_UNKNOWN, /* both are one account, and the flow is neither's of the token: no telling where it goes */
	PARTY_NOBODY,
};

/* Who sent it: the party of that name, if the flow is that of the token, or the party's account is proven on it. */
static enum party party_of(const struct context *context)
{
	const struct core *core = context->core;
	const struct dialog_claim *claim = &context->claim;
	const struct token *token = &claim->token;
	flow_id flow = context->flow;
	bool is_a = claim->may_be_a && is_proven(core, flow, token->flow_a, token->account_a) &&
		    (!token->sips || is_safe(core, flow, token->account_a));
	bool is_b = claim->may_be_b && is_proven(core, flow, token->flow_b, token->account_b) &&
		    (!token->sips || is_safe(core, flow, token->account_b));

	if (is_a && is_b && flow != token->flow_a && flow != token->flow_b)
		return PARTY_UNKNOWN;
	if (is_a && (!is_b || flow == token->flow_a))
		return PARTY_A;
	return is_b ? PARTY_B : PARTY_NOBODY;
}

/* -- where it goes ------------------------------------------------------------------------------------------------ */

/*
 * The domain that is the party: one that the request names, a peer's, or, where a redirection led there, one that the flow has proven. Where
 * there is none that is, nothing has proven it.
 */
static struct slice domain_of_party(const struct context *context, account_id party, flow_id flow)
{
	const struct core *core = context->core;
	const struct sip_message *request = context->request;
	const struct server_peer *peer;
	struct sip_uri next_hop = { .host = SLICE("") };
	struct slice proven;

	if (core_domain_party(core, request->to.uri.host) == party)
		return request->to.uri.host;
	if (core_domain_party(core, request->from.uri.host) == party)
		return request->from.uri.host;
	peer = peer_of_party(core, party);
	if (peer)
		return peer_party_domain(core, peer, party);
	proven = core_proven_name(core, flow, party);
	if (proven.len > 0)
		return proven;
	(void)outside_next_hop(context, &next_hop);
	return next_hop.host;
}

static flow_id other_flow(const struct token *token, enum party party)
{
	return party == PARTY_A ? token->flow_b : token->flow_a;
}

static account_id other_account(const struct token *token, enum party party)
{
	return party == PARTY_A ? token->account_b : token->account_a;
}

/* The side that the request goes to. The SIPS requirement of the dialog holds whatever the request says. */
static struct target other_side(const struct context *context, enum party party)
{
	const struct token *token = &context->claim.token;
	bool sips = token->sips || context->request->uri.scheme == SIP_SCHEME_SIPS;
	struct target target = {
		.uri.text = context->request->uri_text,
		.flow = other_flow(token, party),
		.account = other_account(token, party),
	};

	if (target.account < 0)
		target.require = peer_requirement(
			context->core, domain_of_party(context, target.account, target.flow), sips);
	else if (sips)
		target.require = (struct requirement){ .level = REQUIRE_ACCOUNT, .account = target.account };
	else if (party == PARTY_A && token->tls_b)
		target.require.level = REQUIRE_TLS;
	return target;
}

/* The domain that is the party, a name below it, or a peer of which it is a domain. */
static bool is_at(const struct core *core, struct slice host, account_id party)
{
	const struct server_peer *peer = peer_of(core, host);

	if (peer && peer_party_domain(core, peer, party).len > 0)
		return true;
	for (struct slice name = host; name.len > 0;
	     name = slice_sub(name, slice_find(name, '.') + 1, name.len))
		if (core_domain_party(core, name) == party)
			return true;
	return false;
}

bool dialog_may_go_to(const struct context *context, const struct sip_uri *next_hop)
{
	const struct core *core = context->core;
	const struct token *token = &context->claim.token;
	enum party party = party_of(context);
	account_id sender = party == PARTY_A ? token->account_a : token->account_b;
	const struct server_peer *peer = sender < 0 ? peer_of_party(core, sender) : NULL;

	/* an edge speaks for accounts of ours */
	if ((sender > 0 && !edge_is_phone(sender)) || (peer && (peer->relays || peer->n_edge_for > 0)))
		return true;
	return is_at(core, next_hop->host, other_account(token, party));
}

/* Another domain is dialled again; a phone may be back on another flow. Its AOR stands in To. */
void dialog_flow_gone(struct context *context, struct now now)
{
	enum party party = party_of(context);
	const struct sip_uri *to = &context->request->to.uri;
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);
	const struct detour detour = {
		.gone = other_flow(&context->claim.token, party),
		.party = other_account(&context->claim.token, party),
	};

	put_aor(&name, to);
	context->asked_for_peer = true;
	if (detour.party < 0) {
		detours_note(context->core->detours, &detour);
		outside_forward(context, now);
		return;
	}
	context->question.kind = CONTEXT_PEER;
	if (name.overflow || !core_domain(context->core, to->host))
		context_refuse(context, &proxy_refusals[REFUSED_PEER_UNKNOWN], now);
	else if (endpoint_lookup(context->core->endpoint, &context->question, writer_text(&name)) != OK)
		context_refuse(context, &proxy_refusals[REFUSED_OVERLOAD], now);
}

void dialog_request(struct context *context, struct now now)
{
	struct core *core = context->core;
	enum party party = party_of(context);
	struct target target;

	if (party == PARTY_NOBODY && !context->account) {
		if (gate_ask(context, now))
			dialog_request(context, now);
		return;
	}
	if (party == PARTY_NOBODY) {
		context_refuse(context, &proxy_refusals[REFUSED_PARTY], now);
		return;
	}
	if (party == PARTY_UNKNOWN) {
		context_refuse(context, &proxy_refusals[REFUSED_WHICH_PARTY], now);
		return;
	}
	if (!demands_let_within(context, now))
		return;
	report_call_ended(context);
	target = other_side(context, party);
	if (core_flow_is_alive(core, target.flow))
		context_forward_to(context, &target, now);
	else
		dialog_flow_gone(context, now);
}

/* A way back to a party: its binding, and whether that has the Contact or the GRUU which the request is for. */
struct way {
	const struct binding *binding;
	bool is_safe; /* as far as the registration says; what leaves is checked again */
	bool matches;
};

static bool is_better(const struct way *way, const struct way *best)
{
	if (!best->binding)
		return true;
	if (way->is_safe != best->is_safe)
		return way->is_safe;
	if (way->matches != best->matches)
		return way->matches;
	return way->binding->expires > best->binding->expires;
}

/* What instance the Request-URI means, where it is a GRUU. */
static struct gruu gruu_of(const struct core *core, const struct sip_uri *uri)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	if (!core_domain(core, uri->host))
		return (struct gruu){ .kind = GRUU_NONE };
	return gruu_parse(&core->gruus, uri, &name);
}

static bool is_registered_as(const struct binding *binding, const struct sip_uri *uri)
{
	struct sip_uri contact;

	return sip_uri_parse(binding->contact, &contact) && sip_uri_eq(&contact, uri);
}

/*
 * The binding that the dialog goes on with, over another flow: that of the Request-URI, else the one
 * registered last. A public GRUU names the phone, and leads to no other one (RFC 5627 §6.1).
 */
static bool find_peer(const struct context *context, const struct aor *aor, struct now now,
		      struct target *ret_target)
{
	const struct core *core = context->core;
	const struct sip_uri *uri = &context->request->uri;
	const struct gruu gruu = gruu_of(core, uri);
	struct way best = { 0 };

	for (size_t i = 0; i < aor->n_bindings; i++) {
		struct way way = { .binding = &aor->bindings[i] };

		if (way.binding->expires <= now.wall || way.binding->path.len > 0 ||
		    way.binding->flow == ret_target->flow || !core_flow_is_alive(core, way.binding->flow))
			continue;
		way.is_safe = ret_target->require.level == REQUIRE_NOTHING || way.binding->secure;
		way.matches = gruu.kind == GRUU_NONE ? is_registered_as(way.binding, uri)
						     : gruu_means(&gruu, &core->gruus, way.binding);
		if (gruu.kind == GRUU_PUBLIC && !way.matches)
			continue;
		if (is_better(&way, &best))
			best = way;
	}
	if (!best.binding)
		return false;
	ret_target->flow = best.binding->flow;
	return true;
}

void dialog_answer(struct context *context, const struct answer *answer, struct now now)
{
	enum party party = party_of(context);
	struct target target = other_side(context, party);
	struct detour detour = { .gone = target.flow, .party = target.account };

	/* To is the sender's word; that the AOR is the party's is the token's. */
	if (answer->err != OK || answer->aor->account.id != target.account ||
	    !find_peer(context, answer->aor, now, &target)) {
		context_refuse(context, &proxy_refusals[REFUSED_PEER_GONE], now);
		return;
	}
	detour.instead = target.flow;
	detours_note(context->core->detours, &detour);
	context_forward_to(context, &target, now);
}

/* An ACK does not wait: if the flow is not there it is dropped, and the next one finds it. */
static void find_flow_outside(const struct context *context, struct target *target)
{
	if (outside_anew(context, target, target))
		target->flow = hop_prepare(context->core, &target->outside);
}

/* Where the INVITE of the ACK went: the flow of the token may be gone, and only if it is this worker's is that known at once. */
static void follow_invite(const struct context *context, struct target *target)
{
	const struct detour *detour = detours_find(context->core->detours, target->flow, target->account);

	if (target->account < 0 && (detour || !core_flow_is_alive(context->core, target->flow)))
		find_flow_outside(context, target);
	else if (detour)
		target->flow = detour->instead;
}

/* RFC 3261 §18.1.1, as for other requests (context.c). False: it is for no peer that is reached over UDP. */
static bool find_flow_over_tcp(const struct context *context, struct target *target)
{
	if (target->account > 0 || !outside_anew(context, target, target) || !outside_leave_udp(target))
		return false;
	target->flow = hop_prepare(context->core, &target->outside);
	return target->flow != 0;
}

static void drop_ack(const struct context *context, const char *why)
{
	report_ack_dropped(context->core, context->flow, context->request, why);
}

static void send_ack(const struct context *context, struct slice via, struct target *target, struct now now)
{
	if (!forward_ack(context, via, target, now) &&
	    !(find_flow_over_tcp(context, target) && forward_ack(context, via, target, now)))
		drop_ack(context, "it is too large for UDP, and there is no connection yet over TCP");
}

/* That of a peer which does not keep to our Record-Route, and may do without (peer.h). */
static bool find_way_without_route(const struct context *context, struct target *ret_target)
{
	struct core *core = context->core;
	const struct sip_message *ack = context->request;
	bool sips = ack->uri.scheme == SIP_SCHEME_SIPS;
	struct sip_uri next_hop;

	if (!outside_next_hop(context, &next_hop) || !peer_needs_no_route(core, ack, &next_hop) ||
	    !peer_proves(core, context->flow, ack->from.uri.host, sips) ||
	    !outside_target(context, &next_hop, ret_target))
		return false;
	ret_target->flow = hop_prepare(core, &ret_target->outside);
	return true;
}

void dialog_ack(struct core *core, flow_id from, const struct sip_message *ack, struct slice via,
		struct now now)
{
	struct context context = {
		.core = core,
		.flow = from,
		.request = ack,
		.routes = check_routes(core, ack),
	};
	const struct own_routes *routes = &context.routes;
	const struct token *token = &context.claim.token;
	enum party party;
	struct target target;

	if (ack->max_forwards == 0) {
		drop_ack(&context, "Max-Forwards is used up");
		return;
	}
	if (!routes->n && !routes->leads_elsewhere && find_way_without_route(&context, &target)) {
		send_ack(&context, via, &target, now);
		return;
	}
	context.in_dialog = routes->n && dialog_find(core, ack, routes->user, &context.claim);
	if (!context.in_dialog) {
		drop_ack(&context, "no Route of ours with a good token");
		return;
	}
	party = party_of(&context);
	if (party != PARTY_A && party != PARTY_B) {
		drop_ack(&context, "the connection is not proven for a party of the dialog");
		return;
	}
	if (!demands_allow_within(token, ack)) {
		drop_ack(&context,
			 "its body is not protected, as a policy of its call asks (sealine user policy)");
		return;
	}
	target = other_side(&context, party);
	follow_invite(&context, &target);
	send_ack(&context, via, &target, now);
}
