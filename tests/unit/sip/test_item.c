#include "harness.h"

#include "sip/item.h"

static void tokens_with_parameters_are_taken_apart(void **state)
{
	struct sip_item item;
	struct slice handling;

	assert_true(sip_item_parse(SLICE("session ; handling=optional;x=\"a;b\""), &item));
	assert_true(slice_eq(item.name, SLICE("session")));
	assert_true(sip_param_find(item.params, SLICE("handling"), &handling));
	assert_true(slice_eq(handling, SLICE("optional")));
	assert_true(sip_item_parse(SLICE("gzip"), &item));
	assert_int_equal(item.params.len, 0);
}

static void uris_in_brackets_are_taken_apart(void **state)
{
	struct sip_reference reference;
	struct slice purpose;

	assert_true(sip_reference_parse(SLICE("<http://www.example.com/a,b>;purpose=icon"), &reference));
	assert_true(slice_eq(reference.uri.text, SLICE("http://www.example.com/a,b")));
	assert_true(sip_param_find(reference.params, SLICE("purpose"), &purpose));
	assert_true(slice_eq(purpose, SLICE("icon")));
}

static void what_is_neither_is_refused(void **state)
{
	static const char *const items[] = { "",     ";a=b",      "a b",     "a;",  "a;b=",
					     "a;;b", "a;b=1;B=2", "a;b=\"x", "a,b", "\"a\"" };
	static const char *const references[] = {
		"",     "http://a",    "<http://a",          "<http://a>x",
		"<>",   "<http://a>;", "<http://a>;b=1;b=2", "\"x\" <http://a>",
		"<a b>"
	};
	struct sip_item item;
	struct sip_reference reference;
	struct slice token;

	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
		if (sip_item_parse(slice_of(items[i]), &item))
			fail_msg("\"%s\"", items[i]);
	for (size_t i = 0; i < sizeof references / sizeof references[0]; i++)
		if (sip_reference_parse(slice_of(references[i]), &reference))
			fail_msg("\"%s\"", references[i]);
	assert_false(sip_token_parse(SLICE("a b"), &token));
	assert_false(sip_token_parse(SLICE(""), &token));
	assert_true(sip_token_parse(SLICE("100rel"), &token));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(tokens_with_parameters_are_taken_apart),
	cmocka_unit_test(uris_in_brackets_are_taken_apart),
	cmocka_unit_test(what_is_neither_is_refused),
};

TEST_MAIN(tests)
