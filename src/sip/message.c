#include "sip/message.h"

#include <string.h>

#include "base/arena.h"
#include "sip/body.h"
#include "sip/fields.h"
#include "sip/lex.h"
#include "sip/line.h"

const struct sip_limits sip_limits_default = {
	.message = 65536,
	.header_area = 16384,
	.headers = 128,
	.uri = 2048,
	.values = 64,
	.params = LEX_PARAMS_MAX,
	.body_parts = 32,
	.nesting = 4,
};

enum { HEADERS_AT_FIRST = 16, ARENA_SLACK = 256 };

/* How often a header field may come. */
enum {
	ANY_NUMBER,
	ONCE,   /* RFC 3261 §7.3.1, and the RFCs that define them */
	A_LIST, /* a comma list, whose elements are counted against limits->values */
};

static const uint8_t may_come[SIP_HEADERS] = {
	/* clang-format off */
	[SIP_ALLOW]               = A_LIST,
	[SIP_CALL_ID]             = ONCE,
	[SIP_CONTACT]             = A_LIST,
	[SIP_CONTENT_DISPOSITION] = ONCE,
	[SIP_CONTENT_LENGTH]      = ONCE,
	[SIP_CONTENT_TYPE]        = ONCE,
	[SIP_CSEQ]                = ONCE,
	[SIP_DATE]                = ONCE,
	[SIP_ETAG]                = ONCE,
	[SIP_EVENT]               = ONCE,
	[SIP_EXPIRES]             = ONCE,
	[SIP_FLOW_TIMER]          = ONCE,
	[SIP_FROM]                = ONCE,
	[SIP_IF_MATCH]            = ONCE,
	[SIP_MAX_BREADTH]         = ONCE,
	[SIP_MAX_FORWARDS]        = ONCE,
	[SIP_MIME_VERSION]        = ONCE,
	[SIP_MIN_EXPIRES]         = ONCE,
	[SIP_MIN_SE]              = ONCE,
	[SIP_PATH]                = A_LIST,
	[SIP_PRIORITY]            = ONCE,
	[SIP_PROXY_REQUIRE]       = A_LIST,
	[SIP_RACK]                = ONCE,
	[SIP_RECORD_ROUTE]        = A_LIST,
	[SIP_REFERRED_BY]         = ONCE,
	[SIP_REFER_SUB]           = ONCE,
	[SIP_REFER_TO]            = ONCE,
	[SIP_REPLACES]            = ONCE,
	[SIP_REPLY_TO]            = ONCE,
	[SIP_REQUIRE]             = A_LIST,
	[SIP_RETRY_AFTER]         = ONCE,
	[SIP_ROUTE]               = A_LIST,
	[SIP_RSEQ]                = ONCE,
	[SIP_SERVICE_ROUTE]       = A_LIST,
	[SIP_SESSION_EXPIRES]     = ONCE,
	[SIP_SUBSCRIPTION_STATE]  = ONCE,
	[SIP_SUPPORTED]           = A_LIST,
	[SIP_TIMESTAMP]           = ONCE,
	[SIP_TO]                  = ONCE,
	[SIP_VIA]                 = A_LIST,
	/* clang-format on */
};

/* A message being parsed. */
struct parse {
	struct sip_message *message;
	const struct sip_limits *limits;
	size_t short_values;        /* those that have fewer bytes cannot pass a limit */
	struct scan in;             /* over the whole text */
	struct sip_header *headers; /* the message's array, still being written */
	size_t room;                /* elements in it */
	uint16_t last[SIP_HEADERS]; /* index + 1 of the last header field with that id; 0: none yet */
};

/* Only the first fault counts. */
static void fault(struct sip_message *message, unsigned status, const char *what, struct slice name,
		  const char *at)
{
	if (message->fault.status == 0)
		message->fault = (struct sip_fault){ status, what, name, (size_t)(at - message->text.ptr) };
}

static const struct slice no_name;

/* How often c comes, in quotes too. */
static size_t count_char(struct slice text, char c)
{
	const char *at = text.ptr, *end = text.ptr + text.len;
	size_t n = 0;

	for (; end - at >= WIDE; at += WIDE)
		n += (size_t)__builtin_popcount(wide_is(wide_load(at), c));
	for (; at < end; at++)
		n += *at == c;
	return n;
}

