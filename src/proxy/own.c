#include "proxy/own.h"

#include "event/notifier.h"
#include "proxy/merged.h"
#include "proxy/refusals.h"
#include "sip/build.h"
#include "sip/fields.h"

/* What passes through, and what ends here. */
static const char allow[] =
	"INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, PRACK, REFER, SUBSCRIBE, "
	"NOTIFY, PUBLISH, REGISTER";
static const char extensions[] = "path, outbound";

/* RFC 3261 §11.2 */
static void answer_options(struct context *context, struct writer *headers, struct now now)
{
	put_header(headers, SIP_ALLOW, slice_of(allow));
	put_header(headers, SIP_SUPPORTED, slice_of(extensions));
	put_allow_events(headers, context->core->notifier);
	endpoint_respond(context->core->endpoint, context->server,
			 &(struct sip_reply){ .status = 200, .headers = writer_text(headers) }, now);
}

/* RFC 3261 §8.2.2.3: the header names all that are not known. */
static struct slice put_unsupported(struct writer *headers, const struct core *core,
				    const struct sip_message *request)
{
	bool knows_agreement = core->server->agreement != AGREEMENT_REFUSED;
	struct sip_values it = sip_values_of(request, SIP_REQUIRE);
	struct slice token, first = { 0 };

	while (sip_values_next(&it, &token)) {
		if (slice_eq_nocase(token, SLICE("path")) || slice_eq_nocase(token, SLICE("outbound")) ||
		    (knows_agreement && slice_eq_nocase(token, SLICE("sec-agree"))))
			continue;
		put_header(headers, SIP_UNSUPPORTED, token);
		if (!first.ptr)
			first = token;
	}
	return first;
}

void own_request(struct context *context, struct now now)
{
	const struct sip_message *request = context->server->request;
	char buf[2048];
	struct writer headers = writer_of(buf, sizeof buf);
	struct slice unknown;

	merged_note(context);
	if (request->method != SIP_OPTIONS) {
		put_header(&headers, SIP_ALLOW, SLICE("OPTIONS, REGISTER"));
		context_refuse_as(context, REFUSED_METHOD, request->method_name, writer_text(&headers), now);
		return;
	}
	unknown = put_unsupported(&headers, context->core, request);
	if (unknown.ptr) {
		context_refuse_as(context, REFUSED_EXTENSION, unknown, writer_text(&headers), now);
		return;
	}
	if (!sip_body_is_optional(request)) {
		put_nothing_accepted(&headers, request);
		context_refuse_as(context, REFUSED_BODY, sip_message_value(request, SIP_CONTENT_TYPE),
				  writer_text(&headers), now);
		return;
	}
	answer_options(context, &headers, now);
}
