#include "ua/registration.h"

#include "sip/fields.h"
#include "ua/backoff.h"
#include "ua/call.h"
#include "ua/enrolment.h"
#include "ua/exchange.h"
#include "ua/flow.h"
#include "ua/keepalive.h"
#include "ua/subscription.h"

enum { EXPIRES_MAX = 86400 };

static void send_register(struct ua *ua, unsigned expires, struct now now);

static void put_uri_of_aor(struct writer *out, const struct ua *ua)
{
	put_char(out, '<');
	put(out, ua->aor);
	put_char(out, '>');
}

static void put_binding(struct writer *out, const struct ua *ua)
{
	put(out, SLICE("Contact: "));
	put_ua_contact(out, ua, ua->aor_is_sips);
	if (!ua->no_outbound) {
		put(out, SLICE(";reg-id=1;+sip.instance=\"<"));
		put(out, ua->instance);
		put(out, SLICE(">\""));
	}
	put(out, SLICE("\r\n"));
}

static void put_register_lines(struct writer *out, const struct ua *ua, unsigned expires)
{
	put(out, SLICE("From: "));
	put_uri_of_aor(out, ua);
	put(out, SLICE(";tag="));
	put(out, ua_token(&ua->register_tag));
	put(out, SLICE("\r\nTo: "));
	put_uri_of_aor(out, ua);
	put(out, SLICE("\r\n"));
	put_header(out, SIP_CALL_ID, ua_token(&ua->register_call_id));
	put(out, SLICE("Max-Forwards: 70\r\n"));
	put_binding(out, ua);
	put_ua_line(out, SLICE("Expires"), expires);
	put(out, ua->no_outbound ? SLICE("Supported: path\r\n") : SLICE("Supported: path, outbound\r\n"));
	put_ua_agent(out);
}

/* How sure it is that a Contact in the server's list, which has those of all our user's phones, is ours. */
enum likeness { NOT_OURS, SAME_USER, SAME_ADDRESS, SAME_INSTANCE };

static bool is_our_address(const struct ua *ua, const struct sip_uri *uri)
{
	char text[CREDENTIALS_AOR_MAX + 128];
	struct writer out = writer_of(text, sizeof text);
	struct sip_address ours;

	put_ua_contact(&out, ua, ua->aor_is_sips);
	return !out.overflow && sip_address_parse(writer_text(&out), &ours) && sip_uri_eq(&ours.uri, uri);
}

static enum likeness likeness_of(const struct ua *ua, const struct sip_address *contact)
{
	struct slice instance;

	if (sip_param_find(contact->params, SLICE("+sip.instance"), &instance))
		return slice_find_text(instance, ua->instance) < instance.len ? SAME_INSTANCE : NOT_OURS;
	if (is_our_address(ua, &contact->uri))
		return SAME_ADDRESS;
	return slice_eq(contact->uri.user, ua->user) ? SAME_USER : NOT_OURS;
}

static bool parse_life(const struct sip_address *contact, uint32_t *ret_seconds)
{
	struct slice expires;

	return sip_param_find(contact->params, SLICE("expires"), &expires) &&
	       sip_delta_parse(expires, ret_seconds) && *ret_seconds > 0;
}

/*
 * The life that the server granted: of our Contact in its list, else of the whole response (§10.2.4). Where it writes the address anew and
 * knows of no instances, ours may be any of those that have our name: then the one that ends first counts.
 */
static unsigned granted(const struct ua *ua, const struct sip_message *response)
{
	struct sip_values values = sip_values_of(response, SIP_CONTACT);
	enum likeness best = NOT_OURS;
	struct sip_address contact;
	uint32_t seconds = 0, life;
	struct slice value;

	while (sip_values_next(&values, &value)) {
		enum likeness likeness;

		if (!sip_address_parse(value, &contact) || !parse_life(&contact, &life))
			continue;
		likeness = likeness_of(ua, &contact);
		if (likeness > best || (likeness != NOT_OURS && likeness == best && life < seconds))
			seconds = life;
		if (likeness > best)
			best = likeness;
	}
	if (best == NOT_OURS &&
	    (!sip_delta_parse(sip_message_value(response, SIP_EXPIRES), &seconds) || seconds == 0))
		return ua->expires;
	return seconds < EXPIRES_MAX ? seconds : EXPIRES_MAX;
}

