#include "harness.h"

#include "sip/build.h"
#include "ua/tunnel.h"

/* 14 Nov 2023 22:13:20 GMT */
enum { NOW = 1700000000 };

#define START   "MESSAGE sips:bob@192.0.2.9:5061 SIP/2.0\r\n"
#define WAY     "Via: SIP/2.0/TLS a.example;branch=z9hG4bKx\r\nMax-Forwards: 69\r\n"
#define FROM    "From: \"Alice\" <sips:alice@a.example>;tag=a1\r\n"
#define TO      "To: <sips:bob@b.example>\r\n"
#define CALL_ID "Call-ID: c1@a.example\r\n"
#define CSEQ    "CSeq: 7 MESSAGE\r\n"
#define DATE    "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
#define CONTACT "Contact: <sips:alice@192.0.2.1:4711>\r\n"
#define HEADER  FROM TO CALL_ID CSEQ DATE CONTACT
#define WRAPPED "Content-Type: application/pkcs7-mime\r\nContent-Length: 1\r\n\r\nx"
#define INSIDE  "Content-Type: message/sipfrag\r\n\r\n"

struct pair {
	struct mime_entity entity;
	struct sip_message *outside;
	struct tunnel tunnel;
	const char *why;
};

static enum err open_pair(struct pair *pair, const char *inside, const char *outside)
{
	struct sip_fault fault;

	*pair = (struct pair){ .why = NULL };
	assert_int_equal(sip_message_parse(slice_of(outside), &sip_limits_default, &pair->outside, &fault),
			 OK);
	assert_int_equal(pair->outside->fault.status, 0);
	assert_int_equal(mime_entity_parse(slice_of(inside), &pair->entity), OK);
	assert_true(tunnel_is_one(&pair->entity));
	return tunnel_parse(&pair->entity, pair->outside, &pair->tunnel, &pair->why);
}

static void close_pair(struct pair *pair)
{
	tunnel_fini(&pair->tunnel);
	sip_message_free(pair->outside);
}

