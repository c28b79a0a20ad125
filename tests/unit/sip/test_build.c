#include "harness.h"

#include "request.h"
#include "sip/build.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static char buf[4096];

static void assert_written(struct writer *out, const char *expected)
{
	assert_false(out->overflow);
	if (!slice_eq(writer_text(out), slice_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(writer_text(out)), expected);
}

static struct sip_message *parsed(const char *text)
{
	struct sip_message *message = NULL;
	struct sip_fault fault;

	assert_int_equal(sip_message_parse(slice_of(text), &sip_limits_default, &message, &fault), OK);
	return message;
}

static void start_lines_and_header_lines_have_one_form(void **state)
{
	struct writer out = writer_of(buf, sizeof buf);

	put_request_line(&out, SLICE("BYE"), SLICE("sip:a@b"));
	put_status_line(&out, 486, slice_of(NULL));
	put_status_line(&out, 486, SLICE(""));
	put_status_line(&out, 480, SLICE("Gone fishing"));
	put_header(&out, SIP_CALL_ID, SLICE("1"));
	put_body(&out, SLICE("xy"));
	assert_written(&out, "BYE sip:a@b SIP/2.0\r\nSIP/2.0 486 Busy Here\r\nSIP/2.0 486 \r\n"
			     "SIP/2.0 480 Gone fishing\r\nCall-ID: 1\r\nContent-Length: 2\r\n\r\nxy");
}

static void a_header_line_that_does_not_fit_is_left_out_whole(void **state)
{
	static const char line[] = "Unsupported: 100rel\r\n";

	for (size_t size = 0; size < sizeof line - 1; size++) {
		struct writer out = writer_of(buf, size);

		put_header(&out, SIP_UNSUPPORTED, SLICE("100rel"));
		assert_true(out.overflow);
		assert_int_equal(out.len, 0);
	}
	struct writer out = writer_of(buf, sizeof line - 1);
	put_header(&out, SIP_UNSUPPORTED, SLICE("100rel"));
	assert_written(&out, line);
}

static void quoted_strings_cannot_be_left(void **state)
{
	struct writer out = writer_of(buf, sizeof buf);

	put_quoted(&out, SLICE("a\"b\\c\r\nd\0\x7f\t\xc3\xa9"));
	assert_written(&out, "\"a\\\"b\\\\cd\t\xc3\xa9\"");
}

/* It is copied in pieces of sixteen bytes. */
static void what_is_quoted_stands_at_any_place(void **state)
{
	static const struct {
		char c;
		const char *becomes;
	} cases[] = { { '"', "\\\"" }, { '\\', "\\\\" }, { '\n', "" }, { 'x', "x" } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t at = 0; at < 40; at++) {
			struct writer out = writer_of(buf, sizeof buf), expected = writer_of(buf + 200, 200);
			char text[40];

			memset(text, 'a', sizeof text);
			text[at] = cases[i].c;
			put_char(&expected, '"');
			put(&expected, slice_from(text, at));
			put(&expected, slice_of(cases[i].becomes));
			put(&expected, slice_from(text + at + 1, sizeof text - at - 1));
			put_char(&expected, '"');
			put_quoted(&out, slice_from(text, sizeof text));
			assert_true(slice_eq(writer_text(&out), writer_text(&expected)));
		}
}

static void what_does_not_fit_is_noticed(void **state)
{
	struct writer out = writer_of(buf, 10);

	put_header(&out, SIP_CALL_ID, SLICE("1"));
	assert_true(out.overflow);
}

static bool ask(const struct sip_header *header, void *arg)
{
	*(unsigned *)arg += 1;
	return header->id == SIP_FROM;
}

static sip_keep *const no_subject[SIP_HEADERS] = {
	[SIP_FROM] = ask,
	[SIP_SUBJECT] = ask,
	[SIP_TO] = sip_keep_not,
};

#define MESSAGE                                                                                                 \
	"BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=1 , SIP/2.0/TLS y\r\nv : SIP/2.0/TLS z\r\n"           \
	"Route: <sip:r1>,<sip:r2>\r\nRoute: <sip:r3>\r\nX-Odd  :  a\r\n  b \r\nSubject: s\r\nFrom: sip:a@b\r\n" \
	"To: sip:a@b\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\nl: 2\r\n\r\nhi and more"

static void a_message_is_passed_on_with_its_edits_only(void **state)
{
	static const struct {
		const char *label;
		struct sip_edits edits;
		const char *vias, *rest;
	} rows[] = {
		{ "none",
		  { .max_forwards = -1 },
		  "Via: SIP/2.0/TLS x;branch=1 , SIP/2.0/TLS y\r\nv: SIP/2.0/TLS z\r\n",
		  "Max-Forwards: 70\r\n" },
		{ "hops",
		  { .max_forwards = 69 },
		  "Via: SIP/2.0/TLS x;branch=1 , SIP/2.0/TLS y\r\nv: SIP/2.0/TLS z\r\n",
		  "Max-Forwards: 69\r\n" },
		{ "Via dropped",
		  { .drop_via = true, .max_forwards = -1 },
		  "Via: SIP/2.0/TLS y\r\nv: SIP/2.0/TLS z\r\n",
		  "Max-Forwards: 70\r\n" },
		{ "Via replaced",
		  { .via = SLICE_INIT("NEW"), .max_forwards = -1 },
		  "Via: NEW, SIP/2.0/TLS y\r\nv: SIP/2.0/TLS z\r\n",
		  "Max-Forwards: 70\r\n" },
	};
	struct sip_message *message = parsed(MESSAGE);

	for (size_t i = 0; i < N(rows); i++) {
		struct writer out = writer_of(buf, sizeof buf);
		char expected[1024];

		snprintf(
			expected, sizeof expected,
			"%sRoute: <sip:r1>,<sip:r2>\r\nRoute: <sip:r3>\r\nX-Odd: a\r\n  b\r\nSubject: s\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n"
			"%sContent-Length: 2\r\n\r\nhi",
			rows[i].vias, rows[i].rest);
		put_forwarded(&out, message, &rows[i].edits);
		if (!slice_eq(writer_text(&out), slice_of(expected)))
			fail_msg("%s: %.*s", rows[i].label, SLICE_FMT(writer_text(&out)));
	}
	sip_message_free(message);
}

static void lines_are_added_on_top_and_left_out(void **state)
{
	unsigned n_asked = 0;
	struct sip_edits edits = {
		.top = SLICE("A: 1\r\nB: 2\r\n"), .max_forwards = -1, .keep = no_subject, .keep_arg = &n_asked
	};
	struct sip_message *message = parsed(
		"BYE sip:a@b SIP/2.0\r\nSubject: s\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\n\r\n");
	struct writer out = writer_of(buf, sizeof buf);

	put_forwarded(&out, message, &edits);
	assert_written(&out, "A: 1\r\nB: 2\r\nFrom: sip:a@b\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(n_asked, 2);
	sip_message_free(message);
}

/* Lines that stand as they are written are copied together, up to one that does not, or that is left out. */
static void what_stands_around_a_colon_is_put_straight_between_lines_that_are_copied(void **state)
{
	static const char odd
		[] = "A: 1\r\nB: 2\r\nC:3\r\nD:\t4\r\nE : 5\r\nF: 6 \r\nG:\r\nH: \r\nI: 7\r\n\t8\r\nJ: 9\r\n"
		     "Subject: s\r\nK: 10\r\nSubject: s\r\n",
	     straight[] =
		     "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: \r\nH: \r\nI: 7\r\n\t8\r\nJ: 9\r\nK: 10\r\n";
	unsigned n_asked = 0;
	const struct sip_edits edits = { .max_forwards = -1, .keep = no_subject, .keep_arg = &n_asked };
	char text[512], expected[512];
	struct writer out = writer_of(buf, sizeof buf);
	struct sip_message *message;

	snprintf(text, sizeof text, "BYE sip:a@b SIP/2.0\r\n%s\r\n", odd);
	snprintf(expected, sizeof expected, "%sContent-Length: 0\r\n\r\n", straight);
	message = parsed(text);
	put_forwarded(&out, message, &edits);
	assert_written(&out, expected);
	sip_message_free(message);
}

static void a_response_repeats_what_the_request_had(void **state)
{
	struct sip_reply reply = { .status = 404, .to_tag = SLICE("t1"), .headers = SLICE("Warning: w\r\n") };
	struct sip_message *message = parsed(MESSAGE);
	struct writer out = writer_of(buf, sizeof buf);

	put_reply(&out, message, &reply);
	assert_written(
		&out,
		"SIP/2.0 404 Not Found\r\nVia: SIP/2.0/TLS x;branch=1 , SIP/2.0/TLS y\r\nv: SIP/2.0/TLS z\r\n"
		"From: sip:a@b\r\nTo: sip:a@b;tag=t1\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nWarning: w\r\n"
		"Content-Length: 0\r\n\r\n");
	reply.via = SLICE("NEW");
	reply.body = SLICE("body");
	reply.reason = SLICE("Nobody");
	out = writer_of(buf, sizeof buf);
	put_reply(&out, message, &reply);
	assert_written(&out,
		       "SIP/2.0 404 Nobody\r\nVia: NEW, SIP/2.0/TLS y\r\nv: SIP/2.0/TLS z\r\n"
		       "From: sip:a@b\r\nTo: sip:a@b;tag=t1\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nWarning: w\r\n"
		       "Content-Length: 4\r\n\r\nbody");
	sip_message_free(message);
}

static void a_tag_is_added_where_none_is_and_one_is_wanted(void **state)
{
	static const struct {
		const char *label, *to;
		unsigned status;
		const char *expected;
	} rows[] = {
		{ "none", "<sip:a@b>", 200, "To: <sip:a@b>;tag=t1\r\n" },
		{ "one already", "<sip:a@b>;tag=x", 200, "To: <sip:a@b>;tag=x\r\n" },
		{ "100", "<sip:a@b>", 100, "To: <sip:a@b>\r\n" },
		{ "not understood", "\"Mr. J <sip:a@b>", 400, "To: \"Mr. J <sip:a@b>\r\n" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct sip_reply reply = { .status = rows[i].status, .to_tag = SLICE("t1") };
		struct writer out = writer_of(buf, sizeof buf);
		struct sip_message *message;
		char text[256];

		snprintf(text, sizeof text, "BYE sip:a@b SIP/2.0\r\nTimestamp: 54\r\nTo: %s\r\n\r\n",
			 rows[i].to);
		message = parsed(text);
		put_reply(&out, message, &reply);
		if (slice_find_text(writer_text(&out), slice_of(rows[i].expected)) == out.len)
			fail_msg("%s: %.*s", rows[i].label, SLICE_FMT(writer_text(&out)));
		assert_int_equal(slice_find_text(writer_text(&out), SLICE("Timestamp: 54\r\n")) < out.len,
				 rows[i].status == 100);
		sip_message_free(message);
	}
}

static void a_100_tells_in_its_timestamp_how_late_it_is(void **state)
{
	static const struct {
		const char *label, *timestamp;
		uint64_t delay;
		const char *expected;
	} rows[] = {
		{ "at once", "54", 0, "\r\nTimestamp: 54\r\n" },
		{ "after the 200 ms of an INVITE", "54", 200, "\r\nTimestamp: 54 0.200\r\n" },
		{ "after 3.5 s", "54.1", 3500, "\r\nTimestamp: 54.1 3.500\r\n" },
		{ "thousandths keep their zeros", "54", 1007, "\r\nTimestamp: 54 1.007\r\n" },
		{ "and so do hundredths", "54", 1070, "\r\nTimestamp: 54 1.070\r\n" },
		{ "a delay that is there stays", "54 1.5", 200, "\r\nTimestamp: 54 1.5\r\n" },
		{ "also behind a tab", "54\t1.5", 200, "\r\nTimestamp: 54\t1.5\r\n" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sip_reply reply = { .status = 100, .delay = rows[i].delay };
		char text[256], answer[512];
		struct writer out = writer_of(answer, sizeof answer);
		struct sip_message *message;

		snprintf(text, sizeof text, "INVITE sip:a@b SIP/2.0\r\nTimestamp: %s\r\n\r\n",
			 rows[i].timestamp);
		message = parsed(text);
		put_reply(&out, message, &reply);
		sip_message_free(message);
		if (slice_find_text(writer_text(&out), slice_of(rows[i].expected)) == out.len)
			fail_msg("%s: %.*s", rows[i].label, SLICE_FMT(writer_text(&out)));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(start_lines_and_header_lines_have_one_form),
	cmocka_unit_test(a_header_line_that_does_not_fit_is_left_out_whole),
	cmocka_unit_test(quoted_strings_cannot_be_left),
	cmocka_unit_test(what_is_quoted_stands_at_any_place),
	cmocka_unit_test(what_does_not_fit_is_noticed),
	cmocka_unit_test(a_message_is_passed_on_with_its_edits_only),
	cmocka_unit_test(lines_are_added_on_top_and_left_out),
	cmocka_unit_test(what_stands_around_a_colon_is_put_straight_between_lines_that_are_copied),
	cmocka_unit_test(a_response_repeats_what_the_request_had),
	cmocka_unit_test(a_tag_is_added_where_none_is_and_one_is_wanted),
	cmocka_unit_test(a_100_tells_in_its_timestamp_how_late_it_is),
};

TEST_MAIN(tests)
