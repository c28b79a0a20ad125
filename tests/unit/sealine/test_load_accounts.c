#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sealine/load_accounts.h"

static const struct load_mode alone = { .name = SLICE_INIT("register") };
static const struct load_mode paired = { .name = SLICE_INIT("call"), .in_pairs = true };

/* Makes a file with the text; its name has to be freed by the test. */
static void make_file(char name[64], const char *text)
{
	int fd;

	harness_template(name, 64, "accounts");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void a_pattern_is_numbered(void **state)
{
	struct load_options options = { .mode = &alone,
					.users = SLICE("sips:u%03d@B.example"),
					.n_users = 12 };
	struct load_accounts accounts;

	if (load_accounts_init(&accounts, &options)) {
		assert_int_equal(accounts.n, 12);
		assert_true(slice_eq(accounts.all[11].user, SLICE("u011")));
		assert_true(slice_eq(accounts.all[11].domain, SLICE("B.example")));
		assert_true(accounts.all[11].sips);
	}
	load_accounts_fini(&accounts);
}

static void a_file_gives_each_a_password(void **state)
{
	char name[64];
	struct load_options options = { .mode = &paired };
	struct load_accounts accounts;

	make_file(name, "a@b.example\tone\r\nsip:c@b.example\ttwo words"); /* as an editor may leave it */
	options.accounts = slice_of(name);
	if (load_accounts_init(&accounts, &options)) {
		assert_int_equal(accounts.n, 2);
		assert_true(slice_eq(accounts.all[0].password, SLICE("one")));
		assert_true(slice_eq(accounts.all[1].user, SLICE("c")));
		assert_true(slice_eq(accounts.all[1].password, SLICE("two words")));
	}
	load_accounts_fini(&accounts);
	unlink(name);
}

static const struct {
	const char *label, *users, *file;
	size_t n_users;
} wrong_cases[] = {
	{ "many, and no number", "a@b.example", NULL, 2 },
	{ "another letter", "a%s@b.example", NULL, 1 },
	{ "two numbers", "a%d%d@b.example", NULL, 1 },
	{ "too wide", "a%010d@b.example", NULL, 1 },
	{ "no domain", "a%d", NULL, 1 },
	{ "a telephone", "tel:+%d", NULL, 1 },
	{ "a parameter", "a%d@b.example;x", NULL, 1 },
	{ "no tab", NULL, "a@b.example secret\n", 0 },
	{ "no password", NULL, "a@b.example\t\n", 0 },
	{ "two domains", NULL, "a@b.example\tx\na@c.example\tx\n", 0 },
	{ "fewer than wanted", NULL, "a@b.example\tx\n", 2 },
};

static void what_gives_no_users_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof wrong_cases / sizeof wrong_cases[0]; i++) {
		struct load_options options = { .mode = &alone, .n_users = wrong_cases[i].n_users };
		struct load_accounts accounts;
		char name[64] = "";

		if (wrong_cases[i].file) {
			make_file(name, wrong_cases[i].file);
			options.accounts = slice_of(name);
		} else {
			options.users = slice_of(wrong_cases[i].users);
		}
		if (load_accounts_init(&accounts, &options))
			fail_msg("%s", wrong_cases[i].label);
		load_accounts_fini(&accounts);
		if (*name)
			unlink(name);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_pattern_is_numbered),
	cmocka_unit_test(a_file_gives_each_a_password),
	cmocka_unit_test(what_gives_no_users_is_refused),
};

TEST_MAIN(tests)
