#include "harness.h"

#include "request.h"
#include "sip/build.h"
#include "sip/check.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static struct sip_message *parsed(const char *text)
{
	struct sip_message *message = NULL;
	struct sip_fault fault;

	assert_int_equal(sip_message_parse(slice_of(text), &sip_limits_default, &message, &fault), OK);
	return message;
}

static const struct {
	const char *line;
	bool ok;
} line_cases[] = {
	{ "Contact: *\r\n", true },
	{ "Contact: <sip:a@b>;expires=60;q=0.5, sip:c@d\r\n", true },
	{ "Contact: <sip:a@b>;expires=x\r\n", false },
	{ "Contact: <sip:a@b>;q=2\r\n", false },
	{ "Contact: <sip:a@b>, \"x\r\n", false },
	{ "Contact:\r\n", false },
	{ "Route: sip:a;lr\r\n", false },
	{ "Record-Route: <sip:a;lr>\r\n", true },
	{ "Via: SIP/2.0/TLS a, SIP/2.0/TLS\r\n", false },
	{ "Supported:\r\n", true },
	{ "Require:\r\n", false },
	{ "Require: a b\r\n", false },
	{ "Allow: INVITE, ACK\r\n", true },
	{ "Expires: 10000000000\r\n", false },
	{ "Content-Type: application\r\n", false },
	{ "Authorization: Digest x\r\n", false },
	{ "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n", true },
	{ "Authentication-Info: nextnonce=\"a\"\r\n", true },
	{ "Refer-To: (whatever URI)\r\n", false },
	{ "Referred-By: <sip:a@b>\r\n", true },
	{ "Replaces: a\r\n", false },
	{ "RAck: 1 1 INVITE\r\n", true },
	{ "RSeq: 0\r\n", false },
	{ "Retry-After: soon\r\n", false },
	{ "Session-Expires: 90;refresher=me\r\n", false },
	{ "Subscription-State: active;expires=x\r\n", false },
	{ "Event: refer;id=1\r\n", true },
	{ "P-Asserted-Identity: \"A\" <sip:a@b>, tel:+1234\r\n", true },
	{ "X-Whatever: \"\r\n", true },
	{ "Subject: \"\r\n", true },
};

static void values_are_checked_where_their_grammar_is_known(void **state)
{
	for (size_t i = 0; i < N(line_cases); i++) {
		char text[1024];
		struct sip_message *message;
		struct sip_fault fault = { 0 };
		const struct sip_header *header;

		snprintf(text, sizeof text, "%.*s%s\r\n", (int)sizeof REQUEST - 3, REQUEST,
			 line_cases[i].line);
		message = parsed(text);
		header = &message->headers[message->n_headers - 1];
		if (sip_header_check(message, header, &fault) != line_cases[i].ok)
			fail_msg("%s", line_cases[i].line);
		if (!line_cases[i].ok) {
			assert_ptr_equal(fault.name.ptr, header->name.ptr);
			assert_in_range(fault.at, header->value.ptr - message->text.ptr, message->text.len);
		}
		sip_message_free(message);
	}
}

