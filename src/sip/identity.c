#include "sip/identity.h"

#include "base/ascii.h"
#include "sip/fields.h"
#include "sip/item.h"
#include "sip/lex.h"

/* -- Identity ------------------------------------------------------------------------------------------------ */

static bool is_digest_char(char c)
{
	return ascii_is_alnum(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_' || c == '.';
}

/* signed-identity-digest = 1*( base64-char / "." ), or LDQUOT 32LHEX RDQUOT as RFC 4474 has it. */
static bool scan_digest(struct scan *in, struct slice *ret_digest)
{
	bool quoted = scan_char(in, '"');
	const char *from = in->at;

	while (in->at < in->end && is_digest_char(*in->at))
		in->at++;
	*ret_digest = scan_since(in, from);
	return ret_digest->len > 0 && (!quoted || scan_char(in, '"'));
}

/* ident-info = "info" EQUAL LAQUOT absoluteURI RAQUOT */
static bool scan_info_uri(struct scan *in, struct slice *ret_uri)
{
	struct sip_uri uri;

	if (!scan_separator(in, '=') || !scan_char(in, '<') || !sip_uri_scan(in, &uri) || !scan_char(in, '>'))
		return false;
	*ret_uri = uri.text;
	return true;
}

static bool scan_identity_param(struct scan *in, struct lex_names *names, struct sip_identity *identity)
{
	struct scan start = *in;
	struct lex_param param;

	if (!scan_token(in, &param.name) || !lex_names_add(names, param.name))
		return false;
	if (slice_eq_nocase(param.name, SLICE("info")))
		return scan_info_uri(in, &identity->info);
	*in = start;
	if (!scan_param(in, &param))
		return false;
	if (slice_eq_nocase(param.name, SLICE("alg")))
		identity->alg = lex_unquoted(param.value);
	if (slice_eq_nocase(param.name, SLICE("ppt")))
		identity->ppt = lex_unquoted(param.value);
	return true;
}

/* Identity = signed-identity-digest SEMI ident-info *( SEMI ident-info-params ) */
bool sip_identity_parse(struct slice value, struct sip_identity *ret_identity)
{
	struct scan in = scan_of(value);
	struct sip_identity identity = { 0 };
	bool is_old = scan_peek(&in) == '"';
	struct lex_names names;

	if (!scan_digest(&in, &identity.digest))
		return false;
	names.n = 0;
	while (scan_separator(&in, ';'))
		if (!scan_identity_param(&in, &names, &identity))
			return false;
	if (!scan_done(&in) || (!identity.info.ptr && !is_old))
		return false;
	*ret_identity = identity;
	return true;
}

/* -- Privacy ------------------------------------------------------------------------------------------------- */

static unsigned privacy_of(struct slice token)
{
	static const struct slice names[] = {
		SLICE_INIT("header"),   SLICE_INIT("session"), SLICE_INIT("user"),    SLICE_INIT("none"),
		SLICE_INIT("critical"), SLICE_INIT("id"),      SLICE_INIT("history"),
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (slice_eq_nocase(token, names[i]))
			return 1U << i;
	return SIP_PRIVACY_OTHER;
}

/* Privacy-hdr = priv-value *( ";" priv-value ) */
bool sip_privacy_parse(struct slice value, unsigned *ret_privacy)
{
	struct scan in = scan_of(value);
	struct slice token;
	unsigned privacy = 0;

	do {
		if (!scan_token(&in, &token))
			return false;
		privacy |= privacy_of(token);
	} while (scan_separator(&in, ';'));
	if (!scan_done(&in) || ((privacy & SIP_PRIVACY_NONE) && privacy != SIP_PRIVACY_NONE))
		return false;
	*ret_privacy = privacy;
	return true;
}

/* -- History-Info -------------------------------------------------------------------------------------------- */

/* index-val = number *( "." number ); number = [ %x31-39 *DIGIT ] DIGIT */
static bool is_index(struct slice text)
{
	struct scan in = scan_of(text);
	uint64_t number;

	do {
		if (!scan_number(&in, UINT32_MAX, &number))
			return false;
	} while (scan_char(&in, '.'));
	return scan_done(&in);
}

/* At most one of rc, mp and np. */
static bool find_target(struct slice params, struct sip_history *history)
{
	static const struct slice names[] = { SLICE_INIT("rc"), SLICE_INIT("mp"), SLICE_INIT("np") };
	struct slice index;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!sip_param_find(params, names[i], &index))
			continue;
		if (history->target || !is_index(index))
			return false;
		history->target = names[i].ptr[0];
		history->target_index = index;
	}
	return true;
}

/* hi-entry = hi-targeted-to-uri *( SEMI hi-param ); a name-addr and its index are asked for. */
bool sip_history_parse(struct slice value, struct sip_history *ret_history)
{
	struct sip_history history = { 0 };

	if (!sip_address_parse(value, &history.address) ||
	    history.address.params.ptr == history.address.uri.text.ptr + history.address.uri.text.len ||
	    !sip_param_find(history.address.params, SLICE("index"), &history.index) ||
	    !is_index(history.index) || !find_target(history.address.params, &history))
		return false;
	*ret_history = history;
	return true;
}

/* -- Security-Client, Security-Server, Security-Verify ---------------------------------------------------------- */

/* digest-verify = "d-ver" EQUAL LDQUOT 32LHEX RDQUOT */
static bool is_digest_verify(struct slice text)
{
	enum { DIGITS = 32 };

	for (size_t i = 0; i < text.len; i++)
		if (ascii_hex(text.ptr[i]) < 0)
			return false;
	return text.len == DIGITS;
}

/* sec-mechanism = mechanism-name *( SEMI mech-parameters ) */
bool sip_security_parse(struct slice value, struct sip_security *ret_security)
{
	struct sip_security security = { .q = 1000 };
	struct sip_item item;
	struct slice q;

	if (!sip_item_parse(value, &item))
		return false;
	security.mechanism = item.name;
	security.params = item.params;
	(void)sip_param_find(item.params, SLICE("d-alg"), &security.digest_algorithm);
	(void)sip_param_find(item.params, SLICE("d-qop"), &security.digest_qop);
	if ((sip_param_find(item.params, SLICE("q"), &q) && !sip_q_parse(q, &security.q)) ||
	    (sip_param_find(item.params, SLICE("d-ver"), &security.digest_verify) &&
	     !is_digest_verify(security.digest_verify)))
		return false;
	*ret_security = security;
	return true;
}
