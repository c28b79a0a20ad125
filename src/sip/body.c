#include "sip/body.h"

#include "sip/fields.h"
#include "sip/lex.h"
#include "sip/uri.h"

/* One multipart body, within as many others as depth says. */
struct level {
	const struct sip_body_limits *limits;
	size_t depth, *n_parts;
	const char **what, **at;
};

static enum err check(const struct level *level, struct slice content_type, struct slice body);

/*
 * Moves behind the next line that begins with "--" boundary; *ret_before is what stood before it. False: there is none.
 * The last delimiter, which has "--" behind it, counts as one, and what follows it as a part: it is looked at all the same.
 */
static bool next_delimiter(struct scan *in, struct slice boundary, struct slice *ret_before)
{
	const char *from = in->at;

	for (;;) {
		const char *line = in->at;

		if (scan_text(in, SLICE("--")) && scan_text(in, boundary)) {
			*ret_before = slice_from(from, (size_t)(line - from));
			return true;
		}
		in->at = line;
		size_t n = slice_find_text(scan_rest(in), SLICE("\r\n"));

		if (n == scan_rest(in).len) {
			in->at = from;
			return false;
		}
		in->at += n + 2;
	}
}

/* HCOLON may have white space before it, as elsewhere. */
static bool is_content_type(struct slice line, struct slice *ret_value)
{
	struct scan in = scan_of(line);

	if (!scan_text_nocase(&in, SLICE("Content-Type")))
		return false;
	in.at = lex_skip_blanks(in.at, in.end);
	if (!scan_char(&in, ':'))
		return false;
	*ret_value = slice_trim(scan_rest(&in));
	return true;
}

/* The value of the part's Content-Type, with what is folded; empty if it has none. */
static struct slice type_of(struct slice header)
{
	struct slice value;

	while (header.len > 0) {
		size_t end = slice_find_text(header, SLICE("\r\n"));

		while (end + 2 < header.len &&
		       lex_skip_blanks(&header.ptr[end + 2], &header.ptr[end + 3]) != &header.ptr[end + 2])
			end += 2 + slice_find_text(slice_sub(header, end + 2, header.len), SLICE("\r\n"));
		if (is_content_type(slice_sub(header, 0, end), &value))
			return value;
		header = slice_sub(header, end + 2, header.len);
	}
	return slice_of("");
}

/* Behind a delimiter: whether it is the last, which has "--" and nothing else on its line (RFC 2046 §5.1.1). */
static bool is_last(const struct scan *in)
{
	struct scan at = *in;

	if (!scan_text(&at, SLICE("--")))
		return false;
	at.at = lex_skip_blanks(at.at, at.end);
	return scan_done(&at) || slice_starts(scan_rest(&at), SLICE("\r\n"));
}

/* The rest of the delimiter's line is no header. */
static void end_line(struct scan *in)
{
	struct slice rest = scan_rest(in);

	in->at = slice_sub(rest, slice_find_text(rest, SLICE("\r\n")) + 2, rest.len).ptr;
}

static enum err check_part(const struct level *level, struct slice part)
{
	size_t end = slice_find_text(part, SLICE("\r\n\r\n"));

	if (++*level->n_parts > level->limits->parts) {
		*level->what = "more body parts than allowed";
		*level->at = part.ptr;
		return ERR_LIMIT;
	}
	return check(level, type_of(slice_sub(part, 0, end)), slice_sub(part, end + 4, part.len));
}

static enum err check(const struct level *level, struct slice content_type, struct slice body)
{
	struct level inner = *level;
	struct sip_media_type type;
	struct scan in = scan_of(body);
	struct slice boundary, part;

	if (!sip_media_type_parse(content_type, &type) || !slice_eq_nocase(type.type, SLICE("multipart")) ||
	    !sip_param_find(type.params, SLICE("boundary"), &boundary) || boundary.len == 0)
		return OK;
	if (++inner.depth > level->limits->nesting) {
		*level->what = "body parts nested deeper than allowed";
		*level->at = body.ptr;
		return ERR_LIMIT;
	}
	if (!next_delimiter(&in, boundary, &part)) /* the preamble */
		return OK;
	for (;;) {
		if (is_last(&in))
			return OK;
		end_line(&in);
		if (!next_delimiter(&in, boundary, &part))
			part = scan_rest(&in);
		TRY(check_part(&inner, part));
		if (part.ptr + part.len == in.end)
			return OK;
	}
}

enum err sip_body_check(struct slice content_type, struct slice body, const struct sip_body_limits *limits,
			const char **ret_what, const char **ret_at)
{
	size_t n_parts = 0;
	const struct level outermost = { limits, 0, &n_parts, ret_what, ret_at };

	return check(&outermost, content_type, body);
}
