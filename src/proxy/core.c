#include "proxy/core.h"

#include "base/mem.h"
#include "proxy/agreement.h"
#include "proxy/alias.h"
#include "proxy/context.h"
#include "proxy/demands.h"
#include "proxy/dialog.h"
#include "proxy/edge.h"
#include "proxy/gate.h"
#include "proxy/location.h"
#include "proxy/merged.h"
#include "proxy/outside.h"
#include "proxy/own.h"
#include "proxy/peer.h"
#include "proxy/preprocess.h"
#include "proxy/publication.h"
#include "proxy/recurse.h"
#include "proxy/registration.h"
#include "proxy/subscription.h"
#include "sip/build.h"

enum { REGISTRATION_ARENA = 256 * 1024 };

/* -- life -------------------------------------------------------------------------------------------------------- */

static const struct event_package *const packages[] = { &event_reg, &event_certificate };

/* Temporary GRUUs are good as long as flow tokens are: their key is made of that one. */
static bool make_gruus(struct core *core, struct crypto *crypto)
{
	static const struct slice label = SLICE_INIT("temporary GRUUs");
	uint8_t key[32];
	bool ok = mac_make(core->token_mac, &label, 1, key, sizeof key) &&
		  gruu_maker_init(&core->gruus, crypto, slice_from(key, sizeof key));

	mem_wipe(key, sizeof key);
	return ok;
}

enum err core_new(const struct core_config *config, struct core **ret_core)
{
	AUTO(core) struct core *core = mem_new(struct core);

	if (!core)
		return ERR_NOMEM;
	core->server = config->server;
	core->start = config->start;
	TRY(auth_server_new(config->crypto, config->nonce_key, &core->auth));
	core->token_mac = mac_new(config->crypto, config->token_key);
	core->tokens = token_memory_new();
	core->detours = detours_new();
	core->hops = map_new(HOPS_MAX, config->map_key);
	core->aliases = map_new(ALIASES_MAX, config->map_key);
	core->ongoing = map_new(MERGED_MAX, config->map_key);
	list_init(&core->noted);
	core->arena = arena_new(REGISTRATION_ARENA);
	core->scratch = mem_alloc(SCRATCH_SIZE);
	core->backoff = backoff_new(config->map_key);
	core->allowance = allowance_new(config->map_key);
	core->notifier = notifier_new(packages, sizeof packages / sizeof packages[0], config->map_key);
	if (!core->backoff || !core->allowance || !core->token_mac || !core->tokens || !core->detours ||
	    !core->hops || !core->aliases || !core->ongoing || !core->arena || !core->scratch ||
	    !core->notifier || !make_gruus(core, config->crypto))
		return ERR_NOMEM;
	core_reconfigure(core, config->server);
	*ret_core = TAKE(core);
	return OK;
}

void core_free(struct core *core)
{
	if (!core)
		return;
	hop_free_all(core);
	alias_free_all(core);
	auth_server_free(core->auth);
	map_free(core->ongoing);
	token_memory_free(core->tokens);
	detours_free(core->detours);
	mac_free(core->token_mac);
	backoff_free(core->backoff);
	allowance_free(core->allowance);
	notifier_free(core->notifier);
	gruu_maker_fini(&core->gruus);
	arena_free(core->arena);
	mem_free(core->scratch);
	mem_free(core);
}

/* For what its users are to be told under sips. The servers of the domain are asked for, not the one that was lost. */
static flow_id way_to_domain(void *self, struct slice name)
{
	struct core *core = self;
	const struct sip_uri uri = { .scheme = SIP_SCHEME_SIPS, .host = peer_domain_proven_by(core, name) };
	struct hop_goal goal;

	return peer_goal(core, &uri, true, &goal) ? hop_prepare(core, &goal) : 0;
}

void core_attach(struct core *core, struct endpoint *endpoint)
{
	core->endpoint = endpoint;
	notifier_attach(core->notifier, endpoint);
	notifier_set_way(core->notifier, &(struct notifier_way){ core, way_to_domain });
}

