#include "sip/address.h"

#include "sip/lex.h"

/* display-name = *( token LWS ) / quoted-string, up to the "<" behind it. */
static bool scan_display(struct scan *in, struct slice *ret_display)
{
	const char *from = in->at, *end = in->at;
	struct slice part;

	if (scan_quoted(in, &part)) {
		end = in->at;
	} else {
		while (scan_token(in, &part)) {
			end = in->at;
			if (!scan_lws(in))
				break;
		}
	}
	scan_sws(in);
	*ret_display = slice_from(from, (size_t)(end - from));
	return scan_peek(in) == '<';
}

/* Whether an addr-spec begins here: scheme ":" */
static bool is_addr_spec(const struct scan *in)
{
	const char *end = lex_skip(in->at, in->end, LEX_SCHEME);

	return end > in->at && end < in->end && *end == ':';
}

/* addr-spec / name-addr, which is [ display-name ] LAQUOT addr-spec RAQUOT */
static bool scan_name_or_addr(struct scan *in, struct sip_address *address)
{
	if (scan_peek(in) != '<') {
		if (is_addr_spec(in))
			return sip_uri_scan_bare(in, &address->uri);
		if (!scan_display(in, &address->display))
			return false;
	}
	return scan_char(in, '<') && sip_uri_scan(in, &address->uri) && scan_char(in, '>');
}

static bool scan_address_params(struct scan *in, struct sip_address *address)
{
	const char *from = in->at, *end = in->at;
	struct lex_param param;
	struct lex_names names;

	names.n = 0;
	while (scan_separator(in, ';')) {
		struct scan start = *in;

		if (!scan_param(in, &param))
			return false;
		if (!lex_names_add(&names, param.name)) {
			*in = start;
			return false;
		}
		if (slice_eq_nocase(param.name, SLICE("tag"))) {
			if (param.value.len == 0 || param.value.ptr[0] == '"' || param.value.ptr[0] == '[')
				return false; /* tag-param = "tag" EQUAL token */
			address->tag = param.value;
		}
		end = in->at;
	}
	address->params = slice_from(from, (size_t)(end - from));
	return true;
}

/* ( name-addr / addr-spec ) *( SEMI params ) */
bool sip_address_scan(struct scan *in, struct sip_address *ret_address)
{
	struct sip_address address = { 0 };
	const char *from;

	scan_sws(in);
	from = in->at;
	address.display = slice_from(from, 0);
	if (!scan_name_or_addr(in, &address) || !scan_address_params(in, &address))
		return false;
	address.text = slice_from(from, (size_t)(address.params.ptr + address.params.len - from));
	scan_sws(in);
	*ret_address = address;
	return true;
}

bool sip_address_parse(struct slice value, struct sip_address *ret_address)
{
	struct scan in = scan_of(value);
	struct sip_address address;

	if (!sip_address_scan(&in, &address) || !scan_done(&in))
		return false;
	*ret_address = address;
	return true;
}

bool sip_contact_parse(struct slice value, struct sip_address *ret_address)
{
	struct slice text = slice_trim(value);

	if (!slice_eq(text, SLICE("*")))
		return sip_address_parse(value, ret_address);
	*ret_address = (struct sip_address){ .text = text, .is_star = true };
	return true;
}
