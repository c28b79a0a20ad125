#include "ua/admission.h"

#include "ua/call.h"
#include "ua/content.h"
#include "ua/fork.h"
#include "ua/protect.h"
#include "ua/state.h"

static const struct verdict unprotected = {
	.code = "smime.unprotected",
	.what = "it is not signed and encrypted from end to end, as this phone requires of {peer}",
	.section = "RFC 8591 §8",
	.remedy = "have {peer} use S/MIME, or allow less with --smime prefer",
};

/* -- refusals ---------------------------------------------------------------------------------------------- */

static void tell_refusal(struct ua *ua, const struct server *server, unsigned status,
			 const struct ua_protection *protection)
{
	const struct sip_message *request = server->request;
	bool is_call = request->method == SIP_INVITE && request->to.tag.len == 0;
	char text[1000];
	struct writer out = writer_of(text, sizeof text);

	put_verdict(&out, &protection->verdict);
	ua_tell(ua, &(struct ua_event){
			    .kind = is_call ? UA_INCOMING_REFUSED : UA_NOT_TAKEN,
			    .cause = UA_NOT_SECURE,
			    .status = status,
			    .text = writer_text(&out),
			    .state = request->method_name,
			    .peer = request->from.uri.text,
			    .secure = request->uri.scheme == SIP_SCHEME_SIPS,
			    .protection = protection,
		    });
}

void admission_refuse(struct ua *ua, struct server *server, unsigned status,
		      const struct ua_protection *protection, struct now now)
{
	char text[1000], lines[2200];
	struct writer why = writer_of(text, sizeof text), out = writer_of(lines, sizeof lines);

	put_verdict_advice(&why, &protection->verdict);
	if (status != 493)
		put(&out, SLICE("Accept: " PROTECT_ACCEPT "\r\n"));
	put_ua_warning(&out, 399, writer_text(&why));
	if (status == 493 || status == 415)
		protect_reply_certificates(ua, server, status, writer_text(&out), now);
	else
		ua_reply(ua, server, status, writer_text(&out), now);
	tell_refusal(ua, server, status, protection);
}

void admission_refuse_content(struct ua *ua, struct server *server, enum err err, struct now now)
{
	static const struct ua_fault malformed = { 400, 399,
						   SLICE_INIT("the parts of its body cannot be told apart") };
	static const struct ua_fault too_many_parts = { 413, 399, SLICE_INIT("its body has too many parts") };
	char lines[512];
	struct writer out = writer_of(lines, sizeof lines);

	switch (err) {
	case ERR_DENIED:
		put_content_accepted(&out, server->request->method, protect_can_read(ua));
		ua_reply(ua, server, 415, writer_text(&out), now);
		break;
	case ERR_SYNTAX: ua_refuse(ua, server, &malformed, now); break;
	case ERR_LIMIT: ua_refuse(ua, server, &too_many_parts, now); break;
	default: ua_reply(ua, server, 500, SLICE(""), now); break;
	}
}

/* -- what is taken ----------------------------------------------------------------------------------------- */

static const struct call *call_of(const struct ua *ua, const struct sip_message *request)
{
	struct call *call = call_find_dialog(ua, request);

	if (!call && !fork_find_request(ua, request, &call))
		return NULL;
	return call;
}

/* What a request of this kind could do or show that nobody has protected. */
static bool is_effective(const struct sip_message *request, bool in_call)
{
	switch (request->method) {
	case SIP_MESSAGE:
	case SIP_REFER: return true;
	case SIP_INVITE: return !in_call || request->body.len > 0;
	case SIP_UPDATE:
	case SIP_PRACK:
	case SIP_INFO: return request->body.len > 0;
	default: return false;
	}
}

/* As our user wants it, and in a protected call only by its other side. */
static bool is_acceptable(struct ua *ua, const struct server *server, const struct arrival *arrival)
{
	const struct sip_message *request = server->request;
	const struct call *call = call_of(ua, request);
	struct slice from = arrival_from(ua, server);
	bool is_good = arrival && ua_protection_is_good(&arrival->protection);

	if (!is_effective(request, call != NULL))
		return true;
	/* its answer has keys in it, and there is nobody to encrypt that to */
	if (!call && request->method == SIP_INVITE && arrival && arrival->protection.is_encrypted && !is_good)
		return false;
	if (call && call->is_sealed)
		return is_good && protect_is_same(from, call->peer);
	return is_good || protect_policy(ua, from) != UA_SMIME_REQUIRE;
}

bool admission_check(struct ua *ua, struct server *server, struct arrival *arrival, struct now now)
{
	struct ua_protection plain = { .is_encrypted = false };
	struct ua_protection *protection = arrival ? &arrival->protection : &plain;
	unsigned status = server->request->method == SIP_MESSAGE ? 415 : 488;

	if (is_acceptable(ua, server, arrival))
		return true;
	if (!protection->has_verdict)
		protect_doubt(protection, &unprotected, arrival_from(ua, server));
	admission_refuse(ua, server, protection->is_believed || !arrival ? status : 403, protection, now);
	return false;
}
