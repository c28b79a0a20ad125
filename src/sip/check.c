#include "sip/check.h"

#include "sip/accept.h"
#include "sip/credentials.h"
#include "sip/date.h"
#include "sip/fields.h"
#include "sip/identity.h"
#include "sip/info.h"
#include "sip/item.h"
#include "sip/lex.h"

static bool is_address(struct slice value)
{
	struct sip_address address;

	return sip_address_parse(value, &address);
}

static bool is_route(struct slice value)
{
	struct sip_address address;

	/* route-param = name-addr *( SEMI rr-param ): only with angle brackets */
	return sip_address_parse(value, &address) && slice_find(value, '<') < value.len;
}

static bool is_contact(struct slice value)
{
	struct sip_address contact;
	struct slice param;
	uint32_t seconds;
	uint16_t q;

	return sip_contact_parse(value, &contact) &&
	       (!sip_param_find(contact.params, SLICE("expires"), &param) ||
		sip_delta_parse(param, &seconds)) &&
	       (!sip_param_find(contact.params, SLICE("q"), &param) || sip_q_parse(param, &q));
}

static bool is_via(struct slice value)
{
	struct scan in = scan_of(value);
	struct sip_via via;

	return sip_via_scan(&in, &via) && scan_done(&in);
}

/* is_x(): whether sip_x_parse() takes the value. */
#define IS(x, type)                                     \
	static bool is_##x(struct slice value)          \
	{                                               \
		type parsed;                            \
                                                        \
		return sip_##x##_parse(value, &parsed); \
	}

IS(accept_range, struct sip_accept_range)
IS(agent, struct slice)
IS(auth_info, struct sip_auth_info)
IS(challenge, struct sip_challenge)
IS(credentials, struct sip_credentials)
IS(date, utc_t)
IS(delta, uint32_t)
IS(encoding, struct sip_preference)
IS(event, struct sip_event)
IS(features, struct sip_features)
IS(history, struct sip_history)
IS(identity, struct sip_identity)
IS(item, struct sip_item)
IS(language, struct sip_preference)
IS(language_tag, struct slice)
IS(media_type, struct sip_media_type)
IS(mime_version, struct sip_mime_version)
IS(privacy, unsigned)
IS(rack, struct sip_rack)
IS(reason, struct sip_reason)
IS(reference, struct sip_reference)
IS(refer_sub, bool)
IS(replaces, struct sip_replaces)
IS(retry_after, uint32_t)
IS(rseq, uint32_t)
IS(security, struct sip_security)
IS(session_expires, struct sip_session_expires)
IS(subscription_state, struct sip_subscription_state)
IS(timestamp, struct sip_timestamp)
IS(token, struct slice)
IS(warning, struct sip_warning)

static bool is_call_id(struct slice value)
{
	struct scan in = scan_of(value);
	struct slice call_id;

	return sip_call_id_scan(&in, &call_id) && scan_done(&in);
}

/* How a header field is made up. */
enum shape {
	ONE,       /* one value a field */
	LIST,      /* a comma list of at least one */
	MAYBE_LIST /* a comma list that may be empty */
};

