/*
 * What other threads have for a worker: letters of other workers' endpoints, and jobs that the store's thread
 * is done with. Posting takes a lock for the length of two assignments and wakes the worker's loop; nothing
 * is called under it.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/own.h"
#include "endpoint/letter.h"
#include "net/net.h"
#include "store/desk.h"

struct mailbox;

/* net: the loop to wake; it outlives the mailbox. NULL without memory. */
MUST_CHECK struct mailbox *mailbox_new(struct net *net);
/* With what is in it. */
void mailbox_free(struct mailbox *mailbox);
OWN(mailbox)

/* Both take over what they are given. From any thread. */
void mailbox_post(struct mailbox *mailbox, struct letter *letter);
void mailbox_post_job(struct mailbox *mailbox, struct job *job);

/* The next in the order they came, or NULL. By the owner only. */
MUST_CHECK struct letter *mailbox_take(struct mailbox *mailbox);
MUST_CHECK struct job *mailbox_take_job(struct mailbox *mailbox);