/* Whether there can be more parameters than allowed: the text has as many semicolons, and is not nearly as short. */
static bool may_have_too_many(const struct parse *parse, struct slice text)
{
	return text.len > 2 * parse->limits->params && count_char(text, ';') > parse->limits->params;
}

/* -- the start line --------------------------------------------------------------------------------- */

/* SIP-Version = "SIP" "/" 1*DIGIT "." 1*DIGIT, up to the end */
static void check_version(struct sip_message *message, struct slice version)
{
	struct scan in = scan_of(version);
	uint64_t major, minor;

	if (slice_eq_nocase(version, SLICE("SIP/2.0")))
		return;
	if (scan_text_nocase(&in, SLICE("SIP/")) && scan_number(&in, UINT64_MAX, &major) &&
	    scan_char(&in, '.') && scan_number(&in, UINT64_MAX, &minor) && scan_done(&in))
		fault(message, 505, "not SIP version 2.0", no_name, version.ptr);
	else
		fault(message, 400, "malformed SIP version", no_name, in.at);
}

static void parse_request_uri(struct parse *parse, struct slice text)
{
	struct sip_message *message = parse->message;
	struct scan in = scan_of(text);

	message->uri_text = text;
	if (text.len > parse->limits->uri)
		fault(message, 414, "the Request-URI is longer than allowed", no_name, text.ptr);
	else if (!sip_uri_scan(&in, &message->uri) || !scan_done(&in))
		fault(message, 400, "malformed Request-URI", no_name, in.at);
	else if (may_have_too_many(parse, message->uri.params))
		fault(message, 400, "more parameters in the Request-URI than allowed", no_name,
		      message->uri.params.ptr);
	else if (message->uri.headers.len > 0) /* RFC 3261 §19.1.1, table 1: not in a Request-URI */
		fault(message, 400, "header fields in the Request-URI", no_name, message->uri.headers.ptr);
}

/* Request-Line = Method SP Request-URI SP SIP-Version CRLF */
static bool parse_request_line(struct parse *parse, struct slice line)
{
	struct sip_message *message = parse->message;
	struct scan in = scan_of(line);
	const char *version;

	if (!scan_token(&in, &message->method_name) || !scan_char(&in, ' '))
		return false;
	version = sip_line_version(scan_rest(&in));
	if (!version)
		return false;
	message->kind = SIP_REQUEST;
	message->method = sip_method_of(message->method_name);
	check_version(message, slice_from(version + 1, (size_t)(in.end - version) - 1));
	parse_request_uri(parse, slice_from(in.at, (size_t)(version - in.at)));
	return true;
}

/* Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF */
static bool parse_status_line(struct parse *parse, struct slice line)
{
	struct sip_message *message = parse->message;
	struct scan in = scan_of(line);
	struct slice version;
	uint64_t status;

	if (!scan_until(&in, ' ', &version))
		return false;
	message->kind = SIP_RESPONSE;
	check_version(message, version);
	in.at++;
	if (in.end - in.at < 4 || in.at[3] != ' ' || !scan_number(&in, 699, &status) || status < 100) {
		fault(message, 400, "the status code is not one of 100 to 699 and a blank", no_name, in.at);
		return true;
	}
	message->status = (unsigned)status;
	in.at++;
	message->reason = scan_rest(&in);
	return true;
}

/* False if this is no start line of SIP at all, and why. */
static bool parse_start_line(struct parse *parse, struct sip_fault *ret_fault)
{
	struct scan *in = &parse->in;
	const char *end = lex_find_control(in->at, in->end);
	struct slice line = slice_from(in->at, (size_t)(end - in->at));
	bool is_response = slice_starts_nocase(line, SLICE("SIP/"));
	bool is_line = in->end - end >= 2 && end[0] == '\r' && end[1] == '\n';

	if (is_line) {
		in->at = end + 2;
		if (is_response ? parse_status_line(parse, line) : parse_request_line(parse, line))
			return true;
	}
	*ret_fault = (struct sip_fault){ .status = 400, .what = "the first line is not one of SIP" };
	if (!is_line && (is_response || sip_line_version(line))) {
		ret_fault->what = end < in->end ? sip_line_control(*end) : "no CRLF ends the first line";
		ret_fault->at = line.len;
	}
	return false;
}

/* -- the header fields ------------------------------------------------------------------------------ */

