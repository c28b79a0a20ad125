#include "harness.h"

#include "registrar/date.h"

static const struct {
	utc_t when;
	const char *text;
} cases[] = {
	{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },          { -1, "Thu, 01 Jan 1970 00:00:00 GMT" },
	{ 951782399, "Mon, 28 Feb 2000 23:59:59 GMT" },  { 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
	{ 1289690940, "Sat, 13 Nov 2010 23:29:00 GMT" }, /* RFC3261:20.17 */
	{ 1709164800, "Thu, 29 Feb 2024 00:00:00 GMT" }, { 4107542400, "Mon, 01 Mar 2100 00:00:00 GMT" },
};

static void writes_dates(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char buf[64];
		struct writer out = writer_of(buf, sizeof buf);

		put_date(&out, cases[i].when);
		if (!slice_eq(writer_text(&out), slice_of(cases[i].text)))
			fail_msg("%lld: %.*s", (long long)cases[i].when, SLICE_FMT(writer_text(&out)));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(writes_dates),
};

TEST_MAIN(tests)
