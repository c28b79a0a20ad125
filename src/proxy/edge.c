#include "proxy/edge.h"

#include "proxy/assertion.h"
#include "proxy/forward.h"
#include "proxy/outside.h"
#include "proxy/peer.h"
#include "proxy/report.h"

enum { NAME_MAX = 512, UNANSWERED_MAX = 10, FLOW_ACCOUNTS_MAX = 8 /* endpoint_flow_prove() */ };

/* -- who is who ----------------------------------------------------------------------------------------------------- */

/* Accounts have numbers from 1 up, domains are below 0: see core_domain_party(). */
static const uint64_t phone_bit = 1ULL << 62;

bool edge_is_phone(account_id account)
{
	return account > 0 && (uint64_t)account & phone_bit;
}

/* The phone of an address, as its flow and the token of a dialog have it. 0 if the library fails. */
static account_id phone_of(const struct core *core, struct slice aor)
{
	const struct slice parts[] = { SLICE("phone "), aor };
	uint64_t hash;

	if (!mac_make(core->token_mac, parts, 2, (unsigned char *)&hash, sizeof hash))
		return 0;
	return (account_id)(hash >> 2 | phone_bit);
}

static account_id phone_of_uri(const struct core *core, const struct sip_uri *uri)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	put_aor(&name, uri);
	return name.overflow ? 0 : phone_of(core, writer_text(&name));
}

static bool has(const struct slice *list, size_t n, struct slice domain)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq_nocase(list[i], domain))
			return true;
	return false;
}

const struct server_peer *edge_home(const struct core *core, struct slice domain)
{
	for (size_t i = 0; i < core->server->n_peers; i++) {
		const struct server_peer *peer = &core->server->peers[i];

		if (peer->registers && has(peer->domains, peer->n_domains, domain))
			return peer;
	}
	return NULL;
}

/* -- as the edge: what phones send ------------------------------------------------------------------------------------- */

static size_t count(const struct sip_message *request, enum sip_header_id id)
{
	struct sip_values it = sip_values_of(request, id);
	struct slice value;
	size_t n = 0;

	while (sip_values_next(&it, &value))
		n++;
	return n;
}

static bool is_over_tls(const struct context *context)
{
	return transport_is_secure(flow_transport(context->server->flow));
}

/* Whether the connection can stand for one more, or does so for this one. */
static bool has_room(const struct context *context)
{
	const struct core *core = context->core;
	flow_id flow = context->server->flow;
	const struct flow_view *view = endpoint_flow_view(core->endpoint, flow);

	return view &&
	       (view->n_accounts < FLOW_ACCOUNTS_MAX ||
		endpoint_flow_has(core->endpoint, flow, phone_of_uri(core, &context->request->to.uri)));
}

/* Nothing is known of the sender yet; what he can do is to register, a few times. */
static bool may_register(const struct context *context, struct flow_state *state, enum refused *ret_why)
{
	const struct sip_message *request = context->request;

	if (!is_over_tls(context))
		*ret_why = REFUSED_EDGE_CLEAR;
	else if (request->max_forwards == 0)
		*ret_why = REFUSED_HOPS;
	else if (count(request, SIP_VIA) != 1 || count(request, SIP_PATH) > 0)
		*ret_why = REFUSED_EDGE_NOT_FIRST;
	else if (context->routes.leads_elsewhere)
		*ret_why = REFUSED_FOREIGN_ROUTE;
	else if (state->n_unanswered >= UNANSWERED_MAX)
		*ret_why = REFUSED_EDGE_UNPROVEN;
	else if (!has_room(context))
		*ret_why = REFUSED_ACCOUNTS;
	else
		return true;
	return false;
}

/* Towards the server of the domain, which has to prove it; we show the name that stands in our Path. */
static void send_to(struct context *context, struct slice domain, struct now now)
{
	const struct sip_uri next_hop = { .scheme = SIP_SCHEME_SIPS, .host = domain };
	struct target target;

	if (!outside_target(context, &next_hop, &target)) {
		context_refuse(context, &proxy_refusals[REFUSED_TRANSPORT], now);
		return;
	}
	target.outside.as = context->core->server->advertise;
	context_forward_to(context, &target, now);
}

void edge_register(struct context *context, struct now now)
{
	struct flow_state *state = core_flow_state(context->core, context->server->flow);
	enum refused why = REFUSED_OVERLOAD;

	if (!state || !may_register(context, state, &why)) {
		if (why == REFUSED_EDGE_UNPROVEN)
			endpoint_blame(context->core->endpoint, context->server->flow, MISDEED_PROBING);
		context_refuse(context, &proxy_refusals[why], now);
		return;
	}
	state->n_unanswered++;
	send_to(context, context->request->uri.host, now);
}

