#include "mime/multipart.h"

#include "harness.h"

#define MIXED "Content-Type: multipart/mixed;boundary=b\r\n\r\n"

static const struct {
	const char *label;
	struct slice text;
	const char *parts; /* each in [], then the error that ends it */
} cases[] = {
	{ "two parts", SLICE_INIT(MIXED "--b\r\nX: 1\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n"),
	  "[X: 1||one][|two] no such thing" },
	{ "preamble and epilogue",
	  SLICE_INIT(MIXED "for others\r\n--b\r\n\r\none\r\n--b--\r\nand more\r\n--b\r\nx"),
	  "[|one] no such thing" },
	{ "padding", SLICE_INIT(MIXED "--b \t\r\n\r\none\r\n--b-- "), "[|one] no such thing" },
	{ "an empty part", SLICE_INIT(MIXED "--b\r\n\r\n--b--"), "[] no such thing" },
	{ "line ends belong to the part", SLICE_INIT(MIXED "--b\r\n\r\none\r\n\r\n--b--"),
	  "[|one|] no such thing" },
	{ "what only looks like a delimiter",
	  SLICE_INIT(MIXED "--b\r\n\r\n--bb\r\n--b-\r\n--b x\r\n-- b\r\n--b--"),
	  "[|--bb|--b-|--b x|-- b] no such thing" },
	{ "quoted boundary",
	  SLICE_INIT("Content-Type: multipart/mixed;boundary=\"=_x:y\"\r\n\r\n--=_x:y\r\n\r\n1\r\n--=_x:y--"),
	  "[|1] no such thing" },
	{ "cut off", SLICE_INIT(MIXED "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n"), "[|one] malformed" },
	{ "cut off within a delimiter", SLICE_INIT(MIXED "--b\r\n\r\none\r\n--b-"), " malformed" },
	{ "no delimiter", SLICE_INIT(MIXED "one"), "malformed" },
	{ "only the last delimiter", SLICE_INIT(MIXED "--b--\r\n"), "malformed" },
	{ "no boundary", SLICE_INIT("Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n--b--"), "malformed" },
	{ "an empty boundary",
	  SLICE_INIT("Content-Type: multipart/mixed;boundary=\"\"\r\n\r\n--\r\n\r\n----"), "malformed" },
	{ "a boundary of other bytes",
	  SLICE_INIT("Content-Type: multipart/mixed;boundary=\"a b\"\r\n\r\n--a b\r\n\r\n--a b--"),
	  "malformed" },
	{ "base64 around parts", SLICE_INIT("Content-Transfer-Encoding: base64\r\n" MIXED "--b\r\n\r\n--b--"),
	  "malformed" },
	{ "no multipart", SLICE_INIT("\r\n--b\r\n\r\n--b--"), "malformed" },
};

/* A part with its line ends as "|". */
static void put_shown(struct writer *out, struct slice part)
{
	put_char(out, '[');
	for (size_t i = 0; i < part.len; i++)
		if (part.ptr[i] != '\r')
			put_char(out, part.ptr[i] == '\n' ? '|' : part.ptr[i]);
	put_char(out, ']');
}

static const char *name_of(enum err err)
{
	return err == ERR_SYNTAX ? "malformed" : err == ERR_NOT_FOUND ? "no such thing" : err_text(err);
}

static void gives_the_parts_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mime_entity entity;
		struct multipart parts;
		char buf[300];
		struct writer shown = writer_of(buf, sizeof(buf));
		struct slice part;
		enum err err;

		assert_int_equal(mime_entity_parse(cases[i].text, &entity), OK);
		err = multipart_begin(&entity, &parts);
		if (err == OK) {
			while ((err = multipart_next(&parts, &part)) == OK)
				put_shown(&shown, part);
			put_char(&shown, ' ');
		}
		put(&shown, slice_of(name_of(err)));
		if (!slice_eq(writer_text(&shown), slice_of(cases[i].parts)))
			fail_msg("%s: %.*s", cases[i].label, SLICE_FMT(writer_text(&shown)));
	}
}

static void too_many_parts_are_not_given(void **state)
{
	char text[4000];
	struct writer out = writer_of(text, sizeof(text));
	struct mime_entity entity;
	struct multipart parts;
	struct slice part;
	enum err err = OK;

	(void)state;
	put(&out, SLICE(MIXED));
	for (int i = 0; i <= MULTIPART_PARTS_MAX; i++)
		put_part(&out, SLICE("b"), SLICE("\r\nx"));
	put_last_delimiter(&out, SLICE("b"));
	assert_int_equal(mime_entity_parse(writer_text(&out), &entity), OK);
	assert_int_equal(multipart_begin(&entity, &parts), OK);
	while (err == OK)
		err = multipart_next(&parts, &part);
	assert_int_equal(err, ERR_LIMIT);
	assert_int_equal(parts.n, MULTIPART_PARTS_MAX);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(gives_the_parts_in_order),
	cmocka_unit_test(too_many_parts_are_not_given),
};
TEST_MAIN(tests)
