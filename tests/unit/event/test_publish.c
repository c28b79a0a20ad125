#include "event/publish.h"

#include "harness.h"

#include "crypto/user_certificate.h"

#define NOW 1790000000

/* A PUBLISH of bob with these lines. */
static struct sip_message *message_of(const char *lines, const char *body)
{
	char buf[2048];
	struct writer out = writer_of(buf, sizeof(buf));
	struct sip_message *message = NULL;
	struct sip_fault fault;

	put(&out, SLICE("PUBLISH sips:bob@a.example SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\n"
			"From: <sips:bob@a.example>;tag=1\r\nTo: <sips:bob@a.example>\r\nCall-ID: c\r\n"
			"CSeq: 1 PUBLISH\r\nMax-Forwards: 70\r\n"));
	put(&out, slice_of(lines));
	put(&out, SLICE("Content-Length: "));
	put_number(&out, slice_of(body).len);
	put(&out, SLICE("\r\n\r\n"));
	put(&out, slice_of(body));
	assert_int_equal(sip_message_parse(writer_text(&out), &sip_limits_default, &message, &fault), OK);
	return message;
}

/* bob, with one certificate of tag 0x2a. */
static struct aor *bob(void)
{
	static const struct account account = { .id = 1 };
	const struct device_certificate one = { .der = SLICE("der"), .tag = 42, .expires = NOW + 1000 };
	struct aor *aor = aor_new(SLICE("bob@a.example"), 1, &account, NULL, 0);

	assert_non_null(aor);
	aor->certificates = certificates_new(&one, 1);
	assert_non_null(aor->certificates);
	return aor;
}

#define EVENT "Event: certificate\r\n"
#define CSR   EVENT "Content-Type: application/pkcs10\r\n"
#define TAG   "SIP-If-Match: 000000000000002a\r\n"

static const struct {
	const char *label, *lines, *body;
	enum publish_verdict verdict;
	enum certify_kind kind;
	utc_t lasts;
} rows[] = {
	{ "a request", CSR, "x", PUBLISH_OK, CERTIFY_REQUEST, USER_CERTIFICATE_DAYS * 86400 },
	{ "for so long", CSR "Expires: 600\r\n", "x", PUBLISH_OK, CERTIFY_REQUEST, 600 },
	{ "in place of one", CSR TAG, "x", PUBLISH_OK, CERTIFY_REQUEST, USER_CERTIFICATE_DAYS * 86400 },
	{ "one's own", EVENT "Content-Type: application/pkix-cert\r\n", "x", PUBLISH_OK, CERTIFY_OWN,
	  USER_CERTIFICATE_DAYS * 86400 },
	{ "for longer", EVENT TAG "Expires: 900\r\n", "", PUBLISH_OK, CERTIFY_EXTEND, 900 },
	{ "withdrawn", EVENT TAG "Expires: 0\r\n", "", PUBLISH_OK, CERTIFY_WITHDRAW, 0 },
	{ "no package", "Content-Type: application/pkcs10\r\n", "x", PUBLISH_EVENT, 0, 0 },
	{ "another package", "Event: presence\r\n", "x", PUBLISH_EVENT, 0, 0 },
	{ "another tag", CSR "SIP-If-Match: 000000000000002b\r\n", "x", PUBLISH_TAG, 0, 0 },
	{ "no tag of ours", CSR "SIP-If-Match: dx200\r\n", "x", PUBLISH_TAG, 0, 0 },
	{ "nothing to withdraw", EVENT "Expires: 0\r\n", "", PUBLISH_EMPTY, 0, 0 },
	{ "nothing at all", EVENT, "", PUBLISH_EMPTY, 0, 0 },
	{ "too brief", CSR "Expires: 59\r\n", "x", PUBLISH_BRIEF, 0, 0 },
	{ "no number", CSR "Expires: soon\r\n", "x", PUBLISH_MALFORMED, 0, 0 },
	{ "another type", EVENT "Content-Type: text/plain\r\n", "x", PUBLISH_TYPE, 0, 0 },
	{ "no type", EVENT, "x", PUBLISH_TYPE, 0, 0 },
	{ "compressed", CSR "Content-Encoding: gzip\r\n", "x", PUBLISH_TYPE, 0, 0 },
};

static void reads_what_is_wanted(void **state)
{
	struct aor *sender = bob();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sip_message *message = message_of(rows[i].lines, rows[i].body);
		struct certify_question question = { .tag = 0 };
		enum publish_verdict verdict = publish_read(message, sender, NOW, &question);

		if (verdict != rows[i].verdict || (verdict == PUBLISH_OK && question.kind != rows[i].kind))
			fail_msg("%s: %d, %d", rows[i].label, (int)verdict, (int)question.kind);
		if (verdict == PUBLISH_OK) {
			assert_int_equal(question.expires, NOW + rows[i].lasts);
			assert_true(slice_eq(question.aor, SLICE("bob@a.example")));
		}
		sip_message_free(message);
	}
	aor_unref(sender);
}

static void a_tag_is_good_as_long_as_its_certificate(void **state)
{
	struct aor *sender = bob();
	struct sip_message *message = message_of(EVENT TAG "Expires: 0\r\n", "");
	struct certify_question question;
	char text[16];
	struct writer out = writer_of(text, sizeof(text));

	assert_int_equal(publish_read(message, sender, NOW + 1000, &question), PUBLISH_TAG);
	put_publish_tag(&out, 42);
	assert_true(slice_eq(writer_text(&out), SLICE("000000000000002a")));
	sip_message_free(message);
	aor_unref(sender);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(reads_what_is_wanted),
	cmocka_unit_test(a_tag_is_good_as_long_as_its_certificate),
};
TEST_MAIN(tests)
