#include "sip/build.h"

#include "sip/lex.h"

void put_request_line(struct writer *out, struct slice method, struct slice uri)
{
	put(out, method);
	put_char(out, ' ');
	put(out, uri);
	put(out, SLICE(" SIP/2.0\r\n"));
}

void put_status_line(struct writer *out, unsigned status, struct slice reason)
{
	put(out, SLICE("SIP/2.0 "));
	put_number(out, status);
	put_char(out, ' ');
	put(out, reason.ptr ? reason : sip_reason_phrase(status));
	put(out, SLICE("\r\n"));
}

/*
 * The one way in which a header field is written: a name, a colon, a blank, the value as it is. Whole or not at all, for half a line
 * would run into the next one.
 */
static void put_field(struct writer *out, struct slice name, struct slice value)
{
	static const size_t around = sizeof ": \r\n" - 1;

	if (name.len + value.len + around > out->size - out->len) {
		out->overflow = true;
		return;
	}
	put(out, name);
	put(out, SLICE(": "));
	put(out, value);
	put(out, SLICE("\r\n"));
}

void put_header(struct writer *out, enum sip_header_id id, struct slice value)
{
	put_field(out, sip_header_name(id), value);
}

void put_body(struct writer *out, struct slice body)
{
	put(out, SLICE("Content-Length: "));
	put_number(out, body.len);
	put(out, SLICE("\r\n\r\n"));
	put(out, body);
}

void put_quoted(struct writer *out, struct slice text)
{
	struct scan in = scan_of(text);

	put_char(out, '"');
	while (!scan_done(&in)) {
		const char *from = in.at;

		in.at = lex_find_special(from, in.end);
		put(out, scan_since(&in, from));
		if (scan_done(&in))
			break;
		if (!lex_is(*in.at, LEX_CONTROL)) {
			put_char(out, '\\');
			put_char(out, *in.at);
		}
		in.at++;
	}
	put_char(out, '"');
}

/* What follows the topmost Via and its comma in the same field. */
static struct slice behind_top_via(const struct sip_message *message)
{
	struct slice rest = sip_vias_below(message).rest;

	return rest.len == 0 ? rest : slice_trim(slice_sub(rest, slice_find(rest, ',') + 1, rest.len));
}

/* Via: the topmost value replaced, or, where via is absent, taken out; what else stands in the same field is kept. */
static void put_top_via(struct writer *out, const struct sip_message *message,
			const struct sip_header *header, struct slice via)
{
	struct slice rest = behind_top_via(message);

	if (!via.ptr && rest.len == 0)
		return;
	put(out, header->name);
	put(out, SLICE(": "));
	if (via.ptr)
		put(out, via);
	if (via.ptr && rest.len > 0)
		put(out, SLICE(", "));
	put(out, rest);
	put(out, SLICE("\r\n"));
}

static void put_max_forwards(struct writer *out, int hops)
{
	put(out, SLICE("Max-Forwards: "));
	put_number(out, (unsigned)hops);
	put(out, SLICE("\r\n"));
}

/*
 * The line of a field where it stands in the message as put_field() would write it, else an empty slice. Such lines that stand one behind
 * the other are copied at once.
 */
static inline struct slice line_as_written(const struct sip_message *message, const struct sip_header *header)
{
	const char *line = header->name.ptr, *colon = line + header->name.len, *value = header->value.ptr,
		   *end = value + header->value.len, *text_end = message->text.ptr + message->text.len;

	if (value != colon + 2 || !slice_eq(slice_from(colon, 2), SLICE(": ")) || text_end - end < 2 ||
	    !slice_eq(slice_from(end, 2), SLICE("\r\n")))
		return slice_from(line, 0);
	return slice_from(line, (size_t)(end - line) + 2);
}

/* Fields that stay as they are, and stand one behind the other: still to be written. */
static void put_run(struct writer *out, struct slice *run)
{
	put(out, *run);
	run->len = 0;
}

/* One that stays as it is. */
static void put_line(struct writer *out, const struct sip_message *message, const struct sip_header *header)
{
	struct slice line = line_as_written(message, header);

	if (line.len > 0)
		put(out, line);
	else
		put_field(out, header->name, header->value);
}

static void put_kept(struct writer *out, const struct sip_message *message, const struct sip_header *header,
		     struct slice *run)
{
	struct slice line = line_as_written(message, header);

