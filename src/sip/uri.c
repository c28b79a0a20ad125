#include "sip/uri.h"

#include "base/address.h"
#include "base/ascii.h"
#include "sip/lex.h"

/* How much of a URI may stand at the cursor. */
enum extent { WHOLE, BARE };

enum { URI_HEADERS_MAX = LEX_PARAMS_MAX };

static enum sip_scheme scan_scheme(struct scan *in)
{
	if (scan_text(in, SLICE("sips:"))) /* as nearly everyone writes them */
		return SIP_SCHEME_SIPS;
	if (scan_text(in, SLICE("sip:")))
		return SIP_SCHEME_SIP;
	if (scan_text_nocase(in, SLICE("sips:")))
		return SIP_SCHEME_SIPS;
	if (scan_text_nocase(in, SLICE("sip:")))
		return SIP_SCHEME_SIP;
	return scan_text_nocase(in, SLICE("tel:")) ? SIP_SCHEME_TEL : SIP_SCHEME_OTHER;
}

/* scheme ":" and then what hier-part and opaque-part may hold */
static bool scan_absolute(struct scan *in, enum extent extent)
{
	struct scan at = *in;
	struct slice rest;

	if (!ascii_is_alpha(scan_peek(&at)))
		return false;
	at.at = lex_skip(at.at, at.end, LEX_SCHEME);
	if (!scan_char(&at, ':') || !scan_escapable(&at, LEX_URIC | LEX_PARAM, &rest))
		return false;
	if (extent == BARE) {
		size_t n = 0;

		while (n < rest.len && rest.ptr[n] != ',' && rest.ptr[n] != ';' && rest.ptr[n] != '?')
			n++;
		rest.len = n;
	}
	if (rest.len == 0)
		return false;
	in->at = rest.ptr + rest.len;
	return true;
}

/* [ userinfo ] = ( user / telephone-subscriber ) [ ":" password ] "@"; its absence is not an error. */
static bool scan_userinfo(struct scan *in, enum extent extent, struct sip_uri *uri)
{
	unsigned user_classes = extent == BARE ? LEX_BARE_USER : LEX_USER;
	unsigned password_classes = extent == BARE ? LEX_BARE_USER : LEX_PASSWORD;
	struct scan at = *in;
	struct slice user, password = { 0 };

	if (!scan_escapable(&at, user_classes, &user))
		return false;
	if (scan_char(&at, ':') && !scan_escapable(&at, password_classes, &password))
		return false;
	if (!scan_char(&at, '@') || user.len == 0)
		return false;
	uri->user = user;
	uri->password = password;
	in->at = at.at;
	return true;
}

/* uri-parameters = *( ";" pname [ "=" pvalue ] ) */
static bool scan_uri_params(struct scan *in, struct slice *ret_params)
{
	const char *from = in->at;
	struct lex_names names;
	struct slice name, value;

	names.n = 0;
	while (scan_char(in, ';')) {
		if (!scan_escapable(in, LEX_PARAM, &name) || name.len == 0 || !lex_names_add(&names, name))
			return false;
		if (scan_char(in, '=') && (!scan_escapable(in, LEX_PARAM, &value) || value.len == 0))
			return false;
	}
	*ret_params = scan_since(in, from);
	return true;
}

/* headers = "?" header *( "&" header ), header = hname "=" hvalue; comparing two URIs costs the square of their number */
static bool scan_uri_headers(struct scan *in, struct slice *ret_headers)
{
	const char *from = in->at + 1;
	struct slice name, value;
	size_t n = 0;

	if (!scan_char(in, '?'))
		return true;
	do {
		if (n++ == URI_HEADERS_MAX || !scan_escapable(in, LEX_HNV, &name) || name.len == 0 ||
		    !scan_char(in, '=') || !scan_escapable(in, LEX_HNV, &value))
			return false;
	} while (scan_char(in, '&'));
	*ret_headers = scan_since(in, from);
	return true;
}

static bool scan_sip(struct scan *in, enum extent extent, struct sip_uri *uri)
{
	(void)scan_userinfo(in, extent, uri);
	if (!scan_host(in, &uri->host))
		return false;
	/* RFC 1034 §3.1: with a final dot the name is complete, and no other one. */
	if (uri->host.ptr[uri->host.len - 1] == '.')
		uri->host.len--;
	if (scan_char(in, ':') && !scan_port(in, &uri->port))
		return false;
	if (extent == BARE)
		return true;
	if (scan_peek(in) == ';' && !scan_uri_params(in, &uri->params))
		return false;
	return scan_uri_headers(in, &uri->headers);
}

