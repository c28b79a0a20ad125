#include "proxy/subscription.h"

#include "event/notifier.h"
#include "proxy/check.h"
#include "proxy/edge.h"
#include "proxy/peer.h"

enum { NAME_MAX = 512 };

/* RFC 6665 §4.2.1.1: "489 (Bad Event)", with Allow-Events that tells what there is. */
static void refuse_event(struct context *context, struct now now)
{
	char buf[256];
	struct writer headers = writer_of(buf, sizeof buf);

	put_allow_events(&headers, context->core->notifier);
	context_refuse_as(context, REFUSED_EVENT, sip_message_value(context->server->request, SIP_EVENT),
			  writer_text(&headers), now);
}

bool subscription_take(struct context *context, struct now now)
{
	const struct sip_message *request = context->server->request;

	if (request->method != SIP_SUBSCRIBE)
		return false;
	if (request->to.tag.ptr && notifier_refresh(context->core->notifier, context->server, now))
		return true;
	if (!check_is_for_us(context->core, request))
		return false;
	/* One of before our start, or of another worker: there is nothing to be proven for. */
	if (request->to.tag.ptr)
		context_refuse_as(context, REFUSED_NO_SUBSCRIPTION, request->uri_text, slice_of(NULL), now);
	else
		refuse_event(context, now);
	return true;
}

/* The AOR that the Request-URI means, in buf. */
static bool name_asked_for(const struct sip_message *request, char buf[NAME_MAX], struct slice *ret_name)
{
	struct writer name = writer_of(buf, NAME_MAX);

	put_aor(&name, &request->uri);
	*ret_name = writer_text(&name);
	return !name.overflow;
}

static void refuse(struct context *context, enum refused why, struct now now)
{
	context_refuse_as(context, why, context->request->uri_text, slice_of(NULL), now);
}

/* What the edge that it came by proves, and has to prove where it is told; empty: it came by none. */
static struct slice proven_by_edge(const struct context *context)
{
	struct slice edge = edge_of_sender(context);

	return edge.len > 0 ? peer_requirement(context->core, edge, true).domain : edge;
}

/* RFC 3680 §4.6: an account may know of its own registrations. */
static void subscribe_to_own(struct context *context, struct aor *sender, struct now now)
{
	char buf[NAME_MAX];
	struct slice name;

	if (sender && name_asked_for(context->request, buf, &name) && slice_eq(name, sender->name))
		notifier_subscribe(context->core->notifier,
				   &(struct notifier_request){
					   .server = context->server,
					   .watcher = sender->account.id,
					   .domain = proven_by_edge(context),
					   .name = name,
					   .aor = sender,
				   },
				   now);
	else
		refuse(context, REFUSED_WATCHER, now);
}

/* The NOTIFY's From is the To of the request, and what is told under it is the domain's word. */
static bool is_to_whom_it_asks(const struct sip_message *request, struct slice name)
{
	char buf[NAME_MAX];
	struct writer to = writer_of(buf, sizeof buf);

	put_aor(&to, &request->to.uri);
	return !to.overflow && slice_eq(writer_text(&to), name);
}

/* What is vouched for may be known by everybody who is proven, but goes over TLS alone (RFC 6072 §3, §6.7). */
static void subscribe_to_vouched(struct context *context, struct now now)
{
	const struct sip_message *request = context->request;
	struct core *core = context->core;
	struct notifier_request asked = { .server = context->server, .watcher = context->account };
	char buf[NAME_MAX];

	if (context->account < 0)
		asked.domain = peer_requirement(core, request->from.uri.host, true).domain;
	else
		asked.domain = proven_by_edge(context);
	if (!name_asked_for(request, buf, &asked.name))
		refuse(context, REFUSED_NAME_SIZE, now);
	else if (request->uri.scheme != SIP_SCHEME_SIPS)
		refuse(context, REFUSED_CERTIFICATE_SIPS, now);
	else if (!request->uri.user.ptr || !is_to_whom_it_asks(request, asked.name))
		refuse(context, REFUSED_SUBSCRIBE_TO, now);
	else if (context->account < 0 &&
		 !endpoint_flow_proves(core->endpoint, context->server->flow, asked.domain))
		refuse(context, REFUSED_UNPROVEN_WATCHER, now);
	else
		notifier_subscribe(core->notifier, &asked, now);
}

bool subscription_begin(struct context *context, struct aor *sender, struct now now)
{
	const struct sip_message *request = context->request;
	const struct event_package *package = notifier_serves(context->core->notifier, request);

	if (context->in_dialog || !package)
		return false;
	if (!package->is_vouched)
		subscribe_to_own(context, sender, now);
	else if (core_domain(context->core, request->uri.host))
		subscribe_to_vouched(context, now);
	else
		return false;
	return true;
}