static void tell_failure(struct ua *ua, struct ua_event event, ms_t retry_in, struct now now)
{
	event.kind = UA_REGISTRATION_FAILED;
	event.retry_in = retry_in;
	ua->is_registered = false;
	if (retry_in > 0)
		ua_set_timer(ua, &ua->refresh_timer, UA_TIMER_REFRESH, now.mono + retry_in);
	else
		ua->is_registration_bad = true;
	ua_tell(ua, &event);
}

/* RFC 7616 §3.5: a server that knows the password can say so. Whoever has taken its place cannot, and may keep silent. */
static bool is_proof_missing(const struct ua *ua)
{
	return ua->auth.login.password.len > 0 &&
	       (ua->proof == UA_PROOF_REQUIRED || (ua->proof == UA_PROOF_REMEMBERED && ua->was_proven));
}

/* Somebody else has taken its place: told to the person, and in the log. */
static void doubt_server(struct ua *ua, struct slice text, const char *why, struct now now)
{
	tell_failure(ua, (struct ua_event){ .cause = UA_NOT_AUTHENTIC, .text = text }, 0, now);
	flow_abandon(ua, why);
}

/* True if the server is the one that it should be. */
static bool check_proof(struct ua *ua, struct exchange *exchange, const struct sip_message *response,
			struct now now)
{
	enum auth_proof proof = auth_client_confirm(&ua->auth, &exchange->sent, response);

	if (proof == AUTH_PROOF_WRONG) {
		doubt_server(ua, SLICE("the server does not know the password that it asked for"),
			     "its proof of the password is wrong", now);
		return false;
	}
	if (proof == AUTH_PROOF_NONE && is_proof_missing(ua)) {
		doubt_server(ua, SLICE("the server does not prove that it knows the password, and it has to"),
			     "it does not prove that it knows the password", now);
		return false;
	}
	if (proof == AUTH_PROOF_GOOD && !ua->was_proven) {
		ua->was_proven = true;
		ua_tell(ua, &(struct ua_event){ .kind = UA_PROVEN });
	}
	return true;
}

static void registered(struct ua *ua, struct exchange *exchange, const struct sip_message *response,
		       struct now now)
{
	unsigned seconds = granted(ua, response);
	uint32_t chance;

	if (!check_proof(ua, exchange, response, now))
		return;
	/* RFC 5626 §4.2.1 leaves the moment to the phone; by chance, so that they do not all come together */
	random_bytes(endpoint_random(ua->endpoint), &chance, sizeof chance);
	ua_set_timer(ua, &ua->refresh_timer, UA_TIMER_REFRESH,
		     now.mono + (ms_t)seconds * (500 + chance % 401));
	ua->failures = 0;
	keepalive_take(ua, response, now);
	if (ua->is_registered)
		return;
	ua->is_registered = true;
	ua_tell(ua,
		&(struct ua_event){ .kind = UA_REGISTERED, .seconds = seconds, .secure = ua->aor_is_sips });
	calls_registered(ua, now);
	subscriptions_registered(ua, now);
	enrolment_begin(ua, now);
}

/* RFC 3261 §21.5.4; who asks for more than our longest wait gets that. */
static ms_t retry_after(const struct ua *ua, const struct sip_message *response)
{
	uint32_t seconds;

	if (!sip_retry_after_parse(sip_message_value(response, SIP_RETRY_AFTER), &seconds) || seconds == 0)
		return backoff_wait(ua->failures, endpoint_random(ua->endpoint));
	return seconds < BACKOFF_MAX_MS / 1000 ? (ms_t)seconds * 1000 : BACKOFF_MAX_MS;
}

/* RFC 3261 §10.2.8: 423, once with what it asks for. */
static bool ask_longer(struct ua *ua, const struct sip_message *response)
{
	uint32_t least;

	if (response->status != 423 ||
	    !sip_delta_parse(sip_message_value(response, SIP_MIN_EXPIRES), &least) || least <= ua->expires ||
	    least > EXPIRES_MAX)
		return false;
	ua->expires = least;
	return true;
}

