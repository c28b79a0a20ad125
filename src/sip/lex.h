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
#include "sip/wide.h"

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

/* The first byte from at on that is in none of the classes, or end. Most runs are short: wide words would not pay. */
static inline const char *lex_skip(const char *at, const char *end, unsigned classes)
{
	for (; end - at >= 4; at += 4) {
		if (!lex_is(at[0], classes))
			return at;
		if (!lex_is(at[1], classes))
			return at + 1;
		if (!lex_is(at[2], classes))
			return at + 2;
		if (!lex_is(at[3], classes))
			return at + 3;
	}
	while (at < end && lex_is(*at, classes))
		at++;
	return at;
}

/* The first byte from at on that is no SP and no HTAB, or end. */
static inline const char *lex_skip_blanks(const char *at, const char *end)
{
	while (at < end && lex_is(*at, LEX_SPACE))
		at++;
	return at;
}

/* The first byte of LEX_CONTROL from at on, or end. */
static inline const char *lex_find_control(const char *at, const char *end)
{
	for (size_t n = (size_t)(end - at) / WIDE; n > 0; n--, at += WIDE) {
		wide bytes = wide_load(at);
		unsigned controls = wide_control_or_tab(bytes);

		if (controls && (controls &= ~wide_is(bytes, '\t')) != 0) /* tabs are rare */
			return at + __builtin_ctz(controls);
	}
	while (at < end && !lex_is(*at, LEX_CONTROL))
		at++;
	return at;
}

/* The first byte from at on that cannot stand in a quoted string as it is: a quote, a backslash, or of LEX_CONTROL; or end. */
static inline const char *lex_find_special(const char *at, const char *end)
{
	for (; end - at >= WIDE; at += WIDE) {
		wide bytes = wide_load(at);
		unsigned hits = wide_is(bytes, '"') | wide_is(bytes, '\\') | wide_control(bytes);

		if (hits)
			return at + __builtin_ctz(hits);
	}
	while (at < end && *at != '"' && *at != '\\' && !lex_is(*at, LEX_CONTROL))
		at++;
	return at;
}

/*
 * What begins at at: where it ends, or NULL if there is no such thing. (The scan_ functions below are these on a cursor.
 * That is told by value and stays in a register, which is what makes a parser of many small steps fast.)
 */
const char *lex_lws(const char *at, const char *end);    /* LWS = [*WSP CRLF] 1*WSP */
const char *lex_quoted(const char *at, const char *end); /* quoted-string without the white space before it */
const char *lex_ipv4(const char *at,
		     const char *end); /* IPv4address: four numbers up to 255, without leading zeros */
const char *lex_host(const char *at,
		     const char *end); /* hostname / IPv4address / IPv6reference in its brackets */

/* SWS = [LWS] */
static inline const char *lex_sws(const char *at, const char *end)
{
	const char *behind = at < end && (unsigned char)*at <= ' ' ? lex_lws(at, end) : NULL;

	return behind ? behind : at;
}

/* SWS c SWS */
static inline const char *lex_separator(const char *at, const char *end, char c)
{
	at = lex_sws(at, end);
	return at < end && *at == c ? lex_sws(at + 1, end) : NULL;
}

/* The rest of *( class / escaped ) from a "%" on. */
const char *lex_escapable(const char *at, const char *end, unsigned classes);

/* Moves the cursor behind what begins there; end may be NULL. */
static inline bool scan_to(struct scan *in, const char *end)
{
	if (!end)
		return false;
	in->at = end;
	return true;
}

static inline bool scan_taken(struct scan *in, const char *end, struct slice *ret_text)
{
	const char *from = in->at;

	if (!scan_to(in, end))
		return false;
	*ret_text = scan_since(in, from);
	return true;
}

static inline bool scan_lws(struct scan *in)
{
	return scan_to(in, lex_lws(in->at, in->end));
}

static inline void scan_sws(struct scan *in)
{
	in->at = lex_sws(in->at, in->end);
}

/* SWS c SWS: SEMI, COMMA, EQUAL, SLASH, COLON. */
static inline bool scan_separator(struct scan *in, char c)
{
	return scan_to(in, lex_separator(in->at, in->end, c));
}

static inline bool scan_token(struct scan *in, struct slice *ret_token)
{
	const char *end = lex_skip(in->at, in->end, LEX_TOKEN);

	return scan_taken(in, end > in->at ? end : NULL, ret_token);
}

/* ret_quoted includes the quotes. */
static inline bool scan_quoted(struct scan *in, struct slice *ret_quoted)
{
	return scan_taken(in, lex_quoted(in->at, in->end), ret_quoted);
}

static inline bool scan_host(struct scan *in, struct slice *ret_host)
{
	return scan_taken(in, lex_host(in->at, in->end), ret_host);
}

/* "(" … ")" with comments inside, at most 8 deep. */
bool scan_comment(struct scan *in);

/* 1*DIGIT, 1 to 65535 */
static inline bool scan_port(struct scan *in, uint16_t *ret_port)
{
	struct scan at = *in;
	uint64_t port;

	if (!scan_number(&at, UINT16_MAX, &port) || port == 0)
		return false;
	in->at = at.at;
	*ret_port = (uint16_t)port;
	return true;
}

/* *( class / escaped ); may be empty, fails on a "%" that two hexadecimal digits do not follow. */
static inline bool scan_escapable(struct scan *in, unsigned classes, struct slice *ret_text)
{
	const char *end = lex_skip(in->at, in->end, classes);

	if (end < in->end && *end == '%')
		end = lex_escapable(end, in->end, classes);
	return scan_taken(in, end, ret_text);
}

/* The names of one value's parameters: each may come once. Starts with n = 0. */
enum { LEX_PARAMS_MAX = 64 };

struct lex_names {
	size_t n;
	struct slice name[LEX_PARAMS_MAX];
};

/* False if the name (case ignored) was there already, or it is one too many. */
static inline bool lex_names_add(struct lex_names *names, struct slice name)
{
	for (size_t i = 0; i < names->n; i++)
		if (slice_eq_nocase(names->name[i], name))
			return false;
	if (names->n == LEX_PARAMS_MAX)
		return false;
	names->name[names->n++] = name;
	return true;
}

/* generic-param = token [ EQUAL gen-value ], after its SEMI; the value as written, absent without "=". */
struct lex_param {
	struct slice name, value;
};

static inline bool scan_param(struct scan *in, struct lex_param *ret_param)
{
	struct scan at = *in;
	struct lex_param param = { 0 };

	if (!scan_token(&at, &param.name))
		return false;
	if (scan_separator(&at, '=') && !scan_token(&at, &param.value) && !scan_quoted(&at, &param.value) &&
	    !scan_host(&at, &param.value))
		return false;
	in->at = at.at;
	*ret_param = param;
	return true;
}

/* Without the quotes around it, if there are any; escapes stay in. */
struct slice lex_unquoted(struct slice value);
