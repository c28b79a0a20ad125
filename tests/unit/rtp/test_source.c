#include "rtp/source.h"

#include "harness.h"

static struct rtp_source source_from(uint16_t first)
{
	struct rtp_source source;

	rtp_source_init(&source, 1);
	assert_true(rtp_source_add(&source, first));
	return source;
}

static void counts_what_is_lost(void **state)
{
	struct rtp_source source = source_from(100);
	struct rtcp_report report = { 0 };

	for (uint16_t i = 101; i < 110; i++)
		if (i != 103 && i != 104)
			assert_true(rtp_source_add(&source, i));
	assert_int_equal(rtp_source_lost(&source), 2);

	rtp_source_report(&source, &report);
	assert_int_equal(report.lost, 2);
	assert_int_equal(report.fraction_lost, 255 * 2 / 10);
	assert_int_equal(report.highest, 109);

	/* A new interval, in which nothing is lost. */
	assert_true(rtp_source_add(&source, 110));
	rtp_source_report(&source, &report);
	assert_int_equal(report.lost, 2);
	assert_int_equal(report.fraction_lost, 0);
}

static void order_does_not_matter(void **state)
{
	struct rtp_source source = source_from(10);

	assert_true(rtp_source_add(&source, 12));
	assert_true(rtp_source_add(&source, 11));
	assert_int_equal(rtp_source_lost(&source), 0);
	assert_true(rtp_source_add(&source, 11));
	assert_int_equal(rtp_source_lost(&source), -1);
}

static void the_number_wraps(void **state)
{
	struct rtp_source source = source_from(65534);
	struct rtcp_report report = { 0 };

	assert_true(rtp_source_add(&source, 65535));
	assert_true(rtp_source_add(&source, 0));
	assert_true(rtp_source_add(&source, 1));
	assert_int_equal(rtp_source_lost(&source), 0);
	rtp_source_report(&source, &report);
	assert_int_equal(report.highest, 0x10001);
}

static void a_jump_has_to_be_confirmed(void **state)
{
	struct rtp_source source = source_from(100);

	assert_false(rtp_source_add(&source, 30000));
	assert_true(rtp_source_add(&source, 101));
	assert_int_equal(rtp_source_lost(&source), 0);
	assert_false(rtp_source_add(&source, 40000));
	assert_true(rtp_source_add(&source, 40001));
	assert_int_equal(source.max_sequence, 40001);
	assert_int_equal(rtp_source_lost(&source), 0);
}

static void an_even_stream_has_no_jitter(void **state)
{
	struct rtp_source source = source_from(1);

	for (uint32_t i = 0; i < 50; i++)
		rtp_source_time(&source, 5000 + 160 * i, 77 + 160 * i);
	assert_int_equal(rtp_source_jitter(&source), 0);
	/* Each second packet 10 ms late at 8 kHz: it settles near 80 units. */
	for (uint32_t i = 50; i < 250; i++)
		rtp_source_time(&source, 5000 + 160 * i, 77 + 160 * i + (i % 2 ? 80 : 0));
	assert_in_range(rtp_source_jitter(&source), 75, 81);

	rtp_source_clock_changed(&source);
	rtp_source_time(&source, 0, 4000000);
	assert_int_equal(rtp_source_jitter(&source), 0);
}

static void the_report_stays_in_24_bits(void **state)
{
	struct rtp_source source = source_from(1);
	struct rtcp_report report = { 0 };

	source.cycles = 0x7fff0000;
	rtp_source_report(&source, &report);
	assert_int_equal(report.lost, 0x7fffff);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(counts_what_is_lost),
	cmocka_unit_test(order_does_not_matter),
	cmocka_unit_test(the_number_wraps),
	cmocka_unit_test(a_jump_has_to_be_confirmed),
	cmocka_unit_test(an_even_stream_has_no_jitter),
	cmocka_unit_test(the_report_stays_in_24_bits),
};

TEST_MAIN(tests)
