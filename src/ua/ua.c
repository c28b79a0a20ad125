#include "ua/ua.h"
#include "ua/protect.h"

#include "base/mem.h"
#include "ua/arrival.h"
#include "ua/call.h"
#include "ua/departure.h"
#include "ua/enrolment.h"
#include "ua/exchange.h"
#include "ua/fetch.h"
#include "ua/flow.h"
#include "ua/keepalive.h"
#include "ua/registration.h"
#include "ua/request.h"
#include "ua/state.h"
#include "ua/subscription.h"

enum { STOP_MS = 2000, EXPIRES_DEFAULT = 600, RING_MS = 60000, STRANGERS_A_MINUTE = 60 };

/* -- life -------------------------------------------------------------------------------------------- */

static struct slice copy(struct writer *out, struct slice text)
{
	size_t at = out->len;

	put(out, text);
	return slice_from(out->buf + at, out->len - at);
}

static struct slice copy_lower(struct writer *out, struct slice text)
{
	size_t at = out->len;

	put_lower(out, text);
	return slice_from(out->buf + at, out->len - at);
}

static enum err set_smime(struct ua *ua, const struct ua_config *config)
{
	uint32_t strangers = config->strangers ? config->strangers : STRANGERS_A_MINUTE;

	ua->smime = config->smime;
	ua->smime_cipher = config->smime_256 ? CMS_AES256_GCM : CMS_AES128_GCM;
	quota_init(&ua->strangers, 60 * strangers, strangers, 0);
	ua->contacts = contacts_new();
	if (!ua->contacts)
		return ERR_NOMEM;
	for (size_t i = 0; i < config->n_smime_for; i++) {
		char aor[CONTACTS_AOR_MAX];
		struct writer out = writer_of(aor, sizeof aor);

		TRY(contacts_say(ua->contacts, put_protect_aor(&out, config->smime_for[i].uri),
				 config->smime_for[i].policy));
	}
	return OK;
}

static enum err set_account(struct ua *ua, const struct ua_config *config, const struct sip_uri *aor)
{
	size_t size = config->aor.len + aor->user.len + aor->host.len + config->server.len +
		      config->instance.len + config->proxy.len;
	struct writer out;

	ua->texts = mem_alloc(size + 1);
	ua->password = secret_new(config->password);
	if (!ua->texts || !ua->password)
		return ERR_NOMEM;
	out = writer_of(ua->texts, size);
	ua->aor = copy(&out, config->aor);
	ua->user = copy(&out, aor->user);
	ua->domain = copy_lower(&out, aor->host);
	ua->server = copy(&out, config->server);
	ua->instance = copy(&out, config->instance);
	ua->proxy = copy_lower(&out, config->proxy);
	ua->proxy_port = config->proxy_port;
	ua->first_hop = ua->proxy.len > 0 ? ua->proxy : ua->domain;
	ua->aor_is_sips = aor->scheme == SIP_SCHEME_SIPS;
	ua->port = config->port;
	ua->transport = config->transport;
	ua->srtp = config->srtp;
	ua->transfers = config->transfers;
	ua->do_register = config->do_register;
	ua->is_anonymous = config->is_anonymous;
	ua->expires = config->expires ? config->expires : EXPIRES_DEFAULT;
	ua->ring = config->ring ? config->ring : RING_MS;
	ua->session = config->session;
	ua->keepalive = config->keepalive ? config->keepalive : KEEPALIVE_SECONDS;
	ua->is_keepalive_said = config->keepalive != 0;
	ua->auth.crypto = config->crypto;
	ua->auth.weakest = config->least;
	ua->proof = config->proof;
	ua->was_proven = config->was_proven;
	ua->auth.login = (struct auth_login){
		.username = ua->user,
		.realm = ua->domain,
		.password = secret_slice(ua->password),
	};
	return OK;
}

static enum err parse_account(struct slice text, enum transport_protocol transport, struct sip_uri *ret_aor)
{
	char name[CREDENTIALS_AOR_MAX];
	struct writer out = writer_of(name, sizeof name);
	struct sip_uri aor;

	if (!sip_uri_parse(text, &aor) || aor.user.len == 0 || aor.port != 0 || aor.params.len != 0 ||
	    aor.headers.len != 0 || (aor.scheme != SIP_SCHEME_SIP && aor.scheme != SIP_SCHEME_SIPS))
		return ERR_SYNTAX;
	if (aor.scheme == SIP_SCHEME_SIPS && !transport_is_secure(transport))
		return ERR_DENIED;
	put_aor(&out, &aor);
	if (out.overflow)
		return ERR_SYNTAX;
	*ret_aor = aor;
	return OK;
}

enum err ua_check_account(struct slice aor, enum transport_protocol transport)
{
	struct sip_uri uri;

