#include "proxy/location.h"

#include <string.h>

#include "base/mem.h"
#include "proxy/demands.h"
#include "proxy/edge.h"
#include "proxy/forward.h"
#include "proxy/redirect.h"

enum { NAME_MAX = 512 };

static void refuse_gruu(struct context *context, struct now now)
{
	struct refusal refusal = proxy_refusals[REFUSED_GRUU];

	refusal.found = context->request->uri_text;
	context_refuse(context, &refusal, now);
}

void location_ask(struct context *context, struct now now)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	context->gruu = gruu_parse(&context->core->gruus, &context->request->uri, &name);
	context->question.kind = CONTEXT_CALLED;
	if (context->gruu.kind == GRUU_INVALID)
		refuse_gruu(context, now);
	else if (name.overflow)
		context_refuse(context, &proxy_refusals[REFUSED_NAME_SIZE], now);
	else if (endpoint_lookup(context->core->endpoint, &context->question, writer_text(&name)) != OK)
		context_refuse(context, &proxy_refusals[REFUSED_OVERLOAD], now);
}

static struct slice domain_of(const struct aor *aor)
{
	return slice_sub(aor->name, slice_find(aor->name, '@') + 1, aor->name.len);
}

/* "Some proxies could have a policy of not forwarding at all requests using a non-SIPS Request-URI" */
static bool is_sips_required(const struct core *core, const struct aor *aor)
{
	const struct server_domain *domain = core_domain(core, domain_of(aor));

	return domain && domain->require_sips;
}

/* The target that the binding is for a request with that scheme. LOCATION_FOUND, or why it is none. */
static enum location_lack take_binding(const struct core *core, const struct aor *aor,
				       const struct binding *binding, bool sips, struct target *ret_target)
{
	struct target target = {
		.binding = binding,
		.path = binding->path,
		.flow = binding->flow,
		.account = aor->account.id,
	};
	const struct sip_uri *contact = &target.uri;
	bool has_edge = binding->path.len > 0;

	if (!sip_uri_parse(binding->contact, &target.uri) ||
	    !(has_edge ? edge_target(core, aor, binding, &target) : core_flow_is_alive(core, binding->flow)))
		return LOCATION_UNREACHED;
	target.says_tls = forward_says_tls(contact);
	if (sips) {
		/* RFC 5630 §5.3: "the proxy MUST NOT forward the request" to a SIP Contact */
		if (contact->scheme != SIP_SCHEME_SIPS || !binding->secure)
			return LOCATION_NOT_SECURE;
		if (!has_edge)
			target.require = (struct requirement){ .level = REQUIRE_ACCOUNT,
							       .account = aor->account.id };
	} else if (contact->scheme == SIP_SCHEME_SIPS && is_sips_required(core, aor)) {
		return LOCATION_TOO_SECURE;
	} else if (contact->scheme == SIP_SCHEME_SIPS) {
		/* "MUST replace that SIPS scheme with a SIP scheme", "MUST use TLS" */
		target.to_sip = true;
		if (!has_edge)
			target.require.level = REQUIRE_TLS;
	}
	*ret_target = target;
	return LOCATION_FOUND;
}

/* Keeps the array in order of q, highest first; equal ones as they came. */
static void insert(struct target *targets, size_t n, const struct target *target)
{
	size_t at = n;

	for (; at > 0 && targets[at - 1].binding->q < target->binding->q; at--)
		targets[at] = targets[at - 1];
	targets[at] = *target;
}

/* The targets in order, and behind them, once all are found, the other flows of their phones. */
struct found {
	struct target *targets, *spares;
	size_t n, n_spares;
};

static bool is_same_phone(const struct binding *a, const struct binding *b)
{
	return a->instance.len > 0 && slice_eq(a->instance, b->instance);
}

/*
 * RFC 5626 §7: "MUST NOT populate the target set with more than one contact with the same AOR and instance-id at a time".
 * The one registered last is the target.
 */
