#include "endpoint/policy.h"

#include "harness.h"

static const struct {
	const char *said, *then,
		*is; /* what is said first, what is said upon it, and what it is in the end */
} sayings[] = {
	{ "", "", "" },
	{ "least-digest=sha-512-256\n", "", "least-digest=sha-512-256\n" },
	{ "least-digest=sha-256", "least-digest=md5\n", "" },
	{ "md5-until=2027-01-31", "", "md5-until=2027-01-31\n" },
	{ "md5-until=2027-01-31", "md5-until=", "" },
	{ "calls-in=smime\ncalls-out=sips\n", "calls-in=digest", "calls-out=sips\n" },
	{ "client-certificate=instead", "", "client-certificate=instead\n" },
	{ "client-certificate=beside\ncalls-in=sips", "client-certificate=either",
	  "client-certificate=either\ncalls-in=sips\n" },
	{ "client-certificate=no", "client-certificate=", "" },
	{ "calls-out=sips", "calls-out=", "" },
	{ "may-use=  a@x.example   b@x.example ", "", "may-use=a@x.example   b@x.example\n" },
	{ "may-use=a@x.example", "may-use=", "" },
	{ "registered-by=a@x.example\nmay-use=b@x.example", "least-digest=sha-256",
	  "least-digest=sha-256\nmay-use=b@x.example\nregistered-by=a@x.example\n" },
};

static void what_is_said_is_what_is_asked(void **state)
{
	for (size_t i = 0; i < sizeof sayings / sizeof sayings[0]; i++) {
		struct account_policy policy = { .least = DIGEST_MD5 }, again = { .least = DIGEST_MD5 };
		char why_buf[200], buf[POLICY_TEXT_MAX], again_buf[POLICY_TEXT_MAX];
		struct writer why = writer_of(why_buf, sizeof why_buf), out = writer_of(buf, sizeof buf),
			      again_out = writer_of(again_buf, sizeof again_buf);

		assert_true(account_policy_say(&policy, slice_of(sayings[i].said), &why));
		assert_true(account_policy_say(&policy, slice_of(sayings[i].then), &why));
		assert_int_equal(why.len, 0);
		put_account_policy(&out, &policy);
		if (!slice_eq(writer_text(&out), slice_of(sayings[i].is)))
			fail_msg("%zu: %.*s", i, SLICE_FMT(writer_text(&out)));
		assert_true(account_policy_say(&again, writer_text(&out), &why));
		put_account_policy(&again_out, &again);
		assert_true(slice_eq(writer_text(&again_out), writer_text(&out)));
	}
}

static const struct {
	const char *lines, *why;
} bad[] = {
	{ "calls-in",
	  "\"calls-in\" does not begin with one of least-digest=, md5-until=, client-certificate=, calls-in=, "
	  "calls-out=, may-use=, registered-by=" },
	{ "client-certificate=yes", "\"client-certificate=yes\": it is none of no, either, beside, instead" },
	{ "\n", "\"\" does not begin with" },
	{ "call-in=sips", "\"call-in=sips\" does not begin with" },
	{ "calls-in=tls", "\"calls-in=tls\": it is none of digest, sips, smime" },
	{ "calls-in=sips\ncalls-out=SIPS", "\"calls-out=SIPS\": it is none of digest, sips, smime" },
	{ "least-digest=sha-1", "\"least-digest=sha-1\": it is none of md5, sha-256, sha-512-256" },
	{ "md5-until=tomorrow", "\"md5-until=tomorrow\": it is no day like 2027-01-31" },
	{ "may-use=sales", "\"may-use=sales\": it is no list of addresses like sales@example.org" },
	{ "may-use=a@b @c", "\"may-use=a@b @c\": it is no list of addresses like sales@example.org" },
	{ "registered-by=a@", "\"registered-by=a@\": it is no list of addresses like sales@example.org" },
};

static void what_cannot_be_asked_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct account_policy policy = { .least = DIGEST_MD5 };
		char buf[300];
		struct writer why = writer_of(buf, sizeof buf);

		assert_false(account_policy_say(&policy, slice_of(bad[i].lines), &why));
		if (!slice_starts(writer_text(&why), slice_of(bad[i].why)))
			fail_msg("%zu: %.*s", i, SLICE_FMT(writer_text(&why)));
	}
	struct account_policy policy = { .least = DIGEST_MD5 };
	char buf[300];
	struct writer why = writer_of(buf, sizeof buf);
	assert_false(account_policy_say(&policy, slice_from("may-use=a@b\0", 12), &why));
}

static void a_list_has_whole_addresses(void **state)
{
	struct slice list = SLICE("a@x.example  bb@x.example");

	assert_true(account_list_has(list, SLICE("a@x.example")));
	assert_true(account_list_has(list, SLICE("bb@x.example")));
	assert_true(account_list_has(SLICE("a@X.Example"), SLICE("a@x.example")));
	assert_false(account_list_has(SLICE("A@x.example"), SLICE("a@x.example")));
	assert_false(account_list_has(list, SLICE("b@x.example")));
	assert_false(account_list_has(list, SLICE("a@x.exampl")));
	assert_false(account_list_has(list, SLICE("")));
	assert_false(account_list_has(slice_of(NULL), SLICE("a@x.example")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_said_is_what_is_asked),
	cmocka_unit_test(what_cannot_be_asked_is_refused),
	cmocka_unit_test(a_list_has_whole_addresses),
};

TEST_MAIN(tests)
