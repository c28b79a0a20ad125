/*
 * Giving up what a running server never needs: Landlock for files, a seccomp filter for system calls, no_new_privs. What the
 * kernel does not have is left out and said; nothing is switched by an option.
 *
 * A build with a sanitizer confines nothing: its runtime opens files of /proc and starts a process of its own when it has
 * something to report, and its report would be lost.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* What is in force. */
struct confinement {
	int landlock;  /* the version of its ABI; 0: none */
	bool syscalls; /* filtered */
};

/* Where files may be opened; of paths that are not there nothing is said. */
struct confine_files {
	struct slice state; /* directory: read, written, made, removed below it */
	const struct slice *
		known; /* files that may be read, and what else is in their directories and in those that links lead to: they get replaced */
	size_t n_known;
};

/*
 * For the process that reads the network, once it has opened what it needs and before it starts threads: it may not start a
 * process, look into another one, change the system, or open a file but those, and what everybody may read of the system's
 * own (certificates, names, time zones). False if the kernel has it and refuses: then nothing may be served.
 */
bool confine_server(const struct confine_files *files, struct confinement *ret_confinement);

/* For the signing process: it may open no file and no socket, and do little else than answer. */
bool confine_signer(void);
