#include "harness.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

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

/* Who chooses a long one does not so hide where he is. */
static void a_call_id_leaves_room_for_what_is_behind_it(void **state)
{
	static const enum log_format formats[] = { LOG_TEXT, LOG_JSON };
	char call_id[4000], buf[1000];
	const struct report report = { .event = "x",
				       .call_id = slice_from(call_id, sizeof call_id),
				       .text = SLICE(" peer=192.0.2.7:1") };

	memset(call_id, 'a', sizeof call_id);
	for (size_t i = 0; i < 2; i++) {
		struct writer line = writer_of(buf, sizeof buf);

		put_log_line(&line, formats[i], &report);
		assert_true(slice_find_text(writer_text(&line), SLICE("192.0.2.7:1")) < line.len);
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

/* What has come through the pipe so far. */
static struct slice come(int fd, char *buf, size_t size)
{
	ssize_t n = read(fd, buf, size);

	return slice_from(buf, n > 0 ? (size_t)n : 0);
}

static unsigned count_lines(struct slice text)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == '\n';
	return n;
}

/* Here everybody's, since the thread of this test goes on. */
static void gathers_the_lines_of_a_thread(void **state)
{
	static const struct report info = { .level = REPORT_INFO, .event = "call.started" },
				   warning = { .level = REPORT_WARNING, .event = "source.banned" };
	unsigned before, at_once, gathered, after, most = 0;
	char buf[20000];
	int pipe_fds[2], stderr_fd = dup(STDERR_FILENO);

	assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
	assert_int_equal(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
	log_report(&info);
	before = count_lines(come(pipe_fds[0], buf, sizeof buf));
	log_gather();
	log_report(&info);
	log_report(&info);
	gathered = count_lines(come(pipe_fds[0], buf, sizeof buf));
	log_report(&warning);
	at_once = count_lines(come(pipe_fds[0], buf, sizeof buf));
	log_report(&info);
	log_write_gathered();
	after = count_lines(come(pipe_fds[0], buf, sizeof buf));
	for (unsigned i = 0; i < 1000; i++) {
		struct slice text;

		log_report(&info);
		text = come(pipe_fds[0], buf, sizeof buf);
		most = text.len > most ? (unsigned)text.len : most;
		if (text.len > 0 && text.ptr[text.len - 1] != '\n')
			most = UINT_MAX;
	}
	log_write_gathered();
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	assert_int_equal(before, 1);
	assert_int_equal(gathered, 0);
	assert_int_equal(at_once, 3);
	assert_int_equal(after, 1);
	assert_in_range(most, 4000, PIPE_BUF);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(gathers_the_lines_of_a_thread),
	cmocka_unit_test(writes_a_line_in_either_format),
	cmocka_unit_test(a_call_id_leaves_room_for_what_is_behind_it),
	cmocka_unit_test(escapes_and_cuts_what_comes_from_elsewhere),
};
TEST_MAIN(tests)
