#include "harness.h"

#include "sip/date.h"

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

static void what_was_written_is_read(void **state)
{
	char buf[64];

	for (utc_t when = 0; when < 253402300800; when += 86399 * 401) {
		struct writer out = writer_of(buf, sizeof buf);
		utc_t again = -1;

		put_date(&out, when);
		assert_true(sip_date_parse(writer_text(&out), &again));
		assert_int_equal(again, when);
	}
}

static void what_is_no_date_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"Sat, 13 Nov 2010 23:29:00",
		"Sat, 13 Nov 2010 23:29:00 GMT ",
		"Sat, 13 Nov 2010 23:29:00 EST",
		"Sat,13 Nov 2010 23:29:00 GMT",
		"sat, 13 Nov 2010 23:29:00 GMT",
		"Sat, 3 Nov 2010 23:29:00 GMT",
		"Sat, 13 Non 2010 23:29:00 GMT",
		"Sat, 13 Nov 10 23:29:00 GMT",
		"Sat, 13 Nov 2010 24:00:00 GMT",
		"Sat, 13 Nov 2010 23:60:00 GMT",
		"Sat, 13 Nov 2010 23:29:61 GMT",
		"Sat, 13 Nov 2010 3:29:00 GMT",
		"Tue, 31 Nov 2010 23:29:00 GMT",
		"Tue, 29 Feb 2100 00:00:00 GMT",
		"Thu, 00 Jan 2100 00:00:00 GMT",
		"Wed, 31 Dec 1969 23:59:59 GMT",
	};
	utc_t when;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (sip_date_parse(slice_of(texts[i]), &when))
			fail_msg("\"%s\" is %lld", texts[i], (long long)when);
}

static void writes_and_reads_days(void **state)
{
	static const char *const no_days[] = { "",           "2027-02-29", "2027-13-01",
					       "2027-00-01", "2027-01-00", "2027-1-01",
					       "27-01-01",   "1969-12-31", "2027-01-01 ",
					       "20270101" };
	char buf[64];
	utc_t again;

	for (utc_t when = 0; when < 253402300800; when += 86400 * 97) {
		struct writer out = writer_of(buf, sizeof buf);

		put_day(&out, when + 86399);
		assert_int_equal(out.len, 10);
		assert_true(sip_day_parse(writer_text(&out), &again));
		assert_int_equal(again, when);
	}
	assert_true(sip_day_parse(SLICE("2010-11-13"), &again));
	assert_int_equal(again, 1289606400);
	for (size_t i = 0; i < sizeof no_days / sizeof no_days[0]; i++)
		if (sip_day_parse(slice_of(no_days[i]), &again))
			fail_msg("\"%s\" is %lld", no_days[i], (long long)again);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(writes_and_reads_days),
	cmocka_unit_test(what_was_written_is_read),
	cmocka_unit_test(what_is_no_date_is_refused),
	cmocka_unit_test(writes_dates),
};

TEST_MAIN(tests)