/* Room for one more; the old array stays behind in the arena. */
static bool grow(struct parse *parse)
{
	size_t room = parse->room ? parse->room * 2 : HEADERS_AT_FIRST;
	struct sip_header *headers = arena_alloc(parse->message->arena, room * sizeof *headers);

	if (!headers)
		return false;
	if (parse->room)
		memcpy(headers, parse->headers, parse->room * sizeof *headers);
	parse->headers = headers;
	parse->message->headers = headers;
	parse->room = room;
	return true;
}

/* Header fields in which a URI may stand without brackets; From and To are measured when they are decoded. */
static bool may_be_bare(enum sip_header_id id)
{
	return id == SIP_CONTACT || id == SIP_REFER_TO || id == SIP_REFERRED_BY || id == SIP_REPLY_TO;
}

/* What of a value is its URI: what is in brackets, without them all before a semicolon (RFC 3261 §20), or nothing. */
static struct slice uri_part(const struct sip_header *header, struct slice value)
{
	const char *end = value.ptr + value.len, *behind = lex_quoted(value.ptr, end);
	struct slice rest = behind ? slice_from(behind, (size_t)(end - behind)) : value;
	size_t opening = slice_find(rest, '<'), closing = slice_find(rest, '>');

	if (closing > opening && closing < rest.len)
		return slice_sub(rest, opening + 1, closing - opening - 1);
	return slice_sub(value, 0, may_be_bare(header->id) ? slice_find(value, ';') : 0);
}

/* A list in which something may be too long is walked, value by value. */
static void check_values(struct parse *parse, const struct sip_header *header)
{
	struct sip_values it = { .rest = header->value };
	const struct sip_limits *limits = parse->limits;
	struct slice value;

	while (sip_values_next(&it, &value)) {
		struct slice uri = uri_part(header, value);

		if (may_have_too_many(parse, value))
			fault(parse->message, 400, "more parameters in a value than allowed", header->name,
			      value.ptr);
		if (uri.len > limits->uri)
			fault(parse->message, 400, "a URI is longer than allowed", header->name, uri.ptr);
	}
}

static size_t count_values(struct slice list)
{
	struct sip_values it = { .rest = list };
	struct slice value;
	size_t n = 0;

	while (sip_values_next(&it, &value))
		n++;
	return n;
}

/* A list of n values has at least 2n - 1 bytes, n parameters have 2n: short ones need no counting. */
static size_t short_values(const struct sip_limits *limits)
{
	size_t values = 2 * limits->values, params = 2 * limits->params;
	size_t least = values < params ? values : params;

	return least < limits->uri ? least : limits->uri;
}

static void check_header(struct parse *parse, const struct sip_header *header)
{
	struct sip_message *message = parse->message;
	const struct sip_limits *limits = parse->limits;

	if (message->first[header->id] && may_come[header->id] == ONCE)
		fault(message, 400, "a header field that may come once comes twice", header->name,
		      header->name.ptr);
	if (header->value.len < parse->short_values) /* nearly all */
		return;
	if (may_come[header->id] == A_LIST && count_values(header->value) > limits->values)
		fault(message, 400, "more values in a header field than allowed", header->name,
		      header->value.ptr);
	if (may_have_too_many(parse, header->value) || header->value.len > limits->uri)
		check_values(parse, header);
}

/* Takes the one that stands behind the last in the array. False: past what is allowed, the fault is set. */
static bool add_header(struct parse *parse, const struct sip_header *header)
{
	struct sip_message *message = parse->message;

	if (message->n_headers == parse->limits->headers) {
		fault(message, 400, "more header fields than allowed", header->name, header->name.ptr);
		return false;
	}
	if (may_come[header->id] != ANY_NUMBER)
		check_header(parse, header);
	message->n_headers++;
	if (parse->last[header->id])
		parse->headers[parse->last[header->id] - 1].next = (uint16_t)message->n_headers;
	else
		message->first[header->id] = (uint16_t)message->n_headers;
	parse->last[header->id] = (uint16_t)message->n_headers;
	return true;
}

/* All header fields and the empty line. */
static enum err parse_headers(struct parse *parse)
{
	struct sip_message *message = parse->message;
	struct scan *in = &parse->in;
	struct sip_fault bad;

