#include "ua/flow.h"

#include "ua/backoff.h"
#include "ua/call.h"
#include "ua/keepalive.h"
#include "ua/registration.h"

/* What a question about the flow is about. */
enum { ASK_DNS = 1, ASK_CONNECTION };

/* For a server after which others can be tried; the last one has as long as the transport allows. */
enum { PATIENCE_MS = 5000, IP_TEXT_MAX = 46 };

/* trouble: its cause, text and verdict. */
static void try_later(struct ua *ua, const struct ua_event *trouble, struct now now)
{
	struct ua_event event = *trouble;

	if (ua->is_stopping)
		return;
	event.kind = UA_DISCONNECTED;
	event.retry_in = backoff_wait(ua->failures, endpoint_random(ua->endpoint));
	ua_set_timer(ua, &ua->connect_timer, UA_TIMER_CONNECT, now.mono + event.retry_in);
	ua_tell(ua, &event);
}

static void fail_by(struct ua *ua, const struct ua_event *trouble, struct now now)
{
	ua->failures++;
	try_later(ua, trouble, now);
}

static void fail(struct ua *ua, enum ua_cause cause, struct slice why, struct now now)
{
	fail_by(ua, &(struct ua_event){ .cause = cause, .text = why }, now);
}

static void ask_connection(struct ua *ua, struct connect_question *question, struct now now)
{
	if (transport_is_secure(ua->transport))
		question->domain = ua->first_hop;
	/* a certificate of ours is shown to our own domain, and to nobody on the way there */
	if (transport_is_secure(ua->transport) && slice_eq(ua->first_hop, ua->domain))
		question->as = ua->domain;
	question->transport = ua->transport;
	ua->asked.kind = ASK_CONNECTION;
	if (endpoint_connect(ua->endpoint, &ua->asked, question) != OK)
		fail(ua, UA_FAILED, SLICE("there is no memory for a connection"), now);
}

/* -- the search for the server (RFC 3263) ------------------------------------------------------------------ */

static enum ua_cause cause_of_refusal(enum err err)
{
	return err == ERR_DENIED ? UA_CERTIFICATE : UA_SERVER_GONE;
}

/* Of several servers that were tried one is told of: the first that was not who it should be, else the last. */
static void note_refusal(struct ua *ua, enum err err, struct slice why, const struct verdict *verdict)
{
	struct ua_refusal *refusal = &ua->refusal;
	struct writer out = writer_of(refusal->text, sizeof refusal->text);

	if (refusal->err == ERR_DENIED)
		return;
	refusal->err = err;
	put(&out, slice_sub(why, 0, sizeof refusal->text));
	refusal->length = out.len;
	refusal->has_verdict = verdict != NULL;
	if (verdict)
		refusal->verdict = *verdict;
}

static void end_search(struct ua *ua, const struct locate_next *end, struct now now)
{
	const struct ua_refusal *refusal = &ua->refusal;

	if (refusal->err != OK)
		fail_by(ua,
			&(struct ua_event){
				.cause = cause_of_refusal(refusal->err),
				.text = slice_from(refusal->text, refusal->length),
				.verdict = refusal->has_verdict ? &refusal->verdict : NULL,
			},
			now);
	else
		fail(ua, end->err == ERR_DENIED ? UA_BOGUS_DNS : UA_SERVER_GONE, end->why, now);
}

static void try_target(struct ua *ua, const struct locate_target *target, struct now now)
{
	char host[IP_TEXT_MAX];
	struct writer out = writer_of(host, sizeof host);
	struct connect_question question = {
		.port = target->address.port,
		.tlsa = target->tlsa,
		.patience = target->is_last ? 0 : PATIENCE_MS,
	};

	put_ip(&out, &target->address);
	question.host = writer_text(&out);
	ua->place = *target;
	ask_connection(ua, &question, now);
}

/* The next step, until there is an answer to wait for. */
static void search(struct ua *ua, struct now now)
{
	struct locate_next next;

	locate_next(&ua->locate, &next);
	switch (next.step) {
	case LOCATE_ASK:
		ua->asked.kind = ASK_DNS;
		if (endpoint_resolve(ua->endpoint, &ua->asked, &next.question) != OK)
			fail(ua, UA_FAILED, SLICE("there is no memory to look the server up"), now);
		break;
	case LOCATE_TRY: try_target(ua, &next.target, now); break;
	case LOCATE_END: end_search(ua, &next, now); break;
	}
}

