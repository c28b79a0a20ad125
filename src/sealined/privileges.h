/* Becoming another user of the system for good, before anything else is done. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/writer.h"

/*
 * Takes on the user's id, group and further groups; nothing leads back. Whoever is that user already stays as he is.
 * False: why is a clause that says what is wrong and what to do. Before there are threads.
 */
bool privileges_drop(struct slice user, struct writer *why);
