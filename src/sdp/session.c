#include "sdp/session.h"

#include <string.h>

#include "base/scan.h"

/* RFC 8866 §9: token-char, and the bytes of non-ws-string. */
static const struct scan_set token_set = {
	{ 0x03ff6cfa00000000, 0x7fffffffc7fffffe, 0, 0 },
};
static const struct scan_set visible_set = {
	{ 0xfffffffe00000000, 0x7fffffffffffffff, UINT64_MAX, UINT64_MAX },
};

/* A reader of lines that always knows the one it stands on. */
struct reader {
	struct scan in;
	struct arena *arena;
	char type; /* of the current line; '\0' after the last */
	struct slice value;
	size_t n_attributes;
};

/* Steps to the next line: type=value CRLF, with neither empty, and no NUL or CR in the value. */
static enum err next(struct reader *reader)
{
	struct slice line;

	reader->type = '\0';
	if (scan_done(&reader->in))
		return OK;
	if (!scan_line(&reader->in, &line) || line.len < 3 || line.ptr[0] == '\0' || line.ptr[1] != '=')
		return ERR_SYNTAX;
	reader->value = slice_sub(line, 2, line.len);
	if (slice_find(line, '\0') < line.len || slice_find(line, '\r') < line.len)
		return ERR_SYNTAX;
	reader->type = line.ptr[0];
	return OK;
}

/* Passes over lines of that type, at most max of them, whose content does not matter to calls. */
static enum err skip(struct reader *reader, char type, size_t max)
{
	for (size_t i = 0; i < max && reader->type == type; i++)
		TRY(next(reader));
	return OK;
}

/* 1*( CRLF "a=" …) counted ahead, from the current line on. */
static size_t count_attributes(const struct reader *reader)
{
	struct reader ahead = *reader;
	size_t n = 0;

	while (ahead.type == 'a') {
		n++;
		if (next(&ahead) != OK)
			break;
	}
	return n;
}

static bool parse_attribute(struct slice text, struct sdp_attribute *ret_attribute)
{
	struct scan in = scan_of(text);
	struct sdp_attribute attribute = { 0 };

	if (!scan_run(&in, &token_set, &attribute.name))
		return false;
	if (!scan_done(&in)) {
		if (!scan_char(&in, ':') || scan_done(&in))
			return false;
		attribute.value = scan_rest(&in);
	}
	*ret_attribute = attribute;
	return true;
}

/* *attribute-field */
static enum err parse_attributes(struct reader *reader, struct sdp_attributes *ret_attributes)
{
	size_t n = count_attributes(reader);
	struct sdp_attribute *list;

	reader->n_attributes += n;
	if (reader->n_attributes > SDP_MAX_ATTRIBUTES)
		return ERR_LIMIT;
	list = arena_zalloc(reader->arena, n, sizeof *list);
	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!parse_attribute(reader->value, &list[i]))
			return ERR_SYNTAX;
		TRY(next(reader));
	}
	*ret_attributes = (struct sdp_attributes){ list, n };
	return OK;
}

static bool is_multicast(const struct address *address)
{
	return address->family == ADDRESS_V4 ? (address->ip[0] & 0xf0) == 0xe0 : address->ip[0] == 0xff;
}

/* The address of "IN IP4 192.0.2.1"; family ADDRESS_NONE for what is not a unicast IP address. */
static struct address unicast_address(struct slice nettype, struct slice addrtype, struct slice text)
{
	const struct address none = { .family = ADDRESS_NONE };
	struct address address;

	if (!slice_eq(nettype, SLICE("IN")) || text.ptr[0] == '[' || !address_parse_ip(text, &address))
		return none;
	if (is_multicast(&address))
		return none;
	if (slice_eq(addrtype, SLICE("IP4")))
		return address.family == ADDRESS_V4 ? address : none;
	return slice_eq(addrtype, SLICE("IP6")) && slice_find(text, ':') < text.len ? address : none;
}

