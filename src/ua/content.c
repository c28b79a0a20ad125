#include "ua/content.h"

#include "base/arena.h"
#include "base/mem.h"
#include "mime/multipart.h"
#include "mime/smime.h"
#include "ua/protect.h"
#include "ua/tunnel.h"

enum { DEPTH_MAX = 4 /* one in another */ };

/* -- what a body is ----------------------------------------------------------------------------------------- */

static struct slice encoding_of(const struct sip_message *message)
{
	for (size_t i = 0; i < message->n_headers; i++)
		if (slice_eq_nocase(message->headers[i].name, SLICE("Content-Transfer-Encoding")))
			return message->headers[i].value;
	return SLICE("binary"); /* RFC 3261 §7.4.1: bodies of SIP are binary unless something else is said */
}

static void put_line(struct writer *out, struct slice name, struct slice value)
{
	if (value.len == 0)
		return;
	put(out, name);
	put(out, SLICE(": "));
	put(out, value);
	put(out, SLICE("\r\n"));
}

char *content_entity(const struct sip_message *message, struct slice *ret_text)
{
	struct slice type = sip_message_value(message, SIP_CONTENT_TYPE), encoding = encoding_of(message);
	struct slice disposition = sip_message_value(message, SIP_CONTENT_DISPOSITION);
	size_t size = type.len + encoding.len + disposition.len + message->body.len + 128;
	struct writer out = writer_of(mem_alloc(size), size);

	if (!out.buf)
		return NULL;
	put_line(&out, SLICE("Content-Type"), type);
	put_line(&out, SLICE("Content-Transfer-Encoding"), encoding);
	put_line(&out, SLICE("Content-Disposition"), disposition);
	put(&out, SLICE("\r\n"));
	put(&out, message->body);
	*ret_text = writer_text(&out);
	return out.buf;
}

/* -- what is understood --------------------------------------------------------------------------------------- */

/* RFC 5621 §8.1: "A given context is generally … defined by a method, a disposition type, and a content type." */
static const struct context {
	enum sip_method method;
	struct slice type, subtype, disposition; /* absent: of the body itself nothing is understood */
} contexts[] = {
	/* clang-format off */
	{ SIP_INVITE,  SLICE_INIT("application"), SLICE_INIT("sdp"),   SLICE_INIT("session") },
	{ SIP_ACK,     SLICE_INIT("application"), SLICE_INIT("sdp"),   SLICE_INIT("session") },
	{ SIP_UPDATE,  SLICE_INIT("application"), SLICE_INIT("sdp"),   SLICE_INIT("session") },
	{ SIP_PRACK,   SLICE_INIT("application"), SLICE_INIT("sdp"),   SLICE_INIT("session") },
	{ SIP_MESSAGE, SLICE_INIT("text"),        SLICE_INIT("plain"), SLICE_INIT("render")  },
	{ SIP_REFER,   { NULL, 0 },               { NULL, 0 },         { NULL, 0 }           },
	/* clang-format on */
};

/* NULL: a body is not looked at, since nothing depends on it. */
static const struct context *context_of(enum sip_method method)
{
	for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++)
		if (contexts[i].method == method)
			return &contexts[i];
	return NULL;
}

struct choosing {
	const struct context *context;
	enum content_reach reach;
};

static struct slice disposition_type(const struct mime_entity *entity)
{
	return slice_trim(slice_sub(entity->disposition, 0, slice_find(entity->disposition, ';')));
}

/* RFC 3261 §20.11: without the parameter it is required. */
static bool is_optional(const struct mime_entity *entity)
{
	struct slice value = entity->disposition, handling;

	return sip_param_find(slice_sub(value, slice_find(value, ';'), value.len), SLICE("handling"),
			      &handling) &&
	       slice_eq_nocase(handling, SLICE("optional"));
}

static bool is_clear_signed(const struct mime_entity *entity)
{
	return sip_media_type_is(&entity->type, SLICE("multipart"), SLICE("signed"));
}

static bool is_understood(const struct choosing *choosing, const struct mime_entity *entity)
{
	const struct context *context = choosing->context;
	struct slice disposition = disposition_type(entity);

	if (smime_is_protected(entity))
		return choosing->reach == CONTENT_SEALED ||
		       (choosing->reach == CONTENT_SIGNED && is_clear_signed(entity));
	return context->type.ptr && sip_media_type_is(&entity->type, context->type, context->subtype) &&
	       (disposition.len == 0 || slice_eq_nocase(disposition, context->disposition));
}

/* -- choosing ------------------------------------------------------------------------------------------------- */

/*
 * OK: *ret_chosen is the part. ERR_NOT_FOUND: there is none, and there need not be. ERR_DENIED: there is none. Errors as of
 * content_choose().
 */
static enum err choose(const struct choosing *choosing, const struct mime_entity *entity, unsigned depth,
		       struct mime_entity *ret_chosen);

/* RFC 5621 §6.1: the last one that is understood; §8.3: whatever its own handling says. */
static enum err choose_alternative(const struct choosing *choosing, struct multipart *parts, unsigned depth,
				   struct mime_entity *ret_chosen)
{
	enum err found = ERR_DENIED, err;
	struct slice text;

