/*
 * What the tool can do: one struct command a subcommand, with its help, the options that it takes and the function that
 * does it. The words of the command line are read in options.c by the table there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

/* How the tool ends; also in man/sealine.1. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FOUND = 1, /* what was looked at is not in order, or what was asked for could not be done */
	EXIT_USAGE = 2,
	EXIT_INTERRUPTED = 130,
};

/* One bit an option that takes no value. */
enum flag {
	FLAG_JSON = 1 << 0,
	FLAG_PASSWORD_STDIN = 1 << 1,
	FLAG_GENERATE = 1 << 2,
	FLAG_MD5 = 1 << 3,
};

/* A command line, understood. Everything points into argv. */
struct invocation {
	struct slice state; /* --state, empty if it was not given */
	unsigned flags;
	char *const *arguments;
	size_t n_arguments;
};

struct command {
	const char *words;      /* "user add" */
	const char *help;       /* all of --help */
	unsigned flags;         /* those it takes */
	size_t n_least, n_most; /* arguments */
	enum exit_code (*run)(const struct invocation *invocation);
	/* In place of all that: reads its command line, which begins at argv[1], by itself. */
	enum exit_code (*run_line)(const struct command *command, int argc, char *argv[]);
};

enum exit_code parse_run(const struct invocation *invocation);
enum exit_code user_add_run(const struct invocation *invocation);
enum exit_code user_passwd_run(const struct invocation *invocation);
enum exit_code user_remove_run(const struct invocation *invocation);
enum exit_code user_policy_run(const struct invocation *invocation);
enum exit_code user_import_run(const struct invocation *invocation);
enum exit_code user_list_run(const struct invocation *invocation);
enum exit_code ban_list_run(const struct invocation *invocation);
enum exit_code ban_add_run(const struct invocation *invocation);
enum exit_code ban_lift_run(const struct invocation *invocation);
enum exit_code cert_list_run(const struct invocation *invocation);
enum exit_code cert_revoke_run(const struct invocation *invocation);
enum exit_code ca_show_run(const struct invocation *invocation);
enum exit_code ca_export_run(const struct invocation *invocation);
enum exit_code status_run(const struct invocation *invocation);
enum exit_code load_command(const struct command *command, int argc, char *argv[]);

/* The whole tool, from the command line to the exit code. */
enum exit_code sealine_run(int argc, char *argv[]);
