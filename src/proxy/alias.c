#include "proxy/alias.h"

#include "base/mem.h"

enum { KEY_MAX = 2 * 256 + 64, NAMES_MAX = 8, PORT_DEFAULT = 5061 };

struct alias {
	struct map_node node; /* in core->aliases, by what put_key() writes */
	flow_id flow;
};

static struct alias *alias_of(struct map_node *node)
{
	return node ? CONTAINER_OF(node, struct alias, node) : NULL;
}

/* "ADDRESS:PORT AS DOMAIN" */
static void put_key(struct writer *out, const struct address *address, struct slice as, struct slice domain)
{
	put_address(out, address);
	put_char(out, ' ');
	put_lower(out, as);
	put_char(out, ' ');
	put_lower(out, domain);
}

static void set(struct core *core, struct slice key, flow_id flow)
{
	struct alias *alias = alias_of(map_find(core->aliases, key));
	char *at;

	if (alias) {
		alias->flow = flow;
		return;
	}
	alias = mem_zalloc(1, sizeof *alias + key.len);
	if (!alias)
		return; /* the way there is dialled then, as ever */
	at = (char *)(alias + 1);
	alias->node.key = slice_copy(&at, key);
	alias->flow = flow;
	if (map_add(core->aliases, &alias->node) != OK)
		mem_free(alias);
}

/* RFC 5923 §9.3: the domain of ours that the other end has asked for. What it says wrongly of that is its own loss. */
static struct slice asked_for(const struct context *context)
{
	struct sip_values it = sip_values_of(context->request, SIP_ROUTE);
	struct sip_address route;
	struct slice value;

	if (sip_values_next(&it, &value) && sip_address_parse(value, &route))
		return route.uri.host;
	return context->request->uri.host;
}

/* §9.2: "Servers MUST … authenticate the connection before forming an alias"; without a certificate it is as if nothing was said. */
static bool may_be_alias(const struct context *context, const struct flow_view *view)
{
	const struct sip_message *request = context->request;
	struct slice alias;

	return view && view->transport == TRANSPORT_TLS && !view->outbound && view->verified.len > 0 &&
	       sip_param_find(request->via.params, SLICE("alias"), &alias) &&
	       endpoint_flow_proves(context->core->endpoint, context->flow, request->via.host) &&
	       core_domain(context->core, asked_for(context));
}

void alias_note(const struct context *context)
{
	const struct flow_view *view = endpoint_flow_view(context->core->endpoint, context->flow);

	if (!may_be_alias(context, view))
		return;
	struct address address = view->peer;
	struct slice domains = view->verified;
	address.port = context->request->via.port ? context->request->via.port : PORT_DEFAULT;
	for (unsigned n = 0; n < NAMES_MAX && domains.len > 0; n++) {
		size_t comma = slice_find(domains, ',');
		char buf[KEY_MAX];
		struct writer key = writer_of(buf, sizeof buf);

		put_key(&key, &address, asked_for(context), slice_trim(slice_sub(domains, 0, comma)));
		if (!key.overflow)
			set(context->core, writer_text(&key), context->flow);
		domains = slice_sub(domains, comma + 1, domains.len);
	}
}

flow_id alias_find(const struct core *core, const struct hop_goal *goal, const struct locate_target *target)
{
	char buf[KEY_MAX];
	struct writer key = writer_of(buf, sizeof buf);
	const struct flow_view *view;
	const struct alias *alias;

	/* neither is held against what a client shows */
	if (target->transport != TRANSPORT_TLS || target->tlsa.len > 0 || goal->locate.needs_tlsa ||
	    core->server->needs_staples)
		return 0;
	put_key(&key, &target->address, goal->as, target->domain);
	alias = key.overflow ? NULL : alias_of(map_find(core->aliases, writer_text(&key)));
	view = alias ? endpoint_flow_view(core->endpoint, alias->flow) : NULL;
	if (!view || !endpoint_flow_proves(core->endpoint, alias->flow, target->domain) ||
	    (goal->pin.len > 0 && !slice_eq(goal->pin, view->fingerprint)))
		return 0;
	return alias->flow;
}

struct lost {
	struct core *core;
	flow_id flow;
	bool is_found;
};

static void lose(struct map_node *node, void *arg)
{
	struct lost *lost = arg;
	struct alias *alias = alias_of(node);

	if (alias->flow != lost->flow)
		return;
	lost->is_found = true;
	map_remove(lost->core->aliases, node);
	mem_free(alias);
}

bool alias_flow_lost(struct core *core, flow_id flow)
{
	struct lost lost = { .core = core, .flow = flow };

	if (map_count(core->aliases) > 0)
		map_each(core->aliases, lose, &lost);
	return lost.is_found;
}

static void free_at(struct map_node *node, void *arg)
{
	struct core *core = arg;

	map_remove(core->aliases, node);
	mem_free(alias_of(node));
}

void alias_free_all(struct core *core)
{
	if (core->aliases)
		map_each(core->aliases, free_at, core);
	map_free(core->aliases);
}
