#include "harness.h"

#include <string.h>

#include "token_dialogs.h"

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

static const struct token token = { 0x0102030405060708, 0xfffefdfcfbfaf9f8, 12345678901234, 7, true, false,
				    PROTECTION_DIGEST };

static struct slice make(char buf[TOKEN_LENGTH])
{
	struct writer out = writer_of(buf, TOKEN_LENGTH);

	assert_true(put_token(&out, mac, &token, &call));
	assert_false(out.overflow);
	assert_int_equal(out.len, TOKEN_LENGTH);
	return writer_text(&out);
}

static void comes_back_as_it_was_written(void **state)
{
	char buf[TOKEN_LENGTH];
	struct token parsed;

	assert_true(token_parse(mac, make(buf), &call, &parsed));
	assert_true(parsed.flow_a == token.flow_a && parsed.flow_b == token.flow_b);
	assert_true(parsed.account_a == token.account_a && parsed.account_b == token.account_b);
	assert_true(parsed.sips && !parsed.tls_b);
}

static void keeps_what_a_sip_dialog_demands_of_one_side(void **state)
{
	const struct token sip = { .flow_a = 1, .flow_b = 2, .tls_b = true, .least = PROTECTION_SMIME };
	char buf[TOKEN_LENGTH];
	struct writer out = writer_of(buf, sizeof buf);
	struct token parsed;

	assert_true(put_token(&out, mac, &sip, &call));
	assert_true(token_parse(mac, writer_text(&out), &call, &parsed));
	assert_true(parsed.tls_b && !parsed.sips);
	assert_int_equal(parsed.least, PROTECTION_SMIME);
}

static void is_good_in_its_own_dialog_and_under_our_key_only(void **state)
{
	char buf[TOKEN_LENGTH];
	struct slice text = make(buf);
	struct token parsed;

	for (size_t i = 0; i < sizeof other_dialogs / sizeof other_dialogs[0]; i++)
		assert_false(token_parse(mac, text, &other_dialogs[i], &parsed));
	assert_false(token_parse(other_mac, text, &call, &parsed));
}

static void with_any_character_changed_is_refused(void **state)
{
	char buf[TOKEN_LENGTH], changed[TOKEN_LENGTH];
	struct token parsed;

	make(buf);
	for (size_t i = 0; i < sizeof buf; i++) {
		memcpy(changed, buf, sizeof buf);
		changed[i] = buf[i] == 'A' ? 'B' : 'A';
		assert_false(token_parse(mac, slice_from(changed, sizeof changed), &call, &parsed));
	}
	assert_false(token_parse(mac, slice_from(buf, sizeof buf - 1), &call, &parsed));
	assert_false(token_parse(mac, (struct slice){ 0 }, &call, &parsed));
	assert_false(token_parse(mac, SLICE("alice"), &call, &parsed));
}

/* -- of a Path (RFC 5626 §5.1) ------------------------------------------------------------------------------------ */

static void a_path_comes_back_as_it_was_written_and_cannot_be_changed(void **state)
{
	const struct path_token path = { 0x0102030405060708, (account_id)1 << 62 | 7, -9 };
	char buf[PATH_TOKEN_LENGTH], dialog[TOKEN_LENGTH];
	struct writer out = writer_of(buf, sizeof buf);
	struct path_token parsed;
	struct slice text;

	assert_true(put_path_token(&out, mac, &path));
	text = writer_text(&out);
	assert_int_equal(text.len, PATH_TOKEN_LENGTH);
	assert_true(path_token_parse(mac, text, &parsed));
	assert_true(parsed.flow == path.flow && parsed.phone == path.phone && parsed.home == path.home);
	assert_false(path_token_parse(other_mac, text, &parsed));
	assert_false(path_token_parse(mac, slice_sub(text, 0, text.len - 1), &parsed));
	assert_false(path_token_parse(mac, make(dialog), &parsed));
	for (size_t i = 0; i < text.len; i++) {
		buf[i] = buf[i] == 'A' ? 'B' : 'A';
		assert_false(path_token_parse(mac, text, &parsed));
		out.len = 0;
		assert_true(put_path_token(&out, mac, &path));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(a_path_comes_back_as_it_was_written_and_cannot_be_changed, setup,
					teardown),
	cmocka_unit_test_setup_teardown(comes_back_as_it_was_written, setup, teardown),
	cmocka_unit_test_setup_teardown(keeps_what_a_sip_dialog_demands_of_one_side, setup, teardown),
	cmocka_unit_test_setup_teardown(is_good_in_its_own_dialog_and_under_our_key_only, setup, teardown),
	cmocka_unit_test_setup_teardown(with_any_character_changed_is_refused, setup, teardown),
};

TEST_MAIN(tests)
