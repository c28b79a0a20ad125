#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "request.h"
#include "sip/message.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static void assert_text(struct slice actual, const char *expected)
{
	if (!slice_eq(actual, slice_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(actual), expected);
}

static struct sip_message *parsed(struct slice text)
{
	struct sip_message *message = NULL;
	struct sip_fault fault;

	assert_int_equal(sip_message_parse(text, &sip_limits_default, &message, &fault), OK);
	return message;
}

static void a_request_is_taken_apart(void **state)
{
	struct sip_message *message = parsed(SLICE(REQUEST_WITH("Content-Length: 2\r\n", "hi")));

	assert_int_equal(message->fault.status, 0);
	assert_int_equal(message->kind, SIP_REQUEST);
	assert_int_equal(message->method, SIP_INVITE);
	assert_text(message->uri.user, "bob");
	assert_text(message->via.branch, "z9hG4bK1");
	assert_text(message->from.tag, "1");
	assert_null(message->to.tag.ptr);
	assert_text(message->call_id, "1@a.example");
	assert_int_equal(message->cseq.number, 7);
	assert_int_equal(message->cseq.method, SIP_INVITE);
	assert_int_equal(message->max_forwards, 70);
	assert_text(message->body, "hi");
	assert_int_equal(message->n_headers, 7);
	assert_true(sip_message_can_be_answered(message));
	sip_message_free(message);
}

static void a_response_is_taken_apart(void **state)
{
	struct sip_message *message = parsed(
		SLICE("SIP/2.0 180 Ringing \xe2\x99\xaa\r\nv: SIP/2.0/TLS a\r\nf: sip:a@b;tag=1\r\n"
		      "t: sip:c@d;tag=2\r\ni: x\r\nCSeq: 1 FROBNICATE\r\n\r\n"));

	assert_int_equal(message->fault.status, 0);
	assert_int_equal(message->kind, SIP_RESPONSE);
	assert_int_equal(message->status, 180);
	assert_text(message->reason, "Ringing \xe2\x99\xaa");
	assert_int_equal(message->method, SIP_METHOD_OTHER);
	assert_text(message->method_name, "FROBNICATE");
	assert_int_equal(message->max_forwards, -1);
	assert_false(sip_message_can_be_answered(message));
	sip_message_free(message);
}

static void the_text_is_the_messages_own(void **state)
{
	char text[] = REQUEST;
	struct sip_message *message = parsed(slice_of(text));

	memset(text, 'x', sizeof text);
	assert_text(message->call_id, "1@a.example");
	sip_message_free(message);
}

/* What is wrong, where it is, and what a request gets. NULL: nothing. */
static const struct {
	const char *label, *text;
	unsigned status;
	const char *at; /* the fault's position is where this stands in the text */
	bool can_be_answered;
} fault_cases[] = {
	{ "nothing", REQUEST, 0, NULL, true },
	{ "version in small letters", "OPTIONS sip:a SIP/2.0\r\n\r\n", 400, NULL, false },
	{ "other version",
	  "INVITE sip:bob@example.org SIP/7.0\r\nVia: SIP/2.0/TLS a\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\n"
	  "Call-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
	  505, "SIP/7.0", true },
	{ "odd version", "INVITE sip:bob@example.org SIP/2\r\n\r\n", 400, "\r\n\r\n", false },
	{ "no Request-URI", "INVITE  SIP/2.0\r\n\r\n", 400, " SIP", false },
	{ "header in the Request-URI", "INVITE sip:a@b?x=y SIP/2.0\r\n\r\n", 400, "x=y", false },
	{ "two Content-Lengths", REQUEST_WITH("l: 0\r\nContent-Length: 0\r\n", ""), 400, "Content-Length",
	  true },
	{ "Content-Length too large", REQUEST_WITH("Content-Length: 3\r\n", "hi"), 400, "3\r\n\r\nhi", true },
	{ "Content-Length negative", REQUEST_WITH("Content-Length: -1\r\n", ""), 400, "-1\r\n", true },
	{ "Content-Length with a sign", REQUEST_WITH("Content-Length: +0\r\n", ""), 400, "+0", true },
	{ "Content-Length a list", REQUEST_WITH("Content-Length: 0, 0\r\n", ""), 400, ", 0", true },
	{ "Content-Length past 64 bits", REQUEST_WITH("Content-Length: 18446744073709551616\r\n", ""), 400,
	  "18446", true },
	{ "two Max-Forwards", REQUEST_WITH("Max-Forwards: 7\r\n", ""), 400, "Max-Forwards: 7\r", true },
	{ "two From", REQUEST_WITH("f: sip:a@b\r\n", ""), 400, "f: sip", true },
	{ "two Expires", REQUEST_WITH("Expires: 1\r\nexpires: 2\r\n", ""), 400, "expires", true },
	{ "two Route", REQUEST_WITH("Route: <sip:a;lr>\r\nRoute: <sip:b;lr>\r\n", ""), 0, NULL, true },
	{ "no colon", REQUEST_WITH("Subject\r\n", ""), 400, "\r\n\r\n", true },
	{ "no name", REQUEST_WITH(": x\r\n", ""), 400, ": x\r", true },
	{ "blank before the colon", REQUEST_WITH("Subject \t: x\r\n", ""), 0, NULL, true },
	{ "blank in the name", REQUEST_WITH("Sub ject: x\r\n", ""), 400, "ject", true },
	{ "fold between name and colon", REQUEST_WITH("Subject\r\n : x\r\n", ""), 400, "\r\n : x", true },
	{ "folded first line", "INVITE sip:a@b SIP/2.0\r\n x: y\r\n\r\n", 400, " x: y", false },
	{ "bare LF", REQUEST_WITH("Subject: a\nb: c\r\n", ""), 400, "\nb", true },
	{ "bare CR", REQUEST_WITH("Subject: a\rb: c\r\n", ""), 400, "\rb", true },
	{ "control character", REQUEST_WITH("Subject: a\x01\r\n", ""), 400, "\x01", true },
	{ "control character in quotes", REQUEST_WITH("Subject: \"a\x01\"\r\n", ""), 400, "\x01", true },
	{ "escaped in quotes", REQUEST_WITH("Subject: \"a\\\x01\"\r\n", ""), 0, NULL, true },
	{ "escaped outside of quotes", REQUEST_WITH("Subject: a\\\x01\r\n", ""), 400, "\x01", true },
	{ "escaped in the second of two quoted strings",
	  REQUEST_WITH("Contact: \"a\" <sip:a@b>, \"\\\x01\" <sip:c@d>\r\n", ""), 0, NULL, true },
	{ "escaped behind a quote that is never closed",
	  REQUEST_WITH("Subject: \"a\\\" \r\n b\\\x01\r\n", ""), 400, "\x01", true },
	{ "DEL", REQUEST_WITH("Subject: a\x7f\r\n", ""), 400, "\x7f", true },
	{ "HTAB", REQUEST_WITH("Subject:\ta\tb\r\n", ""), 0, NULL, true },
	{ "HTAB and a control character", REQUEST_WITH("Subject:\ta\t\x01\r\n", ""), 400, "\x01", true },
	{ "folds", REQUEST_WITH("Subject: a\r\n b\r\n\tc\r\n", ""), 0, NULL, true },
	{ "fold without text", REQUEST_WITH("Subject: a\r\n \r\n", ""), 0, NULL, true },
	{ "empty value", REQUEST_WITH("Subject:\r\n", ""), 0, NULL, true },
	{ "no empty line", "INVITE sip:a@b SIP/2.0\r\nSubject: a\r\n", 400, "", false },
	{ "cut in a header field", "INVITE sip:a@b SIP/2.0\r\nSubject: a", 400, "", false },
	{ "no Call-ID",
	  "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS a\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCSeq: 1 OPTIONS\r\n\r\n",
	  400, "", false },
	{ "no Via",
	  "OPTIONS sip:a SIP/2.0\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
	  400, "", false },
	{ "other method in CSeq",
	  "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS a\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\n"
	  "CSeq: 1 INVITE\r\n\r\n",
	  400, "INVITE\r\n\r\n", true },
	{ "CSeq too large",
	  "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS a\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\n"
	  "CSeq: 2147483648 OPTIONS\r\n\r\n",
	  400, "2147483648", true },
	{ "CSeq largest",
	  "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS a\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\n"
	  "CSeq: 2147483647 OPTIONS\r\n\r\n",
	  0, NULL, true },
	{ "an ACK is never answered",
	  "ACK sip:a SIP/2.0\r\nVia: SIP/2.0/TLS a\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\n"
	  "CSeq: 1 ACK\r\n\r\n",
	  0, NULL, false },
	{ "Call-ID with a blank",
	  "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS a\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1 2\r\n"
	  "CSeq: 1 OPTIONS\r\n\r\n",
	  400, " 2\r\n", true },
	{ "status too large", "SIP/2.0 700 x\r\nVia: SIP/2.0/TLS a\r\n\r\n", 400, "700", false },
	{ "status too small", "SIP/2.0 099 x\r\n\r\n", 400, " x\r", false },
	{ "status of four digits", "SIP/2.0 2000 x\r\n\r\n", 400, "2000", false },
	{ "status without a blank", "SIP/2.0 200\r\n\r\n", 400, "200", false },
	{ "response of another version", "SIP/3.0 200 OK\r\n\r\n", 505, "SIP/3", false },
};

static void the_first_fault_is_named_with_its_place(void **state)
{
	for (size_t i = 0; i < N(fault_cases); i++) {
		const char *text = fault_cases[i].text;
		const char *at = fault_cases[i].at ? strstr(text, fault_cases[i].at) : NULL;
		struct sip_message *message = parsed(slice_of(text));
		size_t offset = at && *fault_cases[i].at ? (size_t)(at - text) : strlen(text);

		if (message->fault.status != fault_cases[i].status || (at && message->fault.at != offset) ||
		    sip_message_can_be_answered(message) != fault_cases[i].can_be_answered)
			fail_msg("%s: %u %s at %zu, expected at %zu", fault_cases[i].label,
				 message->fault.status, message->fault.what, message->fault.at, offset);
		sip_message_free(message);
	}
}

static const struct {
	const char *text, *what;
	size_t at;
} no_sip_cases[] = {
	{ "", "the first line is not one of SIP", 0 },
	{ "\r\n", "the first line is not one of SIP", 0 },
	{ "INVITE sip:a@b\r\n\r\n", "the first line is not one of SIP", 0 },
	{ "GET / HTTP/1.1\r\n\r\n", "the first line is not one of SIP", 0 },
	{ "\x16\x03\x01\x02", "the first line is not one of SIP", 0 },
	{ " INVITE sip:a@b SIP/2.0\r\n\r\n", "the first line is not one of SIP", 0 },
	{ "INV/ITE sip:a@b SIP/2.0\r\n\r\n", "the first line is not one of SIP", 0 },
	{ "SIP/2.0\r\n\r\n", "the first line is not one of SIP", 0 },
	{ "INVITE sip:\x01@b SIP/2.0\r\n\r\n", "the first line is not one of SIP", 0 },
	{ "INVITE sip:a@b SIP/2.0", "no CRLF ends the first line", 22 },
	{ "INVITE sip:a@b SIP/2.0\n\n", "a bare LF in the header", 22 },
	{ "SIP/2.0 200 OK\n\n", "a bare LF in the header", 14 },
};

static void what_is_no_sip_is_not_parsed(void **state)
{
	for (size_t i = 0; i < N(no_sip_cases); i++) {
		struct sip_message *message;
		struct sip_fault fault;

		if (sip_message_parse(slice_of(no_sip_cases[i].text), &sip_limits_default, &message,
				      &fault) != ERR_SYNTAX)
			fail_msg("%s", no_sip_cases[i].text);
		assert_int_equal(fault.status, 400);
		assert_string_equal(fault.what, no_sip_cases[i].what);
		assert_int_equal(fault.at, no_sip_cases[i].at);
	}
}

static void nul_is_refused_unless_escaped_in_quotes(void **state)
{
	struct sip_message *message = parsed(SLICE(REQUEST_WITH("Subject: a\0b\r\n", "")));

	assert_int_equal(message->fault.status, 400);
	assert_string_equal(message->fault.what, "a NUL in the header");
	sip_message_free(message);
	message = parsed(SLICE(REQUEST_WITH("Subject: \"a\\\0b\"\r\n", "")));
	assert_int_equal(message->fault.status, 0);
	sip_message_free(message);
}

/* A hundred of them take milliseconds, where each quote is another beginning half a minute. */
static void quotes_that_are_never_closed_cost_no_more_than_others(void **state)
{
	enum { QUOTES = 7500, TIMES = 100 };
	static const struct slice before = SLICE_INIT("OPTIONS sip:a@b SIP/2.0\r\nSubject: \""),
				  after = SLICE_INIT("\\\x01\r\n\r\n");
	static char text[16384];
	struct writer out = writer_of(text, sizeof text);
	clock_t begin = clock();

	put(&out, before);
	for (int i = 0; i < QUOTES; i++)
		put(&out, SLICE("\\\""));
	put(&out, after);
	for (int i = 0; i < TIMES; i++) {
		struct sip_message *message = parsed(writer_text(&out));

		assert_string_equal(message->fault.what, "a control character in the header");
		assert_int_equal(message->fault.at, out.len - 5);
		sip_message_free(message);
	}
	assert_true((clock() - begin) / CLOCKS_PER_SEC < 5);
}

static void a_datagram_ends_where_content_length_says(void **state)
{
	struct sip_message *message = parsed(SLICE(REQUEST_WITH("l: 3\r\n", "abcdef")));

	assert_text(message->body, "abc");
	sip_message_free(message);
	message = parsed(SLICE(REQUEST_WITH("", "to the end")));
	assert_text(message->body, "to the end");
	sip_message_free(message);
}

static void limits_are_kept(void **state)
{
	static const struct {
		const char *label;
		struct sip_limits limits;
		enum err err;
		unsigned status;
		const char *name; /* of the header field that is named, or NULL */
	} rows[] = {
		{ "all fits", { 1000, 1000, 10, 100, 3, 2, 2, 1 }, OK, 0, NULL },
		{ "message", { 100, 1000, 10, 100, 3, 2, 2, 1 }, ERR_LIMIT, 413, NULL },
		{ "header area", { 1000, 100, 10, 100, 3, 2, 2, 1 }, OK, 400, NULL },
		{ "header fields", { 1000, 1000, 9, 100, 3, 2, 2, 1 }, OK, 400, "Content-Type" },
		{ "Request-URI", { 1000, 1000, 10, 10, 3, 2, 2, 1 }, OK, 414, NULL },
		{ "URI of From", { 1000, 1000, 10, 20, 3, 2, 2, 1 }, OK, 400, "From" },
		{ "URI of Contact", { 1000, 1000, 10, 25, 3, 2, 2, 1 }, OK, 400, "Contact" },
		{ "values", { 1000, 1000, 10, 100, 2, 2, 2, 1 }, OK, 400, "Require" },
		{ "parameters", { 1000, 1000, 10, 100, 3, 1, 2, 1 }, OK, 400, "Contact" },
		{ "body parts", { 1000, 1000, 10, 100, 3, 2, 1, 1 }, OK, 400, "Content-Type" },
	};
	static const struct slice text = SLICE_INIT(
		REQUEST_WITH("Require: a,b,c\r\n"
			     "Contact: <sip:bob@b>;q=1, <sip:bob@bobs-phone.example.org>;a=1;b=2\r\n"
			     "Supported: <,>,\",\"\r\n"
			     "Content-Type: multipart/mixed;boundary=b\r\n",
			     "--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n"));

	for (size_t i = 0; i < N(rows); i++) {
		struct sip_message *message = NULL;
		struct sip_fault fault = { 0 };

		if (sip_message_parse(text, &rows[i].limits, &message, &fault) != rows[i].err)
			fail_msg("%s", rows[i].label);
		if (message)
			fault = message->fault;
		if (fault.status != rows[i].status)
			fail_msg("%s: %u", rows[i].label, fault.status);
		if (rows[i].name && !slice_eq(fault.name, slice_of(rows[i].name)))
			fail_msg("%s: %.*s", rows[i].label, SLICE_FMT(fault.name));
		sip_message_free(message);
	}
}

/* What is in the quotes of a display name is no URI, and does not stand for the one behind it. */
/* Whether a request with this line is at fault, for a URI of more than 25 bytes in it. */
static bool is_measured(const char *line, struct slice name)
{
	struct sip_limits limits = sip_limits_default;
	struct sip_message *message = NULL;
	struct sip_fault fault;
	char text[1000];
	bool is_at_fault;

	limits.uri = 25;
	snprintf(text, sizeof text, REQUEST_WITH("%s\r\n", ""), line);
	assert_int_equal(sip_message_parse(slice_of(text), &limits, &message, &fault), OK);
	is_at_fault = message->fault.status != 0;
	if (is_at_fault) {
		assert_int_equal(message->fault.status, 400);
		assert_true(slice_eq(message->fault.name, name));
	}
	sip_message_free(message);
	return is_at_fault;
}

static void a_uri_behind_brackets_in_quotes_is_measured(void **state)
{
	static const char *const values[] = {
		"<sip:bob@bobs-phone.example.org>",
		"\"<>\" <sip:bob@bobs-phone.example.org>",
		"\"\\\"<>\" <sip:bob@bobs-phone.example.org>",
		"<sip:a@b>, \"<b>\" <sip:bob@bobs-phone.example.org>",
	};
	for (size_t i = 0; i < N(values); i++) {
		char line[200];

		snprintf(line, sizeof line, "Route: %s", values[i]);
		if (!is_measured(line, SLICE("Route")))
			fail_msg("%s", values[i]);
	}
}

static const struct {
	const char *line, *name;
	bool is_too_long;
} bare_cases[] = {
	{ "Contact: sip:bob@bobs-phone.example.org", "Contact", true },
	{ "Refer-To: sip:bob@bobs-phone.example.org", "Refer-To", true },
	{ "r: sip:bob@bobs-phone.example.org;method=INVITE", "r", true },
	{ "Referred-By: sip:bob@bobs-phone.example.org", "Referred-By", true },
	{ "Reply-To: sip:bob@bobs-phone.example.org", "Reply-To", true },
	{ "Refer-To: sip:bob@b;parameter=of-the-header-field", "Refer-To", false },
	{ "Call-Info: sip:bob@bobs-phone.example.org", "Call-Info", false }, /* there a URI has brackets */
};

static void a_uri_without_brackets_is_measured(void **state) /* RFC3261:20 */
{
	for (size_t i = 0; i < N(bare_cases); i++)
		if (is_measured(bare_cases[i].line, slice_of(bare_cases[i].name)) !=
		    bare_cases[i].is_too_long)
			fail_msg("%s", bare_cases[i].line);
}

static void a_copy_outlives_what_it_was_made_of(void **state)
{
	struct sip_message *message = parsed(SLICE(REQUEST_WITH("Contact: <sip:a@b>\r\n", "body"))),
			   *copy = NULL;

	assert_int_equal(sip_message_copy(message, &copy), OK);
	sip_message_free(message);
	assert_int_equal(copy->fault.status, 0);
	assert_text(copy->body, "body");
	assert_text(copy->call_id, "1@a.example");
	sip_message_free(copy);
}

static void more_header_fields_than_fit_at_first_are_kept(void **state)
{
	char text[8192];
	size_t n = (size_t)snprintf(text, sizeof text, "%.*s", (int)(sizeof REQUEST - 3), REQUEST);
	struct sip_message *message;

	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "X-%d: %d\r\n", i, i);
	snprintf(text + n, sizeof text - n, "\r\n");
	message = parsed(slice_of(text));
	assert_int_equal(message->fault.status, 0);
	assert_int_equal(message->n_headers, 106);
	assert_text(message->headers[0].name, "Via");
	assert_text(message->headers[105].value, "99");
	sip_message_free(message);
}