static void add(struct found *found, const struct target *target)
{
	struct target newest = *target;

	for (size_t i = 0; i < found->n; i++) {
		struct target known = found->targets[i];

		if (!is_same_phone(known.binding, target->binding))
			continue;
		if (target->binding->expires <= known.binding->expires) {
			found->spares[found->n_spares++] = newest;
			return;
		}
		found->spares[found->n_spares++] = known;
		found->n--;
		memmove(&found->targets[i], &found->targets[i + 1], (found->n - i) * sizeof known);
		break;
	}
	insert(found->targets, found->n++, &newest);
}

/* The most telling reason wins: first that phones exist, then that they would not be safe. */
static enum location_lack find_targets(const struct context *context, const struct aor *aor,
				       struct found *found, struct now now)
{
	bool sips = context->request->uri.scheme == SIP_SCHEME_SIPS;
	enum location_lack lack = LOCATION_NOBODY;

	for (size_t i = 0; i < aor->n_bindings; i++) {
		enum location_lack verdict;
		struct target target;

		if (aor->bindings[i].expires <= now.wall ||
		    !gruu_means(&context->gruu, &context->core->gruus, &aor->bindings[i]))
			continue;
		verdict = take_binding(context->core, aor, &aor->bindings[i], sips, &target);
		if (verdict == LOCATION_FOUND)
			add(found, &target);
		else if (verdict > lack)
			lack = verdict;
	}
	if (found->n > context->core->server->max_forks)
		found->n = context->core->server->max_forks;
	memmove(found->targets + found->n, found->spares, found->n_spares * sizeof found->spares[0]);
	return found->n ? LOCATION_FOUND : lack;
}

static void refuse_for(struct context *context, enum location_lack lack, struct now now)
{
	static const enum refused reasons[] = {
		[LOCATION_NO_MEMORY] = REFUSED_OVERLOAD,
		[LOCATION_NOBODY] = REFUSED_NOBODY,
		[LOCATION_UNREACHED] = REFUSED_UNREACHED,
		[LOCATION_NOT_SECURE] = REFUSED_SIPS_NOT_ALLOWED,
		[LOCATION_TOO_SECURE] = REFUSED_SIPS_REQUIRED,
	};
	struct refusal refusal = proxy_refusals[reasons[lack]];

	if (lack == LOCATION_UNREACHED)
		refusal.retry_after = context->core->server->retry_after;
	context_refuse(context, &refusal, now);
}

enum location_lack location_forward(struct context *context, struct aor *aor, struct now now)
{
	struct found found = { .targets = mem_zalloc(2 * aor->n_bindings, sizeof found.targets[0]) };
	enum location_lack lack;

	if (!found.targets)
		return LOCATION_NO_MEMORY;
	found.spares = found.targets + aor->n_bindings;
	lack = find_targets(context, aor, &found, now);
	if (lack == LOCATION_FOUND) {
		context->n_spares = found.n_spares;
		context_forward(context, aor, found.targets, found.n, now);
	} else {
		mem_free(found.targets);
	}
	return lack;
}

void location_answer(struct context *context, const struct answer *answer, struct now now)
{
	enum location_lack lack;

	if (answer->err == ERR_NOT_FOUND) {
		context_refuse(context, &proxy_refusals[REFUSED_UNKNOWN], now);
		return;
	}
	if (answer->err != OK) {
		context_refuse(context, &proxy_refusals[REFUSED_INTERNAL], now);
		return;
	}
	if (!demands_let_in(context, answer->aor, now))
		return;
	/* "a request sent to a GRUU SHOULD NOT be redirected" (RFC 5627 §6.1) */
	if (context->gruu.kind == GRUU_NONE &&
	    core_domain(context->core, context->request->uri.host)->redirects) {
		redirect_answer(context, answer->aor, now);
		return;
	}
	lack = location_forward(context, answer->aor, now);
	if (lack == LOCATION_FOUND)
		return;
	/* without its binding a temporary one is nothing; a public one stays (RFC 5627 §5.3) */
	if (lack == LOCATION_NOBODY && context->gruu.kind == GRUU_TEMPORARY)
		refuse_gruu(context, now);
	else
		refuse_for(context, lack, now);
}
