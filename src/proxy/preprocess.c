#include "proxy/preprocess.h"

#include "proxy/dialog.h"
#include "sip/build.h"

/* What we make ourselves of a request that was taken; it grows by a few bytes. */
static const struct sip_limits own_limits = {
	.message = SCRATCH_SIZE,
	.header_area = SCRATCH_SIZE,
	.headers = 1024,
	.uri = 1 << 16,
	.values = 1024,
	.params = 64,
};

static sip_keep *const without_routes[SIP_HEADERS] = { [SIP_ROUTE] = sip_keep_not };

/* The message with another Request-URI, and these Route lines; */
static bool rewrite(const struct core *core, const struct sip_message *message, struct slice uri,
		    struct slice routes, struct sip_message **ret_message)
{
	struct writer out = writer_of(core->scratch, SCRATCH_SIZE);
	struct sip_fault fault;

	put_request_line(&out,
			 message->method == SIP_METHOD_OTHER ? message->method_name
							     : sip_method_name(message->method),
			 uri);
	put_forwarded(&out, message,
		      &(struct sip_edits){ .top = routes, .max_forwards = -1, .keep = without_routes });
	return !out.overflow &&
	       sip_message_parse(writer_text(&out), &own_limits, ret_message, &fault) == OK &&
	       !(*ret_message)->fault.status;
}

/*
 * "a value this proxy previously placed into a Record-Route header field": of this very dialog, or it is nothing of ours.
 */
static bool is_own_record_route(const struct core *core, const struct sip_message *message)
{
	struct dialog_claim claim;

	return message->uri.user.ptr && core_is_own_host(core, message->uri.host) &&
	       dialog_find(core, message, message->uri.user, &claim);
}

/*
 * "the proxy MUST replace the Request-URI in the request with the last value from the Route header field, and remove that
 * value". Ours goes back to where a loose router would have left it, in front, since it has the token.
 */
static bool undo_strict_routing(const struct core *core, const struct sip_message *message,
				struct sip_message **ret_message)
{
	struct sip_values it = sip_values_of(message, SIP_ROUTE);
	char buf[SCRATCH_SIZE / 4];
	struct writer routes = writer_of(buf, sizeof buf);
	struct slice value, last = slice_of(NULL);
	struct sip_address target;

	put(&routes, SLICE("Route: <"));
	put(&routes, message->uri_text);
	put(&routes, SLICE(">\r\n"));
	while (sip_values_next(&it, &value)) {
		if (last.ptr)
			put_header(&routes, SIP_ROUTE, last);
		last = value;
	}
	if (!last.ptr || !sip_address_parse(last, &target))
		return true; /* it leads nowhere else, which is for others to refuse */
	return !routes.overflow && rewrite(core, message, target.uri.text, writer_text(&routes), ret_message);
}

static bool means_us(const struct core *core, const struct sip_uri *uri)
{
	struct slice maddr;

	return sip_param_find(uri->params, SLICE("maddr"), &maddr) && core_is_own_host(core, maddr);
}

/*
 * "the proxy MUST strip the maddr and any non-default port or transport parameter". All our listeners are one server, so
 * it does not matter through which of them the request came.
 */
static bool strip_maddr(const struct core *core, const struct sip_message *message,
			struct sip_message **ret_message)
{
	struct sip_values it = sip_values_of(message, SIP_ROUTE);
	char text[4096], buf[SCRATCH_SIZE / 4];
	struct writer uri = writer_of(text, sizeof text), routes = writer_of(buf, sizeof buf);
	struct slice value;

	put_uri_without_place(&uri, &message->uri);
	while (sip_values_next(&it, &value))
		put_header(&routes, SIP_ROUTE, value);
	return !uri.overflow && !routes.overflow &&
	       rewrite(core, message, writer_text(&uri), writer_text(&routes), ret_message);
}

bool preprocess_message(const struct core *core, const struct sip_message *message,
			struct sip_message **ret_message)
{
	*ret_message = NULL;
	if (is_own_record_route(core, message))
		return undo_strict_routing(core, message, ret_message);
	if (means_us(core, &message->uri))
		return strip_maddr(core, message, ret_message);
	return true;
}

bool preprocess(struct context *context)
{
	if (!preprocess_message(context->core, context->server->request, &context->preprocessed))
		return false;
	if (context->preprocessed)
		context->request = context->preprocessed;
	return true;
}
