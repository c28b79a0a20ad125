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
	struct slice state; /* directory */
	const struct slice *
		known; /* that the configuration names. The signing process reads them, and what else is in their directories and in those that links lead to: they get replaced */
	size_t n_known;
	struct slice anchor; /* one more that the server reads; empty: none */
};

/*
 * For the process that reads the network, once it has opened what it needs and before it starts threads: it may not start a
 * process, look into another one, change the system, or open a file but its database, the anchor, and what everybody may read of the
 * system's own (certificates, names, time zones). So no file with a private key; what it needs of others it asks the signing
 * process for (signer/client.h). False if the kernel has it and refuses: then nothing may be served.
 */
bool confine_server(const struct confine_files *files, struct confinement *ret_confinement);

/*
 * For the signing process: it may read those files, make and replace files in the state directory, and do little else than
 * answer; no socket, no other file.
 */
bool confine_signer(const struct confine_files *files);
