#include "harness.h"

#include "ua/contacts.h"

static const struct contact_policy off = { UA_SMIME_OFF, false }, strict = { UA_SMIME_REQUIRE, true };
#define BOB SLICE("bob@b.example")

static void what_is_said_for_this_run_counts_before_what_is_remembered(void **state)
{
	AUTO(contacts) struct contacts *contacts = contacts_new();
	struct contact_policy policy = { UA_SMIME_PREFER, false };

	(void)state;
	assert_non_null(contacts);
	assert_false(contacts_find(contacts, BOB, &policy));
	assert_int_equal(contacts_set(contacts, BOB, strict), OK);
	assert_true(contacts_find(contacts, BOB, &policy));
	assert_true(policy.smime == UA_SMIME_REQUIRE && policy.cbc);
	assert_int_equal(contacts_say(contacts, BOB, off), OK);
	assert_true(contacts_find(contacts, BOB, &policy));
	assert_int_equal(policy.smime, UA_SMIME_OFF);
	assert_int_equal(contacts_unset(contacts, BOB), OK);
	assert_true(contacts_find(contacts, BOB, &policy));
	assert_int_equal(policy.smime, UA_SMIME_OFF);
	assert_int_equal(contacts_unset(contacts, BOB), ERR_NOT_FOUND);
}

static void count(void *arg, struct slice aor, struct contact_policy policy)
{
	unsigned *n = arg;

	assert_true(slice_eq(aor, BOB));
	assert_int_equal(policy.smime, UA_SMIME_REQUIRE);
	++*n;
}

static void what_is_remembered_is_told_and_can_be_forgotten(void **state)
{
	AUTO(contacts) struct contacts *contacts = contacts_new();
	struct contact_policy policy;
	unsigned n = 0;

	(void)state;
	assert_non_null(contacts);
	assert_int_equal(contacts_set(contacts, BOB, off), OK);
	assert_int_equal(contacts_set(contacts, BOB, strict), OK);
	assert_int_equal(contacts_say(contacts, SLICE("carol@b.example"), off), OK);
	contacts_each(contacts, count, &n);
	assert_int_equal(n, 1);
	contacts_unset_all(contacts);
	contacts_each(contacts, count, &n);
	assert_int_equal(n, 1);
	assert_false(contacts_find(contacts, BOB, &policy));
	assert_true(contacts_find(contacts, SLICE("carol@b.example"), &policy));
}

static void there_is_an_end_to_contacts(void **state)
{
	static char name[CONTACTS_AOR_MAX + 1];
	AUTO(contacts) struct contacts *contacts = contacts_new();

	(void)state;
	assert_non_null(contacts);
	memset(name, 'x', sizeof name);
	assert_int_equal(contacts_set(contacts, slice_from(name, sizeof name), off), ERR_LIMIT);
	assert_int_equal(contacts_set(contacts, SLICE(""), off), ERR_LIMIT);
	for (int i = 0; i < CONTACTS_MAX; i += ROWS_STEP(CONTACTS_MAX / 2)) {
		snprintf(name, sizeof name, "%d@b.example", i);
		assert_int_equal(contacts_set(contacts, slice_of(name), off), OK);
	}
	if (!harness_fails_allocations()) /* which does not fill it */
		assert_int_equal(contacts_set(contacts, BOB, off), ERR_LIMIT);
}

static void a_policy_is_read_as_it_is_written(void **state)
{
	static const char *const words[] = { "off", "prefer", "require", "prefer+cbc", "require+cbc" };
	struct contact_policy policy;

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		assert_true(contact_policy_parse(slice_of(words[i]), &policy));
		assert_string_equal(contact_policy_word(policy), words[i]);
	}
	assert_false(contact_policy_parse(SLICE("off+cbc"), &policy));
	assert_false(contact_policy_parse(SLICE("Prefer"), &policy));
	assert_false(contact_policy_parse(SLICE(""), &policy));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_said_for_this_run_counts_before_what_is_remembered),
	cmocka_unit_test(what_is_remembered_is_told_and_can_be_forgotten),
	cmocka_unit_test(there_is_an_end_to_contacts),
	cmocka_unit_test(a_policy_is_read_as_it_is_written),
};
TEST_MAIN(tests)
