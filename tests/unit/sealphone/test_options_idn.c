#include "harness.h"

#include "typed.h"

static void internationalised_names_become_a_labels(void **state)
{
	static const char *const words[WORDS_MAX] = { "--aor",
						      "sips:alice@b\xc3\xbc"
						      "cher.example",
						      "--server",
						      "b\xc3\xbc"
						      "cher.example:5071",
						      "--outbound-proxy",
						      "\xc3\xbc.example",
						      "--smime-for",
						      "sips:bob@\xc3\xbc.example=off" };
	struct options options;

	if (parse(words, &options) != EXIT_OK)
		return; /* no memory */
	assert_true(slice_eq(options.aor, SLICE("sips:alice@xn--bcher-kva.example")));
	assert_true(slice_eq(options.server, SLICE("xn--bcher-kva.example")));
	assert_int_equal(options.port, 5071);
	assert_true(slice_eq(options.proxy, SLICE("xn--tda.example")));
	assert_true(slice_eq(options.smime_for[0].uri, SLICE("sips:bob@xn--tda.example")));
	options_fini(&options);
}

static void an_a_label_stands_for_something(void **state)
{
	static const char *const words[WORDS_MAX] = { "--aor", "sips:a@b", "--server", "xn--a.example" };
	struct options options;

	assert_int_equal(parse(words, &options), EXIT_USAGE);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(internationalised_names_become_a_labels),
	cmocka_unit_test(an_a_label_stands_for_something),
};
TEST_MAIN(tests)
