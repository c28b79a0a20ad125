/* What the tests of the options share: words as they are typed. */
#pragma once

#include <getopt.h>

#include "sealphone/options.h"

enum { WORDS_MAX = 10 };

static enum exit_code parse(const char *const words[WORDS_MAX], struct options *ret_options)
{
	char *argv[WORDS_MAX + 2] = { (char *)(uintptr_t) "sealphone" };
	int argc = 1;
	bool done;

	for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
		argv[argc++] = (char *)(uintptr_t)words[i];
	optind = 0; /* glibc: begin anew */
	return options_parse(argc, argv, ret_options, &done);
}
