/*
 * The signing process: forked before this one knows any secret or has touched OpenSSL, with one channel for the thread
 * that loads keys and one for each worker. It ends when the first channel is closed, so it never outlives us.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/slice.h"

enum { SIGNER_CHANNELS_MAX = 66 };

struct signer_process {
	pid_t pid;
	int fds[SIGNER_CHANNELS_MAX]; /* for signer_client_init(); the first is the one that may load keys */
	size_t n;
	int life; /* readable once the process has ended */
};

struct signer_plan {
	size_t n_channels;
	bool (*confine)(const void *self); /* called in it before the first request: false ends it */
	const void *self;
	struct slice told; /* for signer_may_tell() */
};

/* Starts it. To be called while there is one thread. ERR_LIMIT, ERR_IO. */
MUST_CHECK enum err signer_start(const struct signer_plan *plan, struct signer_process *ret_process);
/* Closes the channels and waits for its end. Does nothing for one that is zeroed. False if it has not ended well. */
bool signer_end(struct signer_process *process);
