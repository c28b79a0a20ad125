#include "proxy/check.h"

#include "sip/build.h"
#include "sip/fields.h"
#include "sip/lex.h"

bool check_is_for_us(const struct core *core, const struct sip_message *request)
{
	return !request->uri.user.ptr && core_is_own_host(core, request->uri.host);
}

bool check_leads_to(const struct sip_message *request)
{
	struct slice maddr;

	return sip_param_find(request->uri.params, SLICE("maddr"), &maddr);
}

/* RFC 3261 §16.3 step 5: no extension of ours is one that proxies could be required to know. */
/* "privacy" says no more than that Privacy is to be honoured (RFC 3323 §4.2), as it always is. */
static bool lists_proxy_require(const struct core *core, const struct sip_message *request,
				struct writer *headers)
{
	struct sip_values it = sip_values_of(request, SIP_PROXY_REQUIRE);
	bool knows_agreement = core->server->agreement !=
			       AGREEMENT_REFUSED; /* proxy/agreement.h has looked at it */
	struct slice token;
	bool found = false;

	while (sip_values_next(&it, &token)) {
		if (slice_eq_nocase(token, SLICE("privacy")) ||
		    (knows_agreement && slice_eq_nocase(token, SLICE("sec-agree"))))
			continue;
		put_header(headers, SIP_UNSUPPORTED, token);
		found = true;
	}
	return found;
}

bool check_make_loop(struct core *core, const struct sip_message *request, char ret_loop[ENDPOINT_LOOP_SIZE])
{
	struct sip_values it = sip_values_of(request, SIP_ROUTE);
	struct writer text = writer_of(core->scratch, SCRATCH_SIZE),
		      out = writer_of(ret_loop, ENDPOINT_LOOP_SIZE);
	struct slice all, value;
	unsigned char hash[8];

	put(&text, SLICE("loop\n"));
	put(&text, request->uri_text);
	while (sip_values_next(&it, &value)) {
		put_char(&text, '\n');
		put(&text, value);
	}
	/* "at least one field … that varies between different transactions" (§4.2.4) */
	put(&text, SLICE("\n\n"));
	put(&text, request->call_id);
	put_char(&text, '\n');
	put_number(&text, request->cseq.number);
	all = writer_text(&text);
	if (text.overflow || !mac_make(core->token_mac, &all, 1, hash, sizeof hash))
		return false;
	put_base64url(&out, hash, sizeof hash);
	return true;
}

/* The next one that can be read; the topmost was when the message was parsed. */
static bool next_via(struct sip_values *it, struct sip_via *ret_via)
{
	struct slice value;

	while (sip_values_next(it, &value)) {
		struct scan in = scan_of(value);

		if (sip_via_scan(&in, ret_via))
			return true;
	}
	return false;
}

/*
 * RFC 5393 §4.2.2: a request that we sent on before, and that would now go where it went then. One that comes back with
 * another Request-URI or Route is on a spiral, and that has an end.
 */
static bool is_looping(struct core *core, const struct sip_message *request)
{
	struct sip_values it = sip_vias_below(request);
	char loop[ENDPOINT_LOOP_SIZE];
	struct sip_via via = request->via;
	struct slice part;
	bool made = false;

	for (bool is_via = true; is_via; is_via = next_via(&it, &via)) {
		if (!endpoint_via_loop(core->endpoint, &via, &part) || !part.len)
			continue;
		if (!made && !check_make_loop(core, request, loop))
			return false;
		made = true;
		if (slice_eq(part, slice_from(loop, sizeof loop)))
			return true;
	}
	return false;
}

/* What ends here needs no further hop (RFC 3261 §16.3 step 3). */
static bool lacks_hops(const struct core *core, const struct sip_message *request)
{
	return request->max_forwards == 0 && request->method != SIP_REGISTER &&
	       !(request->method == SIP_OPTIONS && check_is_for_us(core, request));
}

bool check_request(struct core *core, const struct sip_message *request, struct writer *headers,
		   struct refusal *ret_refusal)
{
	if (request->uri.scheme != SIP_SCHEME_SIP && request->uri.scheme != SIP_SCHEME_SIPS)
		*ret_refusal = proxy_refusals[REFUSED_SCHEME];
	else if (lacks_hops(core, request))
		*ret_refusal = proxy_refusals[REFUSED_HOPS];
	else if (is_looping(core, request))
		*ret_refusal = proxy_refusals[REFUSED_LOOP];
	else if (lists_proxy_require(core, request, headers))
		*ret_refusal = proxy_refusals[REFUSED_PROXY_REQUIRE];
	else
		return true;
	ret_refusal->headers = writer_text(headers);
	return false;
}

unsigned check_breadth(const struct sip_message *request)
{
	enum { BREADTH_MAX = 60 };
	uint32_t breadth;

	if (!sip_delta_parse(sip_message_value(request, SIP_MAX_BREADTH), &breadth) || breadth > BREADTH_MAX)
		return BREADTH_MAX;
	return breadth;
}

struct own_routes check_routes(const struct core *core, const struct sip_message *request)
{
	struct own_routes routes = { .others = sip_values_of(request, SIP_ROUTE) };
	struct sip_values it = routes.others;
	struct sip_address route;
	struct slice value;

	while (sip_values_next(&it, &value)) {
		if (!sip_address_parse(value, &route) || !core_is_own_host(core, route.uri.host)) {
			routes.leads_elsewhere = true;
			break;
		}
		/* before it a phone may have one without, which names us as its outbound proxy */
		if (!routes.user.ptr)
			routes.user = route.uri.user;
		routes.n++;
		routes.others = it;
	}
	return routes;
}
