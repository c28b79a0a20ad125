/* Runs the whole tool in this process, with an input of its own, and keeps what it wrote. */
#pragma once

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/slice.h"
#include "sealine/command.h"

struct tool_run {
	enum exit_code code;
	char out[8192], err[8192];
};

/* Puts a new file in the place of a descriptor; returns what was there. */
static inline int tool_redirect(int fd, struct slice content)
{
	int before = dup(fd), file = memfd_create("tool", 0);

	if (write(file, content.ptr, content.len) >= 0)
		lseek(file, 0, SEEK_SET);
	dup2(file, fd);
	close(file);
	return before;
}

static inline void tool_restore(int fd, int before, char *content, size_t size)
{
	ssize_t n = content ? pread(fd, content, size - 1, 0) : 0;

	if (content)
		content[n > 0 ? n : 0] = '\0';
	dup2(before, fd);
	close(before);
}

/* arguments: at most 13, the last one NULL. */
static inline void tool_run(struct tool_run *run, struct slice input, const char *const arguments[])
{
	char texts[14][256], *argv[15] = { texts[0] };
	int argc = 1, in, out, err;

	snprintf(texts[0], sizeof texts[0], "sealine");
	for (; arguments[argc - 1]; argc++) {
		snprintf(texts[argc], sizeof texts[argc], "%s", arguments[argc - 1]);
		argv[argc] = texts[argc];
	}
	argv[argc] = NULL;
	optind = 0; /* getopt_long() begins anew */
	fflush(NULL);
	in = tool_redirect(STDIN_FILENO, input);
	out = tool_redirect(STDOUT_FILENO, SLICE(""));
	err = tool_redirect(STDERR_FILENO, SLICE(""));
	run->code = sealine_run(argc, argv);
	fflush(NULL);
	tool_restore(STDERR_FILENO, err, run->err, sizeof run->err);
	tool_restore(STDOUT_FILENO, out, run->out, sizeof run->out);
	tool_restore(STDIN_FILENO, in, NULL, 0);
}

#define TOOL_RUN(run, input, ...) tool_run(run, input, (const char *const[]){ __VA_ARGS__, NULL })