static void values_are_walked_across_lists_and_fields(void **state)
{
	static const char *const expected[] = { "<sip:a,b;lr>", "\"x, \\\"y\" <sip:c>;a=\"1,2\"", "<sip:d>",
						"<sip:e>" };
	struct sip_message *message = parsed(SLICE(REQUEST_WITH(
		"Route: <sip:a,b;lr>\r\n ,\"x, \\\"y\" <sip:c>;a=\"1,2\"\r\nX: y\r\nroute: ,, <sip:d> ,\r\nRoute:\r\nRoute: <sip:e>\r\n",
		"")));
	struct sip_values it = sip_values_of(message, SIP_ROUTE);
	struct slice value;
	size_t n = 0;

	for (; sip_values_next(&it, &value); n++) {
		assert_true(n < N(expected));
		assert_text(value, expected[n]);
	}
	assert_int_equal(n, N(expected));
	it = sip_values_of(message, SIP_CONTACT);
	assert_false(sip_values_next(&it, &value));
	sip_message_free(message);
}

static void behind_a_quote_or_bracket_that_is_not_closed_all_is_one_value(void **state)
{
	static const struct {
		const char *list, *last;
	} rows[] = {
		{ "a, \"\\\"\\\",b, c", "\"\\\"\\\",b, c" },
		{ "a, <b, c", "<b, c" },
		{ "a,\">\"<b,\"c\",d", "\">\"<b,\"c\",d" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct sip_values it = { .rest = slice_of(rows[i].list) };
		struct slice value;

		assert_true(sip_values_next(&it, &value));
		assert_text(value, "a");
		assert_true(sip_values_next(&it, &value));
		assert_text(value, rows[i].last);
		assert_false(sip_values_next(&it, &value));
	}
}

static void tokens_in_lists_are_found_without_case(void **state)
{
	struct sip_message *message = parsed(
		SLICE(REQUEST_WITH("Supported: path, 100rel\r\nk: outbound\r\n", "")));

	assert_true(sip_message_lists(message, SIP_SUPPORTED, SLICE("100REL")));
	assert_true(sip_message_lists(message, SIP_SUPPORTED, SLICE("outbound")));
	assert_false(sip_message_lists(message, SIP_SUPPORTED, SLICE("out")));
	assert_false(sip_message_lists(message, SIP_REQUIRE, SLICE("path")));
	sip_message_free(message);
}

static void header_fields_are_found_in_their_order(void **state)
{
	struct sip_message *message = parsed(SLICE(REQUEST_WITH("X-A: 1\r\nX-B: 2\r\n", "")));
	const struct sip_header *header = sip_message_header(message, SIP_HEADER_OTHER);

	assert_text(header->value, "1");
	header = sip_message_next(message, header);
	assert_text(header->value, "2");
	assert_null(sip_message_next(message, header));
	assert_null(sip_message_value(message, SIP_SUBJECT).ptr);
	sip_message_free(message);
}

static void every_prefix_is_survived(void **state)
{
	static const char text[] = REQUEST_WITH(
		"Contact: \"a\\\"b\" <sip:a%40@[::1]:1;x=y?z=>;q=0.1\r\nSubject: a\r\n b\r\nContent-Length: 4\r\n",
		"body");

	for (size_t n = 0; n < sizeof text; n++) {
		char *prefix = malloc(n ? n : 1); /* of just that size, so that reading past it is seen */
		struct sip_message *message = NULL;
		struct sip_fault fault;

		memcpy(prefix, text, n);
		if (sip_message_parse(slice_from(prefix, n), &sip_limits_default, &message, &fault) == OK)
			assert_int_equal(message->fault.status == 0,
					 n == sizeof text - 1 || n == sizeof text);
		sip_message_free(message);
		free(prefix);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_request_is_taken_apart),
	cmocka_unit_test(a_response_is_taken_apart),
	cmocka_unit_test(the_text_is_the_messages_own),
	cmocka_unit_test(the_first_fault_is_named_with_its_place),
	cmocka_unit_test(what_is_no_sip_is_not_parsed),
	cmocka_unit_test(nul_is_refused_unless_escaped_in_quotes),
	cmocka_unit_test(quotes_that_are_never_closed_cost_no_more_than_others),
	cmocka_unit_test(a_datagram_ends_where_content_length_says),
	cmocka_unit_test(limits_are_kept),
	cmocka_unit_test(a_uri_behind_brackets_in_quotes_is_measured),
	cmocka_unit_test(a_uri_without_brackets_is_measured),
	cmocka_unit_test(a_copy_outlives_what_it_was_made_of),
	cmocka_unit_test(more_header_fields_than_fit_at_first_are_kept),
	cmocka_unit_test(values_are_walked_across_lists_and_fields),
	cmocka_unit_test(behind_a_quote_or_bracket_that_is_not_closed_all_is_one_value),
	cmocka_unit_test(tokens_in_lists_are_found_without_case),
	cmocka_unit_test(header_fields_are_found_in_their_order),
	cmocka_unit_test(every_prefix_is_survived),
};

TEST_MAIN(tests)
