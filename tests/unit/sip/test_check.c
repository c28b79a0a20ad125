#include "harness.h"

#include "request.h"
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
	cmocka_unit_test(a_message_that_lacks_its_via_only_is_unsent),
};

TEST_MAIN(tests)
