#include "sip/info.h"

#include "base/ascii.h"
#include "sip/build.h"
#include "sip/fields.h"
#include "sip/item.h"
#include "sip/lex.h"

/* warn-agent = hostport / pseudonym */
static bool scan_agent(struct scan *in, struct slice *ret_agent)
{
	const char *from = in->at;
	struct slice host;
	uint16_t port;

	if (scan_host(in, &host)) {
		if (scan_char(in, ':') && !scan_port(in, &port))
			return false;
		if (scan_peek(in) == ' ') {
			*ret_agent = scan_since(in, from);
			return true;
		}
		in->at = from;
	}
	return scan_token(in, ret_agent);
}

/* warning-value = warn-code SP warn-agent SP warn-text, warn-code = 3DIGIT */
bool sip_warning_parse(struct slice value, struct sip_warning *ret_warning)
{
	struct scan in = scan_of(value);
	struct sip_warning warning;
	struct slice text;
	uint64_t code;

	if (!scan_number(&in, 999, &code) || scan_offset(&in) != 3 || !scan_char(&in, ' ') ||
	    !scan_agent(&in, &warning.agent) || !scan_char(&in, ' ') || !scan_quoted(&in, &text) ||
	    !scan_done(&in))
		return false;
	warning.code = (unsigned)code;
	warning.text = lex_unquoted(text);
	*ret_warning = warning;
	return true;
}

void put_warning(struct writer *out, unsigned code, struct slice agent, struct slice text)
{
	put_number(out, code);
	put_char(out, ' ');
	put(out, agent);
	put_char(out, ' ');
	put_quoted(out, text);
}

/* reason-value = protocol *( SEMI reason-params ); protocol-cause = "cause" EQUAL 1*DIGIT */
bool sip_reason_parse(struct slice value, struct sip_reason *ret_reason)
{
	struct sip_reason reason = { 0 };
	struct sip_item item;
	struct slice cause;

	if (!sip_item_parse(value, &item))
		return false;
	reason.protocol = item.name;
	reason.has_cause = sip_param_find(item.params, SLICE("cause"), &cause);
	if (reason.has_cause && !sip_delta_parse(cause, &reason.cause))
		return false;
	(void)sip_param_find(item.params, SLICE("text"), &reason.text);
	*ret_reason = reason;
	return true;
}

/* product = token [ SLASH product-version ] */
static bool scan_product(struct scan *in, struct slice *first)
{
	const char *from = in->at;
	struct slice token;

	if (!scan_token(in, &token) || (scan_separator(in, '/') && !scan_token(in, &token)))
		return false;
	if (!first->ptr)
		*first = scan_since(in, from);
	return true;
}

bool sip_agent_parse(struct slice value, struct slice *ret_first)
{
	struct scan in = scan_of(value);
	struct slice first = { 0 };

	do {
		if (!scan_comment(&in) && !scan_product(&in, &first))
			return false;
	} while (scan_lws(&in));
	if (!scan_done(&in))
		return false;
	*ret_first = first;
	return true;
}

/* *(DIGIT) [ "." *(DIGIT) ]; ret_digits tells how many stood before the point. */
static struct slice scan_decimal(struct scan *in, size_t *ret_digits)
{
	const char *from = in->at;

	while (ascii_is_digit(scan_peek(in)))
		in->at++;
	*ret_digits = (size_t)(in->at - from);
	if (scan_char(in, '.'))
		while (ascii_is_digit(scan_peek(in)))
			in->at++;
	return scan_since(in, from);
}

/* Timestamp = 1*(DIGIT) [ "." *(DIGIT) ] [ LWS delay ] */
bool sip_timestamp_parse(struct slice value, struct sip_timestamp *ret_timestamp)
{
	struct scan in = scan_of(value);
	struct sip_timestamp timestamp = { 0 };
	size_t n_digits;

	timestamp.sent = scan_decimal(&in, &n_digits);
	if (n_digits == 0)
		return false;
	if (scan_lws(&in))
		timestamp.delay = scan_decimal(&in, &n_digits);
	if (!scan_done(&in))
		return false;
	*ret_timestamp = timestamp;
	return true;
}

bool sip_mime_version_parse(struct slice value, struct sip_mime_version *ret_version)
{
	struct scan in = scan_of(value);
	uint64_t major, minor;

	if (!scan_number(&in, UINT32_MAX, &major) || !scan_char(&in, '.') ||
	    !scan_number(&in, UINT32_MAX, &minor) || !scan_done(&in))
		return false;
	*ret_version = (struct sip_mime_version){ (uint32_t)major, (uint32_t)minor };
	return true;
}
