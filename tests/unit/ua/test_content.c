/* Which part of a body is for us. */
#include "harness.h"

#include "ua/content.h"

#define SDP      "Content-Type: application/sdp\r\n"
#define SESSION  "\r\nv=0"
#define ISUP     "Content-Type: application/isup\r\n"
#define OPTIONAL "Content-Disposition: signal;handling=optional\r\n"
#define TEXT     "Content-Type: text/plain\r\n"
#define HTML     "Content-Type: text/html\r\n\r\n<p>"
#define SEALED   "Content-Type: application/pkcs7-mime;smime-type=authEnveloped-data\r\n"
#define SIGNED \
	"Content-Type: multipart/signed;protocol=\"application/pkcs7-signature\";boundary=s\r\n\r\n--s--"

#define ALTERNATIVE "Content-Type: multipart/alternative;boundary=b\r\n"
#define MIXED       "Content-Type: multipart/mixed;boundary=b\r\n"
#define PART        "--b\r\n"
#define END         "\r\n--b--"
#define NEXT        "\r\n" PART

/* taken: the body that is left; NULL: all of it stays as it came. An error: it is not taken. */
static const struct {
	const char *label, *method, *lines, *body, *taken;
	enum content_reach reach;
	enum err err;
} cases[] = {
	/* clang-format off */
	/* RFC3261:8.2.3, RFC3261:20.11 */
	{ "what is understood", "INVITE", SDP, "v=0", NULL, CONTENT_SEALED, OK },
	{ "said to be a session", "INVITE", SDP "Content-Disposition: session\r\n", "v=0", NULL, CONTENT_SEALED, OK },
	{ "another disposition", "INVITE", SDP "Content-Disposition: early-session\r\n", "v=0", NULL, CONTENT_SEALED, ERR_DENIED },
	{ "another disposition that is optional", "INVITE", SDP "Content-Disposition: early-session;handling=optional\r\n", "v=0", "", CONTENT_SEALED, OK },
	{ "unknown", "INVITE", ISUP, "x", NULL, CONTENT_SEALED, ERR_DENIED },
	{ "unknown and optional", "INVITE", ISUP OPTIONAL, "x", "", CONTENT_SEALED, OK },
	{ "unknown and said to be required", "INVITE", ISUP "Content-Disposition: signal;handling=required\r\n", "x", NULL, CONTENT_SEALED, ERR_DENIED },
	{ "of no type", "INVITE", "", "x", NULL, CONTENT_SEALED, ERR_DENIED },
	{ "encoded", "INVITE", SDP "Content-Encoding: gzip\r\n", "x", NULL, CONTENT_SEALED, ERR_DENIED },
	{ "encoded and optional", "INVITE", SDP "Content-Encoding: gzip\r\nContent-Disposition: session;handling=optional\r\n", "x", "", CONTENT_SEALED, OK },
	{ "base64", "INVITE", SDP "Content-Transfer-Encoding: base64\r\n", "dj0w", "v=0", CONTENT_SEALED, OK },
	{ "quoted-printable", "INVITE", SDP "Content-Transfer-Encoding: quoted-printable\r\n", "v=3D0", NULL, CONTENT_SEALED, ERR_DENIED },
	{ "nothing", "INVITE", "", "", NULL, CONTENT_SEALED, OK },
	{ "a description in a MESSAGE", "MESSAGE", SDP, "v=0", NULL, CONTENT_SEALED, ERR_DENIED },
	/* RFC8591:7.3 */
	{ "a MESSAGE is there for its body", "MESSAGE", ISUP OPTIONAL, "x", NULL, CONTENT_SEALED, ERR_DENIED },
	{ "any body in a REFER", "REFER", TEXT, "x", NULL, CONTENT_SEALED, ERR_DENIED },
	{ "an optional one in a REFER", "REFER", TEXT "Content-Disposition: render;handling=optional\r\n", "x", "", CONTENT_SEALED, OK },
	{ "an end is never refused for its body", "BYE", ISUP, "x", NULL, CONTENT_SEALED, OK },
	/* RFC5621:6.1 */
	{ "the last alternative", "MESSAGE", ALTERNATIVE, PART TEXT "\r\npoor" NEXT TEXT "\r\nrich" END, "rich", CONTENT_SEALED, OK },
	{ "the last that is understood", "MESSAGE", ALTERNATIVE, PART TEXT "\r\npoor" NEXT HTML END, "poor", CONTENT_SEALED, OK },
	{ "of a description", "INVITE", ALTERNATIVE, PART SDP SESSION NEXT ISUP "\r\nx" END, "v=0", CONTENT_SEALED, OK },
	{ "no alternative", "INVITE", ALTERNATIVE, PART HTML NEXT ISUP "\r\nx" END, NULL, CONTENT_SEALED, ERR_DENIED },
	{ "no alternative, and none is needed", "INVITE", ALTERNATIVE OPTIONAL, PART HTML NEXT ISUP "\r\nx" END, "", CONTENT_SEALED, OK },
	/* RFC5621:8.3 */
	{ "what parts say of themselves is ignored", "INVITE", ALTERNATIVE, PART SDP SESSION NEXT ISUP "Content-Disposition: session;handling=required\r\n\r\nx" END, "v=0", CONTENT_SEALED, OK },
	{ "an alternative in base64", "MESSAGE", ALTERNATIVE, PART TEXT "Content-Transfer-Encoding: base64\r\n\r\naGk=" END, "hi", CONTENT_SEALED, OK },
	/* RFC5621:4.2, RFC5621:8.2 */
	{ "of several", "INVITE", MIXED, PART ISUP OPTIONAL "\r\nx" NEXT SDP SESSION END, "v=0", CONTENT_SEALED, OK },
	{ "of several, one of which is unknown", "INVITE", MIXED, PART SDP SESSION NEXT ISUP "\r\nx" END, NULL, CONTENT_SEALED, ERR_DENIED },
	{ "an unknown kind of several", "INVITE", "Content-Type: multipart/related;boundary=b\r\n", PART SDP SESSION END, "v=0", CONTENT_SEALED, OK },
	{ "two that are required", "MESSAGE", MIXED, PART TEXT "\r\none" NEXT TEXT "\r\ntwo" END, NULL, CONTENT_SEALED, ERR_DENIED },
	{ "two, one of which is optional", "MESSAGE", MIXED, PART TEXT "\r\none" NEXT TEXT "Content-Disposition: render;handling=optional\r\n\r\ntwo" END, "one", CONTENT_SEALED, OK },
	{ "all optional", "INVITE", MIXED, PART ISUP OPTIONAL "\r\nx" END, "", CONTENT_SEALED, OK },
	{ "one in another", "INVITE", "Content-Type: multipart/mixed;boundary=a\r\n",
	  "--a\r\n" ALTERNATIVE "\r\n" PART SDP SESSION NEXT ISUP "\r\nx" END "\r\n--a--", "v=0", CONTENT_SEALED, OK },
	{ "no parts", "INVITE", MIXED, "x", NULL, CONTENT_SEALED, ERR_SYNTAX },
	{ "parts without an end", "INVITE", MIXED, PART SDP SESSION, NULL, CONTENT_SEALED, ERR_SYNTAX },
	/* RFC3261:23.4: "message/sip" can be a part of multipart/mixed */
	{ "an encrypted alternative", "MESSAGE", ALTERNATIVE, PART TEXT "\r\npoor" NEXT SEALED "\r\nsecret" END, "secret", CONTENT_SEALED, OK },
	{ "an encrypted alternative without a key", "MESSAGE", ALTERNATIVE, PART TEXT "\r\npoor" NEXT SEALED "\r\nsecret" END, "poor", CONTENT_SIGNED, OK },
	{ "a signed alternative without a key", "MESSAGE", ALTERNATIVE, PART TEXT "\r\npoor" NEXT SIGNED END, "--s--", CONTENT_SIGNED, OK },
	{ "one that is protected beside", "INVITE", MIXED, PART SEALED "\r\nsecret" NEXT ISUP OPTIONAL "\r\nx" END, "secret", CONTENT_SEALED, OK },
	{ "protected in what was protected", "MESSAGE", ALTERNATIVE, PART TEXT "\r\npoor" NEXT SEALED "\r\nsecret" END, "poor", CONTENT_CLEAR, OK },
	{ "protected as a whole", "MESSAGE", SEALED, "secret", NULL, CONTENT_SIGNED, OK },
	/* clang-format on */
};

