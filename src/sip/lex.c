#include "sip/lex.h"

#include <string.h>

#include "base/address.h"
#include "base/ascii.h"

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

const char *lex_lws(const char *at, const char *end)
{
	const char *behind;

	if (end - at > 1 && at[0] == ' ' && (unsigned char)at[1] > ' ') /* nearly all */
		return at + 1;
	behind = lex_skip_blanks(at, end);
	while (end - behind > 2 && behind[0] == '\r' && behind[1] == '\n' && lex_is(behind[2], LEX_SPACE))
		behind = lex_skip_blanks(behind + 2, end);
	return behind > at ? behind : NULL;
}

/* quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F) */
static const char *lex_quoted_pair(const char *at, const char *end)
{
	if (end - at < 2 || at[0] != '\\')
		return NULL;
	return at[1] == '\r' || at[1] == '\n' || (unsigned char)at[1] > 0x7f ? NULL : at + 2;
}

const char *lex_quoted(const char *at, const char *end)
{
	const char *more;

	if (at == end || *at != '"')
		return NULL;
	at++;
	do {
		at = lex_find_special(at, end);
		if (at < end && *at == '"')
			return at + 1;
		more = lex_quoted_pair(at, end);
		at = more ? more : lex_lws(at, end);
	} while (at);
	return NULL;
}

bool scan_comment(struct scan *in)
{
	enum { MAX_DEPTH = 8 };
	struct scan at = *in;
	const char *pair;
	unsigned depth = 0;

	do {
		if (scan_char(&at, '(')) {
			if (++depth > MAX_DEPTH)
				return false;
		} else if (depth == 0) {
			return false;
		} else if (scan_char(&at, ')')) {
			depth--;
		} else if ((pair = lex_quoted_pair(at.at, at.end))) {
			at.at = pair;
		} else if (!scan_lws(&at) && !scan_char(&at, '"')) {
			if (scan_done(&at) || *at.at == '\\' || !lex_is(*at.at, LEX_QDTEXT))
				return false;
			at.at++;
		}
	} while (depth > 0);
	*in = at;
	return true;
}

/* IPv4address of RFC 3986 §3.2.2 in the place of RFC 3261's (RFC 5954 §4.1): four numbers up to 255, none with a zero before it */
const char *lex_ipv4(const char *at, const char *end)
{
	for (int i = 0; i < 4; i++) {
		unsigned part = 0, n = 0;
		const char *from;

		if (i > 0 && (at == end || *at++ != '.'))
			return NULL;
		from = at;
		for (; n < 3 && at < end && ascii_is_digit(*at); n++)
			part = 10 * part + (unsigned)(*at++ - '0');
		if (n == 0 || part > 255 || (n > 1 && *from == '0'))
			return NULL;
	}
	return at < end && lex_is(*at, LEX_HOST) ? NULL : at;
}

/* hostname: labels of letters, digits and inner hyphens; the last begins with a letter and may have a dot behind it. */
static const char *lex_hostname(const char *at, const char *end)
{
	const char *label = NULL;

	while (at < end && lex_is(*at, LEX_ALNUM)) {
		label = at;
		at = lex_skip(at, end, LEX_ALNUM);
		while (at < end && *at == '-') {
			while (at < end && *at == '-')
				at++;
			if (at == end || !lex_is(*at, LEX_ALNUM))
				return NULL;
			at = lex_skip(at, end, LEX_ALNUM);
		}
		if (at == end || *at != '.')
			break;
		at++;
	}
	return label && ascii_is_alpha(*label) && (at == end || !lex_is(*at, LEX_HOST)) ? at : NULL;
}

static const char *lex_ipv6_reference(const char *at, const char *end)
{
	const char *bracket = memchr(at, ']', (size_t)(end - at));
	struct address ignored;

	if (!bracket || !address_parse_ip(slice_from(at, (size_t)(bracket - at) + 1), &ignored))
		return NULL;
	return bracket + 1;
}

const char *lex_host(const char *at, const char *end)
{
	const char *ip;

	if (at == end)
		return NULL;
	if (*at == '[')
		return lex_ipv6_reference(at, end);
	ip = ascii_is_digit(*at) ? lex_ipv4(at, end) : NULL;
	return ip ? ip : lex_hostname(at, end);
}

const char *lex_escapable(const char *at, const char *end, unsigned classes)
{
	while (at < end && *at == '%') {
		if (end - at < 3 || ascii_hex(at[1]) < 0 || ascii_hex(at[2]) < 0)
			return NULL;
		at = lex_skip(at + 3, end, classes);
	}
	return at;
}

struct slice lex_unquoted(struct slice value)
{
	bool quoted = value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';

	return quoted ? slice_sub(value, 1, value.len - 2) : value;
}