static bool is_visual_separator(char c)
{
	return c == '-' || c == '.' || c == '(' || c == ')';
}

/*
 * RFC 3966 §3: "+" and digits, or a local number of digits, letters A to F, "*" and "#", which needs a
 * phone-context; both with visual separators.
 */
static bool scan_tel(struct scan *in, enum extent extent, struct sip_uri *uri)
{
	const char *from = in->at;
	bool is_global = scan_char(in, '+');
	bool has_digit = false;
	struct slice context;

	for (; in->at < in->end; in->at++) {
		char c = *in->at;

		if (ascii_is_digit(c) || (!is_global && (ascii_hex(c) >= 0 || c == '*' || c == '#')))
			has_digit = true;
		else if (!is_visual_separator(c))
			break;
	}
	uri->user = scan_since(in, from);
	if (!has_digit || (extent == WHOLE && !scan_uri_params(in, &uri->params)))
		return false;
	return is_global || sip_param_find(uri->params, SLICE("phone-context"), &context);
}

static bool scan_uri(struct scan *in, enum extent extent, struct sip_uri *ret_uri)
{
	const char *from = in->at;
	struct sip_uri uri = { .scheme = scan_scheme(in) };
	bool ok;

	switch (uri.scheme) {
	case SIP_SCHEME_SIP:
	case SIP_SCHEME_SIPS: ok = scan_sip(in, extent, &uri); break;
	case SIP_SCHEME_TEL: ok = scan_tel(in, extent, &uri); break;
	default: ok = scan_absolute(in, extent);
	}
	if (!ok)
		return false;
	uri.text = scan_since(in, from);
	*ret_uri = uri;
	return true;
}

bool sip_uri_scan(struct scan *in, struct sip_uri *ret_uri)
{
	return scan_uri(in, WHOLE, ret_uri);
}

bool sip_uri_scan_bare(struct scan *in, struct sip_uri *ret_uri)
{
	return scan_uri(in, BARE, ret_uri);
}

bool sip_uri_parse(struct slice text, struct sip_uri *ret_uri)
{
	struct scan in = scan_of(text);
	struct sip_uri uri;

	if (!sip_uri_scan(&in, &uri) || !scan_done(&in))
		return false;
	*ret_uri = uri;
	return true;
}

/* The value that begins at at, up to where it ends, of a text whose grammar was checked when it was parsed. */
static const char *known_value(const char *at, const char *end, struct slice *ret_value)
{
	const char *behind = at < end && *at == '"' ? lex_quoted(at, end) : NULL;

	if (!behind)
		behind = lex_skip(at, end, LEX_TOKEN | LEX_PARAM);
	*ret_value = slice_from(at, (size_t)(behind - at));
	return behind;
}

/* The next parameter of such a text, its SEMI before it: where it ends, or NULL. */
static const char *known_param(const char *at, const char *end, struct lex_param *ret_param)
{
	const char *value;

	at = lex_separator(at, end, ';');
	if (!at)
		return NULL;
	value = lex_skip(at, end, LEX_TOKEN | LEX_PARAM);
	*ret_param = (struct lex_param){ .name = slice_from(at, (size_t)(value - at)) };
	at = value;
	value = at < end ? lex_separator(at, end, '=') : NULL;
	return value ? known_value(value, end, &ret_param->value) : at;
}

static bool next_param(struct scan *in, struct lex_param *ret_param)
{
	return scan_to(in, known_param(in->at, in->end, ret_param));
}

static bool find_param(struct slice params, struct slice name, struct lex_param *ret_param)
{
	const struct scan in = scan_of(params);
	const char *at = in.at;

	while (at < in.end && (at = known_param(at, in.end, ret_param)))
		if (slice_eq_nocase(ret_param->name, name))
			return true;
	return false;
}

bool sip_param_find(struct slice params, struct slice name, struct slice *ret_value)
{
	struct lex_param param;

	if (!find_param(params, name, &param))
		return false;
	*ret_value = lex_unquoted(param.value);
	return true;
}

