#include "ua/session_timer.h"

#include "sip/build.h"
#include "sip/fields.h"

enum { INTERVAL_MAX = 7 * 86400 };

static unsigned bounded(uint32_t seconds)
{
	if (seconds < SESSION_MIN_SE)
		return SESSION_MIN_SE;
	return seconds < INTERVAL_MAX ? seconds : INTERVAL_MAX;
}

enum err session_timer_asked(struct session_timer *timer, const struct sip_message *request)
{
	struct slice value = sip_message_value(request, SIP_SESSION_EXPIRES);
	bool can_refresh = sip_message_lists(request, SIP_SUPPORTED, SLICE("timer"));
	struct sip_session_expires expires;

	if (!value.ptr) {
		timer->interval = 0;
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
	if (!sip_session_expires_parse(sip_message_value(response, SIP_SESSION_EXPIRES), &expires))
		return;
	timer->interval = bounded(expires.seconds);
	timer->we_refresh = expires.refresher != SIP_REFRESHER_UAS;
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

void put_session_timer_request(struct writer *out, const struct session_timer *timer)
{
	if (timer->interval == 0)
		return;
	put(out, SLICE("Session-Expires: "));
	put_number(out, timer->interval);
	put(out, timer->we_refresh ? SLICE(";refresher=uac\r\n") : SLICE(";refresher=uas\r\n"));
}

ms_t session_timer_wait(const struct session_timer *timer)
{
	ms_t interval = (ms_t)timer->interval * 1000;

	if (timer->we_refresh)
		return interval / 2;
	/* §10: "the minimum of 32 seconds and one third of the session interval" before it expires */
	return interval - (interval / 3 < 32000 ? interval / 3 : 32000);
}
