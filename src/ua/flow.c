#include "ua/flow.h"

#include "ua/backoff.h"
#include "ua/call.h"
#include "ua/keepalive.h"
#include "ua/registration.h"

static void try_later(struct ua *ua, enum ua_cause cause, struct slice why, struct now now)
{
	struct ua_event event = { .kind = UA_DISCONNECTED, .cause = cause, .text = why };

	if (ua->is_stopping)
		return;
	event.retry_in = backoff_wait(ua->failures, endpoint_random(ua->endpoint));
	ua_set_timer(ua, &ua->connect_timer, UA_TIMER_CONNECT, now.mono + event.retry_in);
	ua_tell(ua, &event);
}

void flow_open(struct ua *ua, struct now now)
{
	struct connect_question question = {
		.transport = ua->transport,
		.host = ua->server,
		.port = ua->port,
	};

	if (ua->flow != 0 || ua->connect.id != 0)
		return;
	if (transport_is_secure(ua->transport))
		question.domain = ua->domain;
	if (endpoint_connect(ua->endpoint, &ua->connect, &question) == OK)
		return;
	ua->failures++;
	try_later(ua, UA_FAILED, SLICE("there is no memory for a connection"), now);
}

void flow_answer(struct ua *ua, const struct answer *answer, struct now now)
{
	if (answer->err == OK)
		return; /* flow_opened() has come before */
	ua->failures++;
	try_later(ua, answer->err == ERR_DENIED ? UA_CERTIFICATE : UA_SERVER_GONE, answer->why, now);
}

void flow_opened(struct ua *ua, flow_id flow, const struct flow_facts *facts, struct now now)
{
	/* transport/ has made sure of it for the flow that was asked for; no other is of use to us */
	if (transport_is_secure(ua->transport) && !slice_eq(facts->verified, ua->domain)) {
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

void flow_lost(struct ua *ua, const struct flow_facts *facts, struct now now)
{
	if (ua->do_register && !ua->is_registered)
		ua->failures++; /* RFC 5626 §4.5: a flow that did not come to a registration counts as a failure */
	ua->flow = 0;
	keepalive_end(ua);
	registration_lost(ua);
	calls_flow_lost(ua, now);
	try_later(ua, UA_SERVER_GONE, facts->why, now);
}

void flow_abandon(struct ua *ua, const char *why)
{
	if (ua->flow != 0)
		endpoint_flow_close(ua->endpoint, ua->flow, why);
}
