#include "endpoint/refusal.h"

#include "harness.h"

static const struct refusal sample = {
	.status = 480,
	.code = "sips.not-allowed",
	.warn_code = WARN_SIPS_NOT_ALLOWED,
	.warning = "no phone of {found} is registered with a SIPS Contact",
	.section = "RFC 5630 §5.3",
	.remedy = "register it",
	.found = SLICE_INIT("b\"o\"b@example.org"),
	.retry_after = 30,
	.headers = SLICE_INIT("Allow: INVITE\r\n"),
};

static void is_header_lines(void **state)
{
	char buf[500];
	struct writer out = writer_of(buf, sizeof buf);

	put_refusal(&out, &sample, SLICE("sip.example.org"));
	assert_true(slice_eq(
		writer_text(&out),
		SLICE("Warning: 380 sip.example.org \"no phone of b\\\\\\\"o\\\\\\\"b@example.org is registered "
		      "with a SIPS Contact (RFC 5630 §5.3); register it [sips.not-allowed]\"\r\n"
		      "Retry-After: 30\r\nAllow: INVITE\r\n")));
}

static void warns_of_nothing_where_the_phrase_says_it_all(void **state)
{
	char buf[100];
	struct writer out = writer_of(buf, sizeof buf);

	put_refusal(&out, &(struct refusal){ .status = 404 }, SLICE("sip.example.org"));
	assert_int_equal(out.len, 0);
}

static void is_a_verdict(void **state)
{
	struct verdict verdict;

	refusal_verdict(&sample, &verdict);
	assert_string_equal(verdict.code, "sips.not-allowed");
	assert_true(slice_eq(verdict_text(&verdict.found), sample.found));
	refusal_verdict(&(struct refusal){ .status = 404, .reason = "Nobody Here" }, &verdict);
	assert_string_equal(verdict.what, "Nobody Here");
	refusal_verdict(&(struct refusal){ .status = 404 }, &verdict);
	assert_string_equal(verdict.what, "Not Found");
}

static void finds_the_code_again(void **state)
{
	static const struct {
		const char *label, *warning, *text, *code;
	} cases[] = {
		{ "one of ours", "it is so [sips.not-allowed]", "it is so", "sips.not-allowed" },
		{ "none", "it is so", "it is so", "" },
		{ "no text before it", "[a]", "[a]", "" },
		{ "no space before it", "it is[a]", "it is[a]", "" },
		{ "not the characters of a code", "it is so [A b]", "it is so [A b]", "" },
		{ "empty", "it is so []", "it is so []", "" },
		{ "the end of a list only", "it is so]", "it is so]", "" },
		{ "nothing at all", "", "", "" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct slice text, code = refusal_code_of(slice_of(cases[i].warning), &text);

		if (!slice_eq(code, slice_of(cases[i].code)) || !slice_eq(text, slice_of(cases[i].text)))
			fail_msg("%s: %.*s|%.*s", cases[i].label, SLICE_FMT(text), SLICE_FMT(code));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(is_header_lines),
	cmocka_unit_test(warns_of_nothing_where_the_phrase_says_it_all),
	cmocka_unit_test(is_a_verdict),
	cmocka_unit_test(finds_the_code_again),
};

TEST_MAIN(tests)
