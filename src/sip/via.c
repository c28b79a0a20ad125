#include "sip/via.h"

#include "base/address.h"
#include "sip/lex.h"

/* IPv4address / IPv6address; brackets around the latter are common and do no harm (RFC 5118 §4.5). */
static bool scan_received(struct scan *in, struct slice *ret_ip)
{
	const char *end = lex_skip(in->at, in->end, LEX_HOST | LEX_PARAM);
	struct slice ip = slice_from(in->at, (size_t)(end - in->at));
	struct address ignored;

	if (scan_taken(in, lex_ipv4(in->at, in->end), ret_ip))
		return true;
	if (!address_parse_ip(ip, &ignored))
		return false;
	in->at = end;
	*ret_ip = ip;
	return true;
}

static bool scan_ttl(struct scan *in)
{
	uint64_t ignored;

	return scan_number(in, 255, &ignored);
}

static bool scan_via_param(struct scan *in, struct lex_names *names, struct sip_via *via)
{
	struct lex_param param = { 0 };
	struct scan start = *in;

	if (!scan_token(in, &param.name) || !lex_names_add(names, param.name)) {
		*in = start;
		return false;
	}
	if (slice_eq_nocase(param.name, SLICE("branch")))
		return scan_separator(in, '=') && scan_token(in, &via->branch);
	if (slice_eq_nocase(param.name, SLICE("rport"))) { /* RFC 3581 §7 */
		via->has_rport = true;
		return !scan_separator(in, '=') || scan_port(in, &via->rport);
	}
	if (slice_eq_nocase(param.name, SLICE("received")))
		return scan_separator(in, '=') && scan_received(in, &via->received);
	if (slice_eq_nocase(param.name, SLICE("maddr")))
		return scan_separator(in, '=') && scan_host(in, &via->maddr);
	if (slice_eq_nocase(param.name, SLICE("ttl")))
		return scan_separator(in, '=') && scan_ttl(in);
	*in = start;
	return scan_param(in, &param);
}

/* protocol-name SLASH protocol-version SLASH */
static bool scan_protocol(struct scan *in)
{
	struct slice ignored;

	if (scan_text(in, SLICE("SIP/2.0/"))) { /* as everyone writes it */
		scan_sws(in);
		return true;
	}
	return scan_token(in, &ignored) && scan_separator(in, '/') && scan_token(in, &ignored) &&
	       scan_separator(in, '/');
}

/* via-parm = sent-protocol LWS sent-by *( SEMI via-params ) */
bool sip_via_scan(struct scan *in, struct sip_via *ret_via)
{
	struct sip_via via = { 0 };
	const char *from = in->at, *params, *end;
	struct lex_names names;

	if (!scan_protocol(in) || !scan_token(in, &via.transport) || !scan_lws(in) ||
	    !scan_host(in, &via.host))
		return false;
	if (scan_separator(in, ':') && !scan_port(in, &via.port))
		return false;
	params = in->at;
	end = in->at;
	names.n = 0;
	while (scan_separator(in, ';')) {
		if (!scan_via_param(in, &names, &via))
			return false;
		end = in->at;
	}
	via.params = slice_from(params, (size_t)(end - params));
	via.text = slice_from(from, (size_t)(end - from));
	scan_sws(in);
	*ret_via = via;
	return true;
}
