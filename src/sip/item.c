#include "sip/item.h"

#include "sip/lex.h"

bool sip_params_scan(struct scan *in, struct slice *ret_params)
{
	const char *from = in->at;
	struct lex_names names;
	struct lex_param param;

	names.n = 0;
	while (scan_separator(in, ';'))
		if (!scan_param(in, &param) || !lex_names_add(&names, param.name))
			return false;
	*ret_params = scan_since(in, from);
	scan_sws(in);
	return scan_done(in);
}

bool sip_item_parse(struct slice value, struct sip_item *ret_item)
{
	struct scan in = scan_of(value);
	struct sip_item item;

	if (!scan_token(&in, &item.name) || !sip_params_scan(&in, &item.params))
		return false;
	*ret_item = item;
	return true;
}

bool sip_token_parse(struct slice value, struct slice *ret_token)
{
	struct scan in = scan_of(value);
	struct slice token;

	if (!scan_token(&in, &token) || !scan_done(&in))
		return false;
	*ret_token = token;
	return true;
}

bool sip_reference_parse(struct slice value, struct sip_reference *ret_reference)
{
	struct scan in = scan_of(value);
	struct sip_reference reference;

	if (!scan_char(&in, '<') || !sip_uri_scan(&in, &reference.uri) || !scan_char(&in, '>') ||
	    !sip_params_scan(&in, &reference.params))
		return false;
	*ret_reference = reference;
	return true;
}