/* RFC 5626 §11.6: 439, the first hop lacks outbound support. */
static bool do_without_outbound(struct ua *ua, const struct sip_message *response)
{
	if (response->status != 439 || ua->no_outbound)
		return false;
	ua->no_outbound = true;
	return true;
}

/* The id of our REGISTERs is the life that they ask for. */
bool registration_is_removal(const struct exchange *exchange)
{
	return exchange->id == 0;
}

static void on_response(struct exchange *exchange, const struct sip_message *response, struct now now)
{
	struct ua *ua = exchange->ua;
	unsigned status = response->status;
	bool is_latest = ua->registering == exchange;

	if (status < 200)
		return;
	ua->registering = NULL;
	if (ua->is_stopping) {
		if (status < 300 && is_latest &&
		    !registration_is_removal(exchange)) /* it is not wanted any more */
			send_register(ua, 0, now);
		return;
	}
	if (status < 300) {
		registered(ua, exchange, response, now);
		return;
	}
	if (ask_longer(ua, response) || do_without_outbound(ua, response)) {
		send_register(ua, ua->expires, now);
		return;
	}
	if (status == 503 && flow_leave(ua, "it does not serve now (503)"))
		return;
	ua->failures++;
	tell_failure(ua,
		     (struct ua_event){
			     .cause = ua_cause_of(status), .status = status, .text = ua_why_of(response) },
		     ua_may_pass(status) ? retry_after(ua, response) : 0, now);
}

static void on_failed(struct exchange *exchange, enum ua_cause cause, struct slice why, struct now now)
{
	struct ua *ua = exchange->ua;
	bool is_final = cause == UA_WRONG_PASSWORD || cause == UA_NOT_AUTHENTIC;

	ua->registering = NULL;
	if (ua->is_stopping)
		return;
	if (cause == UA_SERVER_GONE)
		return; /* flow_lost() tells it and sees to a new flow */
	tell_failure(ua, (struct ua_event){ .cause = cause, .text = why },
		     is_final ? 0 : backoff_wait(++ua->failures, endpoint_random(ua->endpoint)), now);
	if (cause == UA_TIMEOUT)
		flow_abandon(ua, "REGISTER was not answered");
}

static const struct exchange_user register_user = { on_response, on_failed };

static void send_register(struct ua *ua, unsigned expires, struct now now)
{
	char uri[300], lines[2048];
	struct writer uri_out = writer_of(uri, sizeof uri), out = writer_of(lines, sizeof lines);
	struct exchange_plan plan = {
		.user = &register_user,
		.id = expires,
		.method = SIP_REGISTER,
		.cseq = &ua->register_cseq,
	};

	/* RFC 3261 §10.2: "The userinfo and @ components of the SIP URI MUST NOT be present." */
	put(&uri_out, ua->aor_is_sips ? SLICE("sips:") : SLICE("sip:"));
	put(&uri_out, ua->domain);
	put_register_lines(&out, ua, expires);
	plan.uri = writer_text(&uri_out);
	plan.lines = writer_text(&out);
	if (exchange_start(ua, &plan, now, &ua->registering) == OK || ua->flow == 0)
		return;
	tell_failure(ua, (struct ua_event){ .cause = UA_FAILED, .text = SLICE("REGISTER could not be sent") },
		     backoff_wait(++ua->failures, endpoint_random(ua->endpoint)), now);
}

void registration_begin(struct ua *ua, struct now now)
{
	ua_clear_timer(ua, &ua->refresh_timer);
	if (ua->do_register && !ua->is_stopping && !ua->is_registration_bad)
		send_register(ua, ua->expires, now);
}

void registration_refresh(struct ua *ua, struct now now)
{
	if (ua->flow != 0 && !ua->registering)
		send_register(ua, ua->expires, now);
}

void registration_lost(struct ua *ua)
{
	ua->is_registered = false;
	ua_clear_timer(ua, &ua->refresh_timer);
}

void registration_end(struct ua *ua, struct now now)
{
	bool was_registered = ua->is_registered;

	ua->is_registered = false;
	ua_clear_timer(ua, &ua->refresh_timer);
	if (was_registered && ua->flow != 0)
		send_register(ua, 0, now);
}
