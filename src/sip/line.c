#include "sip/line.h"

#include <string.h>

#include "sip/lex.h"

/* Behind the next CRLF that no white space follows, or the end of the text. */
static const char *line_end(const char *at, const char *end)
{
	for (;;) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			return end;
		at++;
		if (at == end || !lex_is(*at, LEX_SPACE))
			return at;
	}
}

static bool fail(struct scan *in, const char *at, const char *what, struct sip_fault *ret_fault)
{
	*ret_fault = (struct sip_fault){ .status = 400, .what = what, .at = (size_t)(at - in->start) };
	in->at = line_end(at, in->end);
	return false;
}

/*
 * Finds the end of a value: its CRLF. A control character behind a backslash may be part of a quoted-pair;
 * there are so few of them that where one was seen, *ret_escaped makes the caller look again. NULL: *ret_at
 * is not allowed there.
 */
static const char *value_end(const char *at, const char *end, const char **ret_at, bool *ret_escaped)
{
	const char *from = at;

	*ret_escaped = false;
	for (;;) {
		at = lex_find_control(at, end);
		if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') {
			if (end - at == 2 || !lex_is(at[2], LEX_SPACE))
				return at;
			at += 2;
		} else if (at < end && *at != '\r' && *at != '\n' && at > from && at[-1] == '\\') {
			*ret_escaped = true;
			at++;
		} else {
			*ret_at = at;
			return NULL;
		}
	}
}

/*
 * The first control character outside of the quoted strings of a value, or NULL. Behind a quote that is never closed nothing is quoted:
 * each byte is looked at twice at most, however many quotes come.
 */
static const char *find_bare_control(struct slice value)
{
	struct scan in = scan_of(value);
	struct slice quoted;
	bool is_closed = true;

	while (!scan_done(&in)) {
		if (*in.at == '"' && is_closed && (is_closed = scan_quoted(&in, &quoted)))
			continue;
		if (scan_lws(&in))
			continue;
		if (lex_is(*in.at, LEX_CONTROL))
			return in.at;
		in.at++;
	}
	return NULL;
}

/* header-name HCOLON, without the white space behind the colon. */
static bool scan_name(struct scan *in, struct sip_header *header)
{
	if (!scan_token(in, &header->name))
		return false;
	header->id = sip_header_of(header->name);
	in->at = lex_skip_blanks(in->at, in->end);
	return scan_char(in, ':');
}

bool sip_line_scan_any(struct scan *in, struct sip_header *header, struct sip_fault *ret_fault)
{
	const char *at, *end;
	bool escaped;

	*header = (struct sip_header){ 0 };
	if (!scan_name(in, header))
		return fail(in, in->at,
			    scan_done(in) ? "the header ends early" : "not a header field: no name and colon",
			    ret_fault);
	at = in->at;
	end = value_end(at, in->end, &in->at, &escaped);
	if (!end)
		return fail(in, in->at,
			    in->at == in->end ? "the header ends early" : sip_line_control(*in->at),
			    ret_fault);
	header->value = slice_trim(slice_from(at, (size_t)(end - at)));
	at = escaped ? find_bare_control(header->value) : NULL;
	if (at)
		return fail(in, at, sip_line_control(*at), ret_fault);
	in->at = end + 2;
	return true;
}

const char *sip_line_version(struct slice line)
{
	static const struct slice version = SLICE_INIT(" SIP/"), usual = SLICE_INIT(" SIP/2.0");

	if (line.len > usual.len && memcmp(line.ptr + line.len - usual.len, usual.ptr, usual.len) == 0)
		return line.ptr + line.len - usual.len;
	for (size_t at = line.len; at-- > 0;)
		if (line.ptr[at] == ' ' && slice_starts_nocase(slice_sub(line, at, version.len), version))
			return line.ptr + at;
	return NULL;
}

const char *sip_line_control(char c)
{
	switch (c) {
	case '\0': return "a NUL in the header";
	case '\n': return "a bare LF in the header";
	case '\r': return "a bare CR in the header";
	default: return "a control character in the header";
	}
}
