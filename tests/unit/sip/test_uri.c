#include "harness.h"

#include <string.h>

#include "sip/uri.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static struct sip_uri parsed(const char *text)
{
	struct sip_uri uri;

	if (!sip_uri_parse(slice_of(text), &uri))
		fail_msg("refused: %s", text);
	return uri;
}

static void assert_text(struct slice actual, const char *expected)
{
	if (!slice_eq(actual, slice_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(actual), expected);
}

static void the_parts_of_a_sip_uri_are_told_apart(void **state)
{
	struct sip_uri uri = parsed(
		"sips:alice:secret@[2001:db8::1]:5062;transport=tcp;lr?subject=a%20b&priority=urgent");

	assert_int_equal(uri.scheme, SIP_SCHEME_SIPS);
	assert_text(uri.user, "alice");
	assert_text(uri.password, "secret");
	assert_text(uri.host, "[2001:db8::1]");
	assert_int_equal(uri.port, 5062);
	assert_text(uri.params, ";transport=tcp;lr");
	assert_text(uri.headers, "subject=a%20b&priority=urgent");
}

static void what_is_not_there_is_absent(void **state)
{
	struct sip_uri uri = parsed("SIP:example.com");

	assert_int_equal(uri.scheme, SIP_SCHEME_SIP);
	assert_null(uri.user.ptr);
	assert_null(uri.password.ptr);
	assert_int_equal(uri.port, 0);
	assert_int_equal(uri.params.len, 0);
	assert_int_equal(uri.headers.len, 0);
	assert_non_null(parsed("sip:a:@b").password.ptr); /* an empty password is one */
}

static void a_semicolon_in_the_user_part_begins_no_parameter(void **state)
{
	struct sip_uri uri = parsed("sip:user;par=u%40example.net@example.com"); /* RFC4475:3.1.1.9 */

	assert_text(uri.user, "user;par=u%40example.net");
	assert_int_equal(uri.params.len, 0);
}

static void other_schemes_are_taken_whole(void **state)
{
	assert_int_equal(parsed("http://www.example.com/a?b=c,d").scheme, SIP_SCHEME_OTHER);
	assert_text(parsed("nobodyKnowsThisScheme:totallyopaquecontent").text,
		    "nobodyKnowsThisScheme:totallyopaquecontent");
	assert_int_equal(parsed("sipx:a@b").scheme, SIP_SCHEME_OTHER);
	assert_int_equal(parsed("urn:service:sos").scheme, SIP_SCHEME_OTHER);
}

static const struct {
	const char *label, *text;
	bool ok;
	size_t broken_at; /* where the cursor is left */
} grammar_cases[] = {
	{ "host only", "sip:a.example", true, 0 },
	{ "odd user",
	  "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
	  true, 0 },
	{ "escapes", "sip:sips%3Auser%40example.com@example.net", true, 0 },
	{ "escaped NUL", "sip:null-%00-null@example.com", true, 0 },
	{ "empty header value", "sip:a@b?x=", true, 0 },
	{ "parameter without value", "sip:a@b;lr", true, 0 },
	{ "parameter characters", "sip:a@b;x=[]/:&+$%20", true, 0 },
	{ "tel", "tel:+1-201-555-0123", true, 0 },
	{ "tel with parameters", "tel:+358-555-1234567;postd=pp22;isub=1411", true, 0 },
	{ "local tel with context", "tel:863-1234;phone-context=+1-914-555", true, 0 },
	{ "empty", "", false, 0 },
	{ "no scheme", "alice@example.com", false, 0 },
	{ "scheme only", "sip:", false, 4 },
	{ "other scheme only", "http:", false, 0 },
	{ "no host", "sip:alice@", false, 10 },
	{ "no user before @", "sip:@example.com", false, 4 },
	{ "two @", "sip:a@b@c", false, 7 },
	{ "bad escape in the user part", "sip:a%4g@b", false, 5 },
	{ "escape cut short", "sip:a@b;x=%4", false, 10 },
	{ "port too large", "sip:a@b:65536", false, 8 },
	{ "port zero", "sip:a@b:0", false, 8 },
	{ "empty port", "sip:a@b:", false, 8 },
	{ "empty parameter", "sip:a@b;;lr", false, 8 },
	{ "empty parameter value", "sip:a@b;x=", false, 10 },
	{ "parameter twice", "sip:a@b;lr;transport=tls;LR", false, 27 },
	{ "header without value", "sip:a@b?x", false, 9 },
	{ "empty headers", "sip:a@b?", false, 8 },
	{ "blank", "sip:a@b ", false, 7 },
	{ "blank before a parameter", "sip:a@b; lr", false, 8 },
	{ "brackets", "<sip:a@b>", false, 0 },
	{ "NUL", "sip:a\0b@c", false, 5 },
	{ "non-ASCII", "sip:\xc3\xa9@b", false, 4 },
	{ "tel without digits", "tel:+", false, 5 },
	{ "local tel without context", "tel:911", false, 7 },
	{ "letters in a global tel", "tel:+1800FLOWERS", false, 9 },
};

static void uris_are_read_strictly(void **state)
{
	for (size_t i = 0; i < N(grammar_cases); i++) {
		struct slice text = slice_of(grammar_cases[i].text);
		struct sip_uri uri = { 0 };
		struct scan in;

		if (strcmp(grammar_cases[i].label, "NUL") == 0)
			text = SLICE("sip:a\0b@c");
		if (sip_uri_parse(text, &uri) != grammar_cases[i].ok)
			fail_msg("%s", grammar_cases[i].label);
		in = scan_of(text);
		if (!grammar_cases[i].ok) {
			(void)sip_uri_scan(&in, &uri);
			if (scan_offset(&in) != grammar_cases[i].broken_at)
				fail_msg("%s: at %zu", grammar_cases[i].label, scan_offset(&in));
		}
	}
}

static void a_uri_has_64_headers_at_most(void **state)
{
	enum { MOST = 64 };
	char text[400];
	struct writer out = writer_of(text, sizeof text);
	struct sip_uri uri;

	put(&out, SLICE("sip:a@b?x="));
	for (int i = 1; i < MOST; i++)
		put(&out, SLICE("&x="));
	assert_true(sip_uri_parse(writer_text(&out), &uri));
	put(&out, SLICE("&x="));
	assert_false(sip_uri_parse(writer_text(&out), &uri));
	assert_false(out.overflow);
}

static void a_bare_uri_ends_before_what_belongs_to_the_header(void **state)
{
	static const struct {
		const char *text, *uri; /* NULL: refused */
	} rows[] = {
		{ "sip:a@b;tag=1", "sip:a@b" },
		{ "sip:a@b?x=y", "sip:a@b" },
		{ "sip:a@b,sip:c@d", "sip:a@b" },
		{ "http://x/y;tag=1", "http://x/y" },
		{ "isbn:2983792873", "isbn:2983792873" },
		{ "tel:+1234;tag=1", "tel:+1234" },
		{ "sip:a;b@c", "sip:a" },
		{ "sip:a,b@c", "sip:a" },
		{ "tel:911;phone-context=+1", NULL },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct scan in = scan_of(slice_of(rows[i].text));
		struct sip_uri uri;

		assert_int_equal(sip_uri_scan_bare(&in, &uri), rows[i].uri != NULL);
		if (rows[i].uri)
			assert_text(uri.text, rows[i].uri);
	}
}

static const struct {
	const char *label, *a, *b;
	bool equal;
} equality_cases[] = {
	/* the examples of RFC 3261 §19.1.4 */
	{ "escape and case", "sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp",
	  true },
	{ "unknown parameter in one", "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true },
	{ "another unknown one", "sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true },
	{ "unknown ones in each", "sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on",
	  true },
	{ "order of parameters", "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
	  "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true },
	{ "order of headers", "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
	  "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true },
	{ "users differ in case", "SIP:ALICE@AtLanTa.CoM;Transport=udp",
	  "sip:alice@AtLanTa.CoM;Transport=UDP", false },
	{ "default port given", "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false },
	{ "default transport given", "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false },
	{ "port and transport", "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false },
	{ "header in one", "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false },
	{ "address of the name", "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false },
	/* those of RFC 5954 §4.2 */
	{ "IPv4 in IPv6", "sip:bob@[::ffff:192.0.2.128]", "sip:bob@[::ffff:c000:280]", true },
	{ "zeros", "sip:bob@[2001:db8::9:1]", "sip:bob@[2001:db8::9:01]", true },
	{ "longest and shortest", "sip:bob@[0:0:0:0:0:FFFF:129.144.52.38]", "sip:bob@[::FFFF:129.144.52.38]",
	  true },
	{ "final dot", "sip:bob@example.com.:5060", "sip:bob@Example.com:5060", true }, /* RFC1034:3.1 */
	{ "IPv6 addresses", "sip:bob@[2001:db8::1]", "sip:bob@[2001:db8::2]", false },
	{ "IPv4 in IPv6 and alone", "sip:bob@[::ffff:192.0.2.128]", "sip:bob@192.0.2.128", false },
	/* what its text says besides */
	{ "not transitive", "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off",
	  false },
	{ "schemes", "sip:a@b", "sips:a@b", false },
	{ "user in one", "sip:b", "sip:a@b", false },
	{ "password in one", "sip:a@b", "sip:a:@b", false },
	{ "passwords differ in case", "sip:a:X@b", "sip:a:x@b", false },
	{ "user parameter in one", "sip:a@b", "sip:a@b;user=ip", false },
	{ "ttl in one", "sip:a@b;ttl=1", "sip:a@b", false },
	{ "method in one", "sip:a@b", "sip:a@b;method=INVITE", false },
	{ "maddr in one", "sip:a@b;maddr=192.0.2.1", "sip:a@b", false },
	{ "escaped name of such a parameter", "sip:a@b;%6Daddr=192.0.2.1", "sip:a@b", false },
	{ "value in one", "sip:a@b;x=1", "sip:a@b;x", false },
	{ "escaped reserved character", "sip:a%3Bb@c", "sip:a;b@c", false },
	{ "case of an escape", "sip:a%3bb@c", "sip:a%3Bb@c", true },
	{ "escaped percent", "sip:a%2541@c", "sip:aA@c", false },
	{ "escaped NUL", "sip:%00@c", "sip:%00%00@c", false },
	{ "header values", "sip:a@b?x=1", "sip:a@b?x=2", false },
	{ "tel separators", "tel:+1-201-555-0123", "tel:+12015550123", true },
	{ "tel parameter in one", "tel:+1;ext=2", "tel:+1", false },
	{ "tel local and global", "tel:1;phone-context=+1", "tel:+1;phone-context=+1", false },
	{ "others by their bytes", "http://a/b", "http://a/B", false },
	{ "others the same", "http://a/b", "http://a/b", true },
};

static void uris_are_compared_by_the_rules_of_19_1_4(void **state)
{
	for (size_t i = 0; i < N(equality_cases); i++) {
		struct sip_uri a = parsed(equality_cases[i].a), b = parsed(equality_cases[i].b);

		if (sip_uri_eq(&a, &b) != equality_cases[i].equal ||
		    sip_uri_eq(&b, &a) != equality_cases[i].equal)
			fail_msg("%s", equality_cases[i].label);
	}
}

static void parameters_are_found_by_name(void **state)
{
	struct slice params = SLICE(" ; a=1;B = \"x;y=\\\"z\";lr;%6Cx=2"), value = { 0 };

	assert_true(sip_param_find(params, SLICE("A"), &value));
	assert_text(value, "1");
	assert_true(sip_param_find(params, SLICE("b"), &value));
	assert_text(value, "x;y=\\\"z");
	assert_true(sip_param_find(params, SLICE("lr"), &value));
	assert_null(value.ptr);
	assert_false(sip_param_find(params, SLICE("y"), &value)); /* it stands in quotes */
	assert_false(sip_param_find(params, SLICE("lx"), &value));
	assert_false(sip_param_find(SLICE(""), SLICE("a"), &value));
}

static void aors_have_one_form(void **state)
{
	static const struct {
		const char *uri, *aor;
	} rows[] = {
		{ "sip:Alice@Example.COM", "Alice@example.com" },
		{ "sips:alice:pw@example.com:5061;user=phone?a=b", "alice@example.com" },
		{ "sip:%61lice@example.com.", "alice@example.com" },
		{ "sip:a%3bb@example.com", "a%3Bb@example.com" },
		{ "sip:sips%3Auser%40example.com@example.net", "sips%3Auser%40example.com@example.net" },
		{ "sip:null-%00@example.com", "null-%00@example.com" },
		{ "sip:example.com", "example.com" },
		{ "sip:a@[2001:DB8::1]", "a@[2001:db8::1]" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct sip_uri uri = parsed(rows[i].uri);
		char buf[128];
		struct writer out = writer_of(buf, sizeof buf);

		put_aor(&out, &uri);
		assert_text(writer_text(&out), rows[i].aor);
	}
}

static void a_contact_becomes_a_request_uri(void **state)
{
	static const struct {
		const char *label, *contact, *expected;
	} rows[] = {
		{ "as it is", "sip:a@b:5070;transport=tcp", "sip:a@b:5070;transport=tcp" },
		{ "no header part", "sips:a@b?Subject=x&To=y", "sips:a@b" },
		{ "a question mark in the user part", "sip:a?b@c?Subject=x", "sip:a?b@c" },
		{ "no method", "sip:a@b;method=INVITE", "sip:a@b" },
		{ "in capitals, first of three", "sip:a@b;METHOD=BYE;lr;x=1", "sip:a@b;lr;x=1" },
		{ "in the midst, with headers", "sip:a@b;lr;method=BYE;x=%41?h=v", "sip:a@b;lr;x=%41" },
		{ "another with that beginning", "sip:a@b;methods=1;method2", "sip:a@b;methods=1;method2" },
		{ "a method without a value", "sip:a@b;method", "sip:a@b" },
		{ "tel", "tel:+1;phone-context=x", "tel:+1;phone-context=x" },
		{ "of another scheme", "im:a@b;method=c?d", "im:a@b;method=c?d" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char buf[100];
		struct writer out = writer_of(buf, sizeof buf);
		struct sip_uri uri;

		assert_true(sip_uri_parse(slice_of(rows[i].contact), &uri));
		put_request_uri(&out, &uri);
		if (!slice_eq(writer_text(&out), slice_of(rows[i].expected)))
			fail_msg("%s: %.*s", rows[i].label, SLICE_FMT(writer_text(&out)));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_parts_of_a_sip_uri_are_told_apart),
	cmocka_unit_test(what_is_not_there_is_absent),
	cmocka_unit_test(a_semicolon_in_the_user_part_begins_no_parameter),
	cmocka_unit_test(other_schemes_are_taken_whole),
	cmocka_unit_test(uris_are_read_strictly),
	cmocka_unit_test(a_uri_has_64_headers_at_most),
	cmocka_unit_test(a_bare_uri_ends_before_what_belongs_to_the_header),
	cmocka_unit_test(uris_are_compared_by_the_rules_of_19_1_4),
	cmocka_unit_test(parameters_are_found_by_name),
	cmocka_unit_test(aors_have_one_form),
	cmocka_unit_test(a_contact_becomes_a_request_uri),
};

TEST_MAIN(tests)