/* What may stand in each header field that is no mandatory one, and what may not; NULL: anything may. */
static const struct {
	enum sip_header_id id;
	const char *good, *bad;
} value_cases[] = {
	{ SIP_ACCEPT, "application/sdp;level=1, text/*;q=0.1", "application" },
	{ SIP_ACCEPT_CONTACT, "*;audio;require, *;+sip.message", "audio" },
	{ SIP_ACCEPT_ENCODING, "gzip, *;q=0", "gzip;q=2" },
	{ SIP_ACCEPT_LANGUAGE, "da, en-gb;q=0.8", "e1" },
	{ SIP_ALERT_INFO, "<http://www.example.com/a,b.wav>;x, <urn:alert:b>", "http://a" },
	{ SIP_ALLOW, "INVITE, ACK", "INVITE ACK" },
	{ SIP_ALLOW_EVENTS, "reg, presence.winfo", "reg;id=1" },
	{ SIP_AUTHENTICATION_INFO, "nextnonce=\"a\", qop=auth", "nextnonce" },
	{ SIP_AUTHORIZATION, "Digest username=\"a\", realm=\"b\"", "Digest username" },
	{ SIP_CALL_INFO, "<http://a/b.jpg> ;purpose=icon, <sip:a@b>;purpose=info", "<http://a" },
	{ SIP_CONTACT, "\"A, B\" <sip:a@b>;q=0.1, sip:c@d", "<sip:a@b" },
	{ SIP_CONTENT_DISPOSITION, "session;handling=optional", "session;handling=" },
	{ SIP_CONTENT_ENCODING, "gzip, tar", "gzip tar" },
	{ SIP_CONTENT_LANGUAGE, "fr, en-GB", "fr;q=1" },
	{ SIP_CONTENT_LENGTH, "0", NULL },
	{ SIP_CONTENT_TYPE, "multipart/mixed;boundary=\"a;b\"", "multipart" },
	{ SIP_DATE, "Sat, 13 Nov 2010 23:29:00 GMT", "13 Nov 2010" },
	{ SIP_ERROR_INFO, "<sip:not-in-service@example.com>", "sip:a@b" },
	{ SIP_ETAG, "dx200xyz", "a b" },
	{ SIP_EVENT, "reg;id=1", ";id=1" },
	{ SIP_EXPIRES, "3600", "-1" },
	{ SIP_FLOW_TIMER, "120", "2m" },
	{ SIP_HISTORY_INFO, "<sip:a@b>;index=1, <sip:c@d>;index=1.1;rc=1", "<sip:a@b>" },
	{ SIP_IDENTITY, "a.b.c;info=<https://a/b>;alg=ES256", "a.b.c" },
	{ SIP_IDENTITY_INFO, "<https://atlanta.example.com/a.cer>;alg=rsa-sha1", "https://a" },
	{ SIP_IF_MATCH, "dx200xyz", "" },
	{ SIP_IN_REPLY_TO, "70710@saturn.bell-tel.com, 17320", "a@b@c" },
	{ SIP_MAX_BREADTH, "60", "many" },
	{ SIP_MIME_VERSION, "1.0", "1" },
	{ SIP_MIN_EXPIRES, "60", "" },
	{ SIP_MIN_SE, "90;x", "x" },
	{ SIP_ORGANIZATION, "Boxes by Bob, \"Ltd", NULL },
	{ SIP_P_ASSERTED_IDENTITY, "\"C\" <sip:c@d>, tel:+14085264000", "c@d" },
	{ SIP_P_PREFERRED_IDENTITY, "<sip:c@d>", "<>" },
	{ SIP_PATH, "<sip:P1.EXAMPLEVISITED.COM;lr>,<sip:b;lr>", "sip:a;lr" },
	{ SIP_PRIORITY, "emergency", "very urgent" },
	{ SIP_PRIVACY, "id;critical", "none;id" },
	{ SIP_PROXY_AUTHENTICATE, "Digest realm=\"a\", nonce=\"b\"", "Digest" },
	{ SIP_PROXY_AUTHENTICATION_INFO, "nextnonce=\"a\"", "" },
	{ SIP_PROXY_AUTHORIZATION, "Digest username=\"a\"", "Digest" },
	{ SIP_PROXY_REQUIRE, "foo, bar", "foo;bar" },
	{ SIP_RACK, "776656 1 INVITE", "776656 INVITE" },
	{ SIP_REASON, "SIP;cause=600;text=\"Busy, Everywhere\", Q.850;cause=16", "SIP;cause=x" },
	{ SIP_RECORD_ROUTE, "<sip:a;lr>, <sip:b;lr>", "sip:a" },
	{ SIP_REFER_SUB, "False;x=y", "no" },
	{ SIP_REFER_TO, "<sip:a@b?Replaces=1%40b%3Bto-tag%3D1>", "1 <" },
	{ SIP_REFERRED_BY, "<sip:a@b>;cid=\"2UWQFN309shb3@referrer.example\"", "<a@b>" },
	{ SIP_REJECT_CONTACT, "*;actor=\"msg-taker\"", "actor" },
	{ SIP_REPLACES, "1@b;to-tag=1;from-tag=2;early-only", "1@b;to-tag=1" },
	{ SIP_REPLY_TO, "Bob <sip:bob@biloxi.com>", "Bob" },
	{ SIP_REQUEST_DISPOSITION, "proxy, recurse, parallel", "proxy;recurse" },
	{ SIP_REQUIRE, "100rel", "" },
	{ SIP_RETRY_AFTER, "18000;duration=3600", "tomorrow" },
	{ SIP_ROUTE, "<sip:a;lr>", "<sip:a" },
	{ SIP_RSEQ, "988789", "0" },
	{ SIP_SECURITY_CLIENT, "tls;q=0.2, digest", "tls;q=2" },
	{ SIP_SECURITY_SERVER, "tls;q=0.2", "" },
	{ SIP_SECURITY_VERIFY, "digest;d-ver=\"0123456789abcdef0123456789abcdef\"", "digest;d-ver=1" },
	{ SIP_SERVER, "HomeServer v2", "a/" },
	{ SIP_SERVICE_ROUTE, "<sip:P2.HOME.EXAMPLE.COM;lr>", "sip:a" },
	{ SIP_SESSION_EXPIRES, "4000;refresher=uac", "4000;refresher" },
	{ SIP_SUBJECT, "Need more boxes, \"", NULL },
	{ SIP_SUBSCRIPTION_STATE, "active;expires=600", "active;expires=" },
	{ SIP_SUPPORTED, "gruu, outbound, path", "gruu outbound" },
	{ SIP_TIMESTAMP, "54.1 .2", "a" },
	{ SIP_UNSUPPORTED, "foo", "" },
	{ SIP_USER_AGENT, "Softphone Beta1.5", "(a" },
	{ SIP_WARNING, "307 isi.edu \"a, b\", 399 x \"\"", "307 isi.edu" },
	{ SIP_WWW_AUTHENTICATE, "Digest realm=\"a\"", "" },
};

