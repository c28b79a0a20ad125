#include "sip/check.h"

#include "sip/credentials.h"
#include "sip/fields.h"
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

static bool is_token(struct slice value)
{
	struct scan in = scan_of(value);
	struct slice token;

	return scan_token(&in, &token) && scan_done(&in);
}

static bool is_delta(struct slice value)
{
	uint32_t seconds;

	return sip_delta_parse(value, &seconds);
}

static bool is_retry_after(struct slice value)
{
	uint32_t seconds;

	return sip_retry_after_parse(value, &seconds);
}

static bool is_media_type(struct slice value)
{
	struct sip_media_type type;

	return sip_media_type_parse(value, &type);
}

static bool is_event(struct slice value)
{
	struct sip_event event;

	return sip_event_parse(value, &event);
}

static bool is_subscription_state(struct slice value)
{
	struct sip_subscription_state state;

	return sip_subscription_state_parse(value, &state);
}

static bool is_rseq(struct slice value)
{
	uint32_t rseq;

	return sip_rseq_parse(value, &rseq);
}

static bool is_rack(struct slice value)
{
	struct sip_rack rack;

	return sip_rack_parse(value, &rack);
}

static bool is_session_expires(struct slice value)
{
	struct sip_session_expires expires;

	return sip_session_expires_parse(value, &expires);
}

static bool is_replaces(struct slice value)
{
	struct sip_replaces replaces;

	return sip_replaces_parse(value, &replaces);
}

static bool is_challenge(struct slice value)
{
	struct sip_challenge challenge;

	return sip_challenge_parse(value, &challenge);
}

static bool is_credentials(struct slice value)
{
	struct sip_credentials credentials;

	return sip_credentials_parse(value, &credentials);
}

static bool is_auth_info(struct slice value)
{
	struct sip_auth_info info;

	return sip_auth_info_parse(value, &info);
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
	[SIP_ALLOW]                     = { is_token,              MAYBE_LIST },
	[SIP_ALLOW_EVENTS]              = { is_token,              LIST },
	[SIP_AUTHENTICATION_INFO]       = { is_auth_info,          ONE },
	[SIP_AUTHORIZATION]             = { is_credentials,        ONE },
	[SIP_CONTACT]                   = { is_contact,            LIST },
	[SIP_CONTENT_ENCODING]          = { is_token,              LIST },
	[SIP_CONTENT_TYPE]              = { is_media_type,         ONE },
	[SIP_EVENT]                     = { is_event,              ONE },
	[SIP_EXPIRES]                   = { is_delta,              ONE },
	[SIP_FLOW_TIMER]                = { is_delta,              ONE },
	[SIP_MIN_EXPIRES]               = { is_delta,              ONE },
	[SIP_MIN_SE]                    = { is_session_expires,    ONE },
	[SIP_P_ASSERTED_IDENTITY]       = { is_address,            LIST },
	[SIP_P_PREFERRED_IDENTITY]      = { is_address,            LIST },
	[SIP_PATH]                      = { is_route,              LIST },
	[SIP_PROXY_AUTHENTICATE]        = { is_challenge,          ONE },
	[SIP_PROXY_AUTHENTICATION_INFO] = { is_auth_info,          ONE },
	[SIP_PROXY_AUTHORIZATION]       = { is_credentials,        ONE },
	[SIP_PROXY_REQUIRE]             = { is_token,              LIST },
	[SIP_RACK]                      = { is_rack,               ONE },
	[SIP_RECORD_ROUTE]              = { is_route,              LIST },
	[SIP_REFER_TO]                  = { is_address,            ONE },
	[SIP_REFERRED_BY]               = { is_address,            ONE },
	[SIP_REPLACES]                  = { is_replaces,           ONE },
	[SIP_REPLY_TO]                  = { is_address,            ONE },
	[SIP_REQUIRE]                   = { is_token,              LIST },
	[SIP_RETRY_AFTER]               = { is_retry_after,        ONE },
	[SIP_ROUTE]                     = { is_route,              LIST },
	[SIP_RSEQ]                      = { is_rseq,               ONE },
	[SIP_SERVICE_ROUTE]             = { is_route,              LIST },
	[SIP_SESSION_EXPIRES]           = { is_session_expires,    ONE },
	[SIP_SUBSCRIPTION_STATE]        = { is_subscription_state, ONE },
	[SIP_SUPPORTED]                 = { is_token,              MAYBE_LIST },
	[SIP_UNSUPPORTED]               = { is_token,              LIST },
	[SIP_VIA]                       = { is_via,                LIST },
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
	return message->fault.status && !message->first[SIP_VIA] &&
	       slice_eq(message->fault.name, sip_header_name(SIP_VIA));
}
