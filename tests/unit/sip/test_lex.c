#include "harness.h"

#include <string.h>

#include "sip/lex.h"

/* One lexical rule applied to a text: how many bytes it takes, or -1. */
struct row {
	const char *label, *text;
	int taken;
};

enum rule { LWS, TOKEN, QUOTED, COMMENT, HOST, PORT, SEMI, PARAM };

static bool apply(enum rule rule, struct scan *in)
{
	struct slice text;
	struct lex_param param;
	uint16_t port;

	switch (rule) {
	case LWS: return scan_lws(in);
	case TOKEN: return scan_token(in, &text);
	case QUOTED: return scan_quoted(in, &text);
	case COMMENT: return scan_comment(in);
	case HOST: return scan_host(in, &text);
	case PORT: return scan_port(in, &port);
	case SEMI: return scan_separator(in, ';');
	default: return scan_param(in, &param);
	}
}

static void check_rows(enum rule rule, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct scan in = scan_of(slice_of(rows[i].text));
		bool ok = apply(rule, &in);

		if (ok != (rows[i].taken >= 0) || (int)scan_offset(&in) != (ok ? rows[i].taken : 0))
			fail_msg("%s: %s after %zu bytes", rows[i].label, ok ? "taken" : "refused",
				 scan_offset(&in));
	}
}

#define CHECK(rule, ...)                                              \
	do {                                                          \
		static const struct row rows[] = { __VA_ARGS__ };     \
		check_rows(rule, rows, sizeof rows / sizeof rows[0]); \
	} while (0)

static void white_space_may_fold_only_where_white_space_follows(void **state)
{
	CHECK(LWS, { "blank", " x", 1 }, { "tab and blanks", "\t  x", 3 }, { "fold", "\r\n x", 3 },
	      { "blanks before the fold", "  \r\n\t x", 6 }, { "two folds", "\r\n \r\n x", 6 },
	      { "line end", "\r\nx", -1 }, { "stops before a line end", "  \r\nx", 2 },
	      { "bare CR", "\r x", -1 }, { "bare LF", "\n x", -1 }, { "nothing", "x", -1 },
	      { "empty", "", -1 });
}

static void tokens_are_runs_of_token_characters(void **state)
{
	CHECK(TOKEN, { "all of them", "aZ09-.!%*_+`'~ x", 14 }, { "stops at a separator", "a;b", 1 },
	      { "stops at white space", "a b", 1 }, { "separator first", "=a", -1 }, { "empty", "", -1 },
	      { "non-ASCII", "\xc3\xa9", -1 });
}

static void quoted_strings_end_at_the_first_quote_that_is_not_escaped(void **state)
{
	CHECK(QUOTED, { "empty", "\"\"x", 2 }, { "plain", "\"a b\"", 5 },
	      { "escaped quote", "\"a\\\"b\"c", 6 }, { "escaped backslash", "\"a\\\\\"b", 5 },
	      { "non-ASCII", "\"\xc3\xa9\"", 4 }, { "control character escaped", "\"\\\x07\"", 4 },
	      { "control character bare", "\"\x07\"", -1 }, { "folded", "\"a\r\n b\"", 7 },
	      { "CR escaped", "\"\\\r\"", -1 }, { "LF escaped", "\"\\\n\"", -1 },
	      { "not closed", "\"abc", -1 }, { "closed by an escaped quote only", "\"abc\\\"", -1 },
	      { "backslash last", "\"abc\\", -1 }, { "not quoted", "abc", -1 });
}

static void comments_nest_up_to_a_limit(void **state)
{
	CHECK(COMMENT, { "plain", "(a)b", 3 }, { "empty", "()", 2 }, { "nested", "(a(b)c)", 7 },
	      { "escaped parenthesis", "(a\\)b)", 6 }, { "quote in it", "(a\"b)", 5 },
	      { "not closed", "(a(b)", -1 }, { "eight deep", "(((((((())))))))", 16 },
	      { "nine deep", "((((((((()))))))))", -1 }, { "control character", "(\x01)", -1 },
	      { "no comment", "a", -1 });
}

