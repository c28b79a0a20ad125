/* The schema of the database, as steps that each bring it from one version to the next and are never changed
 * again. */
#pragma once

#include <sqlite3.h>

#include "base/err.h"

/*
 * Brings the database up to date, in one transaction. ERR_CONFLICT if it is newer than this program, or not
 * ours at all; ERR_IO: sqlite3_errmsg() says why.
 */
MUST_CHECK enum err schema_migrate(sqlite3 *db);