/* Home gives a 2xx only to who has proven himself. */
void edge_answered(struct context *context)
{
	struct core *core = context->core;
	struct flow_state *state = core_flow_state(core, context->flow);
	const struct sip_uri *to = &context->request->to.uri;
	account_id phone = phone_of_uri(core, to);
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	if (!state || !phone)
		return;
	state->n_unanswered = 0;
	if (endpoint_flow_has(core->endpoint, context->flow, phone))
		return;
	put_aor(&name, to);
	if (!endpoint_flow_prove(core->endpoint, context->flow, phone))
		return;
	state->phone = phone;
	state->domain = core_domain_party(core, to->host);
	report_flow_proven(core, context->flow, writer_text(&name));
}

static bool has_refused(const struct context *context)
{
	return context->best_message && context->best / 100 != 5;
}

void edge_failed(struct context *context)
{
	struct flow_state *state = core_flow_state(context->core, context->flow);

	if (state && state->n_unanswered > 0 && !has_refused(context))
		state->n_unanswered--;
}

/* Where From names nobody it is the phone that the connection stands for, if that is one alone. NULL: there is none, or no telling. */
static const struct flow_state *state_of_unnamed(const struct context *context)
{
	struct core *core = context->core;
	const struct flow_view *view = endpoint_flow_view(core->endpoint, context->server->flow);
	const struct flow_state *state = core_flow_state(core, context->server->flow);

	return view && view->n_accounts == 1 && state && state->phone ? state : NULL;
}

/* The sender, as the connection has to stand for him. 0: it cannot. */
static account_id phone_of_sender(const struct context *context)
{
	const struct sip_message *request = context->request;
	const struct flow_state *state;

	if (!assertion_is_anonymous(request))
		return phone_of_uri(context->core, &request->from.uri);
	state = state_of_unnamed(context);
	return state ? state->phone : 0;
}

/* Of whose domain the sender's home is the server. Empty: he has none. */
static struct slice home_domain(const struct context *context)
{
	const struct core *core = context->core;
	const struct server_peer *home;
	const struct flow_state *state;

	if (!assertion_is_anonymous(context->request))
		return edge_home(core, context->request->from.uri.host) ? context->request->from.uri.host
									: slice_of(NULL);
	state = state_of_unnamed(context);
	home = state ? peer_of_party(core, state->domain) : NULL;
	return home && home->registers ? peer_party_domain(core, home, state->domain) : slice_of(NULL);
}

bool edge_is_from_phone(const struct context *context)
{
	struct slice domain = home_domain(context);

	return domain.len > 0 && !peer_proves(context->core, context->server->flow, domain, true);
}

/* By its Route, if it has one beyond ours, the request may go to its home alone, as Service-Route has it (RFC 3608). */
static bool leads_home(const struct context *context)
{
	const struct server_peer *home = edge_home(context->core, home_domain(context));
	struct sip_uri next_hop;

	return !context->routes.leads_elsewhere ||
	       (outside_next_hop(context, &next_hop) && peer_of(context->core, next_hop.host) == home);
}

bool edge_take(struct context *context, struct now now)
{
	struct core *core = context->core;
	const struct sip_message *request = context->request;
	account_id phone = phone_of_sender(context);

	if (!is_over_tls(context))
		context_refuse(context, &proxy_refusals[REFUSED_EDGE_CLEAR], now);
	else if (!phone || !endpoint_flow_has(core->endpoint, context->server->flow, phone))
		context_refuse(context, &proxy_refusals[REFUSED_EDGE_UNREGISTERED], now);
	else if (request->to.tag.ptr)
		context_refuse(context, &proxy_refusals[REFUSED_NO_ROUTE], now);
	else if (!leads_home(context))
		context_refuse(context, &proxy_refusals[REFUSED_FOREIGN_ROUTE], now);
	else
		context->account = phone;
	return context->account == phone && phone != 0;
}

/*
 * RFC 3261 §16.6 step 6: "A proxy MAY have a local policy that mandates that a request visit a specific set of proxies before
 * being delivered to the destination." Only home can vouch for the sender elsewhere.
 */
void edge_send_home(struct context *context, struct now now)
{
	send_to(context, home_domain(context), now);
}

bool put_edge_path(struct writer *out, const struct context *context, const struct target *target)
{
	const struct path_token token = {
		.flow = context->flow,
		.phone = phone_of_uri(context->core, &context->request->to.uri),
		.home = target->account,
	};
	char buf[PATH_TOKEN_LENGTH];
	struct writer text = writer_of(buf, sizeof buf);

	if (!token.phone || !put_path_token(&text, context->core->token_mac, &token))
		return false;
	put_path(out, context, writer_text(&text));
	return true;
}