	return parse_account(aor, transport, &uri);
}

static enum err set_credentials(struct ua *ua, const struct ua_config *config, const struct sip_uri *aor)
{
	const struct credentials_source source = { .self = ua, .ask = fetch_ask, .tell = fetch_tell };
	char name[CREDENTIALS_AOR_MAX];
	struct writer out = writer_of(name, sizeof name);

	put_aor(&out, aor); /* there is room, or parse_account() would have refused it */
	ua->anchors = config->anchors;
	ua->credentials = credentials_new(config->crypto, writer_text(&out), &source);
	if (!ua->credentials)
		return ERR_NOMEM;
	credentials_set_policy(ua->credentials, config->policy);
	credentials_set_anchors(ua->credentials, config->anchors);
	return OK;
}

enum err ua_new(const struct ua_config *config, struct ua **ret_ua)
{
	AUTO(ua) struct ua *ua = mem_new(struct ua);
	struct sip_uri aor;

	if (!ua)
		return ERR_NOMEM;
	ua_queue_init(&ua->events);
	list_init(&ua->calls);
	list_init(&ua->exchanges);
	list_init(&ua->subscriptions);
	list_init(&ua->arrivals);
	list_init(&ua->departures);
	TRY(parse_account(config->aor, config->transport, &aor));
	TRY(set_account(ua, config, &aor));
	TRY(set_credentials(ua, config, &aor));
	TRY(set_smime(ua, config));
	*ret_ua = TAKE(ua);
	return OK;
}

void ua_free(struct ua *ua)
{
	if (!ua)
		return;
	calls_free(ua);
	subscriptions_free(ua);
	departures_free(ua);
	arrivals_free(ua);
	credentials_free(ua->credentials);
	contacts_free(ua->contacts);
	ua_queue_fini(&ua->events);
	secret_free(ua->password);
	mem_free(ua->texts);
	mem_free(ua);
}

void ua_attach(struct ua *ua, struct endpoint *endpoint)
{
	ua->endpoint = endpoint;
	ua->auth.random = endpoint_random(endpoint);
	ua->register_call_id = ua_token_make(ua);
	ua->register_tag = ua_token_make(ua);
}

void ua_start(struct ua *ua, struct now now)
{
	flow_open(ua, now);
}

struct credentials *ua_credentials(struct ua *ua)
{
	return ua->credentials;
}

struct contacts *ua_contacts(struct ua *ua)
{
	return ua->contacts;
}

void ua_enrol(struct ua *ua, struct now now)
{
	enrolment_begin(ua, now);
}

void put_ua_replays(struct writer *out, const struct ua *ua)
{
	_Static_assert((size_t)REPLAY_TEXT_MAX <= (size_t)UA_REPLAYS_MAX, "all of it fits");
	put_replays(out, &ua->replay);
}

enum err ua_replays_parse(struct ua *ua, struct slice text)
{
	return replay_parse(&ua->replay, text);
}

uint64_t ua_replays_taken(const struct ua *ua)
{
	return ua->replay.changes;
}

/* -- stopping ---------------------------------------------------------------------------------------- */

static void tell_stopped(struct ua *ua, struct now now)
{
	if (ua->has_stopped)
		return;
	ua->has_stopped = true;
	ua_clear_timer(ua, &ua->stop_timer);
	calls_forget(ua, now);
	subscriptions_abandon(ua, now);
	ua_tell(ua, &(struct ua_event){ .kind = UA_STOPPED });
}

static void stop_when_idle(struct ua *ua, struct now now)
{
	if (!ua->is_stopping)
		return;
	LIST_EACH (exchange, &ua->exchanges, struct exchange, link)
		if (!exchange->is_over)
			return;
	LIST_EACH (call, &ua->calls, struct call, link)
		if (call->state == CALL_ANSWERED && ua->flow != 0)
			return; /* its ACK is to come, and then our BYE */
	if (!subscriptions_are_over(ua))
		return; /* the last NOTIFY is to come, and wants a 200 */
	tell_stopped(ua, now);
}

void ua_stop(struct ua *ua, struct now now)
{
	if (ua->is_stopping)
		return;
	ua->is_stopping = true;
	ua_set_timer(ua, &ua->stop_timer, UA_TIMER_STOP, now.mono + STOP_MS);
	calls_hangup(ua, now);
	subscriptions_end(ua, now);
	ua_clear_timer(ua, &ua->connect_timer);
	ua_clear_timer(ua, &ua->enrol_timer);
	endpoint_forget(ua->endpoint, &ua->asked);
	registration_end(ua, now);
	stop_when_idle(ua, now);
}

void ua_set_anonymous(struct ua *ua, bool is_anonymous)
{
	ua->is_anonymous = is_anonymous;
}

