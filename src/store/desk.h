/*
 * The store's thread: takes jobs from any thread, writes them in groups (one commit for what is waiting: at
 * most 100 jobs or 10 ms), publishes what became of them, and only then gives each job back with its result.
 * So what was answered is on disk, and who has the answer finds it published.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/own.h"
#include "base/slice.h"
#include "endpoint/action.h"
#include "endpoint/aor.h"
#include "store/store.h"

enum job_kind {
	JOB_BIND,    /* a registrar's proposal: store_bind() */
	JOB_ADD,     /* store_add() */
	JOB_PASSWD,  /* store_passwd() */
	JOB_POLICY,  /* store_policy() */
	JOB_REMOVE,  /* store_remove() */
	JOB_CERTIFY, /* store_certify(), on top of whatever is published then */
};

/* Owned by whoever holds it. */
struct job {
	struct link link;
	enum job_kind kind;
	struct aor
		*wanted; /* name; BIND: version and bindings; ADD, PASSWD: digests; CERTIFY: a certificate */
	struct certify change; /* CERTIFY; its texts are the job's own */
	uint8_t fingerprint[DEVICE_HASH_SIZE];
	struct slice lines; /* POLICY; the job's own */

	/* the asker's own, untouched */
	unsigned worker;
	uint64_t question;
	void *owner;

	/* the result */
	enum err err;
	unsigned n_conflicts;
	bool is_reserved;   /* while it is on the desk */
	struct aor *aor;    /* the snapshot now, or NULL */
	account_id account; /* PASSWD, REMOVE: whose flows have to go */
};

/* Takes a reference on what is wanted. NULL without memory. */
MUST_CHECK struct job *job_new_bind(struct aor *wanted);
/* digests: NULL for JOB_REMOVE. */
MUST_CHECK struct job *job_new_account(enum job_kind kind, struct slice name, const struct account *digests);
/* Copies the lines. */
MUST_CHECK struct job *job_new_policy(struct slice name, struct slice lines);
/* Copies what the change points to. */
MUST_CHECK struct job *job_new_certify(struct slice name, const struct certify *change);
void job_free(struct job *job);
OWN(job)

/* Whom the desk tells; called on the store's thread, without a lock held. */
struct desk_user {
	void *self;
	/*
	 * Before a binding is written: whether the snapshot that was decided upon is still the one that is published;
	 * from then on it stays so until publish() or release(). ERR_CONFLICT, ERR_NOT_FOUND.
	 */
	enum err (*reserve)(void *self, const struct aor *wanted);
	void (*release)(void *self, struct slice name);
	/* What is published now, with a reference for the caller, or NULL. */
	struct aor *(*find)(void *self, struct slice name);
	/* The AOR is now this, or with aor NULL is gone. Takes a reference if it keeps one. */
	void (*publish)(void *self, struct slice name, struct aor *aor);
	/* The job with its result, handed over. */
	void (*done)(void *self, struct job *job);
	/* Something for the administrator: the disk is full, say. Text is static or lives for the call. */
	void (*trouble)(void *self, const char *text);
};

struct desk;

/* A desk without its thread: jobs may be handed over, and wait. NULL without memory. */
MUST_CHECK struct desk *desk_new(const struct desk_user *user);
/* Starts the thread. The store is the desk's from now on and is closed with it. ERR_IO: it is still the caller's. */
MUST_CHECK enum err desk_start(struct desk *desk, struct store *store);
/* Does what is queued, gives it back, and ends the thread; one that was not started forgets what is queued. */
void desk_free(struct desk *desk);
OWN(desk)

/* Hands a job over. From any thread. */
void desk_post(struct desk *desk, struct job *job);
