#include <string.h>

#include "base/ascii.h"
#include "sip/lex.h"
#include "sip/message.h"

struct sip_values sip_values_of(const struct sip_message *message, enum sip_header_id id)
{
	const struct sip_header *header = sip_message_header(message, id);

	return (struct sip_values){ message, header, header ? header->value : slice_from(NULL, 0) };
}

/* The first comma, quote or opening bracket from at on, or end. */
static const char *find_separator(const char *at, const char *end)
{
	for (; end - at >= WIDE; at += WIDE) {
		wide bytes = wide_load(at);
		unsigned hits = wide_bits((wide)((bytes == ',') | (bytes == '"') | (bytes == '<')));

		if (hits)
			return at + __builtin_ctz(hits);
	}
	while (at < end && *at != ',' && *at != '"' && *at != '<')
		at++;
	return at;
}

/*
 * Up to, not including, the next comma that separates; commas in quotes and angle brackets do not. Behind a
 * quote that is never closed all is one value.
 */
static struct slice take_value(struct scan *in)
{
	const char *from = in->at, *closing;
	struct slice quoted;

	while ((in->at = find_separator(in->at, in->end)) < in->end && *in->at != ',') {
		if (*in->at == '<') {
			closing = memchr(in->at, '>', (size_t)(in->end - in->at));
			in->at = closing ? closing + 1 : in->end;
		} else if (!scan_quoted(in, &quoted)) {
			in->at = in->end;
		}
	}
	return scan_since(in, from);
}

static bool next_in_header(struct sip_values *it, struct slice *ret_value)
{
	struct scan in = scan_of(it->rest);
	struct slice value = { 0 };

	while (value.len == 0 && !scan_done(&in)) {
		value = take_value(&in);
		if (value.len > 0 &&
		    (ascii_is_space(value.ptr[0]) || ascii_is_space(value.ptr[value.len - 1])))
			value = slice_trim(value);
		(void)scan_char(&in, ',');
	}
	it->rest = scan_rest(&in);
	*ret_value = value;
	return value.len > 0;
}

bool sip_values_next(struct sip_values *it, struct slice *ret_value)
{
	*ret_value = slice_from(NULL, 0);
	if (it->rest.len == 0 && !it->header) /* most often there is no such header field */
		return false;
	while (!next_in_header(it, ret_value)) {
		it->header = it->header ? sip_message_next(it->message, it->header) : NULL;
		if (!it->header)
			return false;
		it->rest = it->header->value;
	}
	return true;
}

bool sip_message_lists(const struct sip_message *message, enum sip_header_id id, struct slice token)
{
	struct sip_values it = sip_values_of(message, id);
	struct slice value;

	while (sip_values_next(&it, &value))
		if (slice_eq_nocase(value, token))
			return true;
	return false;
}