/* connection-field = "c=" nettype SP addrtype SP connection-address */
static bool parse_connection(struct slice text, struct sdp_connection *ret_connection)
{
	struct scan in = scan_of(text);
	struct slice nettype, addrtype, address;

	if (!scan_run(&in, &token_set, &nettype) || !scan_char(&in, ' ') ||
	    !scan_run(&in, &token_set, &addrtype) || !scan_char(&in, ' ') ||
	    !scan_run(&in, &visible_set, &address) || !scan_done(&in))
		return false;
	*ret_connection = (struct sdp_connection){ text, unicast_address(nettype, addrtype, address) };
	return true;
}

/* *connection-field; a list of them is for multicast (RFC 8866 §5.7), so the first one counts. */
static enum err parse_connections(struct reader *reader, size_t max, struct sdp_connection *ret_connection)
{
	for (size_t i = 0; i < max && reader->type == 'c'; i++) {
		struct sdp_connection connection;

		if (!parse_connection(reader->value, &connection))
			return ERR_SYNTAX;
		if (i == 0)
			*ret_connection = connection;
		TRY(next(reader));
	}
	return OK;
}

/* origin-field = "o=" username SP sess-id SP sess-version SP nettype SP addrtype SP unicast-address */
static bool parse_origin(struct slice text, struct sdp_session *session)
{
	struct scan in = scan_of(text);
	struct slice username, nettype, addrtype, address;

	return scan_run(&in, &visible_set, &username) && scan_char(&in, ' ') &&
	       scan_number(&in, UINT64_MAX, &session->session_id) && scan_char(&in, ' ') &&
	       scan_number(&in, UINT64_MAX, &session->session_version) && scan_char(&in, ' ') &&
	       scan_run(&in, &token_set, &nettype) && scan_char(&in, ' ') &&
	       scan_run(&in, &token_set, &addrtype) && scan_char(&in, ' ') &&
	       scan_run(&in, &visible_set, &address) && scan_done(&in);
}

/* proto = token *("/" token) */
static bool scan_proto(struct scan *in, struct slice *ret_proto)
{
	const char *from = in->at;
	struct slice part;

	do {
		if (!scan_run(in, &token_set, &part))
			return false;
	} while (scan_char(in, '/'));
	*ret_proto = scan_since(in, from);
	return true;
}

/* 1*(SP fmt) to the end of the line. */
static enum err parse_formats(struct reader *reader, struct scan in, struct sdp_section *section)
{
	struct slice formats[SDP_MAX_FORMATS], *copy;
	size_t n = 0;

	while (!scan_done(&in)) {
		if (n == SDP_MAX_FORMATS)
			return ERR_LIMIT;
		if (!scan_char(&in, ' ') || !scan_run(&in, &token_set, &formats[n]))
			return ERR_SYNTAX;
		n++;
	}
	if (n == 0)
		return ERR_SYNTAX;
	copy = arena_zalloc(reader->arena, n, sizeof *copy);
	if (!copy)
		return ERR_NOMEM;
	memcpy(copy, formats, n * sizeof *copy);
	section->formats = copy;
	section->n_formats = n;
	return OK;
}

/* media-field = "m=" media SP port ["/" integer] SP proto 1*(SP fmt) */
static enum err parse_media_field(struct reader *reader, struct sdp_section *section)
{
	struct scan in = scan_of(reader->value);
	uint64_t port, n_ports = 1;

	if (!scan_run(&in, &token_set, &section->media) || !scan_char(&in, ' ') ||
	    !scan_number(&in, UINT16_MAX, &port))
		return ERR_SYNTAX;
	if (scan_char(&in, '/') && (!scan_number(&in, UINT16_MAX, &n_ports) || n_ports == 0))
		return ERR_SYNTAX;
	if (!scan_char(&in, ' ') || !scan_proto(&in, &section->proto))
		return ERR_SYNTAX;
	section->port = (uint16_t)port;
	section->n_ports = (uint16_t)n_ports;
	return parse_formats(reader, in, section);
}

