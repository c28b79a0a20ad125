#include "harness.h"

#include <string.h>

#include "auth/nonce.h"

static struct crypto *crypto;
static struct mac *mac, *other_mac;

static int setup(void **state)
{
	crypto = crypto_new();
	if (!crypto)
		return -1;
	mac = mac_new(crypto, SLICE("0123456789abcdef0123456789abcdef"));
	other_mac = mac_new(crypto, SLICE("another key another key another "));
	return mac && other_mac ? 0 : -1;
}

static int teardown(void **state)
{
	mac_free(mac);
	mac_free(other_mac);
	crypto_free(crypto);
	return 0;
}

static const struct auth_scope home = { 0x0100000200000003, { "example.org", 11 } };

static struct slice make(char buf[AUTH_NONCE_LENGTH], utc_t made, uint64_t serial)
{
	struct writer out = writer_of(buf, AUTH_NONCE_LENGTH);
	const struct auth_nonce nonce = { made, serial };

	assert_true(put_auth_nonce(&out, mac, &nonce, &home));
	assert_false(out.overflow);
	assert_int_equal(out.len, AUTH_NONCE_LENGTH);
	return writer_text(&out);
}

static void a_nonce_tells_when_it_was_made_and_its_serial(void **state)
{
	char buf[AUTH_NONCE_LENGTH];
	struct auth_nonce nonce;

	assert_true(auth_nonce_check(mac, make(buf, 1700000000, 42), &home, &nonce));
	assert_int_equal(nonce.made, 1700000000);
	assert_int_equal(nonce.serial, 42);
}

static void a_nonce_is_good_on_its_flow_and_in_its_realm_only(void **state)
{
	const struct auth_scope other_flow = { home.flow + 1, home.realm };
	const struct auth_scope other_realm = { home.flow, SLICE("example.net") };
	const struct auth_scope longer_realm = { home.flow, SLICE("example.orgs") };
	char buf[AUTH_NONCE_LENGTH];
	struct slice text = make(buf, 1700000000, 1);
	struct auth_nonce nonce;

	assert_false(auth_nonce_check(mac, text, &other_flow, &nonce));
	assert_false(auth_nonce_check(mac, text, &other_realm, &nonce));
	assert_false(auth_nonce_check(mac, text, &longer_realm, &nonce));
	assert_false(auth_nonce_check(other_mac, text, &home, &nonce));
}

static void a_nonce_with_any_character_changed_is_refused(void **state)
{
	char buf[AUTH_NONCE_LENGTH], changed[AUTH_NONCE_LENGTH];
	struct auth_nonce nonce;

	make(buf, 1700000000, 7);
	for (size_t i = 0; i < sizeof buf; i++) {
		memcpy(changed, buf, sizeof buf);
		changed[i] = buf[i] == 'A' ? 'B' : 'A';
		assert_false(auth_nonce_check(mac, slice_from(changed, sizeof changed), &home, &nonce));
	}
	assert_false(auth_nonce_check(mac, slice_from(buf, sizeof buf - 1), &home, &nonce));
	assert_false(auth_nonce_check(mac, SLICE(""), &home, &nonce));
	assert_false(auth_nonce_check(mac, SLICE("dcd98b7102dd2f0e8b11d0f600bfb0c093"), &home, &nonce));
}

/* With the other key every keyed check fails, so what is taken is what is known. */
static void a_nonce_that_is_known_needs_no_keyed_check(void **state)
{
	struct auth_known_nonce known = { 0 };
	char buf[AUTH_NONCE_LENGTH];
	struct slice text = make(buf, 1700000000, 9);
	struct auth_nonce nonce = { 0 };

	assert_false(auth_nonce_check_again(other_mac, text, &home, &known, &nonce));
	assert_false(
		auth_nonce_check_again(other_mac, text, &home, &known, &nonce)); /* a failure is not known */
	assert_true(auth_nonce_check_again(mac, text, &home, &known, &nonce));
	nonce = (struct auth_nonce){ 0 };
	assert_true(auth_nonce_check_again(other_mac, text, &home, &known, &nonce));
	assert_int_equal(nonce.made, 1700000000);
	assert_int_equal(nonce.serial, 9);
}

static void a_nonce_that_was_just_made_needs_no_keyed_check(void **state)
{
	struct auth_known_nonce known = { 0 };
	char buf[AUTH_NONCE_LENGTH];
	struct slice text = make(buf, 1700000000, 9);
	struct auth_nonce nonce = { 0 };

	auth_nonce_remember(&known, text, &home, &(struct auth_nonce){ 1700000000, 9 });
	assert_true(auth_nonce_check_again(other_mac, text, &home, &known, &nonce));
	assert_int_equal(nonce.made, 1700000000);
	assert_int_equal(nonce.serial, 9);
	auth_nonce_remember(&known, SLICE("short"), &home, &nonce); /* which is no nonce */
	assert_true(auth_nonce_check_again(other_mac, text, &home, &known, &nonce));
}