static struct sip_message *parse(const char *method, const char *lines, struct slice body)
{
	static char text[32768];
	struct writer out = writer_of(text, sizeof text);
	struct sip_limits limits = sip_limits_default;
	struct sip_message *message = NULL;
	struct sip_fault fault;
	char head[1024];
	int len = snprintf(head, sizeof head,
			   "%s sip:bob@localhost SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\n"
			   "Max-Forwards: 70\r\nFrom: <sip:a@a.example>;tag=t\r\nTo: <sip:bob@localhost>\r\n"
			   "Call-ID: c\r\nCSeq: 1 %s\r\n%sContent-Length: %zu\r\n\r\n",
			   method, method, lines, body.len);

	put(&out, slice_from(head, (size_t)len));
	put(&out, body);
	assert_false(out.overflow);
	limits.body_parts = 0; /* the bounds are to be met here */
	assert_int_equal(sip_message_parse(writer_text(&out), &limits, &message, &fault), OK);
	if (message->fault.status != 0)
		fail_msg("%s", message->fault.what);
	return message;
}

static void the_part_that_is_for_us_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i += ROWS_STEP(9)) {
		struct sip_message *message = parse(cases[i].method, cases[i].lines, slice_of(cases[i].body));
		struct sip_message *taken = NULL;
		enum err err = content_choose(message, cases[i].reach, &taken);
		bool is_good = err == cases[i].err &&
			       (err != OK || (taken != NULL) == (cases[i].taken != NULL)) &&
			       (!taken || slice_eq(taken->body, slice_of(cases[i].taken)));

		if (!is_good)
			print_error("%s: error %d, body %.*s\n", cases[i].label, (int)err,
				    taken ? (int)taken->body.len : 4, taken ? taken->body.ptr : "none");
		sip_message_free(taken);
		sip_message_free(message);
		assert_true(is_good);
	}
}

