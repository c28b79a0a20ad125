#include "harness.h"

#include "endpoint/aor.h"

static void copies_everything_and_lives_as_long_as_somebody_holds_it(void **state)
{
	char contact[] = "sip:bob@192.0.2.7";
	struct account account = { .id = 7, .has_sha256 = true, .sha256 = { 1, 2, 3 } };
	struct binding bindings[2] = {
		{ .contact = { contact, sizeof(contact) - 1 }, .q = 1000, .flow = 5, .call_id = SLICE("1") },
		{ .instance = SLICE("urn:uuid:x"), .reg_id = 1, .path = SLICE("<sip:p>"), .expires = 9 },
	};
	struct aor *aor = aor_new(SLICE("bob@example.org"), 3, &account, bindings, 2);

	assert_non_null(aor);
	contact[0] = 'X';
	assert_ptr_equal(aor_ref(aor), aor);
	aor_unref(aor);
	assert_true(slice_eq(aor->name, SLICE("bob@example.org")));
	assert_int_equal(aor->version, 3);
	assert_int_equal(aor->account.id, 7);
	assert_int_equal(aor->account.sha256[2], 3);
	assert_int_equal(aor->n_bindings, 2);
	assert_true(slice_eq(aor->bindings[0].contact, SLICE("sip:bob@192.0.2.7")));
	assert_true(slice_eq(aor->bindings[0].call_id, SLICE("1")));
	assert_int_equal(aor->bindings[0].flow, 5);
	assert_true(slice_eq(aor->bindings[1].instance, SLICE("urn:uuid:x")));
	assert_true(slice_eq(aor->bindings[1].path, SLICE("<sip:p>")));
	assert_int_equal(aor->bindings[1].expires, 9);
	aor_unref(aor);
	aor_unref(NULL);
}

static void may_have_no_bindings(void **state)
{
	AUTO(aor) struct aor *aor = aor_new(SLICE("a@b"), 1, &(struct account){ .id = 1 }, NULL, 0);

	assert_non_null(aor);
	assert_int_equal(aor->n_bindings, 0);
}

static void a_change_keeps_all_but_the_bindings(void **state)
{
	const struct binding before = { .contact = SLICE("sip:1") }, after = { .contact = SLICE("sip:2") };
	const struct account account = { .id = 7, .has_md5 = true, .md5 = { 9 } };
	const struct device_certificate device = { .revoked = true };
	AUTO(aor) struct aor *decided = aor_new(SLICE("a@b"), 3, &account, &before, 1);

	assert_non_null(decided);
	decided->refreshes = 5;
	decided->certificates = certificates_new(&device, 1);
	assert_non_null(decided->certificates);
	AUTO(aor) struct aor *changed = aor_change(decided, &after, 1);
	assert_non_null(changed);
	assert_true(slice_eq(changed->name, decided->name));
	assert_int_equal(changed->version, 3);
	assert_int_equal(changed->refreshes, 5);
	assert_int_equal(changed->account.id, 7);
	assert_int_equal(changed->account.md5[0], 9);
	assert_ptr_equal(changed->certificates, decided->certificates);
	assert_true(slice_eq(changed->bindings[0].contact, SLICE("sip:2")));
	assert_true(slice_eq(decided->bindings[0].contact, SLICE("sip:1")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(copies_everything_and_lives_as_long_as_somebody_holds_it),
	cmocka_unit_test(may_have_no_bindings),
	cmocka_unit_test(a_change_keeps_all_but_the_bindings),
};

TEST_MAIN(tests)