	if (run->len > 0 && line.len > 0 && run->ptr + run->len == line.ptr) {
		run->len += line.len;
		return;
	}
	put_run(out, run);
	if (line.len > 0)
		*run = line;
	else
		put_field(out, header->name, header->value);
}

bool sip_keep_not(const struct sip_header *header, void *arg)
{
	(void)header;
	(void)arg;
	return false;
}

static bool is_kept(const struct sip_header *header, const struct sip_edits *edits)
{
	sip_keep *keep = edits->keep ? edits->keep[header->id] : NULL;

	return header->id != SIP_CONTENT_LENGTH &&
	       (header->id != SIP_MAX_FORWARDS || edits->max_forwards < 0) &&
	       (!keep || keep(header, edits->keep_arg));
}

void put_forwarded(struct writer *out, const struct sip_message *message, const struct sip_edits *edits)
{
	const struct sip_header *top_via = sip_message_header(message, SIP_VIA);
	struct slice run = { 0 };

	put(out, edits->top);
	for (size_t i = 0; i < message->n_headers; i++) {
		const struct sip_header *header = &message->headers[i];

		if (!is_kept(header, edits))
			continue;
		if (header == top_via && (edits->drop_via || edits->via.ptr)) {
			put_run(out, &run);
			put_top_via(out, message, header, edits->drop_via ? slice_of(NULL) : edits->via);
		} else {
			put_kept(out, message, header, &run);
		}
	}
	put_run(out, &run);
	if (edits->max_forwards >= 0)
		put_max_forwards(out, edits->max_forwards);
	put_body(out, message->body);
}

/* RFC 3261 §8.2.6.2: a To without a tag gets ours, except in a 100. */
static bool is_to_be_tagged(const struct sip_message *request, const struct sip_reply *reply)
{
	return reply->to_tag.ptr && reply->status != 100 && request->to.uri.text.ptr && !request->to.tag.ptr;
}

static void put_tagged(struct writer *out, const struct sip_header *to, struct slice tag)
{
	put(out, to->name);
	put(out, SLICE(": "));
	put(out, to->value);
	put(out, SLICE(";tag="));
	put(out, tag);
	put(out, SLICE("\r\n"));
}

/* What every response has of its request, besides the Vias. */
static void put_repeated(struct writer *out, const struct sip_message *request, const struct sip_reply *reply)
{
	static const enum sip_header_id ids[] = { SIP_FROM, SIP_TO, SIP_CALL_ID, SIP_CSEQ };

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		const struct sip_header *header = sip_message_header(request, ids[i]);

		if (!header)
			continue;
		if (header->id == SIP_TO && is_to_be_tagged(request, reply))
			put_tagged(out, header, reply->to_tag);
		else
			put_line(out, request, header);
	}
}

/* RFC 3261 §8.2.6.1: "the UAS SHOULD add a delay value into the Timestamp value in the response" */
static void put_timestamp(struct writer *out, const struct sip_message *request, uint64_t delay)
{
	struct slice value = sip_message_value(request, SIP_TIMESTAMP);
	uint64_t thousandths = delay % 1000;

	if (!value.ptr)
		return;
	put(out, SLICE("Timestamp: "));
	put(out, value);
	/* One that has a delay already has it from nobody who could know ours. */
	if (delay > 0 && slice_find(value, ' ') == value.len && slice_find(value, '\t') == value.len) {
		put_char(out, ' ');
		put_number(out, delay / 1000);
		put(out, thousandths < 10 ? SLICE(".00") : thousandths < 100 ? SLICE(".0") : SLICE("."));
		put_number(out, thousandths);
	}
	put(out, SLICE("\r\n"));
}

void put_reply(struct writer *out, const struct sip_message *request, const struct sip_reply *reply)
{
	const struct sip_header *via = sip_message_header(request, SIP_VIA);

	put_status_line(out, reply->status, reply->reason);
	if (via && reply->via.ptr)
		put_top_via(out, request, via, reply->via);
	else if (via)
		put_field(out, via->name, via->value);
	while (via && (via = sip_message_next(request, via)))
		put_field(out, via->name, via->value);
	put_repeated(out, request, reply);
	if (reply->status == 100)
		put_timestamp(out, request, reply->delay);
	put(out, reply->headers);
	put_body(out, reply->body);
}
