#include "harness.h"

#include <string.h>

#include "tsx/key.h"

#define REQUEST(uri, via, cseq, rest)                                                             \
	uri " SIP/2.0\r\nVia: SIP/2.0/TLS " via "\r\nCSeq: " cseq "\r\nMax-Forwards: 70\r\n" rest \
	    "Content-Length: 0\r\n\r\n"
#define FROM_TO "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\n"
#define TAGGED  "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\n"

/* Whether the second belongs to the server transaction that the first made. */
static const struct {
	const char *label, *first, *second, *method;
	bool same;
} cases[] = {
	{ "itself", REQUEST("INVITE sip:b", "h;branch=z9hG4bK1", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "h;branch=z9hG4bK1", "1 INVITE", FROM_TO), "INVITE", true },
	{ "another branch", REQUEST("INVITE sip:b", "h;branch=z9hG4bK1", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "h;branch=z9hG4bK2", "1 INVITE", FROM_TO), "INVITE", false },
	{ "another host", REQUEST("INVITE sip:b", "h;branch=z9hG4bK1", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "i;branch=z9hG4bK1", "1 INVITE", FROM_TO), "INVITE", false },
	{ "the host in capitals", REQUEST("INVITE sip:b", "h;branch=z9hG4bK1", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "H;branch=z9hG4bK1", "1 INVITE", FROM_TO), "INVITE", true },
	{ "another port", REQUEST("INVITE sip:b", "h;branch=z9hG4bK1", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "h:5062;branch=z9hG4bK1", "1 INVITE", FROM_TO), "INVITE", false },
	{ "its ACK", REQUEST("INVITE sip:b", "h;branch=z9hG4bK1", "1 INVITE", FROM_TO),
	  REQUEST("ACK sip:b", "h;branch=z9hG4bK1", "1 ACK", TAGGED), "INVITE", true },
	{ "parts that read alike when put together",
	  REQUEST("INVITE sip:b", "h;branch=z9hG4bK1", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "hz;branch=z9hG4bK1", "1 INVITE", FROM_TO), "INVITE", false },
	{ "another method", REQUEST("INVITE sip:b", "h;branch=z9hG4bK1", "1 INVITE", FROM_TO),
	  REQUEST("BYE sip:b", "h;branch=z9hG4bK1", "1 BYE", FROM_TO), "BYE", false },
	{ "RFC 2543: itself", REQUEST("INVITE sip:b", "h;branch=1", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "h;branch=1", "1 INVITE", FROM_TO), "INVITE", true },
	{ "RFC 2543: its ACK", REQUEST("INVITE sip:b", "h", "1 INVITE", FROM_TO),
	  REQUEST("ACK sip:b", "h", "1 ACK", TAGGED), "INVITE", true },
	{ "RFC 2543: another URI", REQUEST("INVITE sip:b", "h", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:c", "h", "1 INVITE", FROM_TO), "INVITE", false },
	{ "RFC 2543: another CSeq", REQUEST("INVITE sip:b", "h", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "h", "2 INVITE", FROM_TO), "INVITE", false },
	{ "RFC 2543: another Via", REQUEST("INVITE sip:b", "h", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "i", "1 INVITE", FROM_TO), "INVITE", false },
	{ "RFC 2543: another From tag", REQUEST("INVITE sip:b", "h", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "h", "1 INVITE",
		  "From: <sip:a@x>;tag=9\r\nTo: <sip:b@x>\r\nCall-ID: c\r\n"),
	  "INVITE", false },
	{ "RFC 2543: another Call-ID", REQUEST("INVITE sip:b", "h", "1 INVITE", FROM_TO),
	  REQUEST("INVITE sip:b", "h", "1 INVITE",
		  "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: d\r\n"),
	  "INVITE", false },
	{ "RFC 2543: parts that read alike when put together",
	  REQUEST("INVITE sip:h:1", "h", "1 INVITE",
		  "From: <sip:a@x>;tag=2\r\nTo: <sip:b@x>\r\nCall-ID: 3\r\n"),
	  REQUEST("INVITE sip:h", "h", "1 INVITE",
		  "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 2:3\r\n"),
	  "INVITE", false },
	{ "RFC 2543: another To tag", REQUEST("BYE sip:b", "h", "1 BYE", FROM_TO),
	  REQUEST("BYE sip:b", "h", "1 BYE", TAGGED), "BYE", false },
};

static struct slice key_of(const char *text, struct slice method, char *buf, size_t size)
{
	struct writer out = writer_of(buf, size);
	struct sip_message *message;
	struct sip_fault fault;

	assert_int_equal(sip_message_parse(slice_of(text), &sip_limits_default, &message, &fault), OK);
	put_tsx_server_key(&out, message, method.ptr ? method : message->method_name);
	assert_true(out.len < message->text.len + 64);
	sip_message_free(message);
	assert_false(out.overflow);
	return writer_text(&out);
}

static void matches_a_request_to_its_transaction(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char first[1024], second[1024];
		bool same = slice_eq(
			key_of(cases[i].first, slice_of(NULL), first, sizeof(first)),
			key_of(cases[i].second, slice_of(cases[i].method), second, sizeof(second)));

		if (same != cases[i].same)
			fail_msg("%s", cases[i].label);
	}
}

static void matches_a_response_by_branch_and_method(void **state)
{
	char a[64], b[64];
	struct writer invite = writer_of(a, sizeof(a)), cancel = writer_of(b, sizeof(b));

	put_tsx_client_key(&invite, SLICE("z9hG4bK1"), SLICE("INVITE"));
	put_tsx_client_key(&cancel, SLICE("z9hG4bK1"), SLICE("CANCEL"));
	assert_false(slice_eq(writer_text(&invite), writer_text(&cancel)));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(matches_a_request_to_its_transaction),
	cmocka_unit_test(matches_a_response_by_branch_and_method),
};

TEST_MAIN(tests)