static void hosts_are_names_or_addresses(void **state)
{
	CHECK(HOST, { "name", "sip.example.com;x", 15 }, { "one label", "localhost", 9 },
	      { "final dot", "example.com.", 12 }, { "digits in a label", "3com.example", 12 },
	      { "last label begins with a digit", "example.3com", -1 }, { "inner hyphens", "a--b.c-d", 8 },
	      { "label begins with a hyphen", "-a.example", -1 },
	      { "label ends with a hyphen", "a-.example", -1 }, { "ends with a hyphen", "example-", -1 },
	      { "empty label", "a..b", -1 }, { "begins with a dot", ".a", -1 },
	      { "underscore", "_sip.example", -1 }, { "stops at an underscore", "a_b", 1 },
	      { "IPv4", "192.0.2.1:5060", 9 }, { "IPv4 part too large", "192.0.2.256", -1 },
	      { "IPv4 part with a zero before it", "192.0.02.1", -1 }, { "IPv4 of zeros", "0.0.0.0", 7 },
	      { "IPv4 too short", "192.0.2", -1 }, { "IPv6", "[2001:db8::1]:5060", 13 },
	      { "IPv6 with IPv4", "[::ffff:192.0.2.1]", 18 }, { "IPv6 without brackets", "::1", -1 },
	      { "IPv6 not closed", "[::1", -1 }, { "not IPv6", "[::g]", -1 },
	      { "IPv6 zone", "[fe80::1%eth0]", -1 }, { "empty", "", -1 });
}

static void ports_are_1_to_65535(void **state)
{
	CHECK(PORT, { "lowest", "1", 1 }, { "highest", "65535;", 5 }, { "too high", "65536", -1 },
	      { "zero", "0", -1 }, { "leading zeros", "005060", 6 }, { "negative", "-1", -1 },
	      { "empty", "", -1 });
}

static void separators_may_have_white_space_around_them(void **state)
{
	CHECK(SEMI, { "bare", ";a", 1 }, { "with blanks", "  ;  a", 5 }, { "with folds", "\r\n ;\r\n a", 7 },
	      { "another one", ",a", -1 }, { "blank only", "  ", -1 }, { "line end", "\r\n;", -1 },
	      { "empty", "", -1 });
}

static void parameters_have_a_token_a_host_or_a_quoted_string(void **state)
{
	CHECK(PARAM, { "name only", "lr;", 2 }, { "token", "tag=a1;", 6 }, { "quoted", "a=\"b;c\"", 7 },
	      { "white space", "tag =\r\n a", 9 }, { "IPv6", "a=[::1]", 7 }, { "no value", "a=", -1 },
	      { "no name", "=a", -1 }, { "quote not closed", "a=\"b", -1 },
	      { "stops behind a token", "a=b@c", 3 });
}

static void control_characters_are_found_at_every_offset(void **state)
{
	static const char controls[] = { '\0', '\x01', '\n', '\r', '\x1f', '\x7f' };
	char text[80];

	memset(text, 'a', sizeof text);
	text[3] = '\t';
	text[40] = (char)0x80;
	text[41] = (char)0xff;
	assert_ptr_equal(lex_find_control(text, text + sizeof text), text + sizeof text);
	for (size_t at = 0; at < sizeof text; at++) {
		char *c = text + at, old = *c;

		for (size_t i = 0; i < sizeof controls; i++) {
			*c = controls[i];
			assert_ptr_equal(lex_find_control(text, text + sizeof text), c);
			assert_ptr_equal(lex_find_control(text, c), c);
		}
		*c = old;
	}
}

static void a_name_may_come_once_and_64_of_them_at_most(void **state)
{
	static char texts[LEX_PARAMS_MAX][4];
	struct lex_names names;

	names.n = 0;
	assert_true(lex_names_add(&names, SLICE("Tag")));
	assert_false(lex_names_add(&names, SLICE("tAG")));
	for (unsigned i = 1; i < LEX_PARAMS_MAX; i++) {
		snprintf(texts[i], sizeof texts[i], "p%02u", i);
		assert_true(lex_names_add(&names, slice_of(texts[i])));
	}
	assert_false(lex_names_add(&names, SLICE("one-more")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(white_space_may_fold_only_where_white_space_follows),
	cmocka_unit_test(tokens_are_runs_of_token_characters),
	cmocka_unit_test(quoted_strings_end_at_the_first_quote_that_is_not_escaped),
	cmocka_unit_test(comments_nest_up_to_a_limit),
	cmocka_unit_test(hosts_are_names_or_addresses),
	cmocka_unit_test(ports_are_1_to_65535),
	cmocka_unit_test(separators_may_have_white_space_around_them),
	cmocka_unit_test(parameters_have_a_token_a_host_or_a_quoted_string),
	cmocka_unit_test(control_characters_are_found_at_every_offset),
	cmocka_unit_test(a_name_may_come_once_and_64_of_them_at_most),
};

TEST_MAIN(tests)
