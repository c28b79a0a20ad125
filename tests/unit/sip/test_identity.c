#include "harness.h"

#include "sip/identity.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static bool is(struct slice actual, const char *expected)
{
	return slice_eq(actual, slice_of(expected));
}

static void identities_of_both_rfcs_are_taken_apart(void **state)
{
	struct sip_identity identity;

	assert_true(sip_identity_parse(
		SLICE("..sv5CTo05KqpSmtHt3dcEiO/1CWTSZtnG3iV+1nmurLXV/HmtyNS7Ltrg9dlxkWzoeU7d7OV8HweTTDobV3itTmgPwCFjaEmMyEI3d7SyN21yNDo2ER/Ovgtw0Lu5csIppPqOg1uXndzHbG7mR6Rl9BnUhHufVRbp51Mn3w0gfUs=;"
		      "info=<https://biloxi.example.org/biloxi.cer>;alg=RS256;ppt=\"shaken\""),
		&identity)); /* RFC8224:4.1 */
	assert_true(is(identity.info, "https://biloxi.example.org/biloxi.cer"));
	assert_true(is(identity.alg, "RS256") && is(identity.ppt, "shaken"));
	assert_true(sip_identity_parse(SLICE("\"ZYNBbHC00VMZr2kZt6VmCvPonWJMGvQTBDqghoWeLxJf\""),
				       &identity)); /* RFC4474:9 */
	assert_null(identity.info.ptr);
}

static void privacy_is_a_set_of_wishes(void **state)
{
	unsigned privacy;

	assert_true(sip_privacy_parse(SLICE("header; user ;critical"), &privacy));
	assert_int_equal(privacy, SIP_PRIVACY_HEADER | SIP_PRIVACY_USER | SIP_PRIVACY_CRITICAL);
	assert_true(sip_privacy_parse(SLICE("ID;history;x"), &privacy));
	assert_int_equal(privacy, SIP_PRIVACY_ID | SIP_PRIVACY_HISTORY | SIP_PRIVACY_OTHER);
	assert_true(sip_privacy_parse(SLICE("none"), &privacy));
	assert_int_equal(privacy, SIP_PRIVACY_NONE);
}

static void history_entries_have_an_index(void **state)
{
	struct sip_history history;

	assert_true(sip_history_parse(SLICE("<sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302>;index=1.2;rc=1.1"),
				      &history));
	assert_true(is(history.index, "1.2") && history.target == 'r' && is(history.target_index, "1.1"));
	assert_true(sip_history_parse(SLICE("\"Bob\" <sip:bob@example.com>;index=1"), &history));
	assert_int_equal(history.target, 0);
}

static void security_mechanisms_have_a_preference(void **state)
{
	struct sip_security security;

	assert_true(sip_security_parse(SLICE("tls;q=0.2"), &security));
	assert_true(is(security.mechanism, "tls") && security.q == 200);
	assert_true(sip_security_parse(
		SLICE("digest;d-alg=SHA-256;d-qop=auth;d-ver=\"0123456789abcdef0123456789abcdef\""),
		&security));
	assert_true(is(security.digest_algorithm, "SHA-256") && is(security.digest_qop, "auth") &&
		    security.q == 1000);
}

static bool identity_is(struct slice value)
{
	struct sip_identity identity;

	return sip_identity_parse(value, &identity);
}

static bool privacy_is(struct slice value)
{
	unsigned privacy;

	return sip_privacy_parse(value, &privacy);
}

static bool history_is(struct slice value)
{
	struct sip_history history;

	return sip_history_parse(value, &history);
}

static bool security_is(struct slice value)
{
	struct sip_security security;

	return sip_security_parse(value, &security);
}

static const struct {
	bool (*is)(struct slice);
	const char *value;
} refused[] = {
	{ identity_is, "" },
	{ identity_is, "abc" },
	{ identity_is, "abc;alg=ES256" },
	{ identity_is, "abc;info=https://a" },
	{ identity_is, "abc;info=<https://a" },
	{ identity_is, "abc;info=<https://a>;info=<https://a>" },
	{ identity_is, "abc;info=<https://a>;alg"
		       "=" },
	{ identity_is, "\"abc" },
	{ identity_is, "\"\"" },
	{ identity_is, "ab c;info=<https://a>" },
	{ privacy_is, "" },
	{ privacy_is, "none;user" },
	{ privacy_is, "user;" },
	{ privacy_is, "user,id" },
	{ history_is, "sip:a@b;index=1" },
	{ history_is, "<sip:a@b>" },
	{ history_is, "<sip:a@b>;index=" },
	{ history_is, "<sip:a@b>;index=1." },
	{ history_is, "<sip:a@b>;index=a" },
	{ history_is, "<sip:a@b>;index=1;rc=1;mp=1" },
	{ history_is, "<sip:a@b>;index=1;rc" },
	{ security_is, "" },
	{ security_is, "tls;q=7" },
	{ security_is, "digest;d-ver=\"0123\"" },
	{ security_is, "digest;d-ver=\"x123456789abcdef0123456789abcdef\"" },
	{ security_is, "tls;q=0.1;Q=0.2" },
};

static void what_is_none_of_these_is_refused(void **state)
{
	for (size_t i = 0; i < N(refused); i++)
		if (refused[i].is(slice_of(refused[i].value)))
			fail_msg("row %zu: \"%s\"", i, refused[i].value);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(identities_of_both_rfcs_are_taken_apart),
	cmocka_unit_test(privacy_is_a_set_of_wishes),
	cmocka_unit_test(history_entries_have_an_index),
	cmocka_unit_test(security_mechanisms_have_a_preference),
	cmocka_unit_test(what_is_none_of_these_is_refused),
};

TEST_MAIN(tests)
