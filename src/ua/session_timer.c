#include "ua/session_timer.h"

#include "sip/fields.h"

enum { INTERVAL_MAX = 7 * 86400, RAISES_MAX = 4 };

static unsigned bounded(uint32_t seconds)
{
	if (seconds < SESSION_MIN_SE)
		return SESSION_MIN_SE;
	return seconds < INTERVAL_MAX ? seconds : INTERVAL_MAX;
}

void session_timer_init(struct session_timer *timer, unsigned wanted)
{
	*timer = (struct session_timer){ .wanted = wanted == 0 ? 0 : bounded(wanted) };
}

/* The other side does not ask, we do: the refreshes are ours then, since it may not know of them (§9). */
static void ask_in_reply(struct session_timer *timer, const struct sip_message *request)
{
	struct sip_session_expires least;

	timer->interval = timer->wanted;
	timer->we_refresh = true;
	if (timer->wanted != 0 && sip_session_expires_parse(sip_message_value(request, SIP_MIN_SE), &least) &&
	    least.seconds > timer->wanted)
		timer->interval = bounded(least.seconds);
}

enum err session_timer_asked(struct session_timer *timer, const struct sip_message *request)
{
	struct slice value = sip_message_value(request, SIP_SESSION_EXPIRES);
	bool can_refresh = sip_message_lists(request, SIP_SUPPORTED, SLICE("timer"));
	struct sip_session_expires expires;

	timer->is_overdue = false;
	if (!value.ptr) {
		ask_in_reply(timer, request);
		return OK;
	}
	if (!sip_session_expires_parse(value, &expires))
		return ERR_SYNTAX;
	if (expires.seconds < SESSION_MIN_SE && can_refresh)
		return ERR_LIMIT;
	timer->interval = bounded(expires.seconds);
	timer->we_refresh = expires.refresher == SIP_REFRESHER_UAS || !can_refresh;
	return OK;
}

void session_timer_told(struct session_timer *timer, const struct sip_message *response)
{
	struct sip_session_expires expires;

	timer->interval = 0;
	timer->is_overdue = false;
	if (!sip_session_expires_parse(sip_message_value(response, SIP_SESSION_EXPIRES), &expires))
		return;
	timer->interval = bounded(expires.seconds);
	timer->we_refresh = expires.refresher != SIP_REFRESHER_UAS;
}

bool session_timer_raise(struct session_timer *timer, const struct sip_message *response)
{
	unsigned asked = timer->interval != 0 ? timer->interval : timer->wanted;
	struct sip_session_expires least;

	if (asked == 0 || timer->raises >= RAISES_MAX ||
	    !sip_session_expires_parse(sip_message_value(response, SIP_MIN_SE), &least) ||
	    least.seconds <= asked || least.seconds > INTERVAL_MAX)
		return false;
	timer->raises++;
	timer->least = least.seconds;
	if (timer->interval != 0)
		timer->interval = least.seconds;
	timer->wanted = least.seconds;
	return true;
}

void put_session_timer_reply(struct writer *out, const struct session_timer *timer,
			     const struct sip_message *request)
{
	if (timer->interval == 0)
		return;
	put(out, SLICE("Session-Expires: "));
	put_number(out, timer->interval);
	put(out, timer->we_refresh ? SLICE(";refresher=uas\r\n") : SLICE(";refresher=uac\r\n"));
	/* RFC 4028 §9: only when the other side has said that it understands it */
	if (sip_message_lists(request, SIP_SUPPORTED, SLICE("timer")))
		put(out, SLICE("Require: timer\r\n"));
}

/* §7.3: after a 422 the Min-SE goes into each request that has a Session-Expires. */
static void put_least(struct writer *out, const struct session_timer *timer)
{
	if (timer->least == 0)
		return;
	put(out, SLICE("Min-SE: "));
	put_number(out, timer->least);
	put(out, SLICE("\r\n"));
}

void put_session_timer_wish(struct writer *out, const struct session_timer *timer)
{
	if (timer->wanted == 0)
		return;
	put(out, SLICE("Session-Expires: "));
	put_number(out, timer->wanted);
	put(out, SLICE("\r\n"));
	put_least(out, timer);
}

void put_session_timer_request(struct writer *out, const struct session_timer *timer)
{
	if (timer->interval == 0)
		return;
	put_least(out, timer);
	put(out, SLICE("Session-Expires: "));
	put_number(out, timer->interval);
	put(out, timer->we_refresh ? SLICE(";refresher=uac\r\n") : SLICE(";refresher=uas\r\n"));
}

ms_t session_timer_wait(const struct session_timer *timer)
{
	ms_t interval = (ms_t)timer->interval * 1000;

	if (timer->we_refresh && !timer->is_overdue)
		return interval / 2;
	/* §10: "the minimum of 32 seconds and one third of the session interval" before it expires */
	return interval - (interval / 3 < 32000 ? interval / 3 : 32000);
}
