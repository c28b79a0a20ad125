#include "harness.h"

#include <string.h>

#include "proxy/token.h"

static struct crypto *crypto;
static struct mac *mac, *other_mac;
static struct token_checks *checks, *forgetful, *other_checks; /* the second has the first one's key */

static int setup(void **state)
{
	crypto = crypto_new();
	if (!crypto)
		return -1;
	mac = mac_new(crypto, SLICE("0123456789abcdef0123456789abcdef"));
	other_mac = mac_new(crypto, SLICE("another key another key another "));
	if (!mac || !other_mac)
		return -1;
	checks = token_checks_new(mac);
	forgetful = token_checks_new(mac);
	other_checks = token_checks_new(other_mac);
	return checks && forgetful && other_checks ? 0 : -1;
}

static int teardown(void **state)
{
	token_checks_free(checks);
	token_checks_free(forgetful);
	token_checks_free(other_checks);
	mac_free(mac);
	mac_free(other_mac);
	crypto_free(crypto);
	return 0;
}

static const struct token token = { 0x0102030405060708, 0xfffefdfcfbfaf9f8, 12345678901234, 7, true, false,
				    PROTECTION_DIGEST };

static const struct token_dialog call = { { "call", 4 }, { "alice@a", 7 }, { "bob@a", 5 } };

static struct slice make(char buf[TOKEN_LENGTH])
{
	struct writer out = writer_of(buf, TOKEN_LENGTH);

	assert_true(put_token(&out, checks, &token, &call));
	assert_false(out.overflow);
	assert_int_equal(out.len, TOKEN_LENGTH);
	return writer_text(&out);
}

static void comes_back_as_it_was_written(void **state)
{
	char buf[TOKEN_LENGTH];
	struct token parsed;

	assert_true(token_parse(checks, make(buf), &call, &parsed));
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

	assert_true(put_token(&out, checks, &sip, &call));
	assert_true(token_parse(checks, writer_text(&out), &call, &parsed));
	assert_true(parsed.tls_b && !parsed.sips);
	assert_int_equal(parsed.least, PROTECTION_SMIME);
}

static const struct token_dialog other_dialogs[] = {
	{ { "other", 5 }, { "alice@a", 7 }, { "bob@a", 5 } },
	{ { "callx", 5 }, { "alice@a", 7 }, { "bob@a", 5 } },
	{ { "", 0 }, { "alice@a", 7 }, { "bob@a", 5 } },
	{ { "call", 4 }, { "carol@a", 7 }, { "bob@a", 5 } },
	{ { "call", 4 }, { "alice@a", 7 }, { "carol@a", 7 } },
	{ { "call", 4 }, { "bob@a", 5 }, { "alice@a", 7 } },
	{ { "call", 4 }, { "alice@ab", 8 }, { "ob@a", 4 } },
	{ { "cal", 3 }, { "lalice@a", 8 }, { "bob@a", 5 } },
};

static void is_good_in_its_own_dialog_and_under_our_key_only(void **state)
{
	char buf[TOKEN_LENGTH];
	struct slice text = make(buf);
	struct token parsed;

	for (size_t i = 0; i < sizeof other_dialogs / sizeof other_dialogs[0]; i++)
		assert_false(token_parse(checks, text, &other_dialogs[i], &parsed) ||
			     token_parse(forgetful, text, &other_dialogs[i], &parsed));
	assert_false(token_parse(other_checks, text, &call, &parsed));
}

/* Each of them is met twice, before and after the right one was. */
static void is_the_same_whether_it_is_remembered_or_not(void **state)
{
	char buf[TOKEN_LENGTH];
	struct slice text = make(buf);
	struct token parsed;

	for (size_t turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < sizeof other_dialogs / sizeof other_dialogs[0]; i++)
			assert_false(token_parse(forgetful, text, &other_dialogs[i], &parsed));
		parsed = (struct token){ 0 };
		assert_true(token_parse(forgetful, text, &call, &parsed));
		assert_true(parsed.flow_a == token.flow_a && parsed.account_b == token.account_b);
	}
}

/* Longer than there is place for. */
static void of_a_long_dialog_is_good_too(void **state)
{
	char buf[TOKEN_LENGTH], name[400];
	const struct token_dialog dialog = { call.call_id, slice_from(name, sizeof name), call.name_b };
	struct writer out = writer_of(buf, sizeof buf);
	struct token parsed;

	memset(name, 'n', sizeof name);
	assert_true(put_token(&out, checks, &token, &dialog));
	for (size_t turn = 0; turn < 2; turn++) {
		assert_true(token_parse(checks, writer_text(&out), &dialog, &parsed));
		name[sizeof name - 1] ^= 1;
		assert_false(token_parse(checks, writer_text(&out), &dialog, &parsed));
		name[sizeof name - 1] ^= 1;
	}
}

/* Of more dialogs than can be remembered, over the same flows. */
static void of_many_dialogs_are_good_at_once(void **state)
{
	enum { DIALOGS = 3000 };
	char(*texts)[TOKEN_LENGTH] = test_malloc(DIALOGS * sizeof *texts);
	struct token_dialog dialog = call;
	struct token parsed;

	for (uint32_t turn = 0; turn < 3; turn++)
		for (uint32_t i = 0; i < DIALOGS; i++) {
			struct writer out = writer_of(texts[i], TOKEN_LENGTH);

			dialog.call_id = slice_from(&i, sizeof i);
			if (turn == 0)
				assert_true(put_token(&out, checks, &token, &dialog));
			else
				assert_true(token_parse(checks, slice_from(texts[i], TOKEN_LENGTH), &dialog,
							&parsed));
			if (turn > 0 && i > 0)
				assert_false(token_parse(checks, slice_from(texts[i - 1], TOKEN_LENGTH),
							 &dialog, &parsed));
		}
	test_free(texts);
}

static void with_any_character_changed_is_refused(void **state)
{
	char buf[TOKEN_LENGTH], changed[TOKEN_LENGTH];
	struct token parsed;

	make(buf);
	for (size_t i = 0; i < sizeof buf; i++) {
		memcpy(changed, buf, sizeof buf);
		changed[i] = buf[i] == 'A' ? 'B' : 'A';
		assert_false(token_parse(checks, slice_from(changed, sizeof changed), &call, &parsed));
		assert_false(token_parse(forgetful, slice_from(changed, sizeof changed), &call, &parsed));
	}
	assert_true(token_parse(checks, slice_from(buf, sizeof buf), &call, &parsed));
	assert_false(token_parse(checks, slice_from(buf, sizeof buf - 1), &call, &parsed));
	assert_false(token_parse(checks, (struct slice){ 0 }, &call, &parsed));
	assert_false(token_parse(checks, SLICE("alice"), &call, &parsed));
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
	cmocka_unit_test_setup_teardown(is_the_same_whether_it_is_remembered_or_not, setup, teardown),
	cmocka_unit_test_setup_teardown(of_a_long_dialog_is_good_too, setup, teardown),
	cmocka_unit_test_setup_teardown(of_many_dialogs_are_good_at_once, setup, teardown),
	cmocka_unit_test_setup_teardown(with_any_character_changed_is_refused, setup, teardown),
};

TEST_MAIN(tests)
