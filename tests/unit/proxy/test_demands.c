/* What holds within a dialog by the policies under which it began (demands_allow_within()). */
#include "harness.h"

#include "proxy/demands.h"
#include "proxy/token.h"

#define OPEN    "Content-Type: application/sdp\r\n", "v=0\r\n"
#define SEALED  "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n", "x"
#define SIGNED  "Content-Type: multipart/signed; boundary=b\r\n", "x"
#define NO_BODY "", ""

static const struct {
	const char *label;
	enum protection least;
	bool sips; /* the dialog */
	const char *method, *uri, *type, *body;
	bool is_allowed;
} rows[] = {
	{ "nothing was asked", PROTECTION_DIGEST, false, "INVITE", "sip:b@h", OPEN, true },
	{ "a message of sip in what was to be sips", PROTECTION_SIPS, false, "MESSAGE", "sip:b@h", OPEN,
	  false },
	{ "one of sips", PROTECTION_SIPS, false, "MESSAGE", "sips:b@h", OPEN, true },
	{ "in a sips dialog whatever the Contact", PROTECTION_SIPS, true, "INVITE", "sip:b@h", OPEN, true },
	{ "NOTIFY says nothing of a call", PROTECTION_SIPS, false, "NOTIFY", "sip:b@h", OPEN, true },
	{ "S/MIME without sips", PROTECTION_SMIME, false, "INVITE", "sip:b@h", SEALED, false },
	{ "encrypted", PROTECTION_SMIME, true, "INVITE", "sips:b@h", SEALED, true },
	{ "signed", PROTECTION_SMIME, true, "UPDATE", "sips:b@h", SIGNED, true },
	{ "open", PROTECTION_SMIME, true, "INVITE", "sips:b@h", OPEN, false },
	{ "without a description", PROTECTION_SMIME, true, "INVITE", "sips:b@h", NO_BODY, true },
	{ "an open UPDATE", PROTECTION_SMIME, true, "UPDATE", "sips:b@h", OPEN, false },
	{ "that refreshes", PROTECTION_SMIME, true, "UPDATE", "sips:b@h", NO_BODY, true },
	{ "an open answer in PRACK", PROTECTION_SMIME, true, "PRACK", "sips:b@h", OPEN, false },
	{ "an open answer in ACK", PROTECTION_SMIME, true, "ACK", "sips:b@h", OPEN, false },
	{ "a sealed one", PROTECTION_SMIME, true, "ACK", "sips:b@h", SEALED, true },
	{ "ACK alone", PROTECTION_SMIME, true, "ACK", "sips:b@h", NO_BODY, true },
	{ "an open INFO", PROTECTION_SMIME, true, "INFO", "sips:b@h", OPEN, false },
	{ "an empty message", PROTECTION_SMIME, true, "MESSAGE", "sips:b@h", NO_BODY, false },
	{ "a REFER that nobody has signed", PROTECTION_SMIME, true, "REFER", "sips:b@h", NO_BODY, false },
	{ "the type alone", PROTECTION_SMIME, true, "REFER", "sips:b@h",
	  "Content-Type: application/pkcs7-mime\r\n", "", false },
	{ "BYE", PROTECTION_SMIME, true, "BYE", "sips:b@h", NO_BODY, true },
};

static void holds_a_dialog_to_what_was_asked_when_it_began(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct token token = { .sips = rows[i].sips, .least = rows[i].least };
		struct sip_message *request;
		struct sip_fault fault;
		char text[1000];

		int n = snprintf(
			text, sizeof text,
			"%s %s SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
			"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 %s\r\n"
			"%sContent-Length: %zu\r\n\r\n%s",
			rows[i].method, rows[i].uri, rows[i].method, rows[i].type, strlen(rows[i].body),
			rows[i].body);
		assert_int_equal(
			sip_message_parse(slice_from(text, (size_t)n), &sip_limits_default, &request, &fault),
			OK);
		bool is_allowed = demands_allow_within(&token, request);

		sip_message_free(request);
		if (is_allowed != rows[i].is_allowed)
			fail_msg("%s", rows[i].label);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(holds_a_dialog_to_what_was_asked_when_it_began),
};

TEST_MAIN(tests)