	while (!scan_text(in, SLICE("\r\n"))) {
		const char *from = in->at;
		struct sip_header *header;

		if (scan_done(in)) {
			fault(message, 400, "no empty line ends the header", no_name, in->at);
			return OK;
		}
		if (message->n_headers >= parse->room && !grow(parse))
			return ERR_NOMEM;
		header = &parse->headers[message->n_headers];
		if (!sip_line_scan(in, header, &bad)) {
			fault(message, bad.status, bad.what, header->name, in->start + bad.at);
			continue;
		}
		if (scan_offset(in) > parse->limits->header_area) {
			fault(message, 400, "the header is longer than allowed", no_name, from);
			return OK;
		}
		if (!add_header(parse, header))
			return OK;
	}
	return OK;
}

/* -- what routing needs ----------------------------------------------------------------------------- */

static bool decode_via(struct sip_message *message, struct scan *in)
{
	return sip_via_scan(in, &message->via) && (scan_done(in) || scan_peek(in) == ',');
}

static bool decode_from(struct sip_message *message, struct scan *in)
{
	return sip_address_scan(in, &message->from) && scan_done(in);
}

static bool decode_to(struct sip_message *message, struct scan *in)
{
	return sip_address_scan(in, &message->to) && scan_done(in);
}

static bool decode_call_id(struct sip_message *message, struct scan *in)
{
	return sip_call_id_scan(in, &message->call_id) && scan_done(in);
}

static bool decode_cseq(struct sip_message *message, struct scan *in)
{
	return sip_cseq_scan(in, &message->cseq) && scan_done(in);
}

static bool decode_max_forwards(struct sip_message *message, struct scan *in)
{
	uint64_t hops;

	if (!scan_number(in, 255, &hops))
		return false;
	message->max_forwards = (int)hops;
	return scan_done(in);
}

static const struct field {
	enum sip_header_id id;
	bool (*decode)(struct sip_message *message, struct scan *in);
	const char *malformed;
} fields[] = {
	{ SIP_VIA, decode_via, "malformed Via" },
	{ SIP_FROM, decode_from, "malformed From" },
	{ SIP_TO, decode_to, "malformed To" },
	{ SIP_CALL_ID, decode_call_id, "malformed Call-ID" },
	{ SIP_CSEQ, decode_cseq, "CSeq is not a number below 2^31 and a method" },
	{ SIP_MAX_FORWARDS, decode_max_forwards, "Max-Forwards is not a number up to 255" },
};

static void decode_fields(struct sip_message *message)
{
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		const struct field *field = &fields[i];
		const struct sip_header *header = sip_message_header(message, field->id);
		struct scan in;

		if (!header)
			continue;
		in = scan_of(header->value);
		if (!field->decode(message, &in))
			fault(message, 400, field->malformed, header->name, in.at);
	}
}

/*
 * at: the end of the header. Via comes last, so that nothing else is wrong where its absence is the fault. Max-Forwards
 * is not asked for: what RFC 2543 elements send has none (RFC 3261 §16.3 step 3).
 */
static void check_presence(struct sip_message *message, const char *at)
{
	static const struct {
		enum sip_header_id id;
		const char *missing;
	} mandatory[] = {
		{ SIP_FROM, "no From" }, { SIP_TO, "no To" },   { SIP_CALL_ID, "no Call-ID" },
		{ SIP_CSEQ, "no CSeq" }, { SIP_VIA, "no Via" },
	};

	for (size_t i = 0; i < sizeof mandatory / sizeof mandatory[0]; i++)
		if (!message->first[mandatory[i].id])
			fault(message, 400, mandatory[i].missing, sip_header_name(mandatory[i].id), at);
}

static void check_method(struct sip_message *message)
{
	const struct sip_cseq *cseq = &message->cseq;

	if (message->kind == SIP_RESPONSE) {
		message->method = cseq->method;
		message->method_name = cseq->method_name;
	} else if (cseq->method_name.ptr && !slice_eq(cseq->method_name, message->method_name)) {
		fault(message, 400, "CSeq names another method than the request line",
		      sip_message_header(message, SIP_CSEQ)->name, cseq->method_name.ptr);
	}
}

static void check_address(struct parse *parse, enum sip_header_id id, const struct sip_address *address)
{
	if (address->uri.text.len > parse->limits->uri)
		fault(parse->message, 400, "a URI is longer than allowed", sip_header_name(id),
		      address->uri.text.ptr);
}

