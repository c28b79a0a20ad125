#include "harness.h"

#include <jansson.h>

#include "tool.h"

#define START "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS a\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\n"
#define VALID START "CSeq: 1 OPTIONS\r\n"

static const struct {
	const char *label;
	struct slice text;
	enum exit_code code;
	const char *out;
} text_cases[] = {
	{ "request", SLICE_INIT(VALID "\r\nbody"), EXIT_OK,
	  "-: request OPTIONS sip:a SIP/2.0, 5 header fields, 4 bytes of body\n" },
	{ "response",
	  SLICE_INIT(
		  "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS a\r\nf: sip:a@b\r\nt: sip:a@b\r\ni: 1\r\nCSeq: 1 BYE\r\n\r\n"),
	  EXIT_OK, "-: response SIP/2.0 200 OK, 5 header fields, 0 bytes of body\n" },
	{ "fault", SLICE_INIT(START "CSeq: 1 BYE\r\n\r\n"), EXIT_FOUND,
	  "-: not valid: CSeq names another method than the request line at byte 91 (CSeq)\n" },
	{ "bare LF", SLICE_INIT("OPTIONS sip:a SIP/2.0\nTo: x\n\n"), EXIT_FOUND,
	  "-: not valid: a bare LF in the header at byte 21\n" },
	{ "nothing", SLICE_INIT(""), EXIT_FOUND,
	  "-: not valid: the first line is not one of SIP at byte 0\n" },
	{ "remark on a field", SLICE_INIT(VALID "Expires: never\r\n\r\n"), EXIT_OK,
	  "-: request OPTIONS sip:a SIP/2.0, 6 header fields, 0 bytes of body\n"
	  "-: remark: malformed value at byte 109 (Expires)\n" },
	{ "remark on the whole", SLICE_INIT(VALID "l: 1\r\n\r\nab"), EXIT_OK,
	  "-: request OPTIONS sip:a SIP/2.0, 6 header fields, 1 bytes of body\n"
	  "-: remark: there is more than Content-Length says at byte 109\n" },
	{ "no Via",
	  SLICE_INIT(
		  "BYE sip:a SIP/2.0\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n"),
	  EXIT_OK,
	  "-: request BYE sip:a SIP/2.0, 4 header fields, 0 bytes of body\n-: remark: no Via at byte 74 (Via)\n" },
	{ "cut off within the Via", SLICE_INIT("BYE sip:a SIP/2.0\r\nVia: SIP/2.0/TLS a;bra"), EXIT_FOUND,
	  "-: not valid: the header ends early at byte 41 (Via)\n" },
	{ "control characters are not printed", SLICE_INIT("A\x1b[2J sip:a SIP/2.0\r\n\r\n"), EXIT_FOUND,
	  "-: not valid: the first line is not one of SIP at byte 0\n" },
	{ "nor are others' alphabets harmed",
	  SLICE_INIT("SIP/2.0 200 \xd0\x94\xd0\xb0\xff\r\nVia: SIP/2.0/TLS a\r\nf: sip:a@b\r\nt: sip:a@b\r\n"
		     "i: 1\r\nCSeq: 1 BYE\r\n\r\n"),
	  EXIT_OK, "-: response SIP/2.0 200 \xd0\x94\xd0\xb0\\xff, 5 header fields, 0 bytes of body\n" },
};

static void each_message_is_said_to_be_what_it_is(void **state)
{
	for (size_t i = 0; i < sizeof text_cases / sizeof text_cases[0]; i++) {
		struct tool_run run;

		TOOL_RUN(&run, text_cases[i].text, "parse", "-");
		if (run.code != text_cases[i].code || strcmp(run.out, text_cases[i].out) != 0)
			fail_msg("%s: %d %s", text_cases[i].label, (int)run.code, run.out);
	}
}

static json_t *parsed_json(struct slice text, enum exit_code code)
{
	struct tool_run run;
	json_t *object;

	TOOL_RUN(&run, text, "parse", "--json", "-");
	assert_int_equal(run.code, code);
	object = json_loads(run.out, JSON_ALLOW_NUL, NULL);
	assert_non_null(object);
	return object;
}

static void json_has_the_start_line_and_the_header_fields(void **state)
{
	json_t *object = parsed_json(SLICE(VALID "X: \"\\\0\xff\"\r\n\r\n"), EXIT_OK);
	const json_t *header = json_array_get(json_object_get(object, "headers"), 5);

	assert_string_equal(json_string_value(json_object_get(object, "file")), "-");
	assert_true(json_is_true(json_object_get(object, "valid")));
	assert_string_equal(json_string_value(json_object_get(object, "start_line")),
			    "OPTIONS sip:a SIP/2.0");
	assert_string_equal(json_string_value(json_object_get(object, "method")), "OPTIONS");
	assert_int_equal(json_array_size(json_object_get(object, "headers")), 6);
	assert_string_equal(json_string_value(json_object_get(header, "name")), "X");
	assert_string_equal(json_string_value(json_object_get(header, "value")), "\\\"\\\\\\x00\\xff\\\"");
	json_decref(object);
}

static void json_has_what_is_wrong_and_where(void **state)
{
	json_t *object = parsed_json(SLICE(START "CSeq: 1 BYE\r\n\r\n"), EXIT_FOUND);
	const json_t *error = json_object_get(object, "error");

	assert_true(json_is_false(json_object_get(object, "valid")));
	assert_int_equal(json_integer_value(json_object_get(error, "at")), 91);
	assert_string_equal(json_string_value(json_object_get(error, "header")), "CSeq");
	assert_non_null(json_object_get(error, "what"));
	assert_null(json_object_get(object, "headers"));
	json_decref(object);
}

static void the_worst_of_several_files_decides(void **state)
{
	struct tool_run run;

	TOOL_RUN(&run, SLICE(VALID "\r\n"), "parse", "-", "/dev/null");
	assert_int_equal(run.code, EXIT_FOUND);
	TOOL_RUN(&run, SLICE(VALID "\r\n"), "parse", "/dev/null", "/nonexistent", "-");
	assert_int_equal(run.code, EXIT_USAGE);
	assert_non_null(strstr(run.err, "sealine: /nonexistent: No such file or directory; "));
	assert_non_null(strstr(run.out, "-: request"));
}

static void a_file_that_is_too_long_is_no_message(void **state)
{
	static char text[70000] = VALID "\r\n";
	struct tool_run run;

	TOOL_RUN(&run, slice_from(text, sizeof text), "parse", "-");
	assert_int_equal(run.code, EXIT_FOUND);
	assert_non_null(strstr(run.out, "longer than allowed"));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_message_is_said_to_be_what_it_is),
	cmocka_unit_test(json_has_the_start_line_and_the_header_fields),
	cmocka_unit_test(json_has_what_is_wrong_and_where),
	cmocka_unit_test(the_worst_of_several_files_decides),
	cmocka_unit_test(a_file_that_is_too_long_is_no_message),
};

TEST_MAIN(tests)
