#include "sip/credentials.h"

#include "sip/lex.h"

/* Where the value of a known parameter goes. */
struct target {
	struct slice name;
	struct slice *to;
};

/*
 * auth-param *( COMMA auth-param ) up to the end of the text; auth-param = token EQUAL ( token /
 * quoted-string ). Unknown ones are checked and left. More than 64, or one given twice, is an error.
 */
static bool scan_auth_params(struct scan *in, const struct target *targets, size_t n_targets)
{
	struct lex_names names;
	struct slice name, value;

	names.n = 0;
	do {
		if (!scan_token(in, &name) || !lex_names_add(&names, name) || !scan_separator(in, '='))
			return false;
		if (!scan_quoted(in, &value) && !scan_token(in, &value))
			return false;
		for (size_t i = 0; i < n_targets; i++)
			if (slice_eq_nocase(targets[i].name, name))
				*targets[i].to = lex_unquoted(value);
	} while (scan_separator(in, ','));
	scan_sws(in);
	return scan_done(in);
}

/* auth-scheme LWS … ; of a scheme other than Digest the rest is not looked at: it has a grammar of its own.
 */
static bool scan_scheme(struct scan *in, struct slice *ret_scheme, bool *ret_is_digest)
{
	scan_sws(in);
	if (!scan_token(in, ret_scheme) || !scan_lws(in))
		return false;
	*ret_is_digest = slice_eq_nocase(*ret_scheme, SLICE("Digest"));
	return true;
}

bool sip_challenge_parse(struct slice value, struct sip_challenge *ret_challenge)
{
	struct sip_challenge challenge = { 0 };
	struct slice stale = { 0 };
	const struct target targets[] = {
		{ SLICE("realm"), &challenge.realm },
		{ SLICE("domain"), &challenge.domain },
		{ SLICE("nonce"), &challenge.nonce },
		{ SLICE("opaque"), &challenge.opaque },
		{ SLICE("algorithm"), &challenge.algorithm },
		{ SLICE("qop"), &challenge.qop },
		{ SLICE("charset"), &challenge.charset },
		{ SLICE("userhash"), &challenge.userhash },
		{ SLICE("stale"), &stale },
	};
	struct scan in = scan_of(value);
	bool is_digest;

	if (!scan_scheme(&in, &challenge.scheme, &is_digest))
		return false;
	if (is_digest && !scan_auth_params(&in, targets, sizeof targets / sizeof targets[0]))
		return false;
	challenge.stale = slice_eq_nocase(stale, SLICE("true"));
	*ret_challenge = challenge;
	return true;
}

bool sip_credentials_parse(struct slice value, struct sip_credentials *ret_credentials)
{
	struct sip_credentials credentials = { 0 };
	const struct target targets[] = {
		{ SLICE("username"), &credentials.username }, { SLICE("realm"), &credentials.realm },
		{ SLICE("nonce"), &credentials.nonce },       { SLICE("uri"), &credentials.uri },
		{ SLICE("response"), &credentials.response }, { SLICE("algorithm"), &credentials.algorithm },
		{ SLICE("cnonce"), &credentials.cnonce },     { SLICE("opaque"), &credentials.opaque },
		{ SLICE("qop"), &credentials.qop },           { SLICE("nc"), &credentials.nc },
		{ SLICE("userhash"), &credentials.userhash },
	};
	struct scan in = scan_of(value);
	bool is_digest;

	if (!scan_scheme(&in, &credentials.scheme, &is_digest))
		return false;
	if (is_digest && !scan_auth_params(&in, targets, sizeof targets / sizeof targets[0]))
		return false;
	*ret_credentials = credentials;
	return true;
}

bool sip_auth_info_parse(struct slice value, struct sip_auth_info *ret_info)
{
	struct sip_auth_info info = { 0 };
	const struct target targets[] = {
		{ SLICE("nextnonce"), &info.nextnonce },
		{ SLICE("qop"), &info.qop },
		{ SLICE("rspauth"), &info.rspauth },
		{ SLICE("cnonce"), &info.cnonce },
		{ SLICE("nc"), &info.nc },
	};
	struct scan in = scan_of(value);

	scan_sws(&in);
	if (!scan_auth_params(&in, targets, sizeof targets / sizeof targets[0]))
		return false;
	*ret_info = info;
	return true;
}