void core_reconfigure(struct core *core, const struct server_config *server)
{
	struct writer no_md5 = writer_of(core->no_md5_text, NO_MD5_MAX);

	core->server = server;
	put_refusal(&no_md5, &proxy_refusals[REFUSED_MD5], server->advertise);
	core->no_md5 = writer_text(&no_md5);
	notifier_set_place(core->notifier, &(struct notifier_place){ server->advertise, server->ports });
	notifier_set_rate(core->notifier, server->certificates_per_minute);
}

/* -- what a request is ------------------------------------------------------------------------------------------- */

static bool refuse_use(struct context *context, enum refused why, struct now now)
{
	endpoint_count(context->core->endpoint, REASON_RATE);
	context_refuse(context, &proxy_refusals[why], now);
	return false;
}

/* What an account of ours begins is counted; else it has been refused. */
static bool is_within_allowance(struct context *context, struct now now)
{
	struct core *core = context->core;
	struct allowance_member *member;

	if (context->account < 0)
		return true;
	member = allowance_take(core->allowance, context->account, core->server, now.mono);
	if (!member)
		return refuse_use(context, REFUSED_RATE, now);
	if (context->request->method != SIP_INVITE)
		return true;
	if (!allowance_begin_call(member, core->server))
		return refuse_use(context, REFUSED_CALLS, now);
	context->caller = member;
	return true;
}

/* The sender is proven. */
static void go_on(struct context *context, struct aor *sender, struct now now)
{
	const struct sip_message *request = context->request;

	if (request->method == SIP_REGISTER) {
		merged_note(context);
		registration_decide(context, sender, now);
	} else if (context->in_dialog) {
		dialog_request(context, now);
	} else if (!demands_let_out(context, now) || !is_within_allowance(context, now)) {
		return;
	} else if (subscription_begin(context, sender, now) || publication_begin(context, sender, now)) {
		merged_note(context);
	} else if (core_domain(context->core, request->uri.host) && !check_leads_to(request) &&
		   !context->routes.leads_elsewhere) {
		location_ask(context, now);
	} else {
		outside_forward(context, now);
	}
}

/* RFC 3261 §10.3 steps 1 and 5 */
static void take_register(struct context *context, struct now now)
{
	const struct sip_message *request = context->request;
	bool is_ours = core_domain(context->core, request->uri.host);

	if (!is_ours && !edge_home(context->core, request->uri.host))
		context_refuse(context, &proxy_refusals[REFUSED_NOT_REGISTRAR], now);
	else if (request->uri.user.ptr)
		context_refuse(context, &proxy_refusals[REFUSED_REGISTER_USER], now);
	else if (!slice_eq_nocase(request->to.uri.host, request->uri.host))
		context_refuse(context, &proxy_refusals[REFUSED_REGISTER_TO], now);
	else if (!is_ours)
		edge_register(context, now);
	else if (!edge_may_bring(context))
		context_refuse(context, &proxy_refusals[REFUSED_EDGE_UNDECLARED], now);
	else if (gate_ask(context, now))
		go_on(context, NULL, now);
}

/* A Route of the sender's own choice is taken only to a peer of which the configuration says so. */
static bool is_way_allowed(const struct context *context)
{
	const struct server_peer *peer;
	struct sip_uri next_hop;

	if (!context->routes.leads_elsewhere)
		return true;
	if (!outside_next_hop(context, &next_hop))
		return false;
	peer = peer_of(context->core, next_hop.host);
	return peer && peer->routes;
}

/* In a dialog whose Record-Route its sender has not learned; see there. */
static bool needs_no_route(const struct context *context)
{
	struct sip_uri next_hop;

	return outside_next_hop(context, &next_hop) &&
	       peer_needs_no_route(context->core, context->request, &next_hop);
}

/* What goes out of a dialog is for a domain of ours, or one of ours asks for another domain. */
static void take_outside_dialog(struct context *context, struct now now)
{
	const struct sip_message *request = context->request;
	bool is_ours = core_domain(context->core, request->uri.host);

	if (edge_is_from_phone(context)) {
		if (edge_take(context, now) && is_within_allowance(context, now))
			edge_send_home(context, now);
		return;
	}
	if (is_way_allowed(context) && (is_ours || !request->to.tag.ptr || needs_no_route(context))) {
		if (gate_ask(context, now))
			go_on(context, NULL, now);
		return;
	}
	if (request->to.tag.ptr)
		context_refuse(context, &proxy_refusals[REFUSED_NO_ROUTE], now);
	else
		context_refuse(context, &proxy_refusals[REFUSED_FOREIGN_ROUTE], now);
}

