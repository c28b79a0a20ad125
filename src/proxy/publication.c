#include "proxy/publication.h"

#include "event/notifier.h"
#include "event/publish.h"
#include "proxy/gate.h"
#include "proxy/report.h"
#include "sip/build.h"
#include "sip/fields.h"

enum { NAME_MAX = 512 };

static void refuse(struct context *context, enum refused why, struct now now)
{
	context_refuse_as(context, why, context->request->uri_text, slice_of(NULL), now);
}

static void refuse_reading(struct context *context, enum publish_verdict verdict, struct now now)
{
	const struct sip_message *request = context->request;
	char buf[256];
	struct writer headers = writer_of(buf, sizeof buf);

	switch (verdict) {
	case PUBLISH_EVENT:
		put_allow_events(&headers, context->core->notifier);
		context_refuse_as(context, REFUSED_PUBLISH_EVENT, sip_message_value(request, SIP_EVENT),
				  writer_text(&headers), now);
		return;
	case PUBLISH_TYPE:
		put_header(&headers, SIP_ACCEPT, publish_accept);
		context_refuse_as(context, REFUSED_PUBLISH_TYPE, sip_message_value(request, SIP_CONTENT_TYPE),
				  writer_text(&headers), now);
		return;
	case PUBLISH_BRIEF:
		put(&headers, SLICE("Min-Expires: "));
		put_number(&headers, PUBLISH_EXPIRES_MIN);
		put(&headers, SLICE("\r\n"));
		context_refuse_as(context, REFUSED_PUBLISH_BRIEF, slice_of(NULL), writer_text(&headers), now);
		return;
	case PUBLISH_EMPTY: refuse(context, REFUSED_PUBLISH_EMPTY, now); return;
	case PUBLISH_TAG: refuse(context, REFUSED_PUBLISH_TAG, now); return;
	default: refuse(context, REFUSED_PUBLISH_MALFORMED, now); return;
	}
}

static bool is_of(const struct sip_uri *uri, const struct aor *sender)
{
	char buf[NAME_MAX];
	struct writer name = writer_of(buf, sizeof buf);

	put_aor(&name, uri);
	return !name.overflow && slice_eq(writer_text(&name), sender->name);
}

static bool is_for_certificates(const struct context *context)
{
	struct sip_event event;

	return sip_event_parse(sip_message_value(context->request, SIP_EVENT), &event) &&
	       slice_eq(event.package, event_certificate.name);
}

bool publication_begin(struct context *context, struct aor *sender, struct now now)
{
	const struct sip_message *request = context->request;
	struct certify_question question;
	enum publish_verdict verdict;

	if (request->method != SIP_PUBLISH || !core_domain(context->core, request->uri.host) ||
	    !(is_for_certificates(context) || (sender && is_of(&request->uri, sender))))
		return false;
	if (!sender || !is_of(&request->uri, sender) || !is_of(&request->to.uri, sender)) {
		refuse(context, REFUSED_PUBLISHER, now);
		return true;
	}
	verdict = publish_read(request, sender, now.wall, &question);
	context->question.kind = CONTEXT_PUBLISH;
	if (verdict != PUBLISH_OK)
		refuse_reading(context, verdict, now);
	else if (request->uri.scheme != SIP_SCHEME_SIPS)
		refuse(context, REFUSED_CERTIFICATE_SIPS, now);
	else if (endpoint_certify(context->core->endpoint, &context->question, &question) != OK)
		refuse(context, REFUSED_OVERLOAD, now);
	return true;
}

/* -- what has become of it ------------------------------------------------------------------------------------------ */

static enum refused refused_by(enum err err, bool is_request)
{
	switch (err) {
	case ERR_SYNTAX: return is_request ? REFUSED_CSR_MALFORMED : REFUSED_CERTIFICATE_MALFORMED;
	case ERR_DENIED: return is_request ? REFUSED_CSR : REFUSED_CERTIFICATE;
	case ERR_LIMIT: return REFUSED_CERTIFICATE_SIZE;
	case ERR_EXISTS: return REFUSED_KEY_REVOKED;
	case ERR_NOT_FOUND: return REFUSED_PUBLISH_TAG;
	case ERR_AGAIN: return REFUSED_CERTIFICATE_RATE;
	default: return REFUSED_CERTIFICATE_STORE;
	}
}

static bool has_request(const struct sip_message *request)
{
	struct sip_media_type type;

	return sip_media_type_parse(sip_message_value(request, SIP_CONTENT_TYPE), &type) &&
	       sip_media_type_is(&type, SLICE("application"), SLICE("pkcs10"));
}

/* RFC 3903 §6 step 7 */
void publication_answer(struct context *context, const struct answer *answer, struct now now)
{
	char buf[1024];
	struct writer headers = writer_of(buf, sizeof buf);

	if (answer->err != OK) {
		refuse(context, refused_by(answer->err, has_request(context->request)), now);
		return;
	}
	put(&headers, SLICE("SIP-ETag: "));
	put_publish_tag(&headers, answer->tag);
	put(&headers, SLICE("\r\nExpires: "));
	put_number(&headers, answer->expires > now.wall ? (uint64_t)(answer->expires - now.wall) : 0);
	put(&headers, SLICE("\r\n"));
	put_gate_proof(&headers, context, SLICE(""), now);
	report_published(context, answer, now);
	endpoint_respond(context->core->endpoint, context->server,
			 &(struct sip_reply){ .status = 200, .headers = writer_text(&headers) }, now);
}
