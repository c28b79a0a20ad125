#include "harness.h"

#include "sealined/log.h"

static const struct {
	const char *label;
	struct report report;
	const char *text, *json;
} lines[] = {
	{ "an event alone",
	  { .level = REPORT_INFO, .event = "ready" },
	  "info ready",
	  "\"level\":\"info\",\"event\":\"ready\"" },
	{ "with fields",
	  { .level = REPORT_WARNING,
	    .event = "handshake.refused",
	    .flow = 0x12,
	    .text = SLICE_INIT(" peer=192.0.2.7:1 why=\"no TLS\"") },
	  "warning handshake.refused flow=12 peer=192.0.2.7:1 why=\"no TLS\"",
	  "\"level\":\"warning\",\"event\":\"handshake.refused\",\"flow\":\"12\",\"peer\":\"192.0.2.7:1\",\"why\":\"no TLS\"" },
	{ "with what a peer said",
	  { .level = REPORT_ERROR,
	    .event = "x",
	    .call_id = SLICE_INIT("a\"b\n\x01"),
	    .text = SLICE_INIT(" a=\"\\\"q\\\\ \\x1b\" b=") },
	  "error x call_id=\"a\\\"b\\n\\x01\" a=\"\\\"q\\\\ \\x1b\" b=",
	  "\"level\":\"error\",\"event\":\"x\",\"call_id\":\"a\\\"b\\n\\\\x01\",\"a\":\"\\\"q\\\\ \\\\x1b\",\"b\":\"\"" },
};

static void writes_a_line_in_either_format(void **state)
{
	char buf[1000];

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct writer text = writer_of(buf, sizeof buf);

		put_log_line(&text, LOG_TEXT, &lines[i].report);
		print_message("# %s: %.*s\n", lines[i].label, SLICE_FMT(writer_text(&text)));
		assert_true(slice_eq(writer_text(&text), slice_of(lines[i].text)));
		text = writer_of(buf, sizeof buf);
		put_log_line(&text, LOG_JSON, &lines[i].report);
		print_message("# %.*s\n", SLICE_FMT(writer_text(&text)));
		assert_true(slice_eq(writer_text(&text), slice_of(lines[i].json)));
	}
}

static void escapes_and_cuts_what_comes_from_elsewhere(void **state)
{
	struct log_text room;
	char text[2000];

	memset(text, 'x', sizeof text);
	assert_int_equal(strlen(log_text(&room, slice_from(text, sizeof text))), sizeof room.text - 1);
	assert_string_equal(log_text(&room, SLICE("a\r\n\"b\"")), "a\\r\\n\\\"b\\\"");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(writes_a_line_in_either_format),
	cmocka_unit_test(escapes_and_cuts_what_comes_from_elsewhere),
};
TEST_MAIN(tests)
