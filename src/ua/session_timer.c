#include "ua/session_timer.h"

#include "sip/build.h"

enum { INTERVAL_MAX = 7 * 86400 };

enum refresher { NOBODY, UAC, UAS };

static bool parse(struct slice value, unsigned *ret_seconds, enum refresher *ret_refresher)
{
	struct scan in = scan_of(value);
	struct slice refresher;
	uint64_t seconds;

	if (!scan_number(&in, UINT32_MAX, &seconds) || seconds == 0)
		return false;
	*ret_seconds = seconds < INTERVAL_MAX ? (unsigned)seconds : INTERVAL_MAX;
	*ret_refresher = NOBODY;
	if (!sip_param_find(slice_trim(scan_rest(&in)), SLICE("refresher"), &refresher))
		return true;
	if (slice_eq_nocase(refresher, SLICE("uac")))
		*ret_refresher = UAC;
	else if (slice_eq_nocase(refresher, SLICE("uas")))
		*ret_refresher = UAS;
	return *ret_refresher != NOBODY;
}

enum err session_timer_asked(struct session_timer *timer, const struct sip_message *request)
{
	struct slice value = sip_message_value(request, SIP_SESSION_EXPIRES);
	bool can_refresh = sip_message_lists(request, SIP_SUPPORTED, SLICE("timer"));
	enum refresher refresher;
	unsigned seconds;

	if (!value.ptr) {
		timer->interval = 0;
		return OK;
	}
	if (!parse(value, &seconds, &refresher))
		return ERR_SYNTAX;
	if (seconds < SESSION_MIN_SE && can_refresh)
		return ERR_LIMIT;
	timer->interval = seconds < SESSION_MIN_SE ? SESSION_MIN_SE : seconds;
	timer->we_refresh = refresher == UAS || !can_refresh;
	return OK;
}

void session_timer_told(struct session_timer *timer, const struct sip_message *response)
{
	enum refresher refresher;

	timer->interval = 0;
	if (parse(sip_message_value(response, SIP_SESSION_EXPIRES), &timer->interval, &refresher))
		timer->we_refresh = refresher != UAS;
	if (timer->interval != 0 && timer->interval < SESSION_MIN_SE)
		timer->interval = SESSION_MIN_SE;
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
