#include "harness.h"

#include "tool.h"

static const struct {
	const char *label;
	const char *arguments[6];
	enum exit_code code;
	const char *out, *err; /* what has to be in it */
} use_cases[] = {
	{ "nothing", { NULL }, EXIT_USAGE, "", "usage: sealine COMMAND" },
	{ "help", { "--help" }, EXIT_OK, "usage: sealine COMMAND", "" },
	{ "version", { "--version" }, EXIT_OK, "sealine ", "" },
	{ "help of a group", { "user", "--help" }, EXIT_OK, "usage: sealine COMMAND", "" },
	{ "no such command",
	  { "user", "frobnicate" },
	  EXIT_USAGE,
	  "",
	  "there is no command \"user frobnicate\"" },
	{ "half a command", { "user" }, EXIT_USAGE, "", "there is no command \"user\"" },
	{ "no argument",
	  { "user", "add" },
	  EXIT_USAGE,
	  "",
	  "user add: an argument is missing; see sealine user add --help" },
	{ "too many", { "user", "list", "x" }, EXIT_USAGE, "", "user list: there are too many arguments" },
	{ "no such option",
	  { "user", "list", "--frobnicate" },
	  EXIT_USAGE,
	  "",
	  "unrecognized option '--frobnicate'" },
	{ "option of another command",
	  { "parse", "-", "--md5" },
	  EXIT_USAGE,
	  "",
	  "parse: it takes no --md5;" },
	{ "a state directory where none is needed",
	  { "parse", "-", "--state", "x" },
	  EXIT_FOUND,
	  "-: not valid: ",
	  "" },
	{ "empty state", { "user", "list", "--state", "" }, EXIT_USAGE, "", "--state needs a directory" },
	{ "load of somebody else's machine",
	  { "load", "options", "192.0.2.1:5061", "--users", "a@b" },
	  EXIT_USAGE,
	  "",
	  "192.0.2.1:5061 is not this machine;" },
	{ "two passwords",
	  { "user", "add", "a@b", "--generate", "--password-stdin" },
	  EXIT_USAGE,
	  "",
	  "exclude each other" },
};

static void wrong_use_is_explained(void **state)
{
	for (size_t i = 0; i < sizeof use_cases / sizeof use_cases[0]; i++) {
		struct tool_run run;

		tool_run(&run, SLICE(""), use_cases[i].arguments);
		if (run.code != use_cases[i].code || !strstr(run.out, use_cases[i].out) ||
		    !strstr(run.err, use_cases[i].err))
			fail_msg("%s: %d %s%s", use_cases[i].label, (int)run.code, run.out, run.err);
	}
}

static void every_command_has_help_with_an_example(void **state)
{
	static const char *const commands[][3] = {
		{ "user", "add", "--help" },    { "user", "import", "--help" }, { "user", "list", "--help" },
		{ "user", "passwd", "--help" }, { "user", "remove", "--help" }, { "ca", "show", "--help" },
		{ "ca", "export", "--help" },   { "parse", "--help" },          { "status", "--help" },
	};

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		const char *arguments[4] = { commands[i][0], commands[i][1], commands[i][2], NULL };
		struct tool_run run;

		tool_run(&run, SLICE(""), arguments);
		assert_int_equal(run.code, EXIT_OK);
		assert_non_null(strstr(run.out, "usage: sealine "));
		assert_non_null(strstr(run.out, "\nExample: "));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(wrong_use_is_explained),
	cmocka_unit_test(every_command_has_help_with_an_example),
};

TEST_MAIN(tests)
