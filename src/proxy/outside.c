#include "proxy/outside.h"

#include "proxy/dialog.h"
#include "proxy/peer.h"

bool outside_next_hop(const struct context *context, struct sip_uri *ret_uri)
{
	struct sip_values it = sip_values_of(context->request, SIP_ROUTE);
	struct sip_address route;
	struct slice value;

	while (sip_values_next(&it, &value)) {
		if (!sip_address_parse(value, &route))
			return false;
		if (core_is_own_host(context->core, route.uri.host))
			continue;
		*ret_uri = route.uri;
		return true;
	}
	*ret_uri = context->request->uri;
	return true;
}

/* Another host, or what of ours is somewhere else by its maddr; there it has to prove that name of ours. */
static bool leads_away(const struct core *core, const struct sip_uri *next_hop)
{
	struct slice maddr;

	if (!core_is_own_host(core, next_hop->host))
		return true;
	return sip_param_find(next_hop->params, SLICE("maddr"), &maddr) && !core_is_own_host(core, maddr);
}

static bool is_sips(const struct context *context)
{
	return context->request->uri.scheme == SIP_SCHEME_SIPS ||
	       (context->in_dialog && context->claim.token.sips);
}

bool outside_target(const struct context *context, const struct sip_uri *next_hop, struct target *ret_target)
{
	const struct core *core = context->core;
	const struct sip_message *request = context->request;
	struct target target = {
		.uri.text = request->uri_text,
		.is_outside = true,
		.account = core_domain_party(core, next_hop->host),
	};
	const struct server_peer *peer = peer_of(core, next_hop->host);
	bool sips = is_sips(context);

	if (!leads_away(core, next_hop) || !peer_goal(core, next_hop, sips, &target.outside))
		return false;
	target.outside.asker = context->account;
	target.is_trusted = peer && peer->in_trust_domain;
	target.require = peer_requirement(core, next_hop->host, sips);
	if (core_domain(core, request->from.uri.host))
		target.outside.as = request->from.uri.host;
	*ret_target = target;
	return true;
}

/* A redirection leads to where it says (recurse.h), all others by the request. */
static bool find_next_hop(const struct context *context, const struct target *target, struct sip_uri *ret_uri)
{
	if (target->uri.text.ptr != context->request->uri_text.ptr)
		return sip_uri_parse(target->uri.text, ret_uri);
	return outside_next_hop(context, ret_uri);
}

static bool is_allowed(const struct context *context, const struct sip_uri *next_hop)
{
	return !context->in_dialog || dialog_may_go_to(context, next_hop);
}

bool outside_anew(const struct context *context, const struct target *target, struct target *ret_target)
{
	struct sip_uri next_hop;
	struct target anew;

	if (!find_next_hop(context, target, &next_hop) || !is_allowed(context, &next_hop) ||
	    !outside_target(context, &next_hop, &anew))
		return false;
	anew.uri = target->uri;
	*ret_target = anew;
	return true;
}

bool outside_leave_udp(struct target *target)
{
	if (target->outside.locate.transports != LOCATE_WITH(TRANSPORT_UDP))
		return false;
	target->outside.locate.transports = LOCATE_WITH(TRANSPORT_TCP);
	target->leaves_udp = true;
	return true;
}

/* What is neither a domain of ours nor another's. */
static void refuse_way(struct context *context, const struct sip_uri *next_hop, struct now now)
{
	if (core_is_own_host(context->core, next_hop->host))
		context_refuse(context, &proxy_refusals[REFUSED_NO_DOMAIN], now);
	else
		context_refuse(context, &proxy_refusals[REFUSED_TRANSPORT], now);
}

void outside_forward(struct context *context, struct now now)
{
	struct sip_uri next_hop;
	struct target target;

	if (!outside_next_hop(context, &next_hop))
		context_refuse(context, &proxy_refusals[REFUSED_ROUTE_MALFORMED], now);
	else if (!is_allowed(context, &next_hop))
		context_refuse(context, &proxy_refusals[REFUSED_PEER_GONE], now);
	else if (outside_target(context, &next_hop, &target))
		context_forward_to(context, &target, now);
	else
		refuse_way(context, &next_hop, now);
}
