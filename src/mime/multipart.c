#include "mime/multipart.h"

#include "base/ascii.h"
#include "sip/lex.h"
#include "sip/uri.h"

/* bchars without the space, which no boundary of SIP needs (RFC 2046 §5.1.1) */
static bool is_boundary(struct slice text)
{
	static const struct slice marks = SLICE_INIT("'()+_,-./:=?");

	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_alnum(text.ptr[i]) && slice_find(marks, text.ptr[i]) == marks.len)
			return false;
	return text.len > 0 && text.len <= MULTIPART_BOUNDARY_MAX;
}

/* The rest of a line with a delimiter: transport-padding CRLF. */
static bool scan_padding(struct scan *in)
{
	struct scan at = *in;

	at.at = lex_skip_blanks(at.at, at.end);
	if (!scan_text(&at, SLICE("\r\n")))
		return false;
	*in = at;
	return true;
}

/* What a line that begins with "--" boundary says. */
enum delimiter { DELIMITER_NONE, DELIMITER_PART, DELIMITER_LAST };

static enum delimiter scan_delimiter(struct scan *in, struct slice boundary)
{
	struct scan at = *in;
	enum delimiter delimiter = DELIMITER_NONE;

	if (!scan_text(&at, SLICE("--")) || !scan_text(&at, boundary))
		return DELIMITER_NONE;
	if (scan_text(&at, SLICE("--"))) {
		at.at = lex_skip_blanks(at.at, at.end);
		if (scan_done(&at) || scan_text(&at, SLICE("\r\n")))
			delimiter = DELIMITER_LAST;
	} else if (scan_padding(&at)) {
		delimiter = DELIMITER_PART;
	}
	if (delimiter != DELIMITER_NONE)
		*in = at;
	return delimiter;
}

/* Moves behind the next delimiter; what stood before it, without the CRLF that belongs to it. */
static enum delimiter find_delimiter(struct scan *in, struct slice boundary, struct slice *ret_before)
{
	const char *from = in->at;
	enum delimiter delimiter = scan_delimiter(in, boundary);

	if (delimiter != DELIMITER_NONE) {
		*ret_before = slice_from(from, 0);
		return delimiter;
	}
	for (;;) {
		size_t n = slice_find_text(scan_rest(in), SLICE("\r\n--"));

		if (n == scan_rest(in).len)
			return DELIMITER_NONE;
		*ret_before = slice_from(from, (size_t)(in->at - from) + n);
		in->at += n + 2;
		delimiter = scan_delimiter(in, boundary);
		if (delimiter != DELIMITER_NONE)
			return delimiter;
	}
}

enum err multipart_begin(const struct mime_entity *entity, struct multipart *ret_multipart)
{
	struct multipart multipart = { 0 };
	struct scan in = scan_of(entity->body);
	struct slice preamble;

	if (!slice_eq_nocase(entity->type.type, SLICE("multipart")) || entity->encoding != MIME_AS_IS ||
	    !sip_param_find(entity->type.params, SLICE("boundary"), &multipart.boundary) ||
	    !is_boundary(multipart.boundary))
		return ERR_SYNTAX;
	if (find_delimiter(&in, multipart.boundary, &preamble) != DELIMITER_PART)
		return ERR_SYNTAX;
	multipart.rest = scan_rest(&in);
	*ret_multipart = multipart;
	return OK;
}

enum err multipart_next(struct multipart *multipart, struct slice *ret_part)
{
	struct scan in = scan_of(multipart->rest);
	struct slice part;

	if (!multipart->rest.ptr)
		return ERR_NOT_FOUND;
	if (multipart->n == MULTIPART_PARTS_MAX)
		return ERR_LIMIT;
	switch (find_delimiter(&in, multipart->boundary, &part)) {
	case DELIMITER_NONE: return ERR_SYNTAX;
	case DELIMITER_LAST: multipart->rest = slice_of(NULL); break; /* the epilogue means nothing */
	case DELIMITER_PART: multipart->rest = scan_rest(&in); break;
	}
	multipart->n++;
	*ret_part = part;
	return OK;
}

void multipart_make_boundary(struct random *random, char ret_boundary[MULTIPART_BOUNDARY_SIZE])
{
	unsigned char bytes[MULTIPART_BOUNDARY_SIZE * 3 / 4];
	struct writer out = writer_of(ret_boundary, MULTIPART_BOUNDARY_SIZE);

	random_bytes(random, bytes, sizeof(bytes));
	put_base64url(&out, bytes, sizeof(bytes));
}

void put_part(struct writer *out, struct slice boundary, struct slice part)
{
	put(out, SLICE("--"));
	put(out, boundary);
	put(out, SLICE("\r\n"));
	put(out, part);
	put(out, SLICE("\r\n"));
}

void put_last_delimiter(struct writer *out, struct slice boundary)
{
	put(out, SLICE("--"));
	put(out, boundary);
	put(out, SLICE("--\r\n"));
}
