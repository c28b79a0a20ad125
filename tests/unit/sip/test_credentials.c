#include "harness.h"

#include <string.h>

#include "base/writer.h"
#include "sip/credentials.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static void assert_text(struct slice actual, const char *expected)
{
	if (!slice_eq(actual, slice_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(actual), expected);
}

static void a_challenge_is_taken_apart(void **state)
{
	struct sip_challenge challenge;

	assert_true(sip_challenge_parse(
		SLICE("Digest realm=\"atlanta.example.com\", qop=\"auth,auth-int\",\r\n"
		      " nonce=\"f84f1cec\\\"\", opaque=\"\", stale=TRUE, algorithm=SHA-256, x=y"),
		&challenge));
	assert_text(challenge.scheme, "Digest");
	assert_text(challenge.realm, "atlanta.example.com");
	assert_text(challenge.qop, "auth,auth-int");
	assert_text(challenge.nonce, "f84f1cec\\\""); /* the escape stays in */
	assert_text(challenge.algorithm, "SHA-256");
	assert_non_null(challenge.opaque.ptr);
	assert_int_equal(challenge.opaque.len, 0);
	assert_null(challenge.domain.ptr);
	assert_true(challenge.stale);
}

static void credentials_are_taken_apart(void **state)
{
	struct sip_credentials credentials;

	assert_true(sip_credentials_parse(
		SLICE("Digest username=\"bob\",realm=\"a.example\",nonce=\"n\",uri=\"sips:x\","
		      "response=\"0f\",algorithm=SHA-512-256,cnonce=\"c\",opaque=\"o\","
		      "qop=auth,nc=00000001,userhash=false"),
		&credentials));
	assert_text(credentials.username, "bob");
	assert_text(credentials.realm, "a.example");
	assert_text(credentials.nonce, "n");
	assert_text(credentials.uri, "sips:x");
	assert_text(credentials.response, "0f");
	assert_text(credentials.algorithm, "SHA-512-256");
	assert_text(credentials.cnonce, "c");
	assert_text(credentials.opaque, "o");
	assert_text(credentials.qop, "auth");
	assert_text(credentials.nc, "00000001");
	assert_text(credentials.userhash, "false");
}

static void authentication_info_is_taken_apart(void **state)
{
	struct sip_auth_info info;

	assert_true(sip_auth_info_parse(
		SLICE("nextnonce=\"n\", qop=auth, rspauth=\"r\", cnonce=\"c\", nc=00000001"), &info));
	assert_text(info.nextnonce, "n");
	assert_text(info.qop, "auth");
	assert_text(info.rspauth, "r");
	assert_text(info.cnonce, "c");
	assert_text(info.nc, "00000001");
	assert_false(sip_auth_info_parse(SLICE("Digest nextnonce=\"n\""), &info));
}

static void another_scheme_is_given_by_its_name_alone(void **state)
{
	struct sip_credentials credentials;

	assert_true(sip_credentials_parse(SLICE("NoOneKnowsThisScheme opaque-data=here"), &credentials));
	assert_text(credentials.scheme, "NoOneKnowsThisScheme");
	assert_null(credentials.opaque.ptr);
}

static const struct {
	const char *label, *text;
	bool ok;
} credentials_cases[] = {
	{ "scheme in another case", "DIGEST username=\"a\"", true },
	{ "white space around", "Digest  username = \"a\" ,\r\n realm=\"b\"", true },
	{ "unknown parameter", "Digest username=\"a\",auts=\"x\"", true },
	{ "empty", "", false },
	{ "scheme only", "Digest", false },
	{ "no parameter", "Digest ", false },
	{ "given twice", "Digest username=\"a\",realm=\"b\",Username=\"c\"", false },
	{ "no value", "Digest username", false },
	{ "empty value", "Digest username=", false },
	{ "quote not closed", "Digest username=\"a", false },
	{ "comma at the end", "Digest username=\"a\",", false },
	{ "semicolon", "Digest username=\"a\";realm=\"b\"", false },
	{ "junk behind", "Digest username=\"a\" x", false },
};

static void credentials_are_read_strictly(void **state)
{
	for (size_t i = 0; i < N(credentials_cases); i++) {
		struct sip_credentials credentials;
		struct sip_challenge challenge;
		struct slice text = slice_of(credentials_cases[i].text);

		if (sip_credentials_parse(text, &credentials) != credentials_cases[i].ok ||
		    sip_challenge_parse(text, &challenge) != credentials_cases[i].ok)
			fail_msg("%s", credentials_cases[i].label);
	}
}

/* Of as many letters as a known one, with the same first and last. */
static void a_name_that_looks_like_a_known_one_is_another(void **state)
{
	struct sip_credentials credentials;

	assert_true(sip_credentials_parse(
		SLICE("Digest resXonse=\"0\",usernamE=\"a\",userxame=\"b\",nonze=\"n\",QOP=auth"),
		&credentials));
	assert_null(credentials.response.ptr);
	assert_null(credentials.nonce.ptr);
	assert_text(credentials.username, "a");
	assert_text(credentials.qop, "auth");
	assert_false(sip_credentials_parse(SLICE("Digest userxame=\"b\",userXame=\"b\""), &credentials));
	assert_false(sip_credentials_parse(SLICE("Digest opaque=\"\",opaque=\"\""), &credentials));
	/* known to a challenge alone, and twice all the same */
	assert_false(sip_credentials_parse(SLICE("Digest stale=true,Stale=true"), &credentials));
}

static void at_most_64_parameters_are_taken(void **state)
{
	for (int n = 64; n <= 65; n++) {
		struct sip_credentials credentials;
		char buf[1024];
		struct writer out = writer_of(buf, sizeof buf);

		put(&out, SLICE("Digest username=\"a\""));
		for (int i = 1; i < n; i++) {
			put(&out, SLICE(",p"));
			put_number(&out, (uint64_t)i);
			put(&out, SLICE("=x"));
		}
		assert_false(out.overflow);
		assert_int_equal(sip_credentials_parse(writer_text(&out), &credentials), n == 64);
	}
}

/* What ends a quoted string, and what does not, at every place of the sixteen bytes that are looked at at once. */
static void a_quoted_value_ends_where_its_quote_is(void **state)
{
	for (size_t len = 0; len < 40; len++) {
		struct sip_credentials credentials;
		char buf[128], inside[40];
		struct writer out = writer_of(buf, sizeof buf);

		memset(inside, 'x', sizeof inside);
		put(&out, SLICE("Digest nonce=\""));
		put(&out, slice_from(inside, len));
		put(&out, SLICE("\\\"\t\xc3\xa4\""));
		assert_true(sip_credentials_parse(writer_text(&out), &credentials));
		assert_int_equal(credentials.nonce.len, len + 5);
		put(&out, SLICE(", realm=\"a long one behind it\""));
		assert_true(sip_credentials_parse(writer_text(&out), &credentials));
		assert_int_equal(credentials.nonce.len, len + 5);
		assert_text(credentials.realm, "a long one behind it");
		for (size_t at = 14; at < 14 + len; at++) {
			buf[at] = '\x01';
			assert_false(sip_credentials_parse(writer_text(&out), &credentials));
			buf[at] = '\x7f';
			assert_false(sip_credentials_parse(writer_text(&out), &credentials));
			buf[at] = 'x';
		}
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_challenge_is_taken_apart),
	cmocka_unit_test(credentials_are_taken_apart),
	cmocka_unit_test(authentication_info_is_taken_apart),
	cmocka_unit_test(another_scheme_is_given_by_its_name_alone),
	cmocka_unit_test(credentials_are_read_strictly),
	cmocka_unit_test(a_name_that_looks_like_a_known_one_is_another),
	cmocka_unit_test(at_most_64_parameters_are_taken),
	cmocka_unit_test(a_quoted_value_ends_where_its_quote_is),
};

TEST_MAIN(tests)