static bool is_unprotected_sips(const struct context *context)
{
	return context->request->uri.scheme == SIP_SCHEME_SIPS &&
	       !peer_is_protected(context->core, context->server->flow, context->request->from.uri.host);
}

/* RFC 5630 §5.3: "the Request-URI is a SIPS URI, but the Contact header field is a SIP URI". The registrar has its own rule. */
static bool is_half_sips(const struct sip_message *request)
{
	struct slice value = sip_message_value(request, SIP_CONTACT);
	struct sip_address contact;

	return request->method != SIP_REGISTER && request->uri.scheme == SIP_SCHEME_SIPS && value.ptr &&
	       sip_address_parse(value, &contact) && contact.uri.scheme != SIP_SCHEME_SIPS;
}

/* The server is in no dialog but those of its subscriptions; what an OPTIONS asks does not depend on one. */
static bool is_for_the_server(const struct context *context)
{
	const struct sip_message *request = context->request;

	return !context->routes.leads_elsewhere && check_is_for_us(context->core, request) &&
	       (request->method == SIP_OPTIONS || !request->to.tag.ptr);
}

static void classify(struct context *context, struct now now)
{
	struct core *core = context->core;
	const struct sip_message *request = context->request;
	char buf[2048];
	struct writer headers = writer_of(buf, sizeof buf);
	struct refusal refusal;

	context->routes = check_routes(core, request);
	alias_note(context);
	if (!agreement_check(core, context->server, &headers, &refusal) ||
	    !check_request(core, request, &headers, &refusal)) {
		context_refuse(context, &refusal, now);
		return;
	}
	if (is_unprotected_sips(context)) {
		context_refuse(context, &proxy_refusals[REFUSED_SIPS_CLEAR], now);
		return;
	}
	if (request->uri.scheme == SIP_SCHEME_SIPS && peer_is_excepted(core, context->server->flow)) {
		context_refuse(context, &proxy_refusals[REFUSED_SIPS_EXCEPTED], now);
		return;
	}
	if (is_half_sips(request)) {
		context_refuse(context, &proxy_refusals[REFUSED_SIPS_CONTACT], now);
		return;
	}
	if (merged_is_copy(context)) {
		context_refuse(context, &proxy_refusals[REFUSED_MERGED], now);
		return;
	}
	if (request->method == SIP_REGISTER) {
		take_register(context, now);
		return;
	}
	if (subscription_take(context, now))
		return;
	if (edge_is_path(context->routes.user)) {
		edge_deliver(context, now);
		return;
	}
	if (context->routes.user.ptr) {
		context->in_dialog = dialog_find(core, request, context->routes.user, &context->claim);
		if (context->in_dialog)
			dialog_request(context, now);
		else
			context_refuse(context, &proxy_refusals[REFUSED_ROUTE], now);
		return;
	}
	if (is_for_the_server(context))
		own_request(context, now);
	else
		take_outside_dialog(context, now);
}

/* -- the events of the endpoint ---------------------------------------------------------------------------------- */

static void on_request(void *self, struct server *server, struct now now)
{
	struct core *core = self;
	struct context *context = context_new(core, server);

	if (context && preprocess(context))
		classify(context, now);
	else
		core_refuse(core, server, &proxy_refusals[REFUSED_OVERLOAD], now);
}

static void on_cancelled(void *self, struct server *server, const struct sip_message *cancel, struct now now)
{
	(void)self;
	if (server->user)
		context_cancelled(server->user, cancel, now);
}

static void on_ack(void *self, flow_id from, const struct sip_message *ack, struct slice via, struct now now)
{
	AUTO(sip_message) struct sip_message *preprocessed = NULL;

	if (preprocess_message(self, ack, &preprocessed))
		dialog_ack(self, from, preprocessed ? preprocessed : ack, via, now);
}

