#include "ua/exchange.h"

#include "base/mem.h"
#include "ua/arrival.h"
#include "ua/call.h"
#include "ua/flow.h"
#include "ua/protect.h"
#include "ua/registration.h"
#include "ua/state.h"

enum { CREDENTIALS_MAX = 4096 };

static struct slice copy(struct writer *out, struct slice text)
{
	size_t at = out->len;

	put(out, text);
	return slice_from(out->buf + at, text.len);
}

static void exchange_free(struct exchange *exchange)
{
	list_remove(&exchange->ua->exchanges, &exchange->link);
	if (exchange->ua->registering == exchange)
		exchange->ua->registering = NULL;
	if (exchange->call)
		call_drop_exchange(exchange->call, exchange);
	certificate_free(exchange->also);
	mem_free(exchange->credentials);
	mem_free(exchange);
}

/*
 * Credentials that are known go ahead of a challenge, but never into a dialog: there they would reach the
 * other phone, and our server knows us by the flow.
 */
static enum err write_credentials(struct exchange *exchange, struct slice body)
{
	struct ua *ua = exchange->ua;
	const struct auth_subject subject = {
		.method = sip_method_name(exchange->method),
		.uri = exchange->uri,
		.body = body,
	};
	struct writer out;

	exchange->credentials_len = 0;
	if (exchange->in_dialog && exchange->rounds[AUTH_PROXY] == 0)
		return OK;
	if (!exchange->credentials)
		exchange->credentials = mem_alloc(CREDENTIALS_MAX);
	if (!exchange->credentials)
		return ERR_NOMEM;
	out = writer_of(exchange->credentials, CREDENTIALS_MAX);
	if (!put_authorization(&out, &ua->auth, &subject, &exchange->sent))
		return ERR_NOMEM;
	if (out.overflow)
		return ERR_LIMIT;
	exchange->credentials_len = out.len;
	return OK;
}

/*
 * RFC 3261 §8.1.2; RFC 5630 §5.1.1: "it is the responsibility of the UAC to use a Route header field consisting of all SIPS URIs
 * when using a SIPS Request-URI". In a dialog the proxy is in the route set.
 */
static void put_way(struct writer *out, const struct exchange *exchange)
{
	const struct ua *ua = exchange->ua;

	if (ua->proxy.len == 0 || exchange->in_dialog)
		return;
	put(out, slice_starts_nocase(exchange->uri, SLICE("sips:")) ? SLICE("Route: <sips:")
								    : SLICE("Route: <sip:"));
	put(out, ua->proxy);
	if (ua->proxy_port) {
		put_char(out, ':');
		put_number(out, ua->proxy_port);
	}
	put(out, SLICE(";lr>\r\n"));
}

/* All header lines but Via, credentials and Content-Length, and the body; as they are, or protected. */
static enum err write_message(struct exchange *exchange, struct now now, struct protected *ret_message)
{
	size_t size = exchange->lines.len + exchange->ua->proxy.len + 96;
	struct writer out = writer_of(mem_alloc(size), size);
	struct protect_order order = { .uri = exchange->protect_for,
				       .also = exchange->also,
				       .now = now.wall };
	enum err err = OK;

	if (!out.buf)
		return ERR_NOMEM;
	put(&out, SLICE("CSeq: "));
	put_number(&out, exchange->number);
	put_char(&out, ' ');
	put(&out, sip_method_name(exchange->method));
	put(&out, SLICE("\r\n"));
	put_way(&out, exchange);
	put(&out, exchange->lines);
	order.message.lines = writer_text(&out);
	order.message.body = exchange->body;
	if (exchange->protect_for.len > 0) {
		err = protect_wrap(exchange->ua, &order, ret_message, &exchange->how);
	} else {
		ret_message->lines = secret_new(writer_text(&out));
		ret_message->body = secret_new(exchange->body);
		err = ret_message->lines && ret_message->body ? OK : ERR_NOMEM;
	}
	mem_free(out.buf);
	return err;
}

static enum err start_transaction(struct exchange *exchange, const struct protected *message, struct now now)
{
	struct ua *ua = exchange->ua;
	struct slice lines = secret_slice(message->lines), body = secret_slice(message->body);
	size_t size = lines.len + body.len + CREDENTIALS_MAX + 256;
	struct outgoing outgoing = {
		.method = exchange->method,
		.uri = exchange->uri,
		.flow = ua->flow,
		.user = exchange,
	};
	struct writer out;
	enum err err;

