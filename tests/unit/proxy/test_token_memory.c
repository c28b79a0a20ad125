#include "harness.h"

#include <string.h>

#include "proxy/token_memory.h"
#include "token_dialogs.h"

static struct token_memory *memory;

static int setup(void **state)
{
	memory = token_memory_new();
	return memory ? 0 : -1;
}

static int teardown(void **state)
{
	token_memory_free(memory);
	return 0;
}

static const struct token token = { 0x0102030405060708, 0xfffefdfcfbfaf9f8, 12345678901234, 7, true, false,
				    PROTECTION_DIGEST };
static char text[TOKEN_LENGTH] = "AQEAAAAAAAAAAQAAAAAAAAACAAAAAAAAAAMAAAAAAAAABP-_abcdefghijklmnopqr";

static struct slice whole(void)
{
	return slice_from(text, sizeof text);
}

static void what_it_says_is_remembered(void **state)
{
	struct token recalled;

	assert_false(token_recall(memory, whole(), &call, &recalled));
	token_remember(memory, whole(), &call, &token);
	assert_true(token_recall(memory, whole(), &call, &recalled));
	assert_true(recalled.flow_a == token.flow_a && recalled.flow_b == token.flow_b);
	assert_true(recalled.account_a == token.account_a && recalled.account_b == token.account_b);
	assert_true(recalled.sips && !recalled.tls_b);
	assert_int_equal(recalled.least, PROTECTION_DIGEST);
}

static void with_any_character_changed_it_is_unknown(void **state)
{
	char changed[TOKEN_LENGTH];
	struct token recalled;

	token_remember(memory, whole(), &call, &token);
	for (size_t i = 0; i < sizeof changed; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(changed, text, sizeof changed);
			changed[i] ^= (char)(1u << bit);
			assert_false(
				token_recall(memory, slice_from(changed, sizeof changed), &call, &recalled));
		}
	assert_false(token_recall(memory, slice_from(text, sizeof text - 1), &call, &recalled));
	assert_false(token_recall(memory, (struct slice){ 0 }, &call, &recalled));
}

static void in_another_dialog_it_is_unknown(void **state)
{
	struct token recalled;

	token_remember(memory, whole(), &call, &token);
	for (size_t i = 0; i < sizeof other_dialogs / sizeof other_dialogs[0]; i++)
		assert_false(token_recall(memory, whole(), &other_dialogs[i], &recalled));
	assert_true(token_recall(memory, whole(), &call, &recalled));
}

static void of_a_dialog_with_long_names_it_is_not_remembered(void **state)
{
	char name[400];
	struct token_dialog dialog = { call.call_id, slice_from(name, sizeof name), call.name_b };
	struct token recalled;

	memset(name, 'n', sizeof name);
	token_remember(memory, whole(), &call, &token); /* loses its place to it */
	token_remember(memory, whole(), &dialog, &token);
	assert_false(token_recall(memory, whole(), &dialog, &recalled));
	assert_false(token_recall(memory, whole(), &call, &recalled));
	dialog.name_a.len = 100;
	token_remember(memory, whole(), &dialog, &token);
	assert_true(token_recall(memory, whole(), &dialog, &recalled));
}

/* More than there are places. */
static void of_many_dialogs_the_last_is_remembered(void **state)
{
	struct token_dialog dialog = call;
	struct token said = token, recalled;

	for (uint32_t i = 0; i < 5000; i++) {
		dialog.call_id = slice_from(&i, sizeof i);
		said.flow_a = i;
		token_remember(memory, whole(), &dialog, &said);
		assert_true(token_recall(memory, whole(), &dialog, &recalled));
		assert_true(recalled.flow_a == i);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(what_it_says_is_remembered, setup, teardown),
	cmocka_unit_test_setup_teardown(with_any_character_changed_it_is_unknown, setup, teardown),
	cmocka_unit_test_setup_teardown(in_another_dialog_it_is_unknown, setup, teardown),
	cmocka_unit_test_setup_teardown(of_a_dialog_with_long_names_it_is_not_remembered, setup, teardown),
	cmocka_unit_test_setup_teardown(of_many_dialogs_the_last_is_remembered, setup, teardown),
};

TEST_MAIN(tests)
