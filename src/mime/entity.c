#include "mime/entity.h"

#include "base/ascii.h"
#include "base/scan.h"
#include "base/writer.h"
#include "sip/lex.h"

/* -- header fields ----------------------------------------------------------------------------------------- */

/* One field with its folded lines; its value without white space around it. */
static bool scan_field(struct scan *in, struct slice *ret_name, struct slice *ret_value)
{
	struct scan at = *in;
	struct slice line, value;

	if (!scan_token(&at, ret_name))
		return false;
	at.at = lex_skip_blanks(at.at, at.end);
	if (!scan_char(&at, ':'))
		return false;
	const char *from = at.at;
	do {
		if (!scan_line(&at, &line) || at.at[-2] != '\r')
			return false;
		if (lex_find_control(line.ptr, line.ptr + line.len) != line.ptr + line.len)
			return false;
	} while (lex_is(scan_peek(&at), LEX_SPACE));
	value = scan_since(&at, from);
	*in = at;
	*ret_value = slice_trim(value);
	return true;
}

static bool set_encoding(struct mime_entity *entity, struct slice value)
{
	static const struct slice as_is[] = { SLICE_INIT("7bit"), SLICE_INIT("8bit"), SLICE_INIT("binary") };

	entity->encoding = slice_eq_nocase(value, SLICE("base64")) ? MIME_BASE64 : MIME_OTHER;
	for (size_t i = 0; i < sizeof(as_is) / sizeof(as_is[0]); i++)
		if (slice_eq_nocase(value, as_is[i]))
			entity->encoding = MIME_AS_IS;
	return true;
}

static bool set_type(struct mime_entity *entity, struct slice value)
{
	return sip_media_type_parse(value, &entity->type);
}

static bool set_disposition(struct mime_entity *entity, struct slice value)
{
	entity->disposition = value;
	return true;
}

static bool set_id(struct mime_entity *entity, struct slice value)
{
	entity->id = value;
	return true;
}

static const struct {
	struct slice name;
	bool (*set)(struct mime_entity *entity, struct slice value);
} fields[] = {
	{ SLICE_INIT("Content-Type"), set_type },
	{ SLICE_INIT("Content-Transfer-Encoding"), set_encoding },
	{ SLICE_INIT("Content-Disposition"), set_disposition },
	{ SLICE_INIT("Content-ID"), set_id },
};

enum { N_FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* A field that says the same thing twice could be read in two ways, so it is not read at all. */
static bool take_field(struct mime_entity *entity, struct slice name, struct slice value, unsigned *seen)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (!slice_eq_nocase(name, fields[i].name))
			continue;
		if (*seen & 1u << i)
			return false;
		*seen |= 1u << i;
		return fields[i].set(entity, value);
	}
	return true;
}

enum err mime_entity_parse(struct slice text, struct mime_entity *ret_entity)
{
	struct mime_entity entity = { .text = text, .type = { SLICE("text"), SLICE("plain"), SLICE("") } };
	struct scan in = scan_of(text);
	unsigned seen = 0;

	for (size_t n = 0; !scan_text(&in, SLICE("\r\n")); n++) {
		struct slice name, value;

		if (n == MIME_HEADERS_MAX)
			return ERR_LIMIT;
		if (!scan_field(&in, &name, &value) || !take_field(&entity, name, value, &seen))
			return ERR_SYNTAX;
	}
	entity.headers = slice_sub(text, 0, scan_offset(&in) - 2);
	entity.body = scan_rest(&in);
	*ret_entity = entity;
	return OK;
}

/* -- bodies ------------------------------------------------------------------------------------------------ */

static enum err decode_base64(struct slice body, struct arena *arena, struct slice *ret_content)
{
	char *bare = arena_alloc(arena, body.len + 1), *to = bare;
	size_t n;

	if (!bare)
		return ERR_NOMEM;
	for (size_t i = 0; i < body.len; i++)
		if (!ascii_is_space(body.ptr[i]))
			*to++ = body.ptr[i];
	unsigned char *bytes = arena_alloc(arena, body.len + 1);
	if (!bytes)
		return ERR_NOMEM;
	if (!base64_decode(slice_from(bare, (size_t)(to - bare)), bytes, body.len + 1, &n))
		return ERR_SYNTAX;
	*ret_content = slice_from(bytes, n);
	return OK;
}

enum err mime_entity_decode(const struct mime_entity *entity, struct arena *arena, struct slice *ret_content)
{
	switch (entity->encoding) {
	case MIME_AS_IS: *ret_content = entity->body; return OK;
	case MIME_BASE64: return decode_base64(entity->body, arena, ret_content);
	case MIME_OTHER: break;
	}
	return ERR_DENIED;
}