/* What is taken says of itself what it is, and nothing more is left of the whole. */
static void the_part_takes_the_place_of_the_whole(void **state)
{
	struct sip_message *message, *taken;
	struct slice type;

	(void)state;
	message = parse("INVITE", ALTERNATIVE "Content-Disposition: session\r\nSubject: lunch\r\n",
			SLICE(PART "Content-Type: application/sdp;x=y\r\n" SESSION END));
	assert_int_equal(content_choose(message, CONTENT_SEALED, &taken), OK);
	type = sip_message_value(taken, SIP_CONTENT_TYPE);
	assert_true(slice_eq(type, SLICE("application/sdp;x=y")));
	assert_null(sip_message_header(taken, SIP_CONTENT_DISPOSITION));
	assert_true(slice_eq(sip_message_value(taken, SIP_SUBJECT), SLICE("lunch")));
	assert_true(slice_eq(taken->call_id, message->call_id));
	sip_message_free(taken);
	sip_message_free(message);
}

/* What there is becomes the one part of another. */
static void wrap(char text[2048], const char *line, int depth)
{
	char whole[2048];
	struct writer out = writer_of(whole, sizeof whole - 1);

	put(&out, SLICE("--b"));
	put_number(&out, (uint64_t)depth);
	put(&out, SLICE("\r\n"));
	put(&out, slice_of(line));
	put(&out, SLICE("\r\n"));
	put(&out, slice_of(text));
	put(&out, SLICE("\r\n--b"));
	put_number(&out, (uint64_t)depth);
	put(&out, SLICE("--"));
	assert_false(out.overflow);
	memcpy(text, whole, out.len);
	text[out.len] = '\0';
}

static void there_is_an_end_to_parts_in_parts(void **state)
{
	char text[2048] = "v=0", line[64] = SDP;

	(void)state;
	for (int depth = 0; depth < 6; depth++) {
		struct sip_message *message, *taken = NULL;

		wrap(text, line, depth);
		snprintf(line, sizeof line, "Content-Type: multipart/mixed;boundary=b%d\r\n", depth);
		message = parse("INVITE", line, slice_of(text));
		assert_int_equal(content_choose(message, CONTENT_SEALED, &taken), depth < 4 ? OK : ERR_LIMIT);
		sip_message_free(taken);
		sip_message_free(message);
	}
}

static void too_many_parts_are_refused(void **state)
{
	char text[8192];
	struct writer out = writer_of(text, sizeof text);
	struct sip_message *message, *taken;

	(void)state;
	for (int i = 0; i < 40; i++)
		put(&out, SLICE(PART ISUP OPTIONAL "\r\nx\r\n"));
	put(&out, SLICE("--b--"));
	message = parse("INVITE", MIXED, writer_text(&out));
	assert_int_equal(content_choose(message, CONTENT_SEALED, &taken), ERR_LIMIT);
	sip_message_free(message);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_part_that_is_for_us_is_taken),
	cmocka_unit_test(the_part_takes_the_place_of_the_whole),
	cmocka_unit_test(there_is_an_end_to_parts_in_parts),
	cmocka_unit_test(too_many_parts_are_refused),
};
TEST_MAIN(tests)
