/*
 * The files that a configuration names for certificates, keys, trust and revocation, and whether they have changed. They are
 * looked at by path, every second: that costs a few microseconds and holds for whatever replaces them (a rename, a link
 * that is turned round, a mount, a file server), where the kernel's watches are for one inode on one machine.
 *
 * No thread, no descriptor: who owns it asks at files_due().
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/own.h"
#include "base/time.h"
#include "sealined/config.h"

struct files;

/* As they are now; to be made before they are read. The paths are the configuration's. ERR_NOMEM. */
MUST_CHECK enum err files_new(const struct config *config, ms_t mono, struct files **ret_files);
void files_free(struct files *files);
OWN(files)

/* When to look next, on the clock of struct now's mono. */
ms_t files_due(const struct files *files);

/*
 * True: something is other than it was when this was last true (or files_new()), and rests: two looks in a row have found the
 * same. Then it is time to read them all. Before files_due() it does nothing.
 */
MUST_CHECK bool files_have_changed(struct files *files, ms_t mono);