static const struct grammar {
	bool (*is_value)(struct slice value); /* NULL: anything goes */
	enum shape shape;
} grammars[SIP_HEADERS] = {
	/* clang-format off */
	[SIP_ACCEPT]                    = { is_accept_range,       MAYBE_LIST },
	[SIP_ACCEPT_CONTACT]            = { is_features,           LIST },
	[SIP_ACCEPT_ENCODING]           = { is_encoding,           MAYBE_LIST },
	[SIP_ACCEPT_LANGUAGE]           = { is_language,           MAYBE_LIST },
	[SIP_ALERT_INFO]                = { is_reference,          LIST },
	[SIP_ALLOW]                     = { is_token,              MAYBE_LIST },
	[SIP_ALLOW_EVENTS]              = { is_token,              LIST },
	[SIP_AUTHENTICATION_INFO]       = { is_auth_info,          ONE },
	[SIP_AUTHORIZATION]             = { is_credentials,        ONE },
	[SIP_CALL_INFO]                 = { is_reference,          LIST },
	[SIP_CONTACT]                   = { is_contact,            LIST },
	[SIP_CONTENT_DISPOSITION]       = { is_item,               ONE },
	[SIP_CONTENT_ENCODING]          = { is_token,              LIST },
	[SIP_CONTENT_LANGUAGE]          = { is_language_tag,       LIST },
	[SIP_CONTENT_TYPE]              = { is_media_type,         ONE },
	[SIP_DATE]                      = { is_date,               ONE },
	[SIP_ERROR_INFO]                = { is_reference,          LIST },
	[SIP_EVENT]                     = { is_event,              ONE },
	[SIP_EXPIRES]                   = { is_delta,              ONE },
	[SIP_FLOW_TIMER]                = { is_delta,              ONE },
	[SIP_HISTORY_INFO]              = { is_history,            LIST },
	[SIP_IDENTITY]                  = { is_identity,           ONE },
	[SIP_IDENTITY_INFO]             = { is_reference,          ONE },
	[SIP_IN_REPLY_TO]               = { is_call_id,            LIST },
	[SIP_MAX_BREADTH]               = { is_delta,              ONE },
	[SIP_MIME_VERSION]              = { is_mime_version,       ONE },
	[SIP_MIN_EXPIRES]               = { is_delta,              ONE },
	[SIP_MIN_SE]                    = { is_session_expires,    ONE },
	[SIP_P_ASSERTED_IDENTITY]       = { is_address,            LIST },
	[SIP_P_PREFERRED_IDENTITY]      = { is_address,            LIST },
	[SIP_PATH]                      = { is_route,              LIST },
	[SIP_PRIORITY]                  = { is_token,              ONE },
	[SIP_PRIVACY]                   = { is_privacy,            ONE },
	[SIP_PROXY_AUTHENTICATE]        = { is_challenge,          ONE },
	[SIP_PROXY_AUTHENTICATION_INFO] = { is_auth_info,          ONE },
	[SIP_PROXY_AUTHORIZATION]       = { is_credentials,        ONE },
	[SIP_PROXY_REQUIRE]             = { is_token,              LIST },
	[SIP_RACK]                      = { is_rack,               ONE },
	[SIP_REASON]                    = { is_reason,             LIST },
	[SIP_RECORD_ROUTE]              = { is_route,              LIST },
	[SIP_REFER_SUB]                 = { is_refer_sub,          ONE },
	[SIP_REFER_TO]                  = { is_address,            ONE },
	[SIP_REFERRED_BY]               = { is_address,            ONE },
	[SIP_REJECT_CONTACT]            = { is_features,           LIST },
	[SIP_REPLACES]                  = { is_replaces,           ONE },
	[SIP_REPLY_TO]                  = { is_address,            ONE },
	[SIP_REQUEST_DISPOSITION]       = { is_token,              LIST },
	[SIP_REQUIRE]                   = { is_token,              LIST },
	[SIP_RETRY_AFTER]               = { is_retry_after,        ONE },
	[SIP_ROUTE]                     = { is_route,              LIST },
	[SIP_RSEQ]                      = { is_rseq,               ONE },
	[SIP_SECURITY_CLIENT]           = { is_security,           LIST },
	[SIP_SECURITY_SERVER]           = { is_security,           LIST },
	[SIP_SECURITY_VERIFY]           = { is_security,           LIST },
	[SIP_SERVER]                    = { is_agent,              ONE },
	[SIP_SERVICE_ROUTE]             = { is_route,              LIST },
	[SIP_SESSION_EXPIRES]           = { is_session_expires,    ONE },
	[SIP_ETAG]                      = { is_token,              ONE },
	[SIP_IF_MATCH]                  = { is_token,              ONE },
	[SIP_SUBSCRIPTION_STATE]        = { is_subscription_state, ONE },
	[SIP_SUPPORTED]                 = { is_token,              MAYBE_LIST },
	[SIP_TIMESTAMP]                 = { is_timestamp,          ONE },
	[SIP_UNSUPPORTED]               = { is_token,              LIST },
	[SIP_USER_AGENT]                = { is_agent,              ONE },
	[SIP_VIA]                       = { is_via,                LIST },
	[SIP_WARNING]                   = { is_warning,            LIST },
	[SIP_WWW_AUTHENTICATE]          = { is_challenge,          ONE },
	/* clang-format on */
};

/* The part of a header field that breaks its grammar, or an absent slice. */
static struct slice find_bad_value(const struct sip_header *header)
{
	const struct grammar *grammar = &grammars[header->id];
	struct sip_values it = { .rest = header->value };
	struct slice value = header->value;
	size_t n = 0;

	if (!grammar->is_value)
		return slice_from(NULL, 0);
	if (grammar->shape == ONE)
		return grammar->is_value(value) ? slice_from(NULL, 0) : value;
	while (sip_values_next(&it, &value)) {
		if (!grammar->is_value(value))
			return value;
		n++;
	}
	return n == 0 && grammar->shape == LIST ? header->value : slice_from(NULL, 0);
}

bool sip_header_check(const struct sip_message *message, const struct sip_header *header,
		      struct sip_fault *ret_fault)
{
	struct slice bad = find_bad_value(header);

	if (!bad.ptr)
		return true;
	*ret_fault = (struct sip_fault){ 400, "malformed value", header->name,
					 (size_t)(bad.ptr - message->text.ptr) };
	return false;
}

bool sip_message_is_unsent(const struct sip_message *message)
{
	/* A Via that is there and broken is named as it stands in the message, one that is missing by our own word. */
	return message->fault.status && !message->first[SIP_VIA] &&
	       message->fault.name.ptr == sip_header_name(SIP_VIA).ptr;
}
