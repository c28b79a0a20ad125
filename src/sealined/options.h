/* The command line of sealined. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "base/writer.h"
#include "sealined/config.h"

enum { OPTIONS_MAX = 100 };

struct options {
	bool check;        /* -t */
	struct slice file; /* -c; empty: none */
	struct {
		enum setting setting;
		struct slice value;
	} said[OPTIONS_MAX];
	size_t n_said;
};

enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_DONE,  /* --help or --version was answered */
	OPTIONS_WRONG, /* and standard error says what */
};

/* The values point into argv. */
MUST_CHECK enum options_verdict options_parse(int argc, char *argv[], struct options *ret_options);

/* The configuration that the file and the options make together. NULL: why says what is wrong. */
MUST_CHECK struct config *options_load(const struct options *options, struct writer *why);
/* The same with the text of the file, which was read by somebody else. */
MUST_CHECK struct config *options_load_text(const struct options *options, struct slice text,
					    struct writer *why);