/* -- as the edge: what home sends -------------------------------------------------------------------------------------- */

bool edge_is_path(struct slice user)
{
	return user.len == PATH_TOKEN_LENGTH;
}

static void deliver_to(struct context *context, const struct path_token *token, struct now now)
{
	const struct target target = {
		.uri.text = context->request->uri_text,
		.says_tls = forward_says_tls(&context->request->uri),
		.flow = token->flow,
		.account = token->phone,
		.require = { .level = REQUIRE_ACCOUNT, .account = token->phone },
	};
	context->account = token->home;
	endpoint_flow_is_peer(context->core->endpoint, context->server->flow);
	context_forward_to(context, &target, now);
}

/* RFC 5626 §5.3.1: "If the flow token has been tampered with, … 403 (Forbidden)", "If the flow no longer exists, … 430 (Flow Failed)" */
void edge_deliver(struct context *context, struct now now)
{
	struct core *core = context->core;
	struct path_token token;

	if (!path_token_parse(core->token_mac, context->routes.user, &token))
		context_refuse(context, &proxy_refusals[REFUSED_ROUTE], now);
	else if (!core_flow_has(core, context->server->flow, token.home))
		context_refuse(context, &proxy_refusals[REFUSED_EDGE_NOT_HOME], now);
	else if (context->routes.n > 1 || context->routes.leads_elsewhere)
		context_refuse(context, &proxy_refusals[REFUSED_FOREIGN_ROUTE], now);
	else if (!core_flow_is_alive(core, token.flow))
		context_refuse(context, &proxy_refusals[REFUSED_EDGE_FLOW], now);
	else
		deliver_to(context, &token, now);
}

/* -- as home ----------------------------------------------------------------------------------------------------------- */

/* The edge with that name, if it is one for the domain. */
static const struct server_peer *find_edge(const struct core *core, struct slice name, struct slice domain)
{
	for (size_t i = 0; i < core->server->n_peers; i++) {
		const struct server_peer *peer = &core->server->peers[i];

		if (has(peer->edge_for, peer->n_edge_for, domain) &&
		    has(peer->domains, peer->n_domains, name))
			return peer;
	}
	return NULL;
}

const struct server_domain *edge_domain(const struct context *context)
{
	const struct core *core = context->core;
	const struct server_domain *called = core_domain(core, context->request->uri.host);

	for (size_t i = 0; i < core->server->n_peers; i++) {
		const struct server_peer *peer = &core->server->peers[i];

		if (peer->n_edge_for == 0 || !peer_proves(core, context->flow, peer->domains[0], true))
			continue;
		return called && has(peer->edge_for, peer->n_edge_for, called->name)
			       ? called
			       : core_domain(core, peer->edge_for[0]);
	}
	return NULL;
}

struct slice edge_of_sender(const struct context *context)
{
	const struct core *core = context->core;

	for (size_t i = 0; i < core->server->n_peers; i++) {
		const struct server_peer *peer = &core->server->peers[i];

		if (peer->n_edge_for > 0 &&
		    has(peer->edge_for, peer->n_edge_for, assertion_domain(context)) &&
		    peer_proves(core, context->flow, peer->domains[0], true))
			return peer->domains[0];
	}
	return slice_of(NULL);
}

account_id edge_party(const struct context *context)
{
	struct slice edge = edge_of_sender(context);

	return edge.len > 0 ? core_domain_party(context->core, edge) : context->account;
}

bool edge_may_bring(const struct context *context)
{
	struct sip_values it = sip_values_of(context->request, SIP_PATH);
	struct slice value, edge = edge_of_sender(context);
	struct sip_address path;

	if (edge.len == 0)
		return !sip_message_header(context->request, SIP_PATH);
	return sip_values_next(&it, &value) && sip_address_parse(value, &path) &&
	       slice_eq_nocase(path.uri.host, edge);
}

bool edge_target(const struct core *core, const struct aor *aor, const struct binding *binding,
		 struct target *target)
{
	struct slice domain = slice_sub(aor->name, slice_find(aor->name, '@') + 1, aor->name.len);
	struct scan in = scan_of(binding->path);
	struct sip_address path;

	if (!sip_address_scan(&in, &path) || !find_edge(core, path.uri.host, domain) ||
	    !peer_goal(core, &path.uri, true, &target->outside))
		return false;
	target->outside.as = domain;
	target->account = core_domain_party(core, path.uri.host);
	target->require = peer_requirement(core, path.uri.host, true);
	target->is_outside = target->is_outside || !core_flow_is_alive(core, binding->flow);
	return true;
}