/* found: the sentences, each with its full stop; a breach has an exclamation mark */
static const struct {
	const char *label, *inside, *outside, *found;
} comparisons[] = {
	{ "nothing was changed", INSIDE HEADER, START WAY HEADER WRAPPED, "" },
	{ "what proxies may change", INSIDE HEADER,
	  START WAY
	  "Record-Route: <sips:p.example;lr>\r\nProxy-Authorization: Digest x=\"y\"\r\n" HEADER WRAPPED,
	  "" },
	{ "a display name", INSIDE HEADER,
	  START WAY "From: <sips:alice@A.EXAMPLE>;tag=a1\r\n" TO CALL_ID CSEQ DATE CONTACT WRAPPED, "" },
	{ "From", INSIDE HEADER,
	  START WAY "From: <sips:mallory@a.example>;tag=a1\r\n" TO CALL_ID CSEQ DATE CONTACT WRAPPED,
	  "From: somebody on the way has changed it from sips:alice@a.example to sips:mallory@a.example." },
	{ "From that hides who it is", INSIDE HEADER,
	  START WAY "From: <sip:anonymous@anonymous.invalid>;tag=a1\r\n" TO CALL_ID CSEQ DATE CONTACT WRAPPED,
	  "" },
	{ "From's tag", INSIDE HEADER,
	  START WAY "From: <sips:alice@a.example>;tag=a2\r\n" TO CALL_ID CSEQ DATE CONTACT WRAPPED,
	  "From: it was protected for another dialog than the one it came in (tag a1, outside a2)!" },
	{ "To", INSIDE HEADER,
	  START WAY FROM "To: <sips:carol@b.example>\r\n" CALL_ID CSEQ DATE CONTACT WRAPPED,
	  "To: somebody on the way has changed it from sips:bob@b.example to sips:carol@b.example." },
	{ "To's tag", INSIDE HEADER,
	  START WAY FROM "To: <sips:bob@b.example>;tag=b\r\n" CALL_ID CSEQ DATE CONTACT WRAPPED,
	  "To: it was protected for another dialog than the one it came in (tag nothing, outside b)!" },
	{ "Call-ID", INSIDE HEADER, START WAY FROM TO "Call-ID: c2\r\n" CSEQ DATE CONTACT WRAPPED,
	  "Call-ID: it was protected for another dialog than the one it came in (c1@a.example, outside c2)!" },
	{ "CSeq", INSIDE HEADER, START WAY FROM TO CALL_ID "CSeq: 8 MESSAGE\r\n" DATE CONTACT WRAPPED,
	  "CSeq: it was protected for another request than the one it came in (7 MESSAGE, outside 8 MESSAGE)!" },
	{ "Date", INSIDE HEADER,
	  START WAY FROM TO CALL_ID CSEQ "Date: Tue, 14 Nov 2023 22:13:21 GMT\r\n" CONTACT WRAPPED,
	  "Date: somebody on the way has changed it from Tue, 14 Nov 2023 22:13:20 GMT to Tue, 14 Nov 2023 "
	  "22:13:21 GMT." },
	{ "Date taken off", INSIDE HEADER, START WAY FROM TO CALL_ID CSEQ CONTACT WRAPPED,
	  "Date: somebody on the way has changed it from Tue, 14 Nov 2023 22:13:20 GMT to nothing." },
	{ "no Date inside", INSIDE FROM TO CALL_ID CSEQ CONTACT, START WAY HEADER WRAPPED,
	  "Date: it does not say when it was protected, so that it may be an old one!" },
	{ "an hour ago", INSIDE FROM TO CALL_ID CSEQ "Date: Tue, 14 Nov 2023 21:13:20 GMT\r\n",
	  START WAY FROM TO CALL_ID CSEQ "Date: Tue, 14 Nov 2023 21:13:20 GMT\r\n" WRAPPED, "" },
	{ "yesterday", INSIDE FROM TO CALL_ID CSEQ "Date: Mon, 13 Nov 2023 22:13:20 GMT\r\n",
	  START WAY HEADER WRAPPED,
	  "Date: it was protected at another time (Mon, 13 Nov 2023 22:13:20 GMT): an old message that was "
	  "sent again, or a clock that is wrong!" },
	{ "tomorrow", INSIDE FROM TO CALL_ID CSEQ "Date: Wed, 15 Nov 2023 22:13:20 GMT\r\n",
	  START WAY HEADER WRAPPED,
	  "Date: it was protected at another time (Wed, 15 Nov 2023 22:13:20 GMT): an old message that was "
	  "sent again, or a clock that is wrong!" },
	{ "Contact", INSIDE HEADER,
	  START WAY FROM TO CALL_ID CSEQ DATE "Contact: <sips:m@192.0.2.66>\r\n" WRAPPED,
	  "Contact: somebody on the way has changed it from <sips:alice@192.0.2.1:4711> to "
	  "<sips:m@192.0.2.66>." },
	{ "Contact with a parameter for the way", INSIDE HEADER,
	  START WAY FROM TO CALL_ID CSEQ DATE "Contact: <sips:alice@192.0.2.1:4711>;expires=60\r\n" WRAPPED,
	  "" },
	{ "a field of which there is no copy", INSIDE HEADER, START WAY HEADER "Subject: x\r\n" WRAPPED, "" },
	{ "a field that is inside only", INSIDE HEADER "Subject: lunch\r\n", START WAY HEADER WRAPPED, "" },
	{ "Subject", INSIDE HEADER "Subject: lunch\r\n", START WAY HEADER "Subject: war\r\n" WRAPPED,
	  "Subject: somebody on the way has changed it from lunch to war." },
	{ "Refer-To added", INSIDE HEADER, START WAY HEADER "Refer-To: <sip:m@m.example>\r\n" WRAPPED,
	  "Refer-To: somebody on the way has added it (<sip:m@m.example>); it is ignored." },
	{ "Replaces added", INSIDE HEADER, START WAY HEADER "Replaces: a;to-tag=b;from-tag=c\r\n" WRAPPED,
	  "Replaces: somebody on the way has added it (a;to-tag=b;from-tag=c); it is ignored." },
	{ "a field that nobody knows", INSIDE HEADER "X-Thing: 1\r\n",
	  START WAY HEADER "X-Thing: 2\r\n" WRAPPED, "" },
	{ "a whole request inside",
	  "Content-Type: message/sip\r\n\r\n" START WAY HEADER "Content-Length: 0\r\n\r\n",
	  "MESSAGE sips:bob@198.51.100.1 SIP/2.0\r\n" WAY HEADER WRAPPED, "" },
	{ "a response inside of a request", INSIDE "SIP/2.0 200 OK\r\n" HEADER, START WAY HEADER WRAPPED,
	  "status: it was protected for another response than the one it came in (SIP/2.0 200 OK, outside "
	  "MESSAGE sips:bob@192.0.2.9:5061 SIP/2.0)!" },
	{ "another status", INSIDE "SIP/2.0 603 Decline\r\n" HEADER, "SIP/2.0 200 OK\r\n" WAY HEADER WRAPPED,
	  "status: it was protected for another response than the one it came in (SIP/2.0 603 Decline, outside "
	  "SIP/2.0 200 OK)!" },
};

static void what_was_changed_is_found_and_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
		struct tunnel_findings findings;
		struct pair pair;
		char text[1000];
		struct writer out = writer_of(text, sizeof text);

		assert_int_equal(open_pair(&pair, comparisons[i].inside, comparisons[i].outside), OK);
		tunnel_compare(&pair.tunnel, pair.outside, NOW, &findings);
		for (size_t n = 0; n < findings.n; n++) {
			put_tunnel_difference(&out, &findings.at[n]);
			put_char(&out, findings.at[n].is_breach ? '!' : '.');
		}
		if (!slice_eq(writer_text(&out), slice_of(comparisons[i].found)))
			fail_msg("%s: %.*s", comparisons[i].label, SLICE_FMT(writer_text(&out)));
		assert_int_equal(findings.is_breach, slice_find(writer_text(&out), '!') < out.len);
		close_pair(&pair);
	}
}

