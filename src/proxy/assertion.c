#include "proxy/assertion.h"

#include "proxy/certified.h"
#include "proxy/edge.h"
#include "proxy/peer.h"
#include "sip/identity.h"

bool assertion_is_anonymous(const struct sip_message *request)
{
	return request->method != SIP_REGISTER &&
	       slice_eq_nocase(request->from.uri.host, SLICE("anonymous.invalid"));
}

static bool is_trusted(const struct core *core, struct slice domain)
{
	const struct server_peer *peer = peer_of(core, domain);

	return peer && peer->in_trust_domain;
}

/* RFC 3325 §9.1: one SIP, SIPS or tel URI, or two; the latter tells no domain. */
static bool find_asserted_domain(const struct context *context, struct slice *ret_domain)
{
	struct sip_values it = sip_values_of(context->server->request, SIP_P_ASSERTED_IDENTITY);
	bool sips = context->server->request->uri.scheme == SIP_SCHEME_SIPS;
	struct sip_address address;
	struct slice value;

	while (sip_values_next(&it, &value)) {
		if (!sip_address_parse(value, &address) || !is_trusted(context->core, address.uri.host) ||
		    !peer_proves(context->core, context->server->flow, address.uri.host, sips))
			continue;
		*ret_domain = address.uri.host;
		return true;
	}
	return false;
}

static const struct server_domain *domain_of_credentials(const struct context *context)
{
	const struct sip_message *request = context->server->request;
	const struct sip_header *it = sip_message_header(request, SIP_PROXY_AUTHORIZATION);
	const struct server_domain *domain = NULL;
	struct sip_credentials credentials;

	for (; it && !domain; it = sip_message_next(request, it))
		if (sip_credentials_parse(it->value, &credentials))
			domain = core_domain(context->core, credentials.realm);
	return domain;
}

/* Of somebody who has proven himself on the connection before. */
static const struct server_domain *domain_of_flow(const struct context *context)
{
	const struct core *core = context->core;
	const struct flow_state *state = core_flow_state(context->core, context->flow);

	for (size_t i = 0; state && state->domain && i < core->server->n_domains; i++)
		if (core_domain_party(core, core->server->domains[i].name) == state->domain)
			return &core->server->domains[i];
	return NULL;
}

/* Of a sender whom From does not name. */
static struct slice domain_of_unnamed(const struct context *context)
{
	const struct core *core = context->core;
	const struct server_domain *domain;
	struct slice asserted;

	if (find_asserted_domain(context, &asserted))
		return asserted;
	domain = domain_of_credentials(context);
	if (!domain)
		domain = certified_domain(context);
	if (!domain)
		domain = domain_of_flow(context);
	if (!domain)
		domain = edge_domain(context);
	if (!domain)
		domain = core_domain(core, context->request->uri.host);
	return domain ? domain->name : core->server->domains[0].name;
}

struct slice assertion_domain(const struct context *context)
{
	const struct sip_message *request = context->request;

	if (assertion_is_anonymous(request))
		return domain_of_unnamed(context);
	return request->method == SIP_REGISTER ? request->to.uri.host : request->from.uri.host;
}

/* One such header field is allowed. But who is named once is known: one that somebody has added counts as well, and one that cannot be read as id. */
unsigned assertion_privacy(const struct sip_message *request)
{
	const struct sip_header *it = sip_message_header(request, SIP_PRIVACY);
	unsigned all = 0, privacy;

	for (; it; it = sip_message_next(request, it))
		all |= sip_privacy_parse(it->value, &privacy) ? privacy : SIP_PRIVACY_ID;
	return all;
}

/* In a dialog nobody is asked for his credentials, and nothing is asserted. */
bool assertion_is_kept(const struct context *context, const struct target *target)
{
	if (!context->is_asserted || context->in_dialog)
		return false;
	return target->is_trusted ||
	       (target->binding && !(assertion_privacy(context->request) & SIP_PRIVACY_ID));
}

void put_assertion(struct writer *out, const struct context *context, const struct target *target)
{
	if (!context->sender || !target->is_trusted || context->in_dialog)
		return;
	put(out, SLICE("P-Asserted-Identity: <"));
	put(out, context->request->uri.scheme == SIP_SCHEME_SIPS ? SLICE("sips:") : SLICE("sip:"));
	put(out, context->sender->name);
	put(out, SLICE(">\r\n"));
}
