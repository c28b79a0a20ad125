#include "sip/credentials.h"

#include "base/ascii.h"
#include "sip/lex.h"

/* The parameters that are looked for, by number. */
enum param {
	OTHER,
	ALGORITHM,
	CHARSET,
	CNONCE,
	DOMAIN,
	NC,
	NEXTNONCE,
	NONCE,
	OPAQUE,
	QOP,
	REALM,
	RESPONSE,
	RSPAUTH,
	STALE,
	URI,
	USERHASH,
	USERNAME,
	PARAMS,
};

/* clang-format off */
static const struct slice param_names[PARAMS] = {
	[ALGORITHM] = SLICE_INIT("algorithm"),
	[CHARSET] = SLICE_INIT("charset"),
	[CNONCE] = SLICE_INIT("cnonce"),
	[DOMAIN] = SLICE_INIT("domain"),
	[NC] = SLICE_INIT("nc"),
	[NEXTNONCE] = SLICE_INIT("nextnonce"),
	[NONCE] = SLICE_INIT("nonce"),
	[OPAQUE] = SLICE_INIT("opaque"),
	[QOP] = SLICE_INIT("qop"),
	[REALM] = SLICE_INIT("realm"),
	[RESPONSE] = SLICE_INIT("response"),
	[RSPAUTH] = SLICE_INIT("rspauth"),
	[STALE] = SLICE_INIT("stale"),
	[URI] = SLICE_INIT("uri"),
	[USERHASH] = SLICE_INIT("userhash"),
	[USERNAME] = SLICE_INIT("username"),
};

/* Where a name can only be; two in one slot do not compile (-Woverride-init). Letters in lower case. */
#define SLOT(len, first, last) ((2 * (len) + (first) + 4 * (last)) % 32)

static const uint8_t param_slots[32] = {
	[SLOT(9, 'a', 'm')] = ALGORITHM,
	[SLOT(7, 'c', 't')] = CHARSET,
	[SLOT(6, 'c', 'e')] = CNONCE,
	[SLOT(6, 'd', 'n')] = DOMAIN,
	[SLOT(2, 'n', 'c')] = NC,
	[SLOT(9, 'n', 'e')] = NEXTNONCE,
	[SLOT(5, 'n', 'e')] = NONCE,
	[SLOT(6, 'o', 'e')] = OPAQUE,
	[SLOT(3, 'q', 'p')] = QOP,
	[SLOT(5, 'r', 'm')] = REALM,
	[SLOT(8, 'r', 'e')] = RESPONSE,
	[SLOT(7, 'r', 'h')] = RSPAUTH,
	[SLOT(5, 's', 'e')] = STALE,
	[SLOT(3, 'u', 'i')] = URI,
	[SLOT(8, 'u', 'h')] = USERHASH,
	[SLOT(8, 'u', 'e')] = USERNAME,
};
/* clang-format on */

/* name: not empty. */
static enum param param_of(struct slice name)
{
	enum param param =
		param_slots[SLOT(name.len, ascii_fold(name.ptr[0]), ascii_fold(name.ptr[name.len - 1]))];

	return slice_eq_nocase(param_names[param], name) ? param : OTHER;
}

/* auth-param = token EQUAL ( token / quoted-string ): where it ends, or NULL. */
static const char *lex_auth_param(const char *at, const char *end, struct lex_param *ret_param)
{
	const char *from = at, *behind;

	at = lex_skip(from, end, LEX_TOKEN);
	ret_param->name = slice_from(from, (size_t)(at - from));
	if (at == from || !(at = lex_separator(at, end, '=')))
		return NULL;
	from = at;
	if (at < end && *at == '"') {
		at = lex_quoted(from, end);
		ret_param->value = slice_from(from + 1, at ? (size_t)(at - from) - 2 : 0);
		return at;
	}
	behind = lex_skip(from, end, LEX_TOKEN);
	ret_param->value = slice_from(from, (size_t)(behind - from));
	return behind > from ? behind : NULL;
}

/*
 * auth-param *( COMMA auth-param ) up to the end of the text. Unknown ones are checked and left. More than 64, or one given twice, is an
 * error. ret_values: zeroed.
 */
static bool scan_auth_params(struct scan *in, struct slice ret_values[PARAMS])
{
	const char *at = in->at, *behind = at, *end = in->end;
	struct lex_names others;
	struct lex_param param;
	size_t n = 0;

	others.n = 0;
	do {
		enum param id;

		at = lex_auth_param(behind, end, &param);
		if (!at || ++n > LEX_PARAMS_MAX)
			return false;
		id = param_of(param.name);
		if (id == OTHER ? !lex_names_add(&others, param.name) : ret_values[id].ptr != NULL)
			return false;
		ret_values[id] = param.value;
	} while ((behind = lex_separator(at, end, ',')));
	in->at = lex_sws(at, end);
	return scan_done(in);
}

/* auth-scheme LWS …; of a scheme other than Digest the rest is not looked at: it has a grammar of its own. ret_values: zeroed. */
static bool parse_scheme_and_params(struct slice value, struct slice *ret_scheme,
				    struct slice ret_values[PARAMS])
{
	struct scan in = scan_of(value);

	scan_sws(&in);
	if (!scan_token(&in, ret_scheme) || !scan_lws(&in))
		return false;
	return !slice_eq_nocase(*ret_scheme, SLICE("Digest")) || scan_auth_params(&in, ret_values);
}

bool sip_challenge_parse(struct slice value, struct sip_challenge *ret_challenge)
{
	struct slice values[PARAMS] = { 0 }, scheme;

	if (!parse_scheme_and_params(value, &scheme, values))
		return false;
	*ret_challenge = (struct sip_challenge){
		.scheme = scheme,
		.realm = values[REALM],
		.domain = values[DOMAIN],
		.nonce = values[NONCE],
		.opaque = values[OPAQUE],
		.algorithm = values[ALGORITHM],
		.qop = values[QOP],
		.charset = values[CHARSET],
		.userhash = values[USERHASH],
		.stale = slice_eq_nocase(values[STALE], SLICE("true")),
	};
	return true;
}

bool sip_credentials_parse(struct slice value, struct sip_credentials *ret_credentials)
{
	struct slice values[PARAMS] = { 0 }, scheme;

	if (!parse_scheme_and_params(value, &scheme, values))
		return false;
	*ret_credentials = (struct sip_credentials){
		.scheme = scheme,
		.username = values[USERNAME],
		.realm = values[REALM],
		.nonce = values[NONCE],
		.uri = values[URI],
		.response = values[RESPONSE],
		.algorithm = values[ALGORITHM],
		.cnonce = values[CNONCE],
		.opaque = values[OPAQUE],
		.qop = values[QOP],
		.nc = values[NC],
		.userhash = values[USERHASH],
	};
	return true;
}

bool sip_auth_info_parse(struct slice value, struct sip_auth_info *ret_info)
{
	struct slice values[PARAMS] = { 0 };
	struct scan in = scan_of(value);

	scan_sws(&in);
	if (!scan_auth_params(&in, values))
		return false;
	*ret_info = (struct sip_auth_info){
		.nextnonce = values[NEXTNONCE],
		.qop = values[QOP],
		.rspauth = values[RSPAUTH],
		.cnonce = values[CNONCE],
		.nc = values[NC],
	};
	return true;
}
