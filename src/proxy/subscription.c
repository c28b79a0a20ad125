#include "proxy/subscription.h"

#include "event/notifier.h"
#include "proxy/check.h"

enum { NAME_MAX = 512 };

/* RFC 6665 §4.2.1.1: "489 (Bad Event)", with Allow-Events that tells what there is. */
static void refuse_event(struct context *context, struct now now)
{
	char buf[256];
	struct writer headers = writer_of(buf, sizeof buf);
	struct refusal refusal = proxy_refusals[REFUSED_EVENT];

	put_allow_events(&headers, context->core->notifier);
	refusal.headers = writer_text(&headers);
	refusal.found = sip_message_value(context->server->request, SIP_EVENT);
	context_refuse(context, &refusal, now);
}

bool subscription_take(struct context *context, struct now now)
{
	const struct sip_message *request = context->server->request;

	if (request->method != SIP_SUBSCRIBE)
		return false;
	if (request->to.tag.ptr)
		return notifier_refresh(context->core->notifier, context->server, now);
	if (!check_is_for_us(context->core, request))
		return false;
	refuse_event(context, now);
	return true;
}

static bool is_own(const struct sip_message *request, const struct aor *sender)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	put_aor(&name, &request->uri);
	return sender && !name.overflow && slice_eq(writer_text(&name), sender->name);
}

bool subscription_begin(struct context *context, struct aor *sender, struct now now)
{
	struct notifier *notifier = context->core->notifier;
	const struct notifier_request asked = { context->server, sender };
	struct refusal refusal = proxy_refusals[REFUSED_WATCHER];

	if (context->in_dialog || !notifier_serves(notifier, context->server->request))
		return false;
	if (is_own(context->server->request, sender)) {
		notifier_subscribe(notifier, &asked, now);
		return true;
	}
	refusal.found = context->server->request->uri_text;
	context_refuse(context, &refusal, now);
	return true;
}