	if (transport_is_secure(ua->transport))
		outgoing.require = (struct requirement){ .level = REQUIRE_DOMAIN, .domain = ua->first_hop };
	TRY(write_credentials(exchange, body));
	out = writer_of(mem_alloc(size), size);
	if (!out.buf)
		return ERR_NOMEM;
	put(&out, lines);
	put(&out, exchange_credentials(exchange));
	put_body(&out, body);
	outgoing.rest = writer_text(&out);
	err = out.overflow ? ERR_LIMIT : endpoint_request(ua->endpoint, &outgoing, now, &exchange->client);
	mem_free(out.buf);
	return err;
}

/* One transaction, with the next number. */
static enum err transmit(struct exchange *exchange, struct now now)
{
	struct protected message = { NULL, NULL };
	enum err err;

	if (exchange->ua->flow == 0)
		return ERR_CLOSED;
	exchange->number = ++*exchange->cseq;
	err = write_message(exchange, now, &message);
	if (err == OK)
		err = start_transaction(exchange, &message, now);
	protected_fini(&message);
	return err;
}

enum err exchange_start(struct ua *ua, const struct exchange_plan *plan, struct now now,
			struct exchange **ret_exchange)
{
	size_t size = plan->uri.len + plan->lines.len + plan->body.len + plan->protect_for.len;
	struct exchange *exchange = mem_zalloc(1, sizeof *exchange + size);
	struct writer out;
	enum err err;

	if (!exchange)
		return ERR_NOMEM;
	out = writer_of(exchange->text, size);
	exchange->ua = ua;
	exchange->user = plan->user;
	exchange->id = plan->id;
	exchange->method = plan->method;
	exchange->in_dialog = plan->in_dialog;
	exchange->own_cseq = plan->after;
	exchange->cseq = plan->cseq ? plan->cseq : &exchange->own_cseq;
	exchange->uri = copy(&out, plan->uri);
	exchange->lines = copy(&out, plan->lines);
	exchange->body = copy(&out, plan->body);
	exchange->protect_for = copy(&out, plan->protect_for);
	exchange->is_again = plan->is_again;
	exchange->is_anonymous = plan->is_anonymous;
	list_append(&ua->exchanges, &exchange->link);
	err = plan->also ? certificate_copy(plan->also, &exchange->also) : OK;
	if (err == OK)
		err = transmit(exchange, now);
	if (err != OK) {
		exchange_free(exchange);
		return err;
	}
	if (plan->call) {
		exchange->call = plan->call;
		call_ref(plan->call);
	}
	*ret_exchange = exchange;
	return OK;
}

/*
 * Whether a challenge on this request may be answered at all. The flow is the one that we opened and
 * verified, or in clear by the user's own word. In a dialog the server need not ask (it knows us by the flow
 * once we are registered), so what comes then may be the other phone's doing; and a 401 always is.
 */
static bool may_answer(const struct exchange *exchange, const struct sip_message *response)
{
	const struct ua *ua = exchange->ua;
	const struct flow_view *view = endpoint_flow_view(ua->endpoint, ua->flow);

	if (exchange->client->flow != ua->flow || !view)
		return false;
	if (transport_is_secure(ua->transport) && !slice_eq(view->verified, ua->first_hop))
		return false;
	return !exchange->in_dialog || (response->status == 407 && !ua->is_registered);
}

static void give_up(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	const struct exchange_user *user = exchange->user;

	exchange->user = NULL;
	exchange->is_over = true;
	user->failed(exchange, cause, why, now);
}

static void tell_algorithm(struct ua *ua, enum digest_algorithm before)
{
	if (ua->auth.weakest != before)
		ua_tell(ua, &(struct ua_event){ .kind = UA_ALGORITHM,
						.text = auth_algorithm_name(ua->auth.weakest, false) });
}

/*
 * Nobody wants it any more: its call was given up meanwhile, and with this response the INVITE is over; or who stops is no
 * more to be registered. It is not made once more.
 */
static bool is_given_up(const struct exchange *exchange)
{
	if (exchange->method == SIP_REGISTER)
		return exchange->ua->is_stopping && !registration_is_removal(exchange);
	return exchange->method == SIP_INVITE && exchange->call &&
	       (exchange->call->state == CALL_LEAVING || exchange->call->state == CALL_ENDED);
}

