#include "proxy/check.h"

#include "sip/build.h"
#include "sip/lex.h"

bool check_is_for_us(const struct core *core, const struct sip_message *request)
{
	return !request->uri.user.ptr && core_is_own_host(core, request->uri.host);
}

/* RFC 3261 §16.3 step 5: no extension of ours is one that proxies could be required to know. */
static bool lists_proxy_require(const struct sip_message *request, struct writer *headers)
{
	struct sip_values it = sip_values_of(request, SIP_PROXY_REQUIRE);
	struct slice token;
	bool found = false;

	while (sip_values_next(&it, &token)) {
		put_header(headers, SIP_UNSUPPORTED, token);
		found = true;
	}
	return found;
}

/* The Vias that we write have the sent-by of the configuration: host [ ":" port ]. */
static bool via_is_ours(struct slice value, struct slice sent_by)
{
	struct scan in = scan_of(value), name = scan_of(sent_by);
	struct slice host;
	struct sip_via via;
	uint16_t port = 0;

	if (!sip_via_scan(&in, &via) || !scan_host(&name, &host))
		return false;
	if (scan_char(&name, ':') && !scan_port(&name, &port))
		return false;
	return slice_eq_nocase(via.host, host) && via.port == port;
}

/*
 * RFC 3261 §16.3 step 4, less exact than RFC 5393: a request that was here so often goes round in a circle.
 */
static bool is_looping(const struct sip_message *request, struct slice sent_by)
{
	struct sip_values it = sip_values_of(request, SIP_VIA);
	struct slice value;
	unsigned n = 0;

	while (sip_values_next(&it, &value))
		n += via_is_ours(value, sent_by);
	return n > SPIRALS_MAX;
}

/* What ends here needs no further hop (RFC 3261 §16.3 step 3). */
static bool lacks_hops(const struct core *core, const struct sip_message *request)
{
	return request->max_forwards == 0 && request->method != SIP_REGISTER &&
	       !(request->method == SIP_OPTIONS && check_is_for_us(core, request));
}

bool check_request(const struct core *core, const struct sip_message *request, struct writer *headers,
		   struct refusal *ret_refusal)
{
	if (request->uri.scheme != SIP_SCHEME_SIP && request->uri.scheme != SIP_SCHEME_SIPS)
		*ret_refusal = proxy_refusals[REFUSED_SCHEME];
	else if (lacks_hops(core, request))
		*ret_refusal = proxy_refusals[REFUSED_HOPS];
	else if (is_looping(request, endpoint_sent_by(core->endpoint)))
		*ret_refusal = proxy_refusals[REFUSED_LOOP];
	else if (lists_proxy_require(request, headers))
		*ret_refusal = proxy_refusals[REFUSED_PROXY_REQUIRE];
	else
		return true;
	ret_refusal->headers = writer_text(headers);
	return false;
}

struct own_routes check_routes(const struct core *core, const struct sip_message *request)
{
	struct sip_values it = sip_values_of(request, SIP_ROUTE);
	struct own_routes routes = { 0 };
	struct sip_address route;
	struct slice value;

	while (sip_values_next(&it, &value)) {
		if (!sip_address_parse(value, &route) || !core_is_own_host(core, route.uri.host)) {
			routes.leads_elsewhere = true;
			break;
		}
		if (routes.n++ == 0)
			routes.user = route.uri.user;
	}
	return routes;
}