static void begin_search(struct ua *ua, struct now now)
{
	struct locate_request request;
	struct sip_uri aor;
	uint64_t seed;

	/* Both have been looked at by ua_new(): it is a SIP or SIPS URI, and the transport can be used for it. */
	if (!sip_uri_parse(ua->aor, &aor))
		return;
	if (ua->proxy.len > 0)
		aor = (struct sip_uri){ .scheme = aor.scheme, .host = ua->proxy, .port = ua->proxy_port };
	if (!locate_request_of(&aor, LOCATE_WITH(ua->transport), &request))
		return;
	random_bytes(endpoint_random(ua->endpoint), &seed, sizeof seed);
	locate_start(&ua->locate, &request, seed);
	ua->refusal.err = OK;
	search(ua, now);
}

/* -- the flow ------------------------------------------------------------------------------------------------ */

void flow_open(struct ua *ua, struct now now)
{
	struct connect_question question = { .host = ua->server, .port = ua->port };

	if (ua->flow != 0 || ua->asked.id != 0)
		return;
	if (ua->server.len > 0)
		ask_connection(ua, &question, now);
	else
		begin_search(ua, now);
}

void flow_answer(struct ua *ua, const struct answer *answer, struct now now)
{
	if (ua->asked.kind == ASK_DNS) {
		locate_answer(&ua->locate, &answer->dns);
		search(ua, now);
	} else if (answer->err == OK) {
		return; /* flow_opened() has come before */
	} else if (ua->server.len > 0) {
		fail_by(ua,
			&(struct ua_event){
				.cause = cause_of_refusal(answer->err),
				.text = answer->why,
				.verdict = answer->verdict,
			},
			now);
	} else {
		note_refusal(ua, answer->err, answer->why, answer->verdict);
		search(ua, now);
	}
}

void flow_opened(struct ua *ua, flow_id flow, const struct flow_facts *facts, struct now now)
{
	/* transport/ has made sure of it for the flow that was asked for; no other is of use to us */
	if (transport_is_secure(ua->transport) && !slice_eq(facts->verified, ua->first_hop)) {
		endpoint_flow_close(ua->endpoint, flow, "its name is not the one that was asked for");
		return;
	}
	ua->flow = flow;
	ua->local = facts->local;
	for (int side = 0; side < AUTH_SIDES; side++)
		ua->auth.spaces[side] = (struct auth_space){
			.is_set = false
		}; /* nonces are bound to their flow */
	ua_tell(ua, &(struct ua_event){ .kind = UA_CONNECTED });
	if (!ua->do_register)
		ua->failures = 0;
	keepalive_begin(ua, now);
	registration_begin(ua, now);
}

/* RFC 3263 §4.3: whether there is another server for what this one has not done, which is to register us. */
static bool has_other(const struct ua *ua)
{
	return ua->server.len == 0 && !ua->place.is_last && ua->do_register && !ua->is_registered &&
	       !ua->is_registration_bad && !ua->is_stopping;
}

void flow_lost(struct ua *ua, const struct flow_facts *facts, struct now now)
{
	bool goes_on = has_other(ua);

	if (ua->do_register && !ua->is_registered && !goes_on)
		ua->failures++; /* RFC 5626 §4.5: a flow that did not come to a registration counts as a failure */
	ua->flow = 0;
	keepalive_end(ua);
	registration_lost(ua);
	calls_flow_lost(ua, now);
	if (goes_on) {
		note_refusal(ua, ERR_IO, facts->why, NULL);
		search(ua, now);
	} else {
		try_later(ua, &(struct ua_event){ .cause = UA_SERVER_GONE, .text = facts->why }, now);
	}
}

bool flow_leave(struct ua *ua, const char *why)
{
	if (!has_other(ua))
		return false;
	flow_abandon(ua, why);
	return true;
}

void flow_abandon(struct ua *ua, const char *why)
{
	if (ua->flow != 0)
		endpoint_flow_close(ua->endpoint, ua->flow, why);
}
