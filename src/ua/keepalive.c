#include "ua/keepalive.h"

#include "sip/fields.h"
#include "ua/flow.h"

/* RFC 5626 §4.4.1: at random between 80 and 100 % of the upper bound, each time anew */
static void wait_for_next(struct ua *ua, struct now now)
{
	uint32_t chance;

	random_bytes(endpoint_random(ua->endpoint), &chance, sizeof chance);
	ua->awaits_pong = false;
	ua_set_timer(ua, &ua->keepalive_timer, UA_TIMER_KEEPALIVE,
		     now.mono + (ms_t)ua->flow_timer * (800 + chance % 201));
}

void keepalive_begin(struct ua *ua, struct now now)
{
	ua->flow_timer = ua->keepalive;
	ua->expects_pong = ua->is_keepalive_said;
	wait_for_next(ua, now);
}

/* RFC 5626 §4.2.1: whether "outbound registration succeeded", after which the server answers. */
static bool is_outbound(const struct sip_message *response)
{
	return sip_message_lists(response, SIP_REQUIRE, SLICE("outbound")) ||
	       sip_message_header(response, SIP_FLOW_TIMER);
}

void keepalive_take(struct ua *ua, const struct sip_message *response, struct now now)
{
	uint32_t seconds;

	ua->expects_pong = ua->expects_pong || is_outbound(response);
	if (!sip_delta_parse(sip_message_value(response, SIP_FLOW_TIMER), &seconds))
		seconds = ua->keepalive;
	if (seconds < KEEPALIVE_LEAST)
		seconds = KEEPALIVE_LEAST;
	if (seconds > ua->keepalive) /* more often than the server asks for is always good */
		seconds = ua->keepalive;
	if (seconds == ua->flow_timer)
		return;
	ua->flow_timer = seconds;
	if (!ua->awaits_pong)
		wait_for_next(ua, now);
}

void keepalive_end(struct ua *ua)
{
	ua->awaits_pong = false;
	ua_clear_timer(ua, &ua->keepalive_timer);
}

static void ping(struct ua *ua, struct now now)
{
	ua->awaits_pong = endpoint_ping(ua->endpoint, ua->flow) == OK;
	if (ua->awaits_pong)
		ua_set_timer(ua, &ua->keepalive_timer, UA_TIMER_KEEPALIVE, now.mono + KEEPALIVE_ANSWER_MS);
	else
		wait_for_next(ua, now);
}

/*
 * RFC 5626 §4.4: who "did not register using outbound registration cannot expect a CRLF in response (a "pong")"; there the ping only keeps
 * the way open.
 */
void keepalive_due(struct ua *ua, struct now now)
{
	if (!ua->awaits_pong)
		ping(ua, now);
	else if (ua->expects_pong)
		flow_abandon(ua, "the server does not answer any more");
	else
		wait_for_next(ua, now);
}

void keepalive_answered(struct ua *ua, struct now now)
{
	if (!ua->awaits_pong)
		return;
	ua->expects_pong = true;
	wait_for_next(ua, now);
}
