/*
 * What the server says of itself in the log when it starts: where it listens, what is protected and what is not, and each
 * exception that the configuration makes, so that none is forgotten.
 */
#pragma once

#include "base/writer.h"

struct daemon;
struct listening;

/* "tls:127.0.0.1:5061" */
void put_listener(struct writer *out, const struct listening *listening);

/* It listens, and the accounts are still being read. */
void announce_listening(const struct daemon *daemon);
/* What is protected, what is not, and what to do next; then that we are ready, also to the service manager. */
void announce_ready(const struct daemon *daemon);