/* The body is what Content-Length says, of what is there (RFC 3261 §18.3); the rest of a datagram is not
 * looked at. */
static void parse_body(struct parse *parse)
{
	struct sip_message *message = parse->message;
	const struct sip_header *header = sip_message_header(message, SIP_CONTENT_LENGTH);
	struct scan in;
	uint64_t length;

	message->body = scan_rest(&parse->in);
	if (!header)
		return;
	in = scan_of(header->value);
	if (!scan_number(&in, UINT64_MAX, &length) || !scan_done(&in))
		fault(message, 400, "Content-Length is not a number", header->name, in.at);
	else if (length > message->body.len)
		fault(message, 400, "Content-Length is larger than what follows", header->name,
		      header->value.ptr);
	else
		message->body.len = (size_t)length;
}

static void check_body(const struct parse *parse)
{
	const struct sip_header *header = sip_message_header(parse->message, SIP_CONTENT_TYPE);
	const struct sip_body_limits limits = { parse->limits->body_parts, parse->limits->nesting };
	const char *what, *at;

	/* nearly all bodies are of one piece */
	if (limits.parts > 0 && header && slice_starts_nocase(header->value, SLICE("multipart")) &&
	    sip_body_check(header->value, parse->message->body, &limits, &what, &at) == ERR_LIMIT)
		fault(parse->message, 400, what, header->name, at);
}

/* -- the whole -------------------------------------------------------------------------------------- */

static enum err message_new(struct slice text, const struct sip_limits *limits,
			    struct sip_message **ret_message)
{
	/* The text twice, so that as much can be parsed from it later; the arrays that grow() leaves behind.
	 */
	size_t limit = sizeof **ret_message + 2 * limits->message +
		       4 * (limits->headers + HEADERS_AT_FIRST) * sizeof(struct sip_header);
	/* What most messages need, and no more: those of calls are kept for a while. */
	struct arena *arena = arena_new_for(limit, sizeof **ret_message + text.len +
							   HEADERS_AT_FIRST * sizeof(struct sip_header) +
							   ARENA_SLACK);
	struct sip_message *message = arena ? arena_zalloc(arena, 1, sizeof *message) : NULL;

	if (!message || arena_copy(arena, text, &message->text) != OK) {
		arena_free(arena);
		return ERR_NOMEM;
	}
	message->arena = arena;
	message->max_forwards = -1;
	*ret_message = message;
	return OK;
}

enum err sip_message_parse(struct slice text, const struct sip_limits *limits,
			   struct sip_message **ret_message, struct sip_fault *ret_fault)
{
	AUTO(sip_message) struct sip_message *message = NULL;
	struct parse parse;

	if (text.len > limits->message) {
		*ret_fault = (struct sip_fault){ .status = 413,
						 .what = "the message is longer than allowed" };
		return ERR_LIMIT;
	}
	TRY(message_new(text, limits, &message));
	parse = (struct parse){ .message = message,
				.limits = limits,
				.short_values = short_values(limits),
				.in = scan_of(message->text) };
	if (!parse_start_line(&parse, ret_fault))
		return ERR_SYNTAX;
	TRY(parse_headers(&parse));
	decode_fields(message);
	check_method(message);
	check_address(&parse, SIP_FROM, &message->from);
	check_address(&parse, SIP_TO, &message->to);
	parse_body(&parse);
	check_body(&parse);
	check_presence(message, parse.in.at);
	*ret_message = TAKE(message);
	return OK;
}

enum err sip_message_copy(const struct sip_message *message, struct sip_message **ret_copy)
{
	const struct sip_limits limits = {
		.message = message->text.len,
		.header_area = message->text.len,
		.headers = message->n_headers,
		.uri = message->text.len,
		.values = message->text.len,
		.params = LEX_PARAMS_MAX,
	};
	struct sip_fault ignored;

	return sip_message_parse(message->text, &limits, ret_copy, &ignored);
}

void sip_message_free(struct sip_message *message)
{
	if (message)
		arena_free(message->arena);
}

bool sip_message_can_be_answered(const struct sip_message *message)
{
	return message->kind == SIP_REQUEST && message->method != SIP_ACK && message->via.host.ptr &&
	       message->first[SIP_FROM] && message->first[SIP_TO] && message->first[SIP_CALL_ID] &&
	       message->first[SIP_CSEQ];
}
