#include "harness.h"

#include "sip/address.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static void assert_text(struct slice actual, const char *expected)
{
	if (!slice_eq(actual, slice_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(actual), expected);
}

static void the_parts_of_an_address_are_told_apart(void **state)
{
	struct scan in = scan_of(SLICE(" \"Bell, \\\"A\\\"\" <sip:a@b;lr?x=y> ; tag = 7;q=0.5 , <sip:c@d>"));
	struct sip_address address;

	assert_true(sip_address_scan(&in, &address));
	assert_text(address.display, "\"Bell, \\\"A\\\"\"");
	assert_text(address.uri.text, "sip:a@b;lr?x=y");
	assert_text(address.tag, "7");
	assert_text(address.params, " ; tag = 7;q=0.5");
	assert_true(slice_starts(address.text, SLICE("\"Bell")) && slice_ends(address.text, SLICE("q=0.5")));
	assert_int_equal(scan_peek(&in), ',');
}

static void without_brackets_parameters_belong_to_the_header(void **state)
{
	struct sip_address address;

	assert_true(sip_address_parse(SLICE("sip:+19725552222@gw1.example.net;unknownparam"), &address));
	assert_int_equal(address.uri.params.len, 0); /* RFC4475:3.3.12 */
	assert_text(address.params, ";unknownparam");
	assert_int_equal(address.display.len, 0);
	assert_null(address.tag.ptr);
	assert_true(sip_address_parse(SLICE("<sip:+19725552222@gw1.example.net;unknownparam>"), &address));
	assert_text(address.uri.params, ";unknownparam"); /* RFC4475:3.3.13 */
	assert_int_equal(address.params.len, 0);
}

static const struct {
	const char *label, *text;
	bool ok;
} address_cases[] = {
	{ "addr-spec", "sip:a@b", true },
	{ "name-addr", "<sip:a@b>", true },
	{ "tokens as a name", "token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;tag=_token~1'+`*%!-.",
	  true },
	{ "no white space behind the name", "caller<sip:caller@example.com>;tag=323",
	  true }, /* RFC4475:3.1.1.6 */
	{ "quoted name without white space", "\"A\"<sip:a@b>", true },
	{ "escapes in the name", "\"BEL:\\\x07 DEL:\\\x7f\" <sip:a@b>", true },
	{ "folded", "\r\n sip:a@b\r\n ;\r\n tag=x ", true },
	{ "other scheme", "<http://www.example.com>;tag=3234233", true },
	{ "comma in a bracketed URI", "<http://x/a,b>", true },
	{ "non-ASCII parameter value", "<sip:a@b>;x=\"\xd1\x80\"", true },
	{ "empty", "", false },
	{ "name only", "Bob", false },
	{ "bracket not closed", "<sip:a@b", false },
	{ "quote not closed", "\"Mr. J. User <sip:j.user@example.com>", false }, /* RFC4475:3.1.2.6 */
	{ "blanks in the brackets", "\"Watson, Thomas\" < sip:t.watson@example.org >",
	  false }, /* RFC4475:3.1.2.14 */
	{ "comma in a bare name", "Bell, Alexander <sip:a.g.bell@example.com>",
	  false }, /* RFC4475:3.1.2.15 */
	{ "non-ASCII bare name", "J\xc3\xbcrgen <sip:j@b>", false },
	{ "header in a bare URI", "sip:user@example.com?Route=%3Csip:x%3E", false }, /* RFC4475:3.1.2.13 */
	{ "semicolon in a bare user part", "sip:a;b@c", false },
	{ "tag twice", "<sip:a@b>;tag=1;Tag=2", false },
	{ "tag without value", "<sip:a@b>;tag", false },
	{ "tag quoted", "<sip:a@b>;tag=\"1\"", false },
	{ "empty parameter", "<sip:a@b>;;", false },
	{ "two of them", "<sip:a@b>, <sip:c@d>", false },
	{ "junk behind", "<sip:a@b> x", false },
	{ "star", "*", false },
};

static void addresses_are_read_strictly(void **state)
{
	for (size_t i = 0; i < N(address_cases); i++) {
		struct sip_address address;

		if (sip_address_parse(slice_of(address_cases[i].text), &address) != address_cases[i].ok)
			fail_msg("%s", address_cases[i].label);
	}
}

static void the_cursor_is_left_where_the_grammar_is_broken(void **state)
{
	static const struct {
		const char *text;
		size_t at;
	} rows[] = {
		{ "\"x\" <sip:a@b", 12 },
		{ "<sip:a@-b>", 7 },
		{ "<sip:a@b>;tag=1;tag=2", 16 },
		{ "Bell, A <sip:a@b>", 4 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct scan in = scan_of(slice_of(rows[i].text));
		struct sip_address address;

		assert_false(sip_address_scan(&in, &address));
		assert_int_equal(scan_offset(&in), rows[i].at);
	}
}

static void a_contact_may_be_a_star_alone(void **state)
{
	struct sip_address address;

	assert_true(sip_contact_parse(SLICE("*"), &address));
	assert_true(address.is_star);
	assert_true(sip_contact_parse(SLICE("<sip:a@b>;expires=0"), &address));
	assert_false(address.is_star);
	assert_false(sip_contact_parse(SLICE("*;expires=0"), &address));
	assert_false(sip_contact_parse(SLICE(""), &address));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_parts_of_an_address_are_told_apart),
	cmocka_unit_test(without_brackets_parameters_belong_to_the_header),
	cmocka_unit_test(addresses_are_read_strictly),
	cmocka_unit_test(the_cursor_is_left_where_the_grammar_is_broken),
	cmocka_unit_test(a_contact_may_be_a_star_alone),
};

TEST_MAIN(tests)