static const struct {
	const char *label, *inside, *why;
} malformed[] = {
	{ "no From", INSIDE TO CALL_ID CSEQ DATE, "no From" },
	{ "no To", INSIDE FROM CALL_ID CSEQ DATE, "no To" },
	{ "no Call-ID", INSIDE FROM TO CSEQ DATE, "no Call-ID" },
	{ "no CSeq", INSIDE FROM TO CALL_ID DATE, "no CSeq" },
	{ "another method", INSIDE FROM TO CALL_ID "CSeq: 7 INVITE\r\n" DATE,
	  "CSeq names another method than the request line" },
	{ "From twice", INSIDE HEADER FROM, "a header field that may come once comes twice" },
	{ "nothing", INSIDE, "no From" },
	{ "a length that is not there", INSIDE HEADER "Content-Length: 5\r\n\r\nab",
	  "Content-Length is larger than what follows" },
};

static void a_fragment_that_could_stand_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		struct pair pair;

		if (open_pair(&pair, malformed[i].inside, START WAY HEADER WRAPPED) != ERR_SYNTAX ||
		    strcmp(pair.why, malformed[i].why) != 0)
			fail_msg("%s: %s", malformed[i].label, pair.why);
		close_pair(&pair);
	}
}

static void what_stands_inside_counts(void **state)
{
	struct pair pair;
	struct sip_message *joined;

	(void)state;
	assert_int_equal(
		open_pair(&pair, INSIDE HEADER "Subject: lunch\r\nContent-Type: text/plain\r\n\r\nat nine",
			  START WAY FROM TO CALL_ID CSEQ DATE
			  "Contact: <sips:m@192.0.2.66>\r\nSubject: war\r\nRefer-To: <sip:m@m.example>\r\n"
			  "Content-Transfer-Encoding: binary\r\n" WRAPPED),
		OK);
	assert_int_equal(tunnel_join(&pair.tunnel, pair.outside, &joined), OK);
	assert_true(slice_eq(joined->body, SLICE("at nine")));
	assert_true(slice_eq(sip_message_value(joined, SIP_CONTENT_TYPE), SLICE("text/plain")));
	assert_true(slice_eq(sip_message_value(joined, SIP_SUBJECT), SLICE("lunch")));
	assert_true(slice_eq(sip_message_value(joined, SIP_CONTACT), SLICE("<sips:alice@192.0.2.1:4711>")));
	assert_null(sip_message_header(joined, SIP_REFER_TO));
	assert_true(slice_eq(joined->uri_text, SLICE("sips:bob@192.0.2.9:5061")));
	assert_true(slice_find_text(joined->text, SLICE("Transfer-Encoding")) == joined->text.len);
	assert_true(slice_find_text(joined->text, SLICE("inside.invalid")) == joined->text.len);
	sip_message_free(joined);
	assert_int_equal(tunnel_strip(pair.outside, &joined), OK);
	assert_int_equal(joined->body.len, 0);
	assert_null(sip_message_header(joined, SIP_CONTENT_TYPE));
	sip_message_free(joined);
	close_pair(&pair);
}

static void what_is_written_can_be_read(void **state)
{
	static const struct tunnel_order order = {
		.lines = SLICE_INIT(HEADER "Max-Forwards: 70\r\nUser-Agent: x\r\nAllow: ACK\r\n"
					   "Refer-To: <sip:carol@b.example>\r\nContent-Type: text/plain\r\n"),
		.body = SLICE_INIT("at nine"),
	};
	char inside[1000], outside[1000];
	struct writer in = writer_of(inside, sizeof inside - 1), out = writer_of(outside, sizeof outside - 1);
	struct tunnel_findings findings;
	struct pair pair;

	(void)state;
	put_tunnel(&in, &order);
	put(&out, SLICE(START "Via: SIP/2.0/TLS a.example;branch=z9hG4bKx\r\n"));
	put_tunnel_outside(&out, &order);
	put(&out, SLICE("Content-Type: application/pkcs7-mime\r\n"));
	put_body(&out, SLICE("x"));
	assert_false(in.overflow || out.overflow);
	inside[in.len] = outside[out.len] = '\0';
	assert_null(strstr(outside, "text/plain"));
	assert_null(strstr(inside, "User-Agent"));
	assert_null(strstr(inside, "Max-Forwards"));
	assert_int_equal(open_pair(&pair, inside, outside), OK);
	tunnel_compare(&pair.tunnel, pair.outside, NOW, &findings);
	assert_int_equal(findings.n, 0);
	assert_true(slice_eq(pair.tunnel.message->body, SLICE("at nine")));
	close_pair(&pair);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_was_changed_is_found_and_said),
	cmocka_unit_test(a_fragment_that_could_stand_anywhere_is_refused),
	cmocka_unit_test(what_stands_inside_counts),
	cmocka_unit_test(what_is_written_can_be_read),
};
TEST_MAIN(tests)
