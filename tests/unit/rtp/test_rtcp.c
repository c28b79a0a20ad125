#include "rtp/rtcp.h"

#include "harness.h"

#include <string.h>

static const struct rtcp_compound whole = {
	.ssrc = 0x01020304,
	.is_sender = true,
	.ntp = 0x1122334455667788,
	.timestamp = 1000,
	.packets = 50,
	.octets = 8000,
	.has_report = true,
	.report = { .ssrc = 7,
		    .fraction_lost = 12,
		    .lost = -3,
		    .highest = 0x10005,
		    .jitter = 9,
		    .last_sr = 8,
		    .delay = 6 },
	.cname = SLICE_INIT("someone"),
	.bye = true,
};

static void same_report(const struct rtcp_report *a, const struct rtcp_report *b)
{
	assert_int_equal(a->ssrc, b->ssrc);
	assert_int_equal(a->fraction_lost, b->fraction_lost);
	assert_int_equal(a->lost, b->lost);
	assert_int_equal(a->highest, b->highest);
	assert_int_equal(a->jitter, b->jitter);
	assert_int_equal(a->last_sr, b->last_sr);
	assert_int_equal(a->delay, b->delay);
}

static void writes_what_it_reads(void **state)
{
	char buf[256];

	/* Every length of name, for the zeros behind it. */
	for (size_t n = 0; n <= 7; n++) {
		struct writer out = writer_of(buf, sizeof buf);
		struct rtcp_compound compound = whole, read;

		compound.cname.len = n;
		assert_int_equal(rtcp_build(&out, &compound), OK);
		assert_int_equal(out.len % 4, 0);
		assert_true(rtcp_parse(writer_text(&out), 7, &read));
		assert_int_equal(read.ssrc, whole.ssrc);
		assert_true(read.is_sender && read.has_report && read.bye);
		assert_true(read.ntp == whole.ntp);
		assert_int_equal(read.timestamp, 1000);
		assert_int_equal(read.packets, 50);
		assert_int_equal(read.octets, 8000);
		same_report(&read.report, &whole.report);
		assert_true(slice_eq(read.cname, compound.cname));
	}
}

static void a_receiver_says_less(void **state)
{
	char buf[64];
	struct writer out = writer_of(buf, sizeof buf);
	const struct rtcp_compound compound = { .ssrc = 1, .cname = SLICE("x") };
	struct rtcp_compound read;

	assert_int_equal(rtcp_build(&out, &compound), OK);
	assert_int_equal((uint8_t)buf[1], 201);
	assert_true(rtcp_parse(writer_text(&out), 7, &read));
	assert_false(read.is_sender || read.has_report || read.bye);

	out = writer_of(buf, 16);
	assert_int_equal(rtcp_build(&out, &compound), ERR_LIMIT);
}

static void reports_about_others_are_passed_over(void **state)
{
	char buf[256];
	struct writer out = writer_of(buf, sizeof buf);
	struct rtcp_compound read;

	assert_int_equal(rtcp_build(&out, &whole), OK);
	assert_true(rtcp_parse(writer_text(&out), 8, &read));
	assert_false(read.has_report);
}

#define RR "\x80\xc9\0\1\0\0\0\1"

static const struct {
	const char *label;
	struct slice datagram;
	bool ok;
} cases[] = {
	{ "RR alone", SLICE_INIT(RR), true },
	{ "unknown packet behind", SLICE_INIT(RR "\x80\xcc\0\1NAME"), true },
	{ "BYE of somebody else", SLICE_INIT(RR "\x81\xcb\0\1\0\0\0\2"), true },
	{ "padding at the end", SLICE_INIT(RR "\xa0\xcb\0\1\0\0\0\4"), true },
	{ "empty", SLICE_INIT(""), false },
	{ "begins with SDES", SLICE_INIT("\x80\xca\0\0"), false },
	{ "version 1", SLICE_INIT("\x40\xc9\0\1\0\0\0\1"), false },
	{ "no SSRC", SLICE_INIT("\x80\xc9\0\0"), false },
	{ "longer than the datagram", SLICE_INIT("\x80\xc9\0\2\0\0\0\1"), false },
	{ "report block missing", SLICE_INIT("\x81\xc9\0\1\0\0\0\1"), false },
	{ "sender information missing", SLICE_INIT("\x80\xc8\0\1\0\0\0\1"), false },
	{ "rest behind", SLICE_INIT(RR "\x80\xcb"), false },
	{ "padding before the end", SLICE_INIT("\xa0\xc9\0\2\0\0\0\1\0\0\0\4" RR), false },
	{ "padding longer than the packet", SLICE_INIT(RR "\xa0\xcb\0\1\0\0\0\x08"), false },
	{ "BYE without its sources", SLICE_INIT(RR "\x82\xcb\0\1\0\0\0\1"), false },
	{ "SDES item too long", SLICE_INIT(RR "\x81\xca\0\2\0\0\0\1\1\7ab"), false },
	{ "SDES item without length", SLICE_INIT(RR "\x81\xca\0\2\0\0\0\1\1\1a\1"), false },
	{ "SDES without end", SLICE_INIT(RR "\x81\xca\0\2\0\0\0\1\1\2ab"), false },
	{ "SDES without source", SLICE_INIT(RR "\x81\xca\0\0"), false },
};

static void takes_valid_compounds_only(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rtcp_compound compound;

		if (rtcp_parse(cases[i].datagram, 7, &compound) != cases[i].ok)
			fail_msg("%s", cases[i].label);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(writes_what_it_reads),
	cmocka_unit_test(a_receiver_says_less),
	cmocka_unit_test(reports_about_others_are_passed_over),
	cmocka_unit_test(takes_valid_compounds_only),
};

TEST_MAIN(tests)