/* The next "name=value" of a URI's headers, of a text whose grammar was checked when it was parsed. */
static bool next_header(struct scan *in, struct lex_param *ret_header)
{
	struct lex_param header;

	if (scan_done(in) || !scan_until(in, '=', &header.name))
		return false;
	(void)scan_char(in, '=');
	if (!scan_until(in, '&', &header.value)) {
		header.value = scan_rest(in);
		in->at = in->end;
	}
	(void)scan_char(in, '&');
	*ret_header = header;
	return true;
}

/* -- comparison ------------------------------------------------------------------------------------- */

/* escaped = "%" HEXDIG HEXDIG, undone */
static bool scan_escape(struct scan *in, char *ret_c)
{
	int high, low;

	if (in->end - in->at < 3 || *in->at != '%')
		return false;
	high = ascii_hex(in->at[1]);
	low = ascii_hex(in->at[2]);
	if (high < 0 || low < 0)
		return false;
	in->at += 3;
	*ret_c = (char)(high << 4 | low);
	return true;
}

/*
 * One character, its escape undone: the byte, or 256 + the byte where the escape of a reserved character (or
 * of "%") must stay apart from the character itself. -1 at the end.
 */
static int next_char(struct scan *in)
{
	char c;

	if (scan_done(in))
		return -1;
	if (!scan_escape(in, &c))
		return (unsigned char)*in->at++;
	if (c == '%' || (lex_is(c, LEX_URIC) && !lex_is(c, LEX_UNRESERVED)))
		return 256 + (unsigned char)c;
	return (unsigned char)c;
}

static int lower(int c)
{
	return c >= 0 && c < 128 ? ascii_lower((char)c) : c;
}

static bool eq_unescaped(struct slice a, struct slice b, bool fold_case)
{
	struct scan at_a = scan_of(a), at_b = scan_of(b);
	int c, d;

	if (slice_eq(scan_rest(&at_a), scan_rest(&at_b)))
		return true;
	do {
		c = next_char(&at_a);
		d = next_char(&at_b);
		if (c != d && (!fold_case || lower(c) != lower(d)))
			return false;
	} while (c >= 0);
	return true;
}

static bool is_same_part(struct slice a, struct slice b, bool fold_case)
{
	return !a.ptr == !b.ptr && eq_unescaped(a, b, fold_case);
}

/* Parameters that may not stand in one URI alone (RFC 3261 §19.1.4). */
static bool must_be_in_both(struct slice name)
{
	static const struct slice names[] = {
		SLICE_INIT("transport"), SLICE_INIT("user"),  SLICE_INIT("ttl"),
		SLICE_INIT("method"),    SLICE_INIT("maddr"),
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (eq_unescaped(names[i], name, true))
			return true;
	return false;
}

/* Whether each parameter of a fits what b says; all: none may be missing in b. */
static bool params_fit(struct slice a, struct slice b, bool all)
{
	struct scan in_a = scan_of(a), in_b;
	struct lex_param mine, theirs;

	while (next_param(&in_a, &mine)) {
		bool found = false, same = false;

		in_b = scan_of(b);
		while (!same && next_param(&in_b, &theirs))
			if (eq_unescaped(mine.name, theirs.name, true)) {
				found = true;
				same = is_same_part(mine.value, theirs.value, true);
			}
		if (found ? !same : all || must_be_in_both(mine.name))
			return false;
	}
	return true;
}

/* Whether each header of a stands in b; one that comes twice may not hide another. */
static bool headers_fit(struct slice a, struct slice b)
{
	struct scan in_a = scan_of(a), in_b;
	struct lex_param mine, theirs;

	while (next_header(&in_a, &mine)) {
		bool found = false;

		in_b = scan_of(b);
		while (!found && next_header(&in_b, &theirs))
			found = eq_unescaped(mine.name, theirs.name, true) &&
				eq_unescaped(mine.value, theirs.value, false);
		if (!found)
			return false;
	}
	return true;
}

/* RFC 3966 §4: visual separators and the case of letters do not count. */
static bool is_same_number(struct slice a, struct slice b)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a.len && is_visual_separator(a.ptr[i]))
			i++;
		while (j < b.len && is_visual_separator(b.ptr[j]))
			j++;
		if (i == a.len || j == b.len)
			return i == a.len && j == b.len;
		if (ascii_lower(a.ptr[i++]) != ascii_lower(b.ptr[j++]))
			return false;
	}
}

