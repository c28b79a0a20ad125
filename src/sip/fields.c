#include "sip/fields.h"

#include "sip/build.h"
#include "sip/item.h"
#include "sip/lex.h"
#include "sip/message.h"
#include "sip/uri.h"

static bool scan_delta(struct scan *in, uint32_t *ret_seconds)
{
	uint64_t seconds;

	if (!scan_number(in, UINT32_MAX, &seconds))
		return false;
	*ret_seconds = (uint32_t)seconds;
	return true;
}

bool sip_delta_parse(struct slice value, uint32_t *ret_seconds)
{
	struct scan in = scan_of(value);
	uint32_t seconds;

	if (!scan_delta(&in, &seconds) || !scan_done(&in))
		return false;
	*ret_seconds = seconds;
	return true;
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
bool sip_q_parse(struct slice value, uint16_t *ret_thousandths)
{
	struct scan in = scan_of(value);
	unsigned q, digit = 1000;

	if (!lex_is(scan_peek(&in), LEX_HOST) || (*in.at != '0' && *in.at != '1'))
		return false;
	q = *in.at++ == '1' ? 1000 : 0;
	if (scan_char(&in, '.'))
		while (digit > 1 && scan_peek(&in) >= '0' && scan_peek(&in) <= '9') {
			digit /= 10;
			q += digit * (unsigned)(*in.at++ - '0');
		}
	if (!scan_done(&in) || q > 1000)
		return false;
	*ret_thousandths = (uint16_t)q;
	return true;
}

bool sip_retry_after_parse(struct slice value, uint32_t *ret_seconds)
{
	struct scan in = scan_of(value);
	struct slice params;
	uint32_t seconds;

	if (!scan_delta(&in, &seconds))
		return false;
	scan_sws(&in);
	(void)scan_comment(&in);
	if (!sip_params_scan(&in, &params))
		return false;
	*ret_seconds = seconds;
	return true;
}

bool sip_media_type_parse(struct slice value, struct sip_media_type *ret_type)
{
	struct sip_media_type type;
	struct scan in = scan_of(value);

	if (!scan_token(&in, &type.type) || !scan_separator(&in, '/') || !scan_token(&in, &type.subtype) ||
	    !sip_params_scan(&in, &type.params))
		return false;
	*ret_type = type;
	return true;
}

bool sip_media_type_is(const struct sip_media_type *media_type, struct slice type, struct slice subtype)
{
	return slice_eq_nocase(media_type->type, type) && slice_eq_nocase(media_type->subtype, subtype);
}

bool sip_event_parse(struct slice value, struct sip_event *ret_event)
{
	struct sip_event event = { 0 };
	struct scan in = scan_of(value);
	struct slice params;

	if (!scan_token(&in, &event.package) || !sip_params_scan(&in, &params))
		return false;
	(void)sip_param_find(params, SLICE("id"), &event.id);
	*ret_event = event;
	return true;
}

/* Refer-Sub = "Refer-Sub" HCOLON refer-sub-value *(SEMI exten)                                     RFC 4488 §4 */
bool sip_refer_sub_parse(struct slice value, bool *ret_wanted)
{
	struct sip_item item;
	bool wanted;

	if (!sip_item_parse(value, &item))
		return false;
	wanted = slice_eq_nocase(item.name, SLICE("true"));
	if (!wanted && !slice_eq_nocase(item.name, SLICE("false")))
		return false;
	*ret_wanted = wanted;
	return true;
}

bool sip_subscription_state_parse(struct slice value, struct sip_subscription_state *ret_state)
{
	struct sip_subscription_state state = { 0 };
	struct scan in = scan_of(value);
	struct slice params, expires;

	if (!scan_token(&in, &state.state) || !sip_params_scan(&in, &params))
		return false;
	(void)sip_param_find(params, SLICE("reason"), &state.reason);
	state.has_expires = sip_param_find(params, SLICE("expires"), &expires);
	if (state.has_expires && !sip_delta_parse(expires, &state.expires))
		return false;
	*ret_state = state;
	return true;
}

bool sip_rseq_parse(struct slice value, uint32_t *ret_rseq)
{
	uint32_t rseq;

	if (!sip_delta_parse(value, &rseq) || rseq == 0)
		return false;
	*ret_rseq = rseq;
	return true;
}

/* RAck = response-num LWS CSeq-num LWS Method */
bool sip_rack_parse(struct slice value, struct sip_rack *ret_rack)
{
	struct sip_rack rack;
	struct scan in = scan_of(value);

	if (!scan_delta(&in, &rack.rseq) || rack.rseq == 0 || !scan_lws(&in) ||
	    !sip_cseq_scan(&in, &rack.cseq) || !scan_done(&in))
		return false;
	*ret_rack = rack;
	return true;
}

bool sip_session_expires_parse(struct slice value, struct sip_session_expires *ret_expires)
{
	struct sip_session_expires expires = { 0 };
	struct scan in = scan_of(value);
	struct slice params, refresher;

	if (!scan_delta(&in, &expires.seconds) || !sip_params_scan(&in, &params))
		return false;
	if (sip_param_find(params, SLICE("refresher"), &refresher)) {
		expires.refresher = slice_eq_nocase(refresher, SLICE("uac")) ? SIP_REFRESHER_UAC
									     : SIP_REFRESHER_UAS;
		if (expires.refresher == SIP_REFRESHER_UAS && !slice_eq_nocase(refresher, SLICE("uas")))
			return false;
	}
	*ret_expires = expires;
	return true;
}

/* Replaces = callid *( SEMI replaces-param ); to-tag and from-tag are asked for, early-only is not. */
bool sip_replaces_parse(struct slice value, struct sip_replaces *ret_replaces)
{
	struct sip_replaces replaces = { 0 };
	struct scan in = scan_of(value);
	struct slice params, ignored;

	if (!sip_call_id_scan(&in, &replaces.call_id) || !sip_params_scan(&in, &params) ||
	    !sip_param_find(params, SLICE("to-tag"), &replaces.to_tag) || replaces.to_tag.len == 0 ||
	    !sip_param_find(params, SLICE("from-tag"), &replaces.from_tag) || replaces.from_tag.len == 0)
		return false;
	replaces.early_only = sip_param_find(params, SLICE("early-only"), &ignored);
	*ret_replaces = replaces;
	return true;
}

bool sip_call_id_scan(struct scan *in, struct slice *ret_call_id)
{
	const char *at = lex_skip(in->at, in->end, LEX_WORD), *host;

	if (at == in->at)
		return false;
	if (at < in->end && *at == '@') {
		host = at + 1;
		at = lex_skip(host, in->end, LEX_WORD);
		if (at == host)
			return false;
	}
	*ret_call_id = slice_from(in->at, (size_t)(at - in->at));
	in->at = at;
	return true;
}

bool sip_cseq_scan(struct scan *in, struct sip_cseq *ret_cseq)
{
	struct sip_cseq cseq = { 0 };
	struct scan at = *in;
	uint64_t number;

	if (!scan_number(&at, INT32_MAX, &number) || !scan_lws(&at) || !scan_token(&at, &cseq.method_name))
		return false;
	cseq.number = (uint32_t)number;
	cseq.method = sip_method_of(cseq.method_name);
	*in = at;
	*ret_cseq = cseq;
	return true;
}

bool sip_body_is_optional(const struct sip_message *message)
{
	struct slice value, params, handling;

	if (message->body.len == 0)
		return true;
	value = sip_message_value(message, SIP_CONTENT_DISPOSITION);
	params = slice_sub(value, slice_find(value, ';'), value.len);
	return sip_param_find(params, SLICE("handling"), &handling) &&
	       slice_eq_nocase(handling, SLICE("optional"));
}

void put_nothing_accepted(struct writer *out, const struct sip_message *message)
{
	put_header(out, SIP_ACCEPT, SLICE(""));
	if (sip_message_header(message, SIP_CONTENT_ENCODING))
		put_header(out, SIP_ACCEPT_ENCODING, SLICE("identity"));
}