static void on_response(void *self, struct client *client, const struct sip_message *response, struct now now)
{
	(void)self;
	context_response(client, response, now);
}

static void on_failed(void *self, struct client *client, enum client_failure why, struct now now)
{
	(void)self;
	context_failed(client, why, now);
}

static void on_server_lost(void *self, struct server *server, struct now now)
{
	(void)self;
	if (server->user)
		context_flow_lost(server->user, now);
}

static void on_server_gone(void *self, struct server *server)
{
	(void)self;
	if (server->user)
		context_server_gone(server->user);
}

static void on_client_gone(void *self, struct client *client)
{
	(void)self;
	context_client_gone(client);
}

/*
 * The server has just started, and whom it looked for it may not have read yet. Nobody is told that there is no such account, or
 * that his password is wrong; who is called is as one whose phone is not back yet.
 */
static bool is_put_off(struct context *context, const struct answer *answer, struct now now)
{
	struct refusal refusal;

	if (answer->err != ERR_AGAIN)
		return false;
	switch ((enum context_stage)context->question.kind) {
	case CONTEXT_CERTIFIED:
	case CONTEXT_SENDER:
	case CONTEXT_REGISTERED: refusal = proxy_refusals[REFUSED_NOT_READ_YET]; break;
	case CONTEXT_CALLED:
	case CONTEXT_PEER:
		refusal = proxy_refusals[REFUSED_UNREACHED];
		refusal.retry_after = proxy_refusals[REFUSED_NOT_READ_YET].retry_after;
		break;
	default: return false;
	}
	context_refuse(context, &refusal, now);
	return true;
}

static void on_answer(void *self, struct question *question, const struct answer *answer, struct now now)
{
	struct core *core = self;
	struct context *context;

	if (question->kind == NOTIFIER_QUESTION || question->kind == NOTIFIER_VOUCHED) {
		notifier_answer(question, answer, now);
		return;
	}
	if (question->kind >= HOP_DNS) {
		hop_answer(question, answer, now);
		return;
	}
	context = context_of_question(question);
	if (!context->server || context->server->final)
		return;
	if (!core_flow_is_alive(core, context->server->flow)) {
		context_refuse(context, &proxy_refusals[REFUSED_SENDER_GONE], now);
		return;
	}
	if (is_put_off(context, answer, now))
		return;
	switch ((enum context_stage)question->kind) {
	case CONTEXT_CERTIFIED:
		if (gate_answer_certified(context, answer, now))
			go_on(context, answer->aor, now);
		return;
	case CONTEXT_SENDER:
		if (gate_answer(context, answer, now))
			go_on(context, answer->aor, now);
		return;
	case CONTEXT_REGISTERED:
		if (gate_answer_registered(context, answer, now))
			go_on(context, answer->aor, now);
		return;
	case CONTEXT_PUBLISH: publication_answer(context, answer, now); return;
	case CONTEXT_STORE: registration_answer(context, answer, now); return;
	case CONTEXT_CALLED: location_answer(context, answer, now); return;
	case CONTEXT_REDIRECTED: recurse_answer(context, answer, now); return;
	case CONTEXT_PEER: dialog_answer(context, answer, now); return;
	}
}

static void on_flow(void *self, flow_id flow, const struct flow_facts *facts, struct now now)
{
	struct core *core = self;

	(void)now;
	if (facts->event != FLOW_LOST)
		return;
	if (facts->outbound || alias_flow_lost(core, flow))
		hop_flow_lost(core, flow);
}

static void on_timer(void *self, struct timer *timer, struct now now)
{
	(void)self;
	if (timer->kind == NOTIFIER_TIMER)
		notifier_timer(timer, now);
	else
		context_timer(timer, now);
}

const struct endpoint_user core_user = {
	.request = on_request,
	.cancelled = on_cancelled,
	.ack = on_ack,
	.response = on_response,
	.failed = on_failed,
	.server_lost = on_server_lost,
	.server_gone = on_server_gone,
	.client_gone = on_client_gone,
	.answer = on_answer,
	.flow = on_flow,
	.timer = on_timer,
};
