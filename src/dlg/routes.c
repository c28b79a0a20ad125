#include "dlg/routes.h"

#include "base/mem.h"
#include "dlg/dialog.h"

struct dlg_routes {
	size_t n;
	bool all_sips, first_sips;
	struct slice strict_uri; /* empty: the first is a loose router */
	struct slice values[DLG_MAX_ROUTES];
	char text[]; /* what the slices point into */
};

static enum err collect(const struct sip_message *message, struct slice values[DLG_MAX_ROUTES], size_t *ret_n)
{
	struct sip_values it = sip_values_of(message, SIP_RECORD_ROUTE);
	struct sip_address address;
	struct slice value;
	size_t n = 0;

	while (sip_values_next(&it, &value)) {
		if (n == DLG_MAX_ROUTES)
			return ERR_LIMIT;
		if (!sip_address_parse(value, &address) || address.uri.scheme == SIP_SCHEME_OTHER)
			return ERR_SYNTAX;
		values[n++] = value;
	}
	*ret_n = n;
	return OK;
}

static void fill(struct dlg_routes *routes, struct writer *out)
{
	struct sip_address address;
	struct slice lr;

	routes->all_sips = true;
	for (size_t i = 0; i < routes->n; i++) {
		size_t at = out->len;

		put(out, routes->values[i]);
		routes->values[i] = slice_from(out->buf + at, out->len - at);
		if (!sip_address_parse(routes->values[i], &address))
			continue; /* cannot be: collect() has parsed it */
		bool sips = address.uri.scheme == SIP_SCHEME_SIPS;
		routes->all_sips = routes->all_sips && sips;
		if (i > 0)
			continue;
		routes->first_sips = sips;
		if (sip_param_find(address.uri.params, SLICE("lr"), &lr))
			continue;
		/* RFC 3261 §12.2.1.1: "stripping any parameters that are not allowed in a Request-URI" */
		at = out->len;
		put_request_uri(out, &address.uri);
		routes->strict_uri = slice_from(out->buf + at, out->len - at);
	}
}

enum err dlg_routes_new(const struct sip_message *message, enum dlg_route_order order,
			struct dlg_routes **ret_routes)
{
	struct slice values[DLG_MAX_ROUTES];
	struct dlg_routes *routes;
	size_t n, size = 0;

	*ret_routes = NULL;
	TRY(collect(message, values, &n));
	if (n == 0)
		return OK;
	for (size_t i = 0; i < n; i++)
		size += 2 * values[i].len; /* the first one twice: its URI for a strict router */
	routes = mem_zalloc(1, sizeof *routes + size);
	if (!routes)
		return ERR_NOMEM;
	routes->n = n;
	for (size_t i = 0; i < n; i++)
		routes->values[i] = values[order == DLG_REVERSED ? n - 1 - i : i];
	struct writer out = writer_of(routes->text, size);
	fill(routes, &out);
	*ret_routes = routes;
	return OK;
}

void dlg_routes_free(struct dlg_routes *routes)
{
	mem_free(routes);
}

bool dlg_routes_are_sips(const struct dlg_routes *routes)
{
	return !routes || routes->all_sips;
}

bool dlg_routes_begin_with_sips(const struct dlg_routes *routes)
{
	return !routes || routes->first_sips;
}

struct slice dlg_routes_strict_uri(const struct dlg_routes *routes)
{
	return routes ? routes->strict_uri : slice_from(NULL, 0);
}

void put_dlg_routes(struct writer *out, const struct dlg_routes *routes, struct slice target)
{
	size_t first = routes && routes->strict_uri.len > 0 ? 1 : 0;
	const char *separator = "Route: ";

	if (!routes)
		return;
	for (size_t i = first; i < routes->n; i++) {
		put(out, slice_of(separator));
		put(out, routes->values[i]);
		separator = ", ";
	}
	if (first == 1) {
		put(out, slice_of(separator));
		put_char(out, '<');
		put(out, target);
		put_char(out, '>');
	}
	put(out, SLICE("\r\n"));
}
