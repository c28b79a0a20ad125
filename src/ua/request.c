#include "ua/request.h"

#include "ua/arrival.h"
#include "ua/call.h"
#include "ua/callee.h"
#include "ua/change.h"
#include "ua/content.h"
#include "ua/fork.h"
#include "ua/message.h"
#include "ua/protect.h"
#include "ua/refer.h"
#include "ua/subscription.h"

enum { LINES_MAX = 1024 };

/* -- inspection (§8.2.1 - §8.2.3) -------------------------------------------------------------------- */

/* In a call of ours that names nobody, it is by what our Contact says there. */
static bool is_our_name(const struct ua *ua, const struct sip_message *request)
{
	return slice_eq(request->uri.user, ua->user) ||
	       (request->to.tag.len > 0 && slice_eq(request->uri.user, SLICE(UA_NOBODY)));
}

static bool is_for_us(struct ua *ua, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;
	unsigned status = 0;

	if (server->flow != ua->flow)
		status = 403; /* only what comes by the flow that we opened and verified */
	else if (request->uri.scheme != SIP_SCHEME_SIP && request->uri.scheme != SIP_SCHEME_SIPS)
		status = 416;
	else if (request->uri.scheme == SIP_SCHEME_SIPS && !transport_is_secure(ua->transport))
		status = 416; /* RFC 3261 §26.2.2: a sips request has no business on a flow in clear */
	else if (!is_our_name(ua, request))
		status = 404;
	if (status != 0)
		ua_reply(ua, server, status, SLICE(""), now);
	return status == 0;
}

static bool is_known_option(struct slice option)
{
	return slice_eq_nocase(option, SLICE("100rel")) || slice_eq_nocase(option, SLICE("timer")) ||
	       slice_eq_nocase(option, SLICE("outbound")) || slice_eq_nocase(option, SLICE("replaces")) ||
	       slice_eq_nocase(option, SLICE("norefersub"));
}

/* §8.2.2.3: what is required and not known is named in a 420. */
static bool has_known_options(struct ua *ua, struct server *server, struct now now)
{
	struct sip_values options = sip_values_of(server->request, SIP_REQUIRE);
	char lines[LINES_MAX];
	struct writer out = writer_of(lines, sizeof lines);
	struct slice option;

	while (sip_values_next(&options, &option))
		if (!is_known_option(option))
			put_header(&out, SIP_UNSUPPORTED, option);
	if (out.len == 0 && !out.overflow)
		return true;
	ua_reply(ua, server, 420, writer_text(&out), now);
	return false;
}

/* -- in a dialog ------------------------------------------------------------------------------------- */

static void take_bye(struct call *call, struct server *server, struct now now)
{
	ua_reply(call->ua, server, 200, SLICE(""), now);
	if (call->asked && call->asked->final == 0)
		callee_refuse(call, 487, now);
	call_end(call, UA_HUNG_UP_THERE, 0, SLICE("the other side hung up"), now);
}

/* RFC 3261 §11.2: outside of a dialog with the status that an INVITE would get. */
static void take_options(struct ua *ua, struct server *server, struct now now)
{
	unsigned unable = server->request->to.tag.len > 0 ? 0 : callee_unable(ua);
	char lines[LINES_MAX];
	struct writer out = writer_of(lines, sizeof lines);

	put_ua_abilities(&out, true);
	put_content_accepted(&out, SIP_OPTIONS, protect_can_read(ua));
	ua_reply(ua, server, unable ? unable : 200, writer_text(&out), now);
}

/* What is answered by itself, in a dialog or outside. */
static void take_simple(struct ua *ua, struct server *server, struct now now)
{
	switch (server->request->method) {
	case SIP_OPTIONS: take_options(ua, server, now); break;
	case SIP_MESSAGE: message_take(ua, server, now); break;
	case SIP_REFER: refer_refuse_stranger(ua, server, now); break;
	case SIP_SUBSCRIBE: ua_reply(ua, server, 489, SLICE(""), now); break;
	case SIP_NOTIFY: subscription_notify(ua, server, now); break;
	case SIP_BYE:
	case SIP_UPDATE:
	case SIP_PRACK: ua_reply(ua, server, 481, SLICE(""), now); break;
	case SIP_METHOD_OTHER: ua_reply(ua, server, 501, SLICE(""), now); break;
	default: ua_reply(ua, server, 405, SLICE("Allow: " UA_ALLOW "\r\n"), now); break;
	}
}

/* §12.2.2; false if it was answered 500. */
static bool is_in_order(struct ua *ua, struct dlg *dialog, struct server *server, struct now now)
{
	if (dlg_receive(dialog, server->request))
		return true;
	ua_refuse(ua, server, &(struct ua_fault){ 500, 399, SLICE("the request is out of order") }, now);
	return false;
}

static void take_in_dialog(struct call *call, struct server *server, struct now now)
{
	struct ua *ua = call->ua;

	if (!is_in_order(ua, call->dialog, server, now))
		return;
	switch (server->request->method) {
	case SIP_INVITE: change_invite(call, server, now); break;
	case SIP_UPDATE: change_update(call, server, now); break;
	case SIP_BYE: take_bye(call, server, now); break;
	case SIP_PRACK: callee_prack(call, server, now); break;
	case SIP_REFER: refer_take(call, server, now); break;
	case SIP_NOTIFY: transfer_notify(call, server, now); break;
	default: take_simple(ua, server, now); break;
	}
}

static void take_in_fork(struct call *call, struct fork *fork, struct server *server, struct now now)
{
	if (is_in_order(call->ua, fork->dialog, server, now) && !fork_take(call, fork, server, now))
		take_simple(call->ua, server, now);
}

void request_take(struct ua *ua, struct server *server, struct now now)
{
	if (is_for_us(ua, server, now) && has_known_options(ua, server, now) && arrival_take(ua, server, now))
		request_take_opened(ua, server, now);
}

void request_take_opened(struct ua *ua, struct server *server, struct now now)
{
	const struct sip_message *request = server->request;
	struct call *call;
	struct fork *fork;

	call = call_find_dialog(ua, request);
	fork = fork_find_request(ua, request, &call);
	if (fork)
		take_in_fork(call, fork, server, now);
	else if (call)
		take_in_dialog(call, server, now);
	else if (request->method == SIP_NOTIFY)
		subscription_notify(ua, server, now);
	else if (request->to.tag.len > 0)
		ua_reply(ua, server, 481, SLICE(""), now);
	else if (request->method == SIP_INVITE)
		callee_invite(ua, server, now);
	else
		take_simple(ua, server, now);
}