	while ((err = multipart_next(parts, &text)) == OK) {
		struct mime_entity part;

		TRY(mime_entity_parse(text, &part));
		err = choose(choosing, &part, depth, ret_chosen);
		if (err == OK)
			found = OK;
		else if (err != ERR_NOT_FOUND && err != ERR_DENIED)
			return err;
	}
	return err == ERR_NOT_FOUND ? found : err;
}

/* Each for itself (RFC 5621 §8.2). A second one for us has nobody who would take it. */
static enum err choose_mixed(const struct choosing *choosing, struct multipart *parts, unsigned depth,
			     struct mime_entity *ret_chosen)
{
	enum err found = ERR_NOT_FOUND, err;
	struct slice text;

	while ((err = multipart_next(parts, &text)) == OK) {
		struct mime_entity part, chosen;

		TRY(mime_entity_parse(text, &part));
		err = choose(choosing, &part, depth, &chosen);
		if (err == OK && found == OK && !is_optional(&part))
			return ERR_DENIED;
		if (err == OK && found != OK) {
			*ret_chosen = chosen;
			found = OK;
		}
		if (err != OK && err != ERR_NOT_FOUND)
			return err;
	}
	return err == ERR_NOT_FOUND ? found : err;
}

static enum err choose(const struct choosing *choosing, const struct mime_entity *entity, unsigned depth,
		       struct mime_entity *ret_chosen)
{
	struct multipart parts;
	enum err err = ERR_DENIED;

	if (is_understood(choosing, entity)) {
		*ret_chosen = *entity;
		return OK;
	}
	if (slice_eq_nocase(entity->type.type, SLICE("multipart")) && !smime_is_protected(entity)) {
		if (depth == DEPTH_MAX)
			return ERR_LIMIT;
		TRY(multipart_begin(entity, &parts));
		/* RFC 2046 §5.1.7: subtypes that are unknown are mixed */
		err = slice_eq_nocase(entity->type.subtype, SLICE("alternative"))
			      ? choose_alternative(choosing, &parts, depth + 1, ret_chosen)
			      : choose_mixed(choosing, &parts, depth + 1, ret_chosen);
	}
	return err == ERR_DENIED && is_optional(entity) ? ERR_NOT_FOUND : err;
}

/* RFC 8591 §7.3: a MESSAGE is there for its body, so that this has to be understood whatever it says of itself. */
static enum err choose_whole(const struct choosing *choosing, const struct mime_entity *entity,
			     struct mime_entity *ret_chosen)
{
	enum err err = choose(choosing, entity, 0, ret_chosen);

	return err == ERR_NOT_FOUND && choosing->context->method == SIP_MESSAGE ? ERR_DENIED : err;
}

static enum err take_part(const struct mime_entity *part, const struct sip_message *message,
			  struct sip_message **ret_message)
{
	AUTO(arena) struct arena *arena = arena_new(2 * sip_limits_default.message);
	struct slice content;

	if (!arena)
		return ERR_NOMEM;
	TRY(mime_entity_decode(part, arena, &content));
	return tunnel_replace(part, content, message, ret_message);
}

static enum err choose_of(const struct choosing *choosing, const struct sip_message *message,
			  struct slice text, struct sip_message **ret_message)
{
	struct mime_entity whole, part;
	enum err err;

	TRY(mime_entity_parse(text, &whole));
	if (smime_is_protected(&whole) && choosing->reach != CONTENT_CLEAR)
		return OK; /* who cannot decrypt says so himself (493) */
	err = choose_whole(choosing, &whole, &part);
	if (err == ERR_NOT_FOUND)
		return tunnel_strip(message, ret_message);
	TRY(err);
	return part.text.ptr == whole.text.ptr && whole.encoding == MIME_AS_IS
		       ? OK
		       : take_part(&part, message, ret_message);
}

enum err content_choose(const struct sip_message *message, enum content_reach reach,
			struct sip_message **ret_message)
{
	const struct choosing choosing = { context_of(message->method), reach };
	struct slice text;
	char *buffer;
	enum err err;

	*ret_message = NULL;
	if (!choosing.context || message->body.len == 0)
		return OK;
	if (!sip_message_header(message, SIP_CONTENT_TYPE) ||
	    sip_message_header(message, SIP_CONTENT_ENCODING))
		return sip_body_is_optional(message) && message->method != SIP_MESSAGE
			       ? tunnel_strip(message, ret_message)
			       : ERR_DENIED;
	buffer = content_entity(message, &text);
	if (!buffer)
		return ERR_NOMEM;
	err = choose_of(&choosing, message, text, ret_message);
	mem_wipe(buffer, text.len);
	mem_free(buffer);
	return err;
}

/* -- what is said of it ------------------------------------------------------------------------------------------ */

void put_content_accepted(struct writer *out, enum sip_method method, bool can_decrypt)
{
	const struct context *context = context_of(method);

	put(out, SLICE("Accept: "));
	if (!context) {
		put(out, SLICE("application/sdp, text/plain, "));
	} else if (context->type.ptr) {
		put(out, context->type);
		put_char(out, '/');
		put(out, context->subtype);
		put(out, SLICE(", "));
	}
	put(out, SLICE("multipart/alternative, multipart/mixed"));
	if (can_decrypt)
		put(out, SLICE(", " PROTECT_ACCEPT));
	put(out, SLICE("\r\nAccept-Encoding: identity\r\n"));
}