void ua_trust(struct ua *ua, const struct anchors *anchors)
{
	ua->anchors = anchors;
	credentials_set_anchors(ua->credentials, anchors);
}

/* -- what is known ----------------------------------------------------------------------------------- */

bool ua_next_event(struct ua *ua, struct ua_event *ret_event)
{
	calls_sweep(ua);
	subscriptions_sweep(ua);
	return ua_queue_take(&ua->events, ret_event);
}

bool ua_is_registered(const struct ua *ua)
{
	return ua->is_registered;
}

bool ua_local_address(const struct ua *ua, struct address *ret_address)
{
	if (ua->flow == 0)
		return false;
	*ret_address = ua->local;
	return true;
}

bool ua_first_hop(const struct ua *ua, struct flow_view *ret_view)
{
	const struct flow_view *view = ua->flow ? endpoint_flow_view(ua->endpoint, ua->flow) : NULL;

	if (view)
		*ret_view = *view;
	return view;
}

bool ua_place(const struct ua *ua, struct locate_target *ret_place)
{
	if (ua->flow == 0 || ua->server.len > 0)
		return false;
	*ret_place = ua->place;
	return true;
}

/* -- the transaction user ---------------------------------------------------------------------------- */

static void on_request(void *self, struct server *server, struct now now)
{
	request_take(self, server, now);
	stop_when_idle(self, now);
}

static void on_cancelled(void *self, struct server *server, const struct sip_message *cancel, struct now now)
{
	(void)cancel;
	if (!arrival_cancelled(self, server, now) && server->user)
		call_cancelled(server->user, server, now);
}

static void on_ack(void *self, flow_id from, const struct sip_message *ack, struct slice via, struct now now)
{
	struct ua *ua = self;
	struct call *call = from == ua->flow ? call_find_dialog(ua, ack) : NULL;
	const struct sip_message *opened;
	struct arrival arrival;

	(void)via; /* it goes no further */
	if (call && arrival_begin(ua, ack, now, &arrival, &opened)) {
		call_acked(call, opened, now);
		arrival_end(ua, &arrival);
	}
	stop_when_idle(ua, now);
}

static void on_response(void *self, struct client *client, const struct sip_message *response, struct now now)
{
	if (client->user)
		exchange_response(client->user, client, response, now);
	stop_when_idle(self, now);
}

static void on_failed(void *self, struct client *client, enum client_failure why, struct now now)
{
	if (client->user)
		exchange_failed(client->user, why, now);
	stop_when_idle(self, now);
}

static void on_server_gone(void *self, struct server *server)
{
	if (server->user)
		call_server_gone(server->user, server);
	server->user = NULL;
	arrival_gone(self, server);
}

static void on_client_gone(void *self, struct client *client)
{
	(void)self;
	if (client->user)
		exchange_gone(client->user, client);
	client->user = NULL;
}

static void on_answer(void *self, struct question *question, const struct answer *answer, struct now now)
{
	(void)question; /* there is only one: ua->asked */
	flow_answer(self, answer, now);
}

static void on_flow(void *self, flow_id flow, const struct flow_facts *facts, struct now now)
{
	struct ua *ua = self;

	if (facts->event == FLOW_OPENED && facts->outbound && ua->flow == 0)
		flow_opened(ua, flow, facts, now);
	if (facts->event == FLOW_LOST && flow == ua->flow)
		flow_lost(ua, facts, now);
}

static void on_timer(void *self, struct timer *timer, struct now now)
{
	struct ua *ua = self;

	switch ((enum ua_timer)timer->kind) {
	case UA_TIMER_CONNECT: flow_open(ua, now); break;
	case UA_TIMER_REFRESH: registration_refresh(ua, now); break;
	case UA_TIMER_STOP: tell_stopped(ua, now); break;
	case UA_TIMER_KEEPALIVE: keepalive_due(ua, now); break;
	case UA_TIMER_ENROL: enrolment_due(ua, now); break;
	case UA_TIMER_SUBSCRIPTION: subscription_due(timer, now); break;
	case UA_TIMER_DEPARTURE: departure_due(timer, now); break;
	default: call_timer(timer, now); break;
	}
}

static void on_pong(void *self, flow_id flow, struct now now)
{
	struct ua *ua = self;

	if (flow == ua->flow)
		keepalive_answered(ua, now);
}

const struct endpoint_user ua_user = {
	.request = on_request,
	.cancelled = on_cancelled,
	.ack = on_ack,
	.response = on_response,
	.failed = on_failed,
	.server_gone = on_server_gone,
	.client_gone = on_client_gone,
	.answer = on_answer,
	.flow = on_flow,
	.timer = on_timer,
	.pong = on_pong,
};
