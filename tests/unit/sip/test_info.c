#include "harness.h"

#include "sip/info.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static bool is(struct slice actual, const char *expected)
{
	return slice_eq(actual, slice_of(expected));
}

static void warnings_are_read_as_they_are_written(void **state)
{
	static const struct {
		const char *value, *agent, *text;
		unsigned code;
	} rows[] = {
		{ "307 isi.edu \"Session parameter 'foo' not understood\"", "isi.edu",
		  "Session parameter 'foo' not understood", 307 },
		{ "301 isi.edu \"Incompatible network address type 'E.164'\"", "isi.edu",
		  "Incompatible network address type 'E.164'", 301 },
		{ "399 [2001:db8::1]:5061 \"\"", "[2001:db8::1]:5061", "", 399 },
		{ "399 some_name \"a\\\"b\"", "some_name", "a\\\"b", 399 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct sip_warning warning;

		if (!sip_warning_parse(slice_of(rows[i].value), &warning) || warning.code != rows[i].code ||
		    !is(warning.agent, rows[i].agent) || !is(warning.text, rows[i].text))
			fail_msg("%s", rows[i].value);
	}
}

static void a_warning_that_we_write_is_one(void **state)
{
	char buf[128];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_warning warning;

	put_warning(&out, 399, SLICE("example.org:5061"), SLICE("\"no\"\r\n way"));
	assert_true(sip_warning_parse(writer_text(&out), &warning));
	assert_true(is(warning.text, "\\\"no\\\" way"));
}

static void reasons_have_a_cause_and_a_text(void **state)
{
	struct sip_reason reason;

	assert_true(sip_reason_parse(SLICE("SIP ;cause=200 ;text=\"Call completed elsewhere\""), &reason));
	assert_true(is(reason.protocol, "SIP") && reason.has_cause && reason.cause == 200);
	assert_true(is(reason.text, "Call completed elsewhere"));
	assert_true(sip_reason_parse(SLICE("Q.850"), &reason));
	assert_true(!reason.has_cause && !reason.text.ptr);
}

static void agents_are_products_and_comments(void **state)
{
	struct slice first;

	assert_true(sip_agent_parse(SLICE("Softphone/Beta1.5 (a (b) c) lib / 2"), &first));
	assert_true(is(first, "Softphone/Beta1.5"));
	assert_true(sip_agent_parse(SLICE("(nothing else)"), &first));
	assert_null(first.ptr);
}

static void timestamps_and_versions_are_numbers(void **state)
{
	struct sip_timestamp timestamp;
	struct sip_mime_version version;

	assert_true(sip_timestamp_parse(SLICE("54.21 0.3"), &timestamp));
	assert_true(is(timestamp.sent, "54.21") && is(timestamp.delay, "0.3"));
	assert_true(sip_timestamp_parse(SLICE("54"), &timestamp));
	assert_null(timestamp.delay.ptr);
	assert_true(sip_mime_version_parse(SLICE("1.0"), &version));
	assert_true(version.major == 1 && version.minor == 0);
}

static bool warning_is(struct slice value)
{
	struct sip_warning warning;

	return sip_warning_parse(value, &warning);
}

static bool reason_is(struct slice value)
{
	struct sip_reason reason;

	return sip_reason_parse(value, &reason);
}

static bool agent_is(struct slice value)
{
	struct slice first;

	return sip_agent_parse(value, &first);
}

static bool timestamp_is(struct slice value)
{
	struct sip_timestamp timestamp;

	return sip_timestamp_parse(value, &timestamp);
}

static bool version_is(struct slice value)
{
	struct sip_mime_version version;

	return sip_mime_version_parse(value, &version);
}

static const struct {
	bool (*is)(struct slice);
	const char *value;
} refused[] = {
	{ warning_is, "" },
	{ warning_is, "39 a \"b\"" },
	{ warning_is, "1399 a \"b\"" },
	{ warning_is, "399  a \"b\"" },
	{ warning_is, "399 a b" },
	{ warning_is, "399 a:70000 \"b\"" },
	{ warning_is, "399 a \"b\" " },
	{ reason_is, "" },
	{ reason_is, "SIP;cause=x" },
	{ reason_is, "SIP;cause" },
	{ reason_is, "SIP;cause=1;cause=2" },
	{ reason_is, "SIP;text=\"a" },
	{ agent_is, "" },
	{ agent_is, "a/" },
	{ agent_is, "a (b" },
	{ agent_is, "a, b" },
	{ timestamp_is, "" },
	{ timestamp_is, ".5" },
	{ timestamp_is, "5 x" },
	{ timestamp_is, "5.1.2" },
	{ version_is, "1" },
	{ version_is, "1." },
	{ version_is, "1.0.0" },
};

static void what_is_none_of_these_is_refused(void **state)
{
	for (size_t i = 0; i < N(refused); i++)
		if (refused[i].is(slice_of(refused[i].value)))
			fail_msg("row %zu: \"%s\"", i, refused[i].value);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(warnings_are_read_as_they_are_written),
	cmocka_unit_test(a_warning_that_we_write_is_one),
	cmocka_unit_test(reasons_have_a_cause_and_a_text),
	cmocka_unit_test(agents_are_products_and_comments),
	cmocka_unit_test(timestamps_and_versions_are_numbers),
	cmocka_unit_test(what_is_none_of_these_is_refused),
};

TEST_MAIN(tests)
