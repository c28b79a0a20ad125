#include "proxy/location.h"

#include "base/mem.h"
#include "proxy/redirect.h"

enum { NAME_MAX = 512 };

static void refuse_gruu(struct context *context, struct now now)
{
	struct refusal refusal = proxy_refusals[REFUSED_GRUU];

	refusal.found = context->server->request->uri_text;
	context_refuse(context, &refusal, now);
}

void location_ask(struct context *context, struct now now)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	context->gruu = gruu_parse(&context->core->gruus, &context->server->request->uri, &name);
	context->question.kind = CONTEXT_CALLED;
	if (context->gruu.kind == GRUU_INVALID)
		refuse_gruu(context, now);
	else if (name.overflow)
		context_refuse(context, &proxy_refusals[REFUSED_NAME_SIZE], now);
	else if (endpoint_lookup(context->core->endpoint, &context->question, writer_text(&name)) != OK)
		context_refuse(context, &proxy_refusals[REFUSED_OVERLOAD], now);
}

/* "Some proxies could have a policy of not forwarding at all requests using a non-SIPS Request-URI" */
static bool is_sips_required(const struct core *core, const struct aor *aor)
{
	struct slice name = aor->name;
	const struct server_domain *domain = core_domain(
		core, slice_sub(name, slice_find(name, '@') + 1, name.len));

	return domain && domain->require_sips;
}

enum location_lack location_target(const struct core *core, const struct aor *aor,
				   const struct binding *binding, bool sips, struct target *ret_target)
{
	struct target target = {
		.binding = binding,
		.path = binding->path,
		.flow = binding->flow,
		.account = aor->account.id,
	};
	struct sip_uri contact;

	if (!core_flow_is_alive(core, binding->flow) || !sip_uri_parse(binding->contact, &contact))
		return LOCATION_UNREACHED;
	target.uri = contact.text;
	if (sips) {
		/* RFC 5630 §5.3: "the proxy MUST NOT forward the request" to a SIP Contact */
		if (contact.scheme != SIP_SCHEME_SIPS || !binding->secure)
			return LOCATION_NOT_SECURE;
		target.require = (struct requirement){ .level = REQUIRE_ACCOUNT, .account = aor->account.id };
	} else if (contact.scheme == SIP_SCHEME_SIPS && is_sips_required(core, aor)) {
		return LOCATION_TOO_SECURE;
	} else if (contact.scheme == SIP_SCHEME_SIPS) {
		/* "MUST replace that SIPS scheme with a SIP scheme", "MUST use TLS" */
		target.to_sip = true;
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

/* The most telling reason wins: first that phones exist, then that they would not be safe. */
static enum location_lack find_targets(const struct context *context, const struct aor *aor,
				       struct target *targets, struct now now, size_t *ret_n)
{
	bool sips = context->server->request->uri.scheme == SIP_SCHEME_SIPS;
	enum location_lack lack = LOCATION_NOBODY;
	size_t n = 0;

	for (size_t i = 0; i < aor->n_bindings; i++) {
		enum location_lack found;
		struct target target;

		if (aor->bindings[i].expires <= now.wall ||
		    !gruu_means(&context->gruu, &context->core->gruus, &aor->bindings[i]))
			continue;
		found = location_target(context->core, aor, &aor->bindings[i], sips, &target);
		if (found == LOCATION_FOUND)
			insert(targets, n++, &target);
		else if (found > lack)
			lack = found;
	}
	*ret_n = n < context->core->server->max_forks ? n : context->core->server->max_forks;
	return n ? LOCATION_FOUND : lack;
}

static void refuse_for(struct context *context, enum location_lack lack, struct now now)
{
	static const enum refused reasons[] = {
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

void location_answer(struct context *context, const struct answer *answer, struct now now)
{
	struct target *targets;
	enum location_lack lack;
	size_t n;

	if (answer->err == ERR_NOT_FOUND) {
		context_refuse(context, &proxy_refusals[REFUSED_UNKNOWN], now);
		return;
	}
	if (answer->err != OK) {
		context_refuse(context, &proxy_refusals[REFUSED_INTERNAL], now);
		return;
	}
	if (core_domain(context->core, context->server->request->uri.host)->redirects) {
		redirect_answer(context, answer->aor, now);
		return;
	}
	targets = mem_zalloc(answer->aor->n_bindings, sizeof *targets);
	if (!targets) {
		context_refuse(context, &proxy_refusals[REFUSED_OVERLOAD], now);
		return;
	}
	lack = find_targets(context, answer->aor, targets, now, &n);
	if (lack == LOCATION_FOUND) {
		context_forward(context, answer->aor, targets, n, now);
		return;
	}
	mem_free(targets);
	/* without its binding a temporary one is nothing; a public one stays (RFC 5627 §5.3) */
	if (lack == LOCATION_NOBODY && context->gruu.kind == GRUU_TEMPORARY)
		refuse_gruu(context, now);
	else
		refuse_for(context, lack, now);
}
