#include "harness.h"

#include <sys/stat.h>

#include "directory.h"
#include "store/state.h"

static const struct {
	const char *label, *option, *systemd, *xdg, *home, *found;
} find_cases[] = {
	{ "an option comes first", "/srv/sip", "/var/lib/sealine", "/x", "/home/a", "/srv/sip" },
	{ "then what systemd says", "", "/var/lib/sealine", "/x", "/home/a", "/var/lib/sealine" },
	{ "the first of several", "", "/var/lib/a:/var/lib/b", "/x", "/home/a", "/var/lib/a" },
	{ "then the XDG directory", "", NULL, "/x", "/home/a", "/x/sealine" },
	{ "which is ignored when relative", "", NULL, "x", "/home/a", "/home/a/.local/state/sealine" },
	{ "then the home directory", "", NULL, NULL, "/home/a", "/home/a/.local/state/sealine" },
	{ "without any there is none", "", NULL, NULL, NULL, NULL },
};

static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void finds_the_directory_where_the_manual_says(void **state)
{
	char buf[STATE_PATH_MAX];

	for (size_t i = 0; i < sizeof find_cases / sizeof *find_cases; i++) {
		struct writer out = writer_of(buf, sizeof buf);

		print_message("# %s\n", find_cases[i].label);
		set("STATE_DIRECTORY", find_cases[i].systemd);
		set("XDG_STATE_HOME", find_cases[i].xdg);
		set("HOME", find_cases[i].home);
		bool found = state_find(&out, slice_of(find_cases[i].option));
		assert_int_equal(found, find_cases[i].found != NULL);
		if (found)
			assert_true(slice_eq(writer_text(&out), slice_of(find_cases[i].found)));
	}
}

static void makes_a_directory_that_nobody_else_may_enter(void **state)
{
	struct directory top;
	struct stat found;
	char inner[200];

	directory_make(&top, "state");
	snprintf(inner, sizeof inner, "%s/inner", top.path);
	rmdir(top.path);
	assert_int_equal(state_make(slice_of(inner)), OK);
	assert_int_equal(stat(inner, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0700);
	assert_int_equal(state_make(slice_of(inner)), OK);
	chmod(inner, 0750);
	assert_int_equal(state_make(slice_of(inner)), ERR_DENIED);
	rmdir(inner);
	directory_empty(&top);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(finds_the_directory_where_the_manual_says),
	cmocka_unit_test(makes_a_directory_that_nobody_else_may_enter),
};
TEST_MAIN(tests)