bool sip_host_eq(struct slice a, struct slice b)
{
	struct address of_a, of_b;

	if (slice_eq_nocase(a, b))
		return true;
	return slice_starts(a, SLICE("[")) && slice_starts(b, SLICE("[")) && address_parse_ip(a, &of_a) &&
	       address_parse_ip(b, &of_b) && address_eq_ip(&of_a, &of_b);
}

static bool is_same_sip(const struct sip_uri *a, const struct sip_uri *b)
{
	return sip_host_eq(a->host, b->host) && a->port == b->port && is_same_part(a->user, b->user, false) &&
	       is_same_part(a->password, b->password, false) && params_fit(a->params, b->params, false) &&
	       params_fit(b->params, a->params, false) && headers_fit(a->headers, b->headers) &&
	       headers_fit(b->headers, a->headers);
}

bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	switch (a->scheme) {
	case SIP_SCHEME_SIP:
	case SIP_SCHEME_SIPS: return is_same_sip(a, b);
	case SIP_SCHEME_TEL:
		return is_same_number(a->user, b->user) && params_fit(a->params, b->params, true) &&
		       params_fit(b->params, a->params, true);
	default: return slice_eq(a->text, b->text);
	}
}

/* -- writing ---------------------------------------------------------------------------------------- */

/* Nearly all have no escape: they are taken as they are. */
static void put_canonical_user(struct writer *out, struct slice user)
{
	static const char digits[] = "0123456789ABCDEF";
	struct scan in = scan_of(user);
	struct slice plain;
	char c;

	while (scan_until(&in, '%', &plain)) {
		put(out, plain);
		if (!scan_escape(&in, &c)) {
			put_char(out, *in.at++);
		} else if (lex_is(c, LEX_UNRESERVED)) {
			put_char(out, c);
		} else {
			put_char(out, '%');
			put_char(out, digits[(unsigned char)c >> 4]);
			put_char(out, digits[(unsigned char)c & 15]);
		}
	}
	put(out, scan_rest(&in));
}

void put_aor(struct writer *out, const struct sip_uri *uri)
{
	if (uri->user.ptr) {
		put_canonical_user(out, uri->user);
		put_char(out, '@');
	}
	put_lower(out, uri->host);
}

/* The parameters but for those with these names. */
static void put_params_without(struct writer *out, struct slice params, const struct slice names[], size_t n)
{
	struct scan all = scan_of(params), in;
	struct slice param, name;

	while (scan_char(&all, ';')) {
		bool is_left_out = false;

		if (!scan_until(&all, ';', &param)) {
			param = scan_rest(&all);
			all.at = all.end;
		}
		in = scan_of(param);
		if (!scan_until(&in, '=', &name))
			name = param;
		for (size_t i = 0; i < n; i++)
			is_left_out = is_left_out || slice_eq_nocase(name, names[i]);
		if (is_left_out)
			continue;
		put_char(out, ';');
		put(out, param);
	}
}

void put_request_uri(struct writer *out, const struct sip_uri *contact)
{
	static const struct slice left_out[] = { SLICE_INIT("method") };
	struct slice text = contact->text;

	if (contact->headers.len > 0)
		text.len = (size_t)(contact->headers.ptr - 1 - text.ptr);
	if (contact->params.len > 0)
		text.len = (size_t)(contact->params.ptr - text.ptr);
	put(out, text);
	put_params_without(out, contact->params, left_out, sizeof left_out / sizeof left_out[0]);
}

void put_uri_without_place(struct writer *out, const struct sip_uri *uri)
{
	static const struct slice left_out[] = { SLICE_INIT("method"), SLICE_INIT("maddr"),
						 SLICE_INIT("transport") };

	put(out, slice_sub(uri->text, 0, (size_t)(uri->host.ptr + uri->host.len - uri->text.ptr)));
	put_params_without(out, uri->params, left_out, sizeof left_out / sizeof left_out[0]);
}

void put_plain_aor(struct writer *out, struct slice canonical)
{
	while (canonical.len) {
		unsigned char byte = (unsigned char)canonical.ptr[0];
		size_t n = 1, got;

		if (byte == '%' && canonical.len > 2 &&
		    hex_decode(slice_sub(canonical, 1, 2), &byte, 1, &got) && got == 1)
			n = 3;
		put_char(out, (char)byte);
		canonical = slice_sub(canonical, n, canonical.len);
	}
}