static void what_differs_from_the_known_nonce_is_checked(void **state)
{
	const struct auth_scope scopes[] = {
		{ home.flow + 1, home.realm },
		{ home.flow, SLICE("example.net") },
		{ home.flow, SLICE("example.orgs") },
		{ home.flow, SLICE("example.or") },
		{ home.flow, SLICE("") },
	};
	struct auth_known_nonce known = { 0 };
	char buf[AUTH_NONCE_LENGTH], changed[AUTH_NONCE_LENGTH], next[AUTH_NONCE_LENGTH];
	struct auth_nonce nonce;

	assert_true(auth_nonce_check_again(mac, make(buf, 1700000000, 9), &home, &known, &nonce));
	for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++)
		assert_false(
			auth_nonce_check_again(mac, slice_from(buf, sizeof buf), &scopes[i], &known, &nonce));
	/* the tag, too: who knows the serial of another's nonce has no nonce */
	for (size_t i = 0; i < sizeof buf; i++) {
		memcpy(changed, buf, sizeof buf);
		changed[i] = buf[i] == 'A' ? 'B' : 'A';
		assert_false(auth_nonce_check_again(mac, slice_from(changed, sizeof changed), &home, &known,
						    &nonce));
	}
	assert_false(auth_nonce_check_again(mac, slice_from(buf, sizeof buf - 1), &home, &known, &nonce));
	/* none of these has driven out the known one; the next good one does */
	assert_true(auth_nonce_check_again(other_mac, slice_from(buf, sizeof buf), &home, &known, &nonce));
	assert_true(auth_nonce_check_again(mac, make(next, 1700000000, 10), &home, &known, &nonce));
	assert_false(auth_nonce_check_again(other_mac, slice_from(buf, sizeof buf), &home, &known, &nonce));
}

/* Bytes of zero are no nonce of a flow 0 in a realm without a name. */
static void nothing_is_known_to_begin(void **state)
{
	struct auth_known_nonce known = { 0 };
	const struct auth_scope nowhere = { 0 };
	char zero[AUTH_NONCE_LENGTH];
	struct auth_nonce nonce;

	memset(zero, 'A', sizeof zero);
	assert_false(auth_nonce_check_again(mac, slice_from(zero, sizeof zero), &nowhere, &known, &nonce));
}

static void a_nonce_of_a_realm_with_a_long_name_is_checked_each_time(void **state)
{
	const struct auth_scope scope = { 1, SLICE("a-name-of-forty-characters.d.example.org") };
	const struct auth_scope shorter = { 1, slice_sub(scope.realm, 0, scope.realm.len - 1) };
	struct auth_known_nonce known = { 0 };
	char buf[AUTH_NONCE_LENGTH];
	struct writer out = writer_of(buf, sizeof buf);
	struct auth_nonce nonce = { 1700000000, 1 };

	assert_true(put_auth_nonce(&out, mac, &nonce, &scope));
	assert_true(auth_nonce_check_again(mac, writer_text(&out), &scope, &known, &nonce));
	assert_true(auth_nonce_check_again(mac, writer_text(&out), &scope, &known, &nonce));
	assert_false(auth_nonce_check_again(other_mac, writer_text(&out), &scope, &known, &nonce));
	assert_false(auth_nonce_check_again(mac, writer_text(&out), &shorter, &known, &nonce));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_nonce_tells_when_it_was_made_and_its_serial, setup, teardown),
	cmocka_unit_test_setup_teardown(a_nonce_is_good_on_its_flow_and_in_its_realm_only, setup, teardown),
	cmocka_unit_test_setup_teardown(a_nonce_with_any_character_changed_is_refused, setup, teardown),
	cmocka_unit_test_setup_teardown(a_nonce_that_is_known_needs_no_keyed_check, setup, teardown),
	cmocka_unit_test_setup_teardown(a_nonce_that_was_just_made_needs_no_keyed_check, setup, teardown),
	cmocka_unit_test_setup_teardown(what_differs_from_the_known_nonce_is_checked, setup, teardown),
	cmocka_unit_test_setup_teardown(nothing_is_known_to_begin, setup, teardown),
	cmocka_unit_test_setup_teardown(a_nonce_of_a_realm_with_a_long_name_is_checked_each_time, setup,
					teardown),
};

TEST_MAIN(tests)
