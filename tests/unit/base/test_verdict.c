#include "base/verdict.h"

#include "harness.h"

#include <string.h>

static struct verdict sample(const char *found)
{
	struct verdict verdict = {
		.code = "certificate.name-mismatch",
		.what = "the certificate names {found}, the connection was for {expected}",
		.section = "RFC 5922 §7.2",
		.remedy = "ask {peer} {why}{",
	};

	verdict_text_set(&verdict.peer, SLICE("192.0.2.7:5061"));
	verdict_text_set(&verdict.expected, SLICE("b.example"));
	verdict_text_set(&verdict.found, slice_of(found));
	return verdict;
}

static void reads_as_a_sentence_with_its_section(void **state)
{
	struct verdict verdict = sample("pbx.b.example");
	char buf[200];
	struct writer out = writer_of(buf, sizeof(buf));

	put_verdict(&out, &verdict);
	assert_true(slice_eq(writer_text(&out),
			     SLICE("the certificate names pbx.b.example, the connection was for "
				   "b.example (RFC 5922 §7.2)")));
}

static void leaves_alone_what_is_no_placeholder(void **state)
{
	struct verdict verdict = sample("x");
	char buf[200];
	struct writer out = writer_of(buf, sizeof(buf));

	put_verdict_remedy(&out, &verdict);
	assert_true(slice_eq(writer_text(&out), SLICE("ask 192.0.2.7:5061 {why}{")));
}

static void says_nothing_where_there_is_nothing_to_say(void **state)
{
	struct verdict verdict = { .code = "x", .what = "it is so" };
	char buf[200];
	struct writer out = writer_of(buf, sizeof(buf));

	put_verdict_remedy(&out, &verdict);
	assert_int_equal(out.len, 0);
	put_verdict(&out, &verdict);
	assert_true(slice_eq(writer_text(&out), SLICE("it is so")));
}

static void advises_what_to_do(void **state)
{
	struct verdict verdict = sample("pbx.b.example");
	char buf[300];
	struct writer out = writer_of(buf, sizeof(buf));

	put_verdict_advice(&out, &verdict);
	assert_true(slice_eq(writer_text(&out),
			     SLICE("the certificate names pbx.b.example, the connection was for b.example "
				   "(RFC 5922 §7.2); ask 192.0.2.7:5061 {why}{")));
	out.len = 0;
	put_verdict_advice(&out, &(struct verdict){ .code = "x", .what = "it is so" });
	assert_true(slice_eq(writer_text(&out), SLICE("it is so")));
}

static void is_fields_for_the_log(void **state)
{
	struct verdict verdict = sample("a\"b");
	char buf[400];
	struct writer out = writer_of(buf, sizeof(buf));

	put_verdict_fields(&out, &verdict);
	assert_true(slice_eq(writer_text(&out),
			     SLICE(" code=certificate.name-mismatch"
				   " why=\"the certificate names a\\\"b, the connection was for b.example\""
				   " section=\"RFC 5922 §7.2\" peer=\"192.0.2.7:5061\" expected=\"b.example\""
				   " found=\"a\\\"b\" remedy=\"ask 192.0.2.7:5061 {why}{\"")));
	out.len = 0;
	put_verdict_fields(&out, &(struct verdict){ .what = "it is so" });
	assert_true(slice_eq(writer_text(&out), SLICE(" why=\"it is so\"")));
}

static void escapes_what_came_from_a_peer(void **state)
{
	struct verdict verdict = sample("a\n{expected}\x1b");
	char buf[200];
	struct writer out = writer_of(buf, sizeof(buf));

	put_verdict(&out, &verdict);
	assert_true(slice_starts(writer_text(&out), SLICE("the certificate names a\\n{expected}\\x1b,")));
}

static void marks_a_text_that_was_cut(void **state)
{
	struct verdict_text text;
	char longer[VERDICT_TEXT_MAX + 1];

	memset(longer, 'a', sizeof(longer));
	verdict_text_set(&text, slice_from(longer, VERDICT_TEXT_MAX));
	assert_int_equal(text.len, VERDICT_TEXT_MAX);
	assert_true(slice_ends(verdict_text(&text), SLICE("aaa")));
	verdict_text_set(&text, slice_from(longer, VERDICT_TEXT_MAX + 1));
	assert_int_equal(text.len, VERDICT_TEXT_MAX);
	assert_true(slice_ends(verdict_text(&text), SLICE("a...")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(reads_as_a_sentence_with_its_section),
	cmocka_unit_test(leaves_alone_what_is_no_placeholder),
	cmocka_unit_test(says_nothing_where_there_is_nothing_to_say),
	cmocka_unit_test(advises_what_to_do),
	cmocka_unit_test(is_fields_for_the_log),
	cmocka_unit_test(escapes_what_came_from_a_peer),
	cmocka_unit_test(marks_a_text_that_was_cut),
};

TEST_MAIN(tests)
