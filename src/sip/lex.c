#include "sip/lex.h"

#include <string.h>

#include "base/address.h"
#include "base/ascii.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What letters and digits, and what the mark of RFC 3261 §25.1 "unreserved", may be part of. */
#define ALNUM                                                                                              \
	(LEX_TOKEN | LEX_WORD | LEX_QDTEXT | LEX_HOST | LEX_SCHEME | LEX_USER | LEX_PASSWORD | LEX_PARAM | \
	 LEX_HNV | LEX_URIC | LEX_UNRESERVED | LEX_BARE_USER | LEX_ALNUM)
#define MARK                                                                                                 \
	(LEX_WORD | LEX_QDTEXT | LEX_USER | LEX_PASSWORD | LEX_PARAM | LEX_HNV | LEX_URIC | LEX_UNRESERVED | \
	 LEX_BARE_USER)
#define TEXT LEX_QDTEXT

/* clang-format off */
const uint16_t lex_classes[256] = {
	[0x00 ... 0x08] = LEX_CONTROL,
	['\t'] = TEXT | LEX_SPACE,
	[0x0a ... 0x1f] = LEX_CONTROL,
	[' '] = TEXT | LEX_SPACE,

	['0' ... '9'] = ALNUM,
	['A' ... 'Z'] = ALNUM,
	['a' ... 'z'] = ALNUM,

	['-']  = MARK | LEX_TOKEN | LEX_HOST | LEX_SCHEME,
	['.']  = MARK | LEX_TOKEN | LEX_HOST | LEX_SCHEME,
	['_']  = MARK | LEX_TOKEN,
	['!']  = MARK | LEX_TOKEN,
	['~']  = MARK | LEX_TOKEN,
	['*']  = MARK | LEX_TOKEN,
	['\''] = MARK | LEX_TOKEN,
	['(']  = MARK,
	[')']  = MARK,

	[';']  = TEXT | LEX_USER | LEX_URIC,
	['/']  = TEXT | LEX_WORD | LEX_USER | LEX_BARE_USER | LEX_PARAM | LEX_HNV | LEX_URIC,
	['?']  = TEXT | LEX_WORD | LEX_USER | LEX_HNV | LEX_URIC,
	[':']  = TEXT | LEX_WORD | LEX_PARAM | LEX_HNV | LEX_URIC,
	['@']  = TEXT | LEX_URIC,
	['&']  = TEXT | LEX_USER | LEX_BARE_USER | LEX_PASSWORD | LEX_PARAM | LEX_URIC,
	['=']  = TEXT | LEX_USER | LEX_BARE_USER | LEX_PASSWORD | LEX_URIC,
	['+']  = TEXT | LEX_TOKEN | LEX_WORD | LEX_SCHEME | LEX_USER | LEX_BARE_USER | LEX_PASSWORD | LEX_PARAM | LEX_HNV | LEX_URIC,
	['$']  = TEXT | LEX_USER | LEX_BARE_USER | LEX_PASSWORD | LEX_PARAM | LEX_HNV | LEX_URIC,
	[',']  = TEXT | LEX_USER | LEX_PASSWORD | LEX_URIC,

	['%']  = TEXT | LEX_TOKEN | LEX_WORD,
	['`']  = TEXT | LEX_TOKEN | LEX_WORD,
	['[']  = TEXT | LEX_WORD | LEX_PARAM | LEX_HNV,
	[']']  = TEXT | LEX_WORD | LEX_PARAM | LEX_HNV,
	['<']  = TEXT | LEX_WORD,
	['>']  = TEXT | LEX_WORD,
	['{']  = TEXT | LEX_WORD,
	['}']  = TEXT | LEX_WORD,
	['"']  = LEX_WORD,
	['\\'] = LEX_WORD,
	['#']  = TEXT,
	['^']  = TEXT,
	['|']  = TEXT,

	[0x7f] = LEX_CONTROL,
	[0x80 ... 0xff] = TEXT,
};
/* clang-format on */

const char *lex_find_control(const char *at, const char *end)
{
#ifdef __SSE2__
	const __m128i below_space = _mm_set1_epi8(0x1f);
	const __m128i tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);

	for (; end - at >= 16; at += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, below_space), bytes);
		__m128i bad = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), low),
					   _mm_cmpeq_epi8(bytes, del));
		unsigned mask = (unsigned)_mm_movemask_epi8(bad);

		if (mask)
			return at + __builtin_ctz(mask);
	}
#endif
	while (at < end && !lex_is(*at, LEX_CONTROL))
		at++;
	return at;
}

bool scan_lws(struct scan *in)
{
	const char *at = lex_skip(in->at, in->end, LEX_SPACE);

	while (in->end - at > 2 && at[0] == '\r' && at[1] == '\n' && lex_is(at[2], LEX_SPACE))
		at = lex_skip(at + 2, in->end, LEX_SPACE);
	if (at == in->at)
		return false;
	in->at = at;
	return true;
}

void scan_sws(struct scan *in)
{
	if (in->at < in->end && (unsigned char)*in->at <= ' ')
		(void)scan_lws(in);
}

bool scan_spaced(struct scan *in, char c)
{
	struct scan at = *in;

	scan_sws(&at);
	if (at.at == at.end || *at.at != c)
		return false;
	at.at++;
	scan_sws(&at);
	in->at = at.at;
	return true;
}

/* quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F) */
static bool scan_quoted_pair(struct scan *in)
{
	if (in->end - in->at < 2 || in->at[0] != '\\')
		return false;
	if (in->at[1] == '\r' || in->at[1] == '\n' || (unsigned char)in->at[1] > 0x7f)
		return false;
	in->at += 2;
	return true;
}

bool scan_quoted(struct scan *in, struct slice *ret_quoted)
{
	struct scan at = *in;

	if (!scan_char(&at, '"'))
		return false;
	do {
		at.at = lex_skip(at.at, at.end, LEX_QDTEXT);
	} while (scan_quoted_pair(&at) || scan_lws(&at));
	if (!scan_char(&at, '"'))
		return false;
	*ret_quoted = scan_since(&at, in->at);
	*in = at;
	return true;
}

bool scan_comment(struct scan *in)
{
	enum { MAX_DEPTH = 8 };
	struct scan at = *in;
	unsigned depth = 0;

	do {
		if (scan_char(&at, '(')) {
			if (++depth > MAX_DEPTH)
				return false;
		} else if (depth == 0) {
			return false;
		} else if (scan_char(&at, ')')) {
			depth--;
		} else if (!scan_quoted_pair(&at) && !scan_lws(&at) && !scan_char(&at, '"')) {
			if (scan_done(&at) || *at.at == '\\' || !lex_is(*at.at, LEX_QDTEXT))
				return false;
			at.at++;
		}
	} while (depth > 0);
	*in = at;
	return true;
}

/* 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT, each at most 255 */
bool scan_ipv4(struct scan *in, struct slice *ret_ip)
{
	const char *at = in->at;

	for (int i = 0; i < 4; i++) {
		unsigned part = 0, n = 0;

		if (i > 0 && (at == in->end || *at++ != '.'))
			return false;
		for (; n < 3 && at < in->end && ascii_is_digit(*at); n++)
			part = 10 * part + (unsigned)(*at++ - '0');
		if (n == 0 || part > 255)
			return false;
	}
	if (at < in->end && lex_is(*at, LEX_HOST))
		return false;
	*ret_ip = slice_from(in->at, (size_t)(at - in->at));
	in->at = at;
	return true;
}

/* hostname: labels of letters, digits and inner hyphens; the last begins with a letter and may have a dot behind it. */
static bool scan_hostname(struct scan *in, struct slice *ret_name)
{
	const char *label = in->at, *at = in->at;

	while (at < in->end && lex_is(*at, LEX_ALNUM)) {
		label = at;
		at = lex_skip(at, in->end, LEX_ALNUM);
		while (at < in->end && *at == '-') {
			while (at < in->end && *at == '-')
				at++;
			if (at == in->end || !lex_is(*at, LEX_ALNUM))
				return false;
			at = lex_skip(at, in->end, LEX_ALNUM);
		}
		if (at == in->end || *at != '.')
			break;
		at++;
	}
	if (at == in->at || !ascii_is_alpha(*label) || (at < in->end && lex_is(*at, LEX_HOST)))
		return false;
	*ret_name = slice_from(in->at, (size_t)(at - in->at));
	in->at = at;
	return true;
}

static bool scan_ipv6_reference(struct scan *in, struct slice *ret_host)
{
	const char *end = memchr(in->at, ']', (size_t)(in->end - in->at));
	struct address ignored;
	struct slice host;

	if (!end)
		return false;
	host = slice_from(in->at, (size_t)(end - in->at) + 1);
	if (!address_parse_ip(host, &ignored))
		return false;
	in->at += host.len;
	*ret_host = host;
	return true;
}

bool scan_host(struct scan *in, struct slice *ret_host)
{
	if (scan_peek(in) == '[')
		return scan_ipv6_reference(in, ret_host);
	return scan_hostname(in, ret_host) || scan_ipv4(in, ret_host);
}

bool scan_port(struct scan *in, uint16_t *ret_port)
{
	struct scan at = *in;
	uint64_t port;

	if (!scan_number(&at, UINT16_MAX, &port) || port == 0)
		return false;
	*ret_port = (uint16_t)port;
	*in = at;
	return true;
}

bool scan_escapable(struct scan *in, unsigned classes, struct slice *ret_text)
{
	const char *at = lex_skip(in->at, in->end, classes);

	while (at < in->end && *at == '%') {
		if (in->end - at < 3 || ascii_hex(at[1]) < 0 || ascii_hex(at[2]) < 0)
			return false;
		at = lex_skip(at + 3, in->end, classes);
	}
	*ret_text = slice_from(in->at, (size_t)(at - in->at));
	in->at = at;
	return true;
}

bool lex_names_add(struct lex_names *names, struct slice name)
{
	for (size_t i = 0; i < names->n; i++)
		if (slice_eq_nocase(names->name[i], name))
			return false;
	if (names->n == LEX_PARAMS_MAX)
		return false;
	names->name[names->n++] = name;
	return true;
}

bool scan_param(struct scan *in, struct lex_param *ret_param)
{
	struct scan at = *in;
	struct lex_param param = { 0 };

	if (!scan_token(&at, &param.name))
		return false;
	if (scan_separator(&at, '=') && !scan_quoted(&at, &param.value) && !scan_token(&at, &param.value) &&
	    !scan_host(&at, &param.value))
		return false;
	*in = at;
	*ret_param = param;
	return true;
}

struct slice lex_unquoted(struct slice value)
{
	bool quoted = value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';

	return quoted ? slice_sub(value, 1, value.len - 2) : value;
}
