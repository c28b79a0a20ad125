#include "rtp/packet.h"

#include "harness.h"

#include <stdlib.h>
#include <string.h>

static void writes_what_it_reads(void **state)
{
	const struct rtp_packet packet = {
		.payload_type = 96,
		.marker = true,
		.sequence = 0xfedc,
		.timestamp = 0x89abcdef,
		.ssrc = 0xdeadbeef,
		.payload = SLICE("sound"),
	};
	char buf[64];
	struct writer out = writer_of(buf, sizeof buf);
	struct rtp_packet read;

	assert_int_equal(rtp_build(&out, &packet), OK);
	assert_int_equal(out.len, RTP_HEADER + 5);
	assert_true(rtp_parse(writer_text(&out), &read));
	assert_int_equal(read.payload_type, 96);
	assert_true(read.marker);
	assert_int_equal(read.sequence, 0xfedc);
	assert_int_equal(read.timestamp, 0x89abcdef);
	assert_int_equal(read.ssrc, 0xdeadbeef);
	assert_true(slice_eq(read.payload, packet.payload));

	out = writer_of(buf, RTP_HEADER + 4);
	assert_int_equal(rtp_build(&out, &packet), ERR_LIMIT);
}

#define FIXED "\1\2\0\0\0\3\0\0\0\4"

static const struct {
	const char *label;
	struct slice datagram;
	bool ok;
	size_t payload;
} cases[] = {
	{ "empty payload", SLICE_INIT("\x80\0" FIXED), true, 0 },
	{ "payload", SLICE_INIT("\x80\0" FIXED "xyz"), true, 3 },
	{ "one source contributes", SLICE_INIT("\x81\0" FIXED "CSRCxyz"), true, 3 },
	{ "extension", SLICE_INIT("\x90\0" FIXED "\0\0\0\1EXT.xyz"), true, 3 },
	{ "empty extension", SLICE_INIT("\x90\0" FIXED "\0\0\0\0xyz"), true, 3 },
	{ "padding", SLICE_INIT("\xa0\0" FIXED "xyz\0\2"), true, 3 },
	{ "nothing but padding", SLICE_INIT("\xa0\0" FIXED "\0\2"), true, 0 },
	{ "empty", SLICE_INIT(""), false, 0 },
	{ "too short", SLICE_INIT("\x80\0\1\2\0\0\0\3\0\0\0"), false, 0 },
	{ "version 1", SLICE_INIT("\x40\0" FIXED), false, 0 },
	{ "source missing", SLICE_INIT("\x82\0" FIXED "CSRC"), false, 0 },
	{ "extension cut short", SLICE_INIT("\x90\0" FIXED "\0\0\0"), false, 0 },
	{ "extension too long", SLICE_INIT("\x90\0" FIXED "\0\0\0\2EXT."), false, 0 },
	{ "no padding after all", SLICE_INIT("\xa0\0" FIXED), false, 0 },
	{ "padding of zero", SLICE_INIT("\xa0\0" FIXED "xyz\0"), false, 0 },
	{ "padding too long", SLICE_INIT("\xa0\0" FIXED "x\3"), false, 0 },
};

static void takes_well_formed_packets_only(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		/* A block of its own size, so that reading past its end is noticed. */
		char *copy = malloc(cases[i].datagram.len + 1);
		struct rtp_packet packet;
		bool ok;

		assert_non_null(copy);
		memcpy(copy + 1, cases[i].datagram.ptr, cases[i].datagram.len);
		ok = rtp_parse(slice_from(copy + 1, cases[i].datagram.len), &packet);
		free(copy);
		if (ok != cases[i].ok || (ok && packet.payload.len != cases[i].payload))
			fail_msg("%s", cases[i].label);
	}
}

static void tells_rtcp_by_its_type(void **state)
{
	assert_true(rtp_is_rtcp(SLICE("\x80\xc8\0\0")));  /* SR, 200 */
	assert_true(rtp_is_rtcp(SLICE("\x81\xc9\0\0")));  /* RR */
	assert_false(rtp_is_rtcp(SLICE("\x80\0\0\0")));   /* PCMU */
	assert_false(rtp_is_rtcp(SLICE("\x80\xe0\0\0"))); /* 96 with the marker */
	assert_false(rtp_is_rtcp(SLICE("\x80")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(writes_what_it_reads),
	cmocka_unit_test(takes_well_formed_packets_only),
	cmocka_unit_test(tells_rtcp_by_its_type),
};

TEST_MAIN(tests)
