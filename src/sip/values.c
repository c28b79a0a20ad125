#include <string.h>

#include "base/ascii.h"
#include "sip/lex.h"
#include "sip/message.h"

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
 * Where the value at at ends: at the next comma that separates, or at end; commas in quotes and angle brackets do not
 * separate. Behind a quote that is never closed all is one value.
 */
static const char *value_end(const char *at, const char *end)
{
	const char *closing;

	if (!memchr(at, ',', (size_t)(end - at))) /* nearly always */
		return end;
	while ((at = find_separator(at, end)) < end && *at != ',') {
		closing = *at == '<' ? memchr(at, '>', (size_t)(end - at)) : lex_quoted(at, end);
		if (!closing)
			return end;
		at = closing;
	}
	return at;
}

static bool next_in_header(struct sip_values *it, struct slice *ret_value)
{
	struct slice value = { 0 };

	while (value.len == 0 && it->rest.len > 0) {
		const char *at = it->rest.ptr, *end = at + it->rest.len, *behind = value_end(at, end);

		value = slice_from(at, (size_t)(behind - at));
		if (value.len > 0 &&
		    (ascii_is_space(value.ptr[0]) || ascii_is_space(value.ptr[value.len - 1])))
			value = slice_trim(value);
		at = behind < end ? behind + 1 : end;
		it->rest = slice_from(at, (size_t)(end - at));
	}
	*ret_value = value;
	return value.len > 0;
}

bool sip_values_find(struct sip_values *it, struct slice *ret_value)
{
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