/* media-description, without its i=, b= and k= */
static enum err parse_section(struct reader *reader, struct sdp_section *section)
{
	TRY(parse_media_field(reader, section));
	TRY(next(reader));
	TRY(skip(reader, 'i', 1));
	TRY(parse_connections(reader, SIZE_MAX, &section->connection));
	TRY(skip(reader, 'b', SIZE_MAX));
	TRY(skip(reader, 'k', 1));
	return parse_attributes(reader, &section->attributes);
}

static size_t count_sections(const struct reader *reader)
{
	struct reader ahead = *reader;
	size_t n = 0;

	while (ahead.type) {
		n += ahead.type == 'm';
		if (next(&ahead) != OK)
			break;
	}
	return n;
}

static enum err parse_sections(struct reader *reader, struct sdp_session *session)
{
	size_t n = count_sections(reader);
	struct sdp_section *sections;

	if (n > SDP_MAX_SECTIONS)
		return ERR_LIMIT;
	sections = arena_zalloc(reader->arena, n, sizeof *sections);
	if (!sections)
		return ERR_NOMEM;
	for (size_t i = 0; i < n && reader->type == 'm'; i++)
		TRY(parse_section(reader, &sections[i]));
	session->sections = sections;
	session->n_sections = n;
	return reader->type ? ERR_SYNTAX : OK;
}

/* 1*time-description: "t=" start SP stop, each with repetitions that calls do not use (RFC 3264 §5) */
static enum err parse_times(struct reader *reader)
{
	if (reader->type != 't')
		return ERR_SYNTAX;
	while (reader->type == 't') {
		struct scan in = scan_of(reader->value);
		uint64_t start, stop;

		if (!scan_number(&in, UINT64_MAX, &start) || !scan_char(&in, ' ') ||
		    !scan_number(&in, UINT64_MAX, &stop) || !scan_done(&in))
			return ERR_SYNTAX;
		TRY(next(reader));
		TRY(skip(reader, 'r', SIZE_MAX));
		TRY(skip(reader, 'z', 1));
	}
	return OK;
}

/* From v= to the line before c=. */
static enum err parse_head(struct reader *reader, struct sdp_session *session)
{
	TRY(next(reader));
	if (reader->type != 'v' || !slice_eq(reader->value, SLICE("0")))
		return ERR_SYNTAX;
	TRY(next(reader));
	if (reader->type != 'o' || !parse_origin(reader->value, session))
		return ERR_SYNTAX;
	TRY(next(reader));
	if (reader->type != 's')
		return ERR_SYNTAX;
	TRY(next(reader));
	TRY(skip(reader, 'i', 1));
	TRY(skip(reader, 'u', 1));
	TRY(skip(reader, 'e', SIZE_MAX));
	return skip(reader, 'p', SIZE_MAX);
}

enum err sdp_session_parse(struct arena *arena, struct slice text, const struct sdp_session **ret_session)
{
	struct reader reader = { .in = scan_of(text), .arena = arena };
	struct sdp_session *session;

	if (text.len > SDP_MAX_TEXT)
		return ERR_LIMIT;
	session = arena_zalloc(arena, 1, sizeof *session);
	if (!session)
		return ERR_NOMEM;
	TRY(parse_head(&reader, session));
	TRY(parse_connections(&reader, 1, &session->connection));
	TRY(skip(&reader, 'b', SIZE_MAX));
	TRY(parse_times(&reader));
	TRY(skip(&reader, 'k', 1));
	TRY(parse_attributes(&reader, &session->attributes));
	TRY(parse_sections(&reader, session));

	*ret_session = session;
	return OK;
}

const struct sdp_attribute *sdp_attribute_find(const struct sdp_attributes *attributes, struct slice name)
{
	for (size_t i = 0; i < attributes->n; i++)
		if (slice_eq(attributes->list[i].name, name))
			return &attributes->list[i];
	return NULL;
}