static void take_challenge(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct ua *ua = exchange->ua;
	enum digest_algorithm before = ua->auth.weakest;
	enum auth_side side = response->status == 407 ? AUTH_PROXY : AUTH_USER_AGENT;
	struct client *old = exchange->client;
	enum auth_choice choice;

	if (is_given_up(exchange)) {
		give_up(exchange, UA_CANCELLED, ua_why_of(response), now);
		return;
	}
	if (ua->auth.login.password.len == 0) {
		give_up(exchange, UA_WRONG_PASSWORD,
			SLICE("the server takes no certificate in place of the password, or not the one that was shown"),
			now);
		return;
	}
	if (!may_answer(exchange, response)) {
		give_up(exchange, UA_NOT_AUTHENTIC,
			SLICE("a challenge came that our server had no reason to send; no password was used"),
			now);
		return;
	}
	choice = auth_client_challenge(&ua->auth, response, exchange->rounds[side]);
	tell_algorithm(ua, before);
	if (choice != AUTH_ANSWER) {
		give_up(exchange, choice == AUTH_REFUSED ? UA_WRONG_PASSWORD : UA_NOT_AUTHENTIC,
			slice_of(auth_choice_text(choice)), now);
		return;
	}
	exchange->rounds[side]++;
	if (transmit(exchange, now) == OK) {
		old->user = NULL; /* it is over; this exchange goes with the new one */
		return;
	}
	give_up(exchange, UA_FAILED, SLICE("the request could not be sent again with credentials"), now);
}

/* Whoever answers with a wrong proof has taken the place of our server (RFC 7615 §4, RFC 7616 §3.5). */
static bool is_false_proof(struct exchange *exchange, const struct sip_message *response)
{
	return response->status >= 200 &&
	       auth_client_confirm(&exchange->ua->auth, &exchange->sent, response) == AUTH_PROOF_WRONG;
}

/* As it counts, if it came protected. */
static void tell_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct ua *ua = exchange->ua;
	const struct sip_message *opened;
	struct arrival arrival;

	if (!arrival_begin(ua, response, now, &arrival, &opened)) {
		ua->events.lost = true; /* no memory: as if it had not come, but for what is final */
		if (exchange->is_over)
			give_up(exchange, UA_FAILED, SLICE("there is no memory"), now);
		return;
	}
	exchange->user->response(exchange, opened, now);
	arrival_end(ua, &arrival);
}

void exchange_response(struct exchange *exchange, struct client *client, const struct sip_message *response,
		       struct now now)
{
	if (client != exchange->client || !exchange->user)
		return;
	if (response->status == 401 || response->status == 407) {
		take_challenge(exchange, response, now);
		return;
	}
	if (exchange->method != SIP_REGISTER && is_false_proof(exchange, response)) {
		give_up(exchange, UA_NOT_AUTHENTIC,
			SLICE("the server does not know the password that it asked for"), now);
		flow_abandon(exchange->ua, "its proof of the password is wrong");
		return;
	}
	exchange->is_over = response->status >= 200;
	tell_response(exchange, response, now);
}

void exchange_failed(struct exchange *exchange, enum client_failure why, struct now now)
{
	static const struct {
		enum ua_cause cause;
		struct slice why;
	} failures[] = {
		[CLIENT_TIMEOUT] = { UA_TIMEOUT, SLICE_INIT("the server did not answer in time") },
		[CLIENT_FLOW_LOST] = { UA_SERVER_GONE, SLICE_INIT("the connection to the server is lost") },
		[CLIENT_TOO_LARGE] = { UA_FAILED, SLICE_INIT("the request is too large for UDP") },
		[CLIENT_REFUSED] = { UA_NOT_SECURE,
				     SLICE_INIT(
					     "the connection to the server is not as secure as this needs") },
		[CLIENT_NO_MEMORY] = { UA_FAILED, SLICE_INIT("there is no memory") },
	};

	if (exchange->user)
		give_up(exchange, failures[why].cause, failures[why].why, now);
}

void exchange_gone(struct exchange *exchange, struct client *client)
{
	if (exchange->client == client)
		exchange_free(exchange);
}