static struct sip_message *with(enum sip_header_id id, const char *value)
{
	char text[2048];
	struct writer out = writer_of(text, sizeof text - 1);

	put(&out, slice_sub(SLICE(REQUEST), 0, sizeof REQUEST - 3));
	put_header(&out, id, slice_of(value));
	put(&out, SLICE("\r\n"));
	text[out.len] = '\0';
	return parsed(text);
}

static bool is_good(const struct sip_message *message)
{
	struct sip_fault fault;

	return sip_header_check(message, &message->headers[message->n_headers - 1], &fault);
}

static void every_header_field_has_its_grammar(void **state)
{
	bool seen[SIP_HEADERS] = { false };
	static const enum sip_header_id mandatory[] = { SIP_VIA, SIP_MAX_FORWARDS, SIP_FROM,
							SIP_TO,  SIP_CALL_ID,      SIP_CSEQ };

	for (size_t i = 0; i < N(mandatory); i++)
		seen[mandatory[i]] = true;
	for (size_t i = 0; i < N(value_cases); i++) {
		struct sip_message *good = with(value_cases[i].id, value_cases[i].good);
		struct sip_message *bad = value_cases[i].bad ? with(value_cases[i].id, value_cases[i].bad)
							     : NULL;

		seen[value_cases[i].id] = true;
		if (!is_good(good) || (bad && is_good(bad)))
			fail_msg("row %zu: %s", i, value_cases[i].good);
		sip_message_free(good);
		sip_message_free(bad);
	}
	for (enum sip_header_id id = SIP_HEADER_OTHER + 1; id < SIP_HEADERS; id++)
		if (!seen[id])
			fail_msg("no row for %.*s", SLICE_FMT(sip_header_name(id)));
}

/* A message written again has the same header fields with the same values, whatever their names' form. */
static void what_is_written_again_is_the_same(void **state)
{
	static const struct sip_edits no_edits = { .max_forwards = -1 };

	for (size_t i = 0; i < N(value_cases); i++) {
		struct sip_message *first = with(value_cases[i].id, value_cases[i].good), *again;
		char text[2048];
		struct writer out = writer_of(text, sizeof text - 1);

		put_request_line(&out, first->method_name, first->uri_text);
		put_forwarded(&out, first, &no_edits);
		text[out.len] = '\0';
		again = parsed(text);
		assert_int_equal(again->fault.status, 0);
		assert_true(
			slice_eq(sip_message_value(again, value_cases[i].id), slice_of(value_cases[i].good)));
		sip_message_free(first);
		sip_message_free(again);
	}
}

static void a_message_that_lacks_its_via_only_is_unsent(void **state)
{
	static const struct {
		const char *text;
		bool unsent;
	} rows[] = {
		{ "BYE sip:a SIP/2.0\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n",
		  true },
		{ "BYE sip:a SIP/2.0\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\nCSeq: 1 ACK\r\n\r\n",
		  false },
		{ "BYE sip:a SIP/2.0\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCSeq: 1 BYE\r\n\r\n", false },
		{ "BYE sip:a SIP/2.0\r\nVia: x\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n",
		  false },
		{ "BYE sip:a SIP/2.0\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nVia: SIP/2.0/T",
		  false },
		{ "BYE sip:a SIP/2.0\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nVia\r\n\r\n",
		  false },
		{ "BYE sip:a SIP/2.0\r\nFrom: sip:a@b\r\nTo: sip:a@b\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nVia: \r \r\n\r\n",
		  false },
		{ "BYE sip:a SIP/2.0\r\nVia: SIP/2.0/TLS a;bra", false },
		{ REQUEST, false },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct sip_message *message = parsed(rows[i].text);

		assert_int_equal(sip_message_is_unsent(message), rows[i].unsent);
		sip_message_free(message);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(values_are_checked_where_their_grammar_is_known),
	cmocka_unit_test(every_header_field_has_its_grammar),
	cmocka_unit_test(what_is_written_again_is_the_same),
	cmocka_unit_test(a_message_that_lacks_its_via_only_is_unsent),
};

TEST_MAIN(tests)
