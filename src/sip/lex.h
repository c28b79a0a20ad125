/*
 * The lexical rules of SIP (RFC 3261 §25.1), on a cursor. As with all scan_ functions the cursor moves only
 * on success.
 *
 * Bytes above 0x7f stand where the grammar has UTF8-NONASCII; that they form valid UTF-8 is not checked,
 * since nothing here interprets them and they are passed on as they came.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scan.h"
#include "base/slice.h"

/* The classes that one byte can be in; "%" as the start of an escape is in none of the URI's. */
enum lex_class {
	LEX_TOKEN = 1 << 0,
	LEX_WORD = 1 << 1,       /* of a Call-ID */
	LEX_QDTEXT = 1 << 2,     /* inside a quoted-string, blank and HTAB included, without folding */
	LEX_HOST = 1 << 3,       /* of a hostname or IPv4address */
	LEX_SCHEME = 1 << 4,     /* after the first letter */
	LEX_USER = 1 << 5,       /* unreserved / user-unreserved */
	LEX_PASSWORD = 1 << 6,   /* unreserved / those of password */
	LEX_BARE_USER = 1 << 13, /* what of both may stand outside of angle brackets */
	LEX_PARAM = 1 << 7,      /* of a URI parameter: param-unreserved / unreserved */
	LEX_HNV = 1 << 8,        /* of a URI's header part: hnv-unreserved / unreserved */
	LEX_URIC = 1 << 9,       /* reserved / unreserved */
	LEX_UNRESERVED = 1 << 10,
	LEX_SPACE = 1 << 11,   /* SP, HTAB */
	LEX_CONTROL = 1 << 12, /* what no header field may hold bare: %x00-1F without HTAB, and %x7F */
	LEX_ALNUM = 1 << 14,
};

extern const uint16_t lex_classes[256];

static inline bool lex_is(char c, unsigned classes)
{
	return (lex_classes[(unsigned char)c] & classes) != 0;
}

/* The first byte from at on that is in none of the classes, or end. */
static inline const char *lex_skip(const char *at, const char *end, unsigned classes)
{
	while (at < end && lex_is(*at, classes))
		at++;
	return at;
}

/* The first byte of LEX_CONTROL from at on, or end: 16 bytes at a time where the processor can. */
const char *lex_find_control(const char *at, const char *end);

/* LWS = [*WSP CRLF] 1*WSP */
bool scan_lws(struct scan *in);

/* SWS = [LWS] */
void scan_sws(struct scan *in);

/* The slow way of scan_separator(). */
bool scan_spaced(struct scan *in, char c);

/* SWS c SWS: SEMI, COMMA, EQUAL, SLASH, COLON. Most often there is no white space. */
static inline bool scan_separator(struct scan *in, char c)
{
	if (in->end - in->at < 2 || (unsigned char)in->at[0] <= ' ' || (unsigned char)in->at[1] <= ' ')
		return scan_spaced(in, c);
	if (*in->at != c)
		return false;
	in->at++;
	return true;
}

static inline bool scan_token(struct scan *in, struct slice *ret_token)
{
	const char *end = lex_skip(in->at, in->end, LEX_TOKEN);

	if (end == in->at)
		return false;
	*ret_token = slice_from(in->at, (size_t)(end - in->at));
	in->at = end;
	return true;
}

/* quoted-string without the white space before it; ret_quoted includes the quotes. */
bool scan_quoted(struct scan *in, struct slice *ret_quoted);

/* "(" … ")" with comments inside, at most 8 deep. */
bool scan_comment(struct scan *in);

/* IPv4address: four numbers up to 255. */
bool scan_ipv4(struct scan *in, struct slice *ret_ip);

/* host = hostname / IPv4address / IPv6reference; the last with its brackets. */
bool scan_host(struct scan *in, struct slice *ret_host);

/* 1*DIGIT, 1 to 65535 */
bool scan_port(struct scan *in, uint16_t *ret_port);

/* *( class / escaped ); may be empty, fails on a "%" that two hexadecimal digits do not follow. */
bool scan_escapable(struct scan *in, unsigned classes, struct slice *ret_text);

/* The names of one value's parameters: each may come once. Starts with n = 0. */
enum { LEX_PARAMS_MAX = 64 };

struct lex_names {
	size_t n;
	struct slice name[LEX_PARAMS_MAX];
};

/* False if the name (case ignored) was there already, or it is one too many. */
bool lex_names_add(struct lex_names *names, struct slice name);

/* generic-param = token [ EQUAL gen-value ], after its SEMI; the value as written, absent without "=". */
struct lex_param {
	struct slice name, value;
};
bool scan_param(struct scan *in, struct lex_param *ret_param);

/* Without the quotes around it, if there are any; escapes stay in. */
struct slice lex_unquoted(struct slice value);
