#include "mime/entity.h"

#include "harness.h"

static const struct {
	const char *label;
	struct slice text;
	enum err err;
	const char *type, *subtype;
	enum mime_encoding encoding;
	const char *body;
} cases[] = {
	{ "no header at all", SLICE_INIT("\r\nhello"), OK, "text", "plain", MIME_AS_IS, "hello" },
	{ "type and encoding",
	  SLICE_INIT("Content-Type: application/sdp\r\nContent-Transfer-Encoding: BASE64\r\n\r\naGk="), OK,
	  "application", "sdp", MIME_BASE64, "aGk=" },
	{ "folded", SLICE_INIT("Content-Type:\r\n text/html;\r\n\tcharset=utf-8\r\n\r\nx"), OK, "text",
	  "html", MIME_AS_IS, "x" },
	{ "names in capitals", SLICE_INIT("CONTENT-TYPE : text/html\r\n\r\n"), OK, "text", "html", MIME_AS_IS,
	  "" },
	{ "unknown fields pass", SLICE_INIT("X-Thing: a b\r\nSubject: c\r\n\r\nx"), OK, "text", "plain",
	  MIME_AS_IS, "x" },
	{ "an encoding that is not read", SLICE_INIT("Content-Transfer-Encoding: quoted-printable\r\n\r\nx"),
	  OK, "text", "plain", MIME_OTHER, "x" },
	{ "no empty line", SLICE_INIT("Content-Type: text/plain\r\n"), ERR_SYNTAX, NULL, NULL, MIME_AS_IS,
	  NULL },
	{ "nothing", SLICE_INIT(""), ERR_SYNTAX, NULL, NULL, MIME_AS_IS, NULL },
	{ "bare LF", SLICE_INIT("Content-Type: text/plain\n\nx"), ERR_SYNTAX, NULL, NULL, MIME_AS_IS, NULL },
	{ "type twice", SLICE_INIT("Content-Type: text/plain\r\ncontent-type: text/html\r\n\r\nx"),
	  ERR_SYNTAX, NULL, NULL, MIME_AS_IS, NULL },
	{ "no type", SLICE_INIT("Content-Type: text\r\n\r\nx"), ERR_SYNTAX, NULL, NULL, MIME_AS_IS, NULL },
	{ "a NUL", SLICE_INIT("X: a\0b\r\n\r\nx"), ERR_SYNTAX, NULL, NULL, MIME_AS_IS, NULL },
	{ "no colon", SLICE_INIT("Content-Type text/plain\r\n\r\nx"), ERR_SYNTAX, NULL, NULL, MIME_AS_IS,
	  NULL },
};

static void reads_what_stands_before_a_body(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mime_entity entity;
		enum err err = mime_entity_parse(cases[i].text, &entity);

		if (err != cases[i].err)
			fail_msg("%s: %s", cases[i].label, err_text(err));
		if (err != OK)
			continue;
		if (!slice_eq(entity.type.type, slice_of(cases[i].type)) ||
		    !slice_eq(entity.type.subtype, slice_of(cases[i].subtype)) ||
		    entity.encoding != cases[i].encoding || !slice_eq(entity.body, slice_of(cases[i].body)))
			fail_msg("%s: another meaning", cases[i].label);
	}
}

static void many_fields_are_too_many(void **state)
{
	char text[8 * (MIME_HEADERS_MAX + 1) + 2];
	struct writer out = writer_of(text, sizeof(text));
	struct mime_entity entity;

	(void)state;
	for (int i = 0; i <= MIME_HEADERS_MAX; i++)
		put(&out, SLICE("X: y\r\n"));
	put(&out, SLICE("\r\n"));
	assert_int_equal(mime_entity_parse(writer_text(&out), &entity), ERR_LIMIT);
}

static const struct {
	const char *label;
	struct slice text;
	enum err err;
	struct slice content;
} bodies[] = {
	{ "as it is", SLICE_INIT("\r\na\0b"), OK, SLICE_INIT("a\0b") },
	{ "base64", SLICE_INIT("Content-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n"), OK,
	  SLICE_INIT("hello") },
	{ "empty base64", SLICE_INIT("Content-Transfer-Encoding: base64\r\n\r\n"), OK, SLICE_INIT("") },
	{ "no base64", SLICE_INIT("Content-Transfer-Encoding: base64\r\n\r\na*b="), ERR_SYNTAX,
	  SLICE_INIT("") },
	{ "another", SLICE_INIT("Content-Transfer-Encoding: quoted-printable\r\n\r\na=20"), ERR_DENIED,
	  SLICE_INIT("") },
};

static void takes_the_transfer_encoding_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		AUTO(arena) struct arena *arena = arena_new(10000);
		struct mime_entity entity;
		struct slice content;

		assert_non_null(arena);
		assert_int_equal(mime_entity_parse(bodies[i].text, &entity), OK);
		enum err err = mime_entity_decode(&entity, arena, &content);
		if (err != bodies[i].err || (err == OK && !slice_eq(content, bodies[i].content)))
			fail_msg("%s: %s", bodies[i].label, err_text(err));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(reads_what_stands_before_a_body),
	cmocka_unit_test(many_fields_are_too_many),
	cmocka_unit_test(takes_the_transfer_encoding_off),
};
TEST_MAIN(tests)
